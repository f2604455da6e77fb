package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// start runs a sidecar on the store, with its log in a file.
func (d *demo) start(ctx context.Context) error {
	var err error
	if d.admin == "" {
		if d.admin, err = freeAddress(); err != nil {
			return err
		}
	}
	c := exec.CommandContext(ctx, filepath.Join(d.bin, "burgee"), "--store", "file://"+d.path("store"), "--environment", "shop/demo",
		"--trust-key", d.path("demo.pub"), "--state-dir", d.dir, "--socket", d.path("s.sock"), "--admin", d.admin, "--poll", "1s")
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	fmt.Fprintln(d.out, "$", quoted(c.Args), "&")
	if err := c.Start(); err != nil {
		return err
	}
	d.sidecar = c
	return nil
}

func (d *demo) stop() error {
	if d.sidecar == nil {
		return nil
	}
	c := d.sidecar
	d.sidecar = nil
	_ = c.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which Wait tells
	if err := c.Wait(); err != nil && c.ProcessState.ExitCode() > 0 {
		return fmt.Errorf("sidecar: %w", err)
	}
	return nil
}

// freeAddress finds a port that nobody listens on.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// ask evaluates new_pricing over the socket until it has the wanted variant, and shows the answer.
func (d *demo) ask(ctx context.Context, country, want string) error {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.path("s.sock"))
		},
	}}
	const url = "http://burgee/ofrep/v1/evaluate/flags/new_pricing"
	body := fmt.Sprintf(`{"context":{"targetingKey":"u1","country":%q}}`, country)
	fmt.Fprintf(d.out, "$ curl --unix-socket %s -d '%s' %s\n", d.path("s.sock"), body, url)
	var answer string
	err := eventually(ctx, func(ctx context.Context) error {
		var err error
		answer, err = do(ctx, client, http.MethodPost, url, body)
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
	err := eventually(ctx, func(ctx context.Context) error {
		page, err := do(ctx, http.DefaultClient, http.MethodGet, url, "")
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

func do(ctx context.Context, client *http.Client, method, url, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return strings.TrimSpace(string(text)), err
}
