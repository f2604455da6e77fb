package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/burgeehq/burgee/examples/snapshot/chain"
	"github.com/burgeehq/burgee/examples/stage"
)

// The flags of the shop.
const (
	price   = "price"
	pay     = "new_payment"
	coupons = "coupons"
)

// maxStaleness is how old the coupons may get.
const maxStaleness = 6 * time.Second

// publish publishes the flags with that price.
func (d *shop) publish(ctx context.Context, now int, args ...string) error {
	const contract = `"owner":"shop","emergencyAction":"Call the shop.","description":`
	document := fmt.Sprintf(`{"flags":{
  %q:{"state":"ENABLED","variants":{"now":%d},"defaultVariant":"now","metadata":{"kind":"ops",%s"The price."}},
  %q:{"state":"ENABLED","variants":{"new":"new","old":"old"},"defaultVariant":"new","metadata":{"kind":"kill-switch","safeVariant":"old",%s"Payment."}},
  %q:{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on",
    "metadata":{"kind":"ops","safeVariant":"off","failMode":"closed","maxStaleness":%q,%s"Coupons."}}}}`,
		price, now, contract, pay, contract, coupons, maxStaleness.String(), contract)
	if err := os.WriteFile(d.Path("flags.json"), []byte(document), 0o600); err != nil {
		return err
	}
	return d.Ctl(ctx, append([]string{
		"publish", d.Path("flags.json"), "--message", fmt.Sprint("the price is ", now), "--store", "file://" + d.Path("store"),
		"--environment", "shop/demo", "--key", d.Path("demo.key"), "--author", "demo",
	}, args...)...)
}

// watch sends requests until all services have a price, and tells how many were mixed.
func (d *shop) watch(ctx context.Context, c *chain.Chain, want string) error {
	requests, mixed, missed := 0, 0, 0
	for begin := time.Now(); ; requests++ {
		hops, err := c.Ask(ctx, "", price)
		switch {
		case err != nil:
			return err
		case time.Since(begin) > time.Minute:
			return fmt.Errorf("not all services have the price %s after a minute: %v", want, line(hops))
		case all(hops, want):
			d.show("at the end", hops)
			d.Print("%d requests until then: %d with two prices and no word of it; %d answers that say themselves that they are not the snapshot's", requests, mixed, missed)
			return nil
		case hops.Mixed():
			if mixed++; mixed == 1 {
				d.show("mixed", hops)
			}
		case hops.Missed() > 0:
			if missed == 0 {
				d.show("marked", hops)
			}
			missed += hops.Missed()
		}
	}
}

// until sends requests until all services have a value, and shows the last.
func (d *shop) until(ctx context.Context, c *chain.Chain, snapshot, flag, want string) error {
	var hops chain.Hops
	err := stage.Eventually(ctx, func(ctx context.Context) (err error) {
		if hops, err = c.Ask(ctx, snapshot, flag); err == nil && !all(hops, want) {
			err = fmt.Errorf("%s is %s; want %s everywhere", flag, line(hops), want)
		}
		return err
	})
	if err == nil {
		d.show(flag, hops)
	}
	return err
}

func all(hops chain.Hops, want string) bool {
	for _, hop := range hops {
		if string(hop.Value) != want {
			return false
		}
	}
	return true
}

func (d *shop) show(what string, hops chain.Hops) { d.Print("  %-12s %s", what, line(hops)) }

// line shows what each service got.
func line(hops chain.Hops) string {
	var text []string
	for _, hop := range hops {
		word := fmt.Sprintf("%d: %s", hop.Service, hop.Value)
		for _, mark := range []struct {
			there bool
			word  string
		}{
			{hop.Marks.Pin != "", "pin " + hop.Marks.Pin},
			{hop.Marks.FailClosed != "", "fails closed, " + hop.Marks.FailClosed},
			{hop.Marks.Override, "override"},
			{hop.Marks.StaleSince != "" && hop.Marks.FailClosed == "", "stale"},
		} {
			if mark.there {
				word += " (" + mark.word + ")"
			}
		}
		text = append(text, word)
	}
	return strings.Join(text, " | ")
}
