package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// idle is how many connections are kept open to one place: as many as there are requests at a time.
const idle = 64

// service is one of the chain.
type service struct {
	number  int
	bulk    bool   // it asks for all flags at once
	next    string // URL of the service that it calls; "" is none
	passing bool
	client  *http.Client
	sidecar *http.Client
}

// sidecar is a client of the one at that socket.
func sidecar(socket string) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		MaxIdleConnsPerHost: idle,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
}

// ServeHTTP evaluates flags, calls the next service, and answers with what all services got, a line each.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	snapshot := r.Header.Get(Header)
	if !s.passing {
		snapshot = ""
	}
	hops, offered, err := s.evaluate(r.Context(), r.URL.Query()["flag"], snapshot)
	if err != nil {
		http.Error(w, fmt.Sprintf("service %d: %v", s.number, err), http.StatusInternalServerError)
		return
	}
	if s.passing && snapshot == "" {
		snapshot = offered // this is all that it takes
	}
	below, err := s.call(r.Context(), r.URL.RawQuery, snapshot)
	if err != nil {
		http.Error(w, fmt.Sprintf("service %d: %v", s.number, err), http.StatusBadGateway)
		return
	}
	for _, hop := range hops {
		line, err := json.Marshal(hop)
		if err != nil {
			panic(err) // it is made of texts and numbers
		}
		_, _ = w.Write(append(line, '\n')) // a client that is gone needs no answer
	}
	_, _ = w.Write(below) //nolint:gosec // what the next service said, for a program and not for a browser
}

// call asks the next service, if there is one.
func (s *service) call(ctx context.Context, query, snapshot string) ([]byte, error) {
	if s.next == "" {
		return nil, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.next+"/?"+query, nil) //nolint:gosec // the place is the chain's own
	if err != nil {
		return nil, err
	}
	if snapshot != "" {
		request.Header.Set(Header, snapshot)
	}
	_, body, err := do(s.client, request)
	return body, err
}

// evaluate asks this service's sidecar for flags, at once or one after the other. It gives the snapshot that the first answer offers; once
// there is one, what is asked next carries it.
func (s *service) evaluate(ctx context.Context, flags []string, snapshot string) (hops Hops, offered string, err error) {
	const path = "http://sidecar/ofrep/v1/evaluate/flags"
	if s.bulk {
		var all struct{ Flags []Hop }
		header, err := s.ask(ctx, path, snapshot, &all)
		if err != nil {
			return nil, "", err
		}
		for _, flag := range flags {
			i := slices.IndexFunc(all.Flags, func(h Hop) bool { return h.Flag == flag })
			if i < 0 {
				return nil, "", fmt.Errorf("flag %q is not among all", flag)
			}
			hops = append(hops, s.hop(header, all.Flags[i]))
		}
		return hops, header.Get(Header), nil
	}
	for _, flag := range flags {
		var hop Hop
		header, err := s.ask(ctx, path+"/"+flag, snapshot, &hop)
		if err != nil {
			return nil, "", err
		}
		if offered == "" {
			offered = header.Get(Header)
		}
		if s.passing && snapshot == "" {
			snapshot = offered
		}
		hops = append(hops, s.hop(header, hop))
	}
	return hops, offered, nil
}

// ask sends one question, and reads the answer.
func (s *service) ask(ctx context.Context, url, snapshot string, answer any) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"context":{"targetingKey":"somebody"}}`)) //nolint:gosec // the place is the sidecar
	if err != nil {
		return nil, err
	}
	if snapshot != "" {
		request.Header.Set(Header, snapshot)
	}
	header, body, err := do(s.sidecar, request)
	if err != nil {
		return nil, err
	}
	return header, json.Unmarshal(body, answer)
}

// hop completes what an answer's body says with what its headers do.
func (s *service) hop(header http.Header, hop Hop) Hop {
	hop.Service, hop.Snapshot = s.number, header.Get(Header)
	hop.Revision, _ = strconv.ParseInt(header.Get("Burgee-Revision"), 10, 64) // 0 is none
	return hop
}

// do sends a request, and wants a good answer.
func do(client *http.Client, request *http.Request) (http.Header, []byte, error) {
	response, err := client.Do(request) //nolint:gosec // the places are the chain's own and the sidecar's
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s says %d: %s", request.URL.Host, response.StatusCode, body)
	}
	return response.Header, body, err
}
