package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/burgeehq/burgee/examples/stage"
)

// start runs a sidecar on the store.
func (d *demo) start(ctx context.Context) error {
	var err error
	if d.admin == "" {
		if d.admin, err = stage.FreeAddress(); err != nil {
			return err
		}
	}
	d.sidecar, err = d.Start(ctx, "--store", "file://"+d.Path("store"), "--environment", "shop/demo",
		"--trust-key", d.Path("demo.pub"), "--state-dir", d.Dir, "--socket", d.Path("s.sock"), "--admin", d.admin, "--poll", "1s")
	return err
}

// ask evaluates new_pricing over the socket until it has the wanted variant, and shows the answer.
func (d *demo) ask(ctx context.Context, country, want string) error {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.Path("s.sock"))
		},
	}}
	const url = "http://burgee/ofrep/v1/evaluate/flags/new_pricing"
	body := fmt.Sprintf(`{"context":{"targetingKey":"u1","country":%q}}`, country)
	fmt.Fprintf(d.out, "$ curl --unix-socket %s -d '%s' %s\n", d.Path("s.sock"), body, url)
	var answer string
	err := stage.Eventually(ctx, func(ctx context.Context) error {
		var err error
		answer, err = stage.Do(ctx, client, http.MethodPost, url, body)
		if err == nil && !strings.Contains(answer, `"variant":"`+want+`"`) {
			err = fmt.Errorf("got %s; want variant %s", answer, want)
		}
		return err
	})
	fmt.Fprintln(d.out, answer)
	return err
}

// waitStatus waits until /status says something, and shows that line.
func (d *demo) waitStatus(ctx context.Context, want string) error {
	url := "http://" + d.admin + "/status"
	fmt.Fprintf(d.out, "$ curl %s\n", url)
	err := stage.Eventually(ctx, func(ctx context.Context) error {
		page, err := stage.Do(ctx, http.DefaultClient, http.MethodGet, url, "")
		if err == nil && !strings.Contains(page, want) {
			err = fmt.Errorf("status is %s; want %s", page, want)
		}
		return err
	})
	if err == nil {
		fmt.Fprintln(d.out, " ", "…", want, "…")
	}
	return err
}
