package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	statusTime = 5 * time.Second
	maxStatus  = 4 << 20 // bytes
)

type status struct {
	Admin string `help:"Admin address of the sidecar." default:"127.0.0.1:8014" placeholder:"ADDR" env:"BURGEE_ADMIN"`
}

// Run asks one sidecar how it is.
func (s *status) Run(ctx context.Context, w *world, form output) error {
	raw, err := s.get(ctx)
	if err != nil {
		return err
	}
	if form == inJSON {
		_, err := fmt.Fprintf(w.stdout, "%s\n", strings.TrimSuffix(string(raw), "\n"))
		return err
	}
	var state state
	if err := json.Unmarshal(raw, &state); err != nil {
		return advised{fmt.Errorf("%s answers, but not as a sidecar: %w", s.Admin, err), exitFailed, "check --admin"}
	}
	return state.table().print(w.stdout)
}

func (s *status) get(ctx context.Context) ([]byte, error) {
	host, port, err := net.SplitHostPort(s.Admin)
	if err != nil {
		return nil, wrongly("give host:port, such as --admin 127.0.0.1:8014", "admin address %q: %w", s.Admin, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/status", nil)
	if err != nil {
		return nil, wrongly("give host:port, such as --admin 127.0.0.1:8014", "admin address %q: %w", s.Admin, err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy: a sidecar is near
	answer, err := client.Do(request)
	if err != nil {
		return nil, advised{fmt.Errorf("no answer from %s: %w", s.Admin, err), exitFailed, "is a sidecar running there? --admin names its admin address, as burgee --admin does"}
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxStatus))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", s.Admin, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, advised{fmt.Errorf("%s answers %s", s.Admin, answer.Status), exitFailed, "check --admin: something else listens there"}
	}
	return raw, nil
}

func (*status) examples() []string {
	return []string{
		`burgeectl status`,
		`burgeectl status --admin 10.0.0.7:8014 --output json`,
	}
}
