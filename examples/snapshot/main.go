// Command snapshot shows what a snapshot is good for: one request passes five services, each with a sidecar of its own, while flags
// change, while one is killed, and while the store is away. make demo-snapshot runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/burgeehq/burgee/examples/snapshot/chain"
	"github.com/burgeehq/burgee/examples/stage"
)

func main() {
	bin := flag.String("bin", "bin", "folder with burgee and burgeectl")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *bin)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo-snapshot:", err)
		os.Exit(1)
	}
}

const services = 5

// shop is five services in a row, twice: with passes snapshots on, and without does not.
type shop struct {
	*stage.Stage
	with, without *chain.Chain
}

func run(ctx context.Context, bin string) (err error) {
	s, err := stage.New(bin, os.Stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d := &shop{Stage: s}
	if err := d.set(ctx); err != nil {
		return err
	}
	defer d.with.Close()
	defer d.without.Close()
	for _, step := range []func(context.Context) error{d.changeWithout, d.changeWith, d.changeAtOnce, d.kill, d.outage} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.Say("That is all. docs/consistency.md tells what is promised, and how a service takes part.")
	return nil
}

// set publishes the first flags, and starts sidecars and services.
func (d *shop) set(ctx context.Context) error {
	d.Say("A shop of %d services that call each other in a row. Each has a sidecar; they poll the store every 1.0 to 3.0 s.", services)
	if err := d.Ctl(ctx, "keygen", "--out", d.Path("demo")); err != nil {
		return err
	}
	if err := os.Mkdir(d.Path("store"), 0o700); err != nil {
		return err
	}
	if err := d.publish(ctx, 1); err != nil {
		return err
	}
	var sockets []string
	for i := range services {
		folder := d.Path(fmt.Sprint("sidecar", i+1))
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		sockets = append(sockets, folder+"/s.sock")
		if _, err := d.Start(ctx, "--store", "file://"+d.Path("store"), "--environment", "shop/demo", "--trust-key", d.Path("demo.pub"),
			"--state-dir", folder, "--socket", folder+"/s.sock", "--admin", "off", "--poll", (time.Second * time.Duration(2+i) / 2).String()); err != nil {
			return err
		}
	}
	var err error
	if d.without, err = chain.Start(sockets, false); err != nil {
		return err
	}
	if d.with, err = chain.Start(sockets, true); err != nil {
		return err
	}
	return d.until(ctx, d.without, "", price, "1")
}

// changeWithout lets requests go through without snapshots while a price changes.
func (d *shop) changeWithout(ctx context.Context) error {
	d.Say("The price changes from 1 to 2. Each sidecar has it with its next poll, and requests pass meanwhile, without snapshots.")
	if err := d.publish(ctx, 2); err != nil {
		return err
	}
	return d.watch(ctx, d.without, "2")
}

// changeWith does the same with snapshots.
func (d *shop) changeWith(ctx context.Context) error {
	d.Say("The same from 2 to 3, with snapshots: the first service passes on what its sidecar's answer offers, in one header.")
	if err := d.publish(ctx, 3); err != nil {
		return err
	}
	return d.watch(ctx, d.with, "3")
}

// changeAtOnce lets the fleet switch at one moment.
func (d *shop) changeAtOnce(ctx context.Context) error {
	d.Say("And from 3 to 4 with --settle, at one moment for all: no snapshot is ahead of anybody.")
	if err := d.publish(ctx, 4, "--settle", "5s"); err != nil {
		return err
	}
	return d.watch(ctx, d.with, "4")
}

// kill kills a flag under requests that have a snapshot from before.
func (d *shop) kill(ctx context.Context) error {
	d.Say("Something is wrong with the new payment. A kill is seen on every hop, also by requests that have a snapshot from before it.")
	before, err := d.with.Ask(ctx, "", pay)
	if err != nil {
		return err
	}
	d.show("before", before)
	if err := d.Ctl(ctx, "kill", pay, "--message", "customers are charged twice", "--store", "file://"+d.Path("store"),
		"--environment", "shop/demo", "--key", d.Path("demo.key"), "--author", "oncall"); err != nil {
		return err
	}
	return d.until(ctx, d.with, before.Snapshot(), pay, `"old"`)
}

// outage takes the store away for longer than one flag allows.
func (d *shop) outage(ctx context.Context) error {
	d.Say("The store goes away. The price goes on; the coupons, which may not be older than %v, answer their safe variant.", maxStaleness)
	if err := os.Rename(d.Path("store"), d.Path("away")); err != nil {
		return err
	}
	if err := d.until(ctx, d.with, "", coupons, "false"); err != nil {
		return err
	}
	if err := d.until(ctx, d.with, "", price, "4"); err != nil {
		return err
	}
	d.Say("It is back.")
	if err := os.Rename(d.Path("away"), d.Path("store")); err != nil {
		return err
	}
	return d.until(ctx, d.with, "", coupons, "true")
}
