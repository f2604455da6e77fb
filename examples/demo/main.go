// Command demo does the main job on one machine, with a folder for the store: it publishes flags, serves them from a sidecar, asks over
// the socket, publishes a change, takes the store away, restarts the sidecar, and shows each step. make demo runs it; with -keep (make
// run) the sidecar stays.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/burgeehq/burgee/examples/stage"
)

func main() {
	keep := flag.Bool("keep", false, "leave the sidecar running until Ctrl-C")
	bin := flag.String("bin", "bin", "folder with burgee and burgeectl")
	flags := flag.String("flags", "examples/flags.json", "the flags to publish")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *bin, *flags, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is a folder with a key, a store, a state folder and a socket.
type demo struct {
	*stage.Stage
	flags   string
	admin   string
	out     io.Writer
	sidecar *exec.Cmd
}

func run(ctx context.Context, bin, flags string, keep bool) (err error) {
	s, err := stage.New(bin, os.Stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d := &demo{Stage: s, flags: flags, out: os.Stdout}
	if err := d.set(ctx); err != nil {
		return err
	}
	if keep {
		return d.hold(ctx)
	}
	return d.show(ctx)
}

// set makes a key, publishes the flags and starts a sidecar on them.
func (d *demo) set(ctx context.Context) error {
	d.Say("A key pair: the private half signs what is published, the public half is what sidecars trust.")
	if err := d.Ctl(ctx, "keygen", "--out", d.Path("demo")); err != nil {
		return err
	}
	d.Say("Publish %s to a store. This one is a folder; s3://bucket/prefix is the other kind.", d.flags)
	if err := os.Mkdir(d.Path("store"), 0o700); err != nil {
		return err
	}
	if err := d.publish(ctx, d.flags, "the first flags"); err != nil {
		return err
	}
	d.Say("Start the sidecar on it, and ask for a flag over its Unix socket.")
	if err := d.start(ctx); err != nil {
		return err
	}
	return d.ask(ctx, "DE", "dynamic")
}

// show goes through what may happen to a store.
func (d *demo) show(ctx context.Context) error {
	d.Say("Publish a change: Austria leaves new_pricing. The sidecar polls every second here (every 15 by default).")
	changed, err := d.changed()
	if err != nil {
		return err
	}
	if err := d.publish(ctx, changed, "Austria goes back to legacy prices"); err != nil {
		return err
	}
	if err := d.ask(ctx, "AT", "legacy"); err != nil {
		return err
	}
	d.Say("Remove the store. Answers go on; /status says how things are.")
	if err := os.RemoveAll(d.Path("store")); err != nil {
		return err
	}
	if err := d.waitStatus(ctx, `"freshness": "stale"`); err != nil {
		return err
	}
	if err := d.ask(ctx, "AT", "legacy"); err != nil {
		return err
	}
	d.Say("Restart the sidecar, still without a store: it verifies what it kept on disk and answers from that.")
	if err := d.Stop(d.sidecar); err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	if err := d.ask(ctx, "AT", "legacy"); err != nil {
		return err
	}
	if err := d.Ctl(ctx, "status", "--admin", d.admin); err != nil {
		return err
	}
	d.Say("That is all. make run leaves such a sidecar running; README.md shows the same with S3.")
	return nil
}

// hold says how to use the sidecar, and leaves it running.
func (d *demo) hold(ctx context.Context) error {
	d.Say(`The sidecar runs until Ctrl-C. From another terminal:

  curl --unix-socket %[1]s -d '{"context":{"targetingKey":"u1","country":"DE"}}' http://burgee/ofrep/v1/evaluate/flags/new_pricing
  %[2]s status --admin %[3]s
  %[2]s publish %[4]s --message "what changed" --store file://%[5]s --environment shop/demo --key %[6]s.key --author you`,
		d.Path("s.sock"), d.Program("burgeectl"), d.admin, d.flags, d.Path("store"), d.Path("demo"))
	<-ctx.Done()
	return nil
}

func (d *demo) publish(ctx context.Context, flags, message string) error {
	return d.Ctl(ctx, "publish", flags, "--message", message,
		"--store", "file://"+d.Path("store"), "--environment", "shop/demo", "--key", d.Path("demo.key"), "--author", "demo")
}

// changed writes the flags with one country less.
func (d *demo) changed() (string, error) {
	text, err := os.ReadFile(d.flags)
	if err != nil {
		return "", err
	}
	before, after := `["DE", "AT", "CH"]`, `["DE", "CH"]`
	if !strings.Contains(string(text), before) {
		return "", fmt.Errorf("%s does not hold %s, which the demo changes", d.flags, before)
	}
	name := d.Path("changed.json")
	return name, os.WriteFile(name, []byte(strings.Replace(string(text), before, after, 1)), 0o600)
}
