package flood

import (
	"bufio"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

const (
	atOnce   = 2                    // connections that are opened to one listener at a time
	pace     = 5 * time.Millisecond // between slow clients
	pipeline = 100
	greed    = 20 // bulk answers that somebody asks for and does not take
	bulk     = "POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
	half     = "POST /ofrep/v1/evaluate/flags/number HTTP/1.1\r\nHost: localhost\r\nX-Mark: " + marker
)

// spread calls f n times, a few at once, and waits.
func spread(n int, f func(i int)) {
	var group sync.WaitGroup
	var next atomic.Int64
	for range atOnce {
		group.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				f(i)
			}
		})
	}
	group.Wait()
}

// slowClients are many that say nothing, or half of a request; some that send a byte a second; and some that take no answer.
func slowClients(o order, r *report, a address) {
	var group sync.WaitGroup
	group.Go(func() {
		spread(o.HalfOpen, func(i int) {
			conn, err := a.dial()
			if err != nil {
				r.fault("%s: %v", a, err)
				return
			}
			began := time.Now()
			if i%2 == 0 {
				_, _ = io.WriteString(conn, half) // it may have given way already
			}
			group.Go(func() { r.ends(a, conn, began, "half a request") })
		})
	})
	for range o.Slow {
		<-time.After(pace)
		group.Go(func() { dribble(r, a) })
		if a != o.Admin { // which has little to take
			group.Go(func() { takeNothing(r, a) })
		}
	}
	group.Wait()
}

// dribble sends a byte a second.
func dribble(r *report, a address) {
	conn, err := a.dial()
	if err != nil {
		r.fault("%s: %v", a, err)
		return
	}
	began := time.Now()
	var group sync.WaitGroup
	group.Go(func() {
		for i := range half {
			if _, err := conn.Write([]byte{half[i]}); err != nil {
				return
			}
			<-time.After(time.Second)
		}
	})
	r.ends(a, conn, began, "a byte a second")
	group.Wait()
}

// takeNothing asks for much and reads nothing. What it sends then, now and then, tells it when its connection has ended.
func takeNothing(r *report, a address) {
	conn, err := a.dial()
	if err != nil {
		r.fault("%s: %v", a, err)
		return
	}
	defer func() { _ = conn.Close() }()
	began := time.Now()
	_ = conn.SetWriteDeadline(began.Add(kit.Patience))
	for _, err = io.WriteString(conn, strings.Repeat(bulk, greed)); err == nil; _, err = io.WriteString(conn, "\r\n") {
		<-time.After(50 * time.Millisecond)
	}
	r.add("taking nothing", a, began)
}

// noise is whatever is no request: each on a connection of its own, and each connection ends in time.
func noise(o order, r *report, a address) {
	random := rand.New(rand.NewPCG(1, uint64(len(a.Network))))
	junk := make([]byte, 64<<10)
	for i := range junk {
		junk[i] = byte(random.Uint32())
	}
	million := strings.Repeat("x", 1_000_000)
	sorts := []func() string{
		func() string { return "" },
		func() string { return marker + "\r\n\r\n" },
		func() string { return marker + " " + marker + " " + marker + "\r\n\r\n" },
		func() string { return "GET /" + marker + " HTTP/1.1\r\n\r\n" },
		func() string { return "POST / HTTP/9.9\r\nHost: localhost\r\n\r\n" },
		func() string { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00" },
		func() string { return "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + marker + "\r\n\r\n" },
		func() string { return "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + marker + "\r\n\r\n" },
		func() string {
			return "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + marker
		},
		func() string { return "POST / HTTP/1.1\r\nHost: localhost\r\n" + marker + "\r\n\r\n" },
		func() string { return "POST / HTTP/1.1\r\nHost: " + marker + "\r\nHost: x\r\n\r\n" },
		func() string { return "\r\n\r\n\r\n\x00" + marker + "\r\n\r\n" },
	}
	spread(o.Malformed/2, func(i int) {
		raw := sorts[i%len(sorts)]()
		if raw == "" {
			from := i % (len(junk) / 2)
			raw = marker + string(junk[from:from+i%512]) + "\r\n\r\n"
		}
		told(r, a, raw)
	})
	spread(20, func(int) {
		told(r, a, "POST /ofrep/v1/evaluate/flags/number HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"+million)
		told(r, a, "POST /ofrep/v1/evaluate/flags/number HTTP/1.1\r\nHost: localhost\r\nX: "+million+"\r\n\r\n")
		if a.Network == "unix" {
			piped(r, a)
		}
	})
}

// told sends what is no request, all of it, and wants a refusal in JSON before the end.
func told(r *report, a address, raw string) {
	conn, err := a.dial()
	if err != nil {
		r.fault("%s: %v", a, err)
		return
	}
	defer func() { _ = conn.Close() }()
	began := time.Now()
	_ = conn.SetDeadline(began.Add(kit.Patience))
	if _, err := io.WriteString(conn, raw); err != nil {
		r.fault("%.60q over %s: sending: %v", raw, a, err)
		return
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		r.fault("%.60q over %s: %v; want a refusal", raw, a, err)
		return
	}
	body, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if response.StatusCode < 400 || response.StatusCode > 505 || len(body) == 0 || body[0] != '{' {
		r.fault("%.60q over %s: %d %s; want a refusal in JSON", raw, a, response.StatusCode, body)
	}
	r.ends(a, conn, began, "what is no request")
}

// piped sends many requests in one piece, and wants as many answers.
func piped(r *report, a address) {
	conn, err := a.dial()
	if err != nil {
		r.fault("%s: %v", a, err)
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(kit.Patience))
	if _, err := io.WriteString(conn, strings.Repeat(good, pipeline)); err != nil {
		r.fault("%s: %v", a, err)
		return
	}
	from := bufio.NewReader(conn)
	for i := range pipeline {
		response, err := http.ReadResponse(from, nil)
		if err != nil || response.StatusCode != http.StatusOK {
			r.fault("the %dth of %d requests in one piece over %s: %v, %v", i+1, pipeline, a, response, err)
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}
