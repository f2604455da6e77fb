// Package chain is an application of services that call each other in a row, each of which asks a sidecar of its own for flags. The first
// takes the snapshot that its sidecar offers, and each passes it on to the next; or they do not, to see what comes of that. It needs
// nothing of Burgee: two headers and a socket are all.
package chain

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Header carries the snapshot: from a sidecar to its service, from there to the next, and from each to its sidecar.
const Header = "Burgee-Snapshot"

// patience bounds what a service waits for.
const patience = 10 * time.Second

// Chain is such an application, running.
type Chain struct {
	first   string
	client  *http.Client
	servers []*http.Server
	serving sync.WaitGroup
}

// Start starts a service beside each of the sidecars, given by their sockets. With passing they pass the snapshot on.
func Start(sockets []string, passing bool) (*Chain, error) {
	c := &Chain{client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: idle}}}
	for i := len(sockets) - 1; i >= 0; i-- { // the last first, so that each can be told where the next is
		s := &service{number: i + 1, next: c.first, passing: passing, client: c.client, sidecar: sidecar(sockets[i]), bulk: i%2 == 1}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			c.Close()
			return nil, err
		}
		server := &http.Server{Handler: s, ReadHeaderTimeout: patience}
		c.first = "http://" + ln.Addr().String()
		c.servers = append(c.servers, server)
		c.serving.Go(func() { _ = server.Serve(ln) }) // ends with Close
	}
	return c, nil
}

// Close ends all services, and waits until they have ended.
func (c *Chain) Close() {
	for _, server := range c.servers {
		_ = server.Close() // nothing is left to lose
		server.Handler.(*service).sidecar.CloseIdleConnections()
	}
	c.client.CloseIdleConnections()
	c.serving.Wait()
}

// Ask sends a request through all services, each of which evaluates these flags. The snapshot is one that the request brings along, as from
// a page that was loaded before; "" is none.
func (c *Chain) Ask(ctx context.Context, snapshot string, flags ...string) (Hops, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.first+"/?"+url.Values{"flag": flags}.Encode(), nil)
	if err != nil {
		return nil, err
	}
	if snapshot != "" {
		request.Header.Set(Header, snapshot)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	var hops Hops
	for lines := bufio.NewReader(response.Body); ; {
		var hop Hop
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			break
		}
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("status %d: %s", response.StatusCode, line)
		}
		if err := json.Unmarshal(line, &hop); err != nil {
			return nil, fmt.Errorf("a service said %q: %w", line, err)
		}
		hops = append(hops, hop)
	}
	if want := len(c.servers) * len(flags); len(hops) != want {
		return nil, fmt.Errorf("%d evaluations came back; want %d", len(hops), want)
	}
	return hops, nil
}
