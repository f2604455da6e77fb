package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	maxFlag   = 1 << 20          // bytes of the answer for one flag
	maxValues = 16 << 20         // bytes of the answer for many
	maxHeader = 16 << 10         // bytes of an answer's header
	keptIdle  = 90 * time.Second // less than the 180 s after which a sidecar closes
)

// line is the way to a sidecar: bounded connections that are kept, a bounded wait, bounded answers.
type line struct {
	transport *http.Transport
	host      string
	timeout   time.Duration
	rest      rest
}

func newLine(c Config) *line {
	dialer := net.Dialer{Timeout: c.Timeout} // a dial goes on without the call that wanted it
	network, address, host := "tcp", c.Address, c.Address
	if c.Socket != "" {
		network, address, host = "unix", c.Socket, "burgee"
	}
	return &line{
		host:    host,
		timeout: c.Timeout,
		transport: &http.Transport{
			// No Proxy: what the environment names for the world must not be asked for the machine's own sidecar.
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, address)
			},
			MaxConnsPerHost:        c.Connections,
			MaxIdleConnsPerHost:    c.Connections,
			IdleConnTimeout:        keptIdle,
			MaxResponseHeaderBytes: maxHeader,
			DisableCompression:     true,
		},
	}
}

// reply is what came: a whole body, not looked at yet.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask posts a body and reads the answer, as the context's snapshot. The error is ErrAway or ErrAnswer, or the context's own.
func (l *line) ask(ctx context.Context, path *url.URL, body []byte, limit int64) (reply, error) {
	if !l.rest.allow() {
		return reply{}, fmt.Errorf("%w: the last %d calls had no answer within %s; it is asked again once a second", ErrAway, restAfter, l.timeout)
	}
	bounded, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	r, err := l.exchange(bounded, path, body, limit)
	switch {
	case err == nil:
		l.rest.answered()
		return r, nil
	case ctx.Err() != nil:
		return reply{}, context.Cause(ctx) // the caller went away, which tells nothing about the sidecar
	case bounded.Err() != nil:
		l.rest.timedOut()
		return reply{}, fmt.Errorf("%w: no answer within %s", ErrAway, l.timeout)
	}
	if !isTimeout(err) { // it failed at once, which nobody waited for: whatever this is, it does not hang
		l.rest.answered()
	}
	if errors.Is(err, ErrAnswer) {
		return reply{}, err
	}
	return reply{}, fmt.Errorf("%w: %w", ErrAway, err)
}

// isTimeout tells whether an error may be that of a sidecar that hangs: the queue of its socket is full then, which is an error at once.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// exchange is one round trip. A connection that was kept may have died: then, and only then, the transport asks again on another, which an
// Idempotency-Key allows it to; an empty one is not sent.
func (l *line) exchange(ctx context.Context, path *url.URL, body []byte, limit int64) (r reply, err error) {
	path.Scheme, path.Host = "http", l.host
	request := (&http.Request{
		Method:        http.MethodPost,
		URL:           path,
		Header:        http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
		ContentLength: int64(len(body)),
	}).WithContext(ctx)
	if s, found := From(ctx); found {
		request.Header[Header] = []string{s.String()}
	}
	response, err := l.transport.RoundTrip(request)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read; what is left of it costs its connection
	r = reply{status: response.StatusCode, header: response.Header}
	r.body, err = readAll(response, limit)
	return r, err
}

func readAll(response *http.Response, limit int64) ([]byte, error) {
	if response.ContentLength > limit {
		return nil, fmt.Errorf("%w: it has %d bytes; at most %d are read", ErrAnswer, response.ContentLength, limit)
	}
	var body bytes.Buffer
	if response.ContentLength > 0 {
		body.Grow(int(response.ContentLength) + bytes.MinRead) // less would be doubled to find the end
	}
	n, err := body.ReadFrom(io.LimitReader(response.Body, limit+1))
	if err == nil && n > limit {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrAnswer, limit)
	}
	return body.Bytes(), err
}
