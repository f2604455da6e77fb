//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// check tells whether an answer to a request is right.
type check func(request int, body []byte) bool

func anyAnswer(int, []byte) bool { return true }

// sameAnswers wants each request to be answered as it was the first time.
func sameAnswers(requests int) check {
	first := make([]atomic.Pointer[[]byte], requests)
	return func(request int, body []byte) bool {
		if seen := first[request].Load(); seen != nil {
			return bytes.Equal(*seen, body)
		}
		kept := bytes.Clone(body)
		first[request].Store(&kept)
		return true
	}
}

const (
	warming = iota
	measuring
	ending
)

// load asks a server from so many connections for a while, each sending its next request when it has the answer to the last. An answer
// that fails or is wrong is an error.
func load(p *process, requests [][]byte, conns int, warmup, window time.Duration, right check) (figures, error) {
	var phase atomic.Int32
	var group sync.WaitGroup
	times := make([][]time.Duration, conns)
	failures := make([]error, conns)
	for i := range conns {
		group.Go(func() { times[i], failures[i] = loadFrom(p.socket, requests, i*7, &phase, right) })
	}
	wait(warmup)
	cpu, start := p.cpu(), time.Now()
	phase.Store(measuring)
	wait(window)
	phase.Store(ending)
	took, used := time.Since(start), p.cpu()-cpu
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return figures{}, err
	}
	return summarize(times, took, used)
}

// loadFrom is the share of one connection.
func loadFrom(socket string, requests [][]byte, first int, phase *atomic.Int32, right check) ([]time.Duration, error) {
	c, err := dial(socket)
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.run(requests, first, phase, right)
}

func wait(d time.Duration) { <-time.After(d) }

// client is one connection.
type client struct {
	conn net.Conn
	buf  []byte
}

func dial(socket string) (*client, error) {
	conn, err := net.DialTimeout("unix", socket, 2*time.Second)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, buf: make([]byte, 256<<10)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

func (c *client) run(requests [][]byte, next int, phase *atomic.Int32, right check) ([]time.Duration, error) {
	times := make([]time.Duration, 0, 1<<18)
	for {
		now := phase.Load()
		if now == ending {
			return times, nil
		}
		i := next % len(requests)
		start := time.Now()
		body, err := c.do(requests[i])
		took := time.Since(start)
		if err != nil {
			return nil, err
		}
		if !right(i, body) {
			return nil, fmt.Errorf("another answer than before: %.300s", body)
		}
		if now == measuring {
			times = append(times, took)
		}
		next++
	}
}

var (
	lineEnd    = []byte("\r\n")
	headEnd    = []byte("\r\n\r\n")
	statusGood = []byte("HTTP/1.1 200 ")
	length     = []byte("Content-Length: ")
)

// do sends a request and reads its answer, which stays valid until the next call.
func (c *client) do(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	n, head := 0, -1
	for head < 0 {
		if n == len(c.buf) {
			return nil, errors.New("the answer's head does not end")
		}
		m, err := c.conn.Read(c.buf[n:])
		if err != nil {
			return nil, err
		}
		n += m
		head = bytes.Index(c.buf[:n], headEnd)
	}
	if !bytes.HasPrefix(c.buf, statusGood) {
		return nil, fmt.Errorf("answer: %.300s", c.buf[:n])
	}
	size, err := bodySize(c.buf[:head+len(lineEnd)])
	if err != nil {
		return nil, err
	}
	start := head + len(headEnd)
	if start+size > len(c.buf) {
		return nil, fmt.Errorf("an answer of %d bytes is more than the client takes", size)
	}
	for n < start+size {
		m, err := c.conn.Read(c.buf[n:])
		if err != nil {
			return nil, err
		}
		n += m
	}
	return c.buf[start:n], nil
}

func bodySize(head []byte) (int, error) {
	_, rest, found := bytes.Cut(head, length)
	digits, _, ended := bytes.Cut(rest, lineEnd)
	if !found || !ended {
		return 0, fmt.Errorf("no Content-Length in %q", head)
	}
	return strconv.Atoi(string(digits))
}
