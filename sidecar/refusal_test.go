package sidecar

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A refusal reaches who sends all of a request before looking at what comes back.
func TestARefusalReachesWhoIsStillSending(t *testing.T) {
	large := strings.Repeat("x", 1000000)
	for _, one := range narrow(t, evaluationLimits, longWaits) {
		for name, row := range map[string]struct {
			raw    string
			status int
		}{
			"body":    {"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + large, 413},
			"chunk":   {"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nF4240\r\n" + large + "\r\n0\r\n\r\n", 413},
			"header":  {"POST /x HTTP/1.1\r\nHost: localhost\r\nX: " + large + "\r\n\r\n", 431},
			"garbage": {"\x16\x03\x01 " + large + "\r\n\r\n" + large[:10000], 431},
			"line":    {"no request\r\n\r\n" + large, 400},
			"HTTP/2":  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + large, 505},
			"folded":  {"POST /x HTTP/1.1\r\nHost: localhost\r\nX: 1\r\n 2\r\n\r\n" + large, 400},
		} {
			conn := open(t, one)
			if _, err := io.WriteString(conn, row.raw); err != nil {
				t.Errorf("%s over %s: sending: %v; want it taken", name, one.name, err)
				continue
			}
			status, header, body := receive(t, bufio.NewReader(conn))
			if status != row.status || !json.Valid([]byte(body)) || !strings.Contains(body, `"errorDetails":"`) || header.Get("Connection") != "close" {
				t.Errorf("%s over %s: %d %v %s; want %d, JSON and the end", name, one.name, status, header, body, row.status)
			}
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // a connection gives it as it is
				t.Errorf("%s over %s: after the answer: %v; want its end", name, one.name, err)
			}
		}
	}
}

// Nobody is read from for longer than a while, or for more than so much.
func TestARefusedClientIsNotReadForEver(t *testing.T) {
	for _, one := range narrow(t, evaluationLimits, longWaits) {
		for _, pause := range []time.Duration{0, 20 * time.Millisecond} {
			conn := open(t, one)
			send(t, conn, "no request\r\n\r\n")
			began, sent := time.Now(), 0
			for block := make([]byte, 64<<10); ; sent += len(block) {
				if _, err := conn.Write(block); err != nil {
					break
				}
				if pause > 0 {
					<-time.After(pause)
					block = block[:1]
				}
			}
			if took := time.Since(began); sent > 16*lingerSize || took > 10*lingerTime {
				t.Errorf("%s: a refused client could send %d bytes in %s", one.name, sent, took)
			}
		}
	}
}

// Who asks before sending a body that is too large is told so, and not to go on.
func TestATooLargeBodyIsRefusedBeforeItIsSent(t *testing.T) {
	for _, one := range narrow(t, evaluationLimits, longWaits) {
		for length, want := range map[int]int{evaluationLimits.body: 100, evaluationLimits.body + 1: 413} {
			conn := open(t, one)
			send(t, conn, fmt.Sprintf("POST %s/on HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", flagsPath, length))
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, fmt.Sprintf("HTTP/1.1 %d ", want)) {
				t.Errorf("%s: a body of %d bytes: %q (%v); want %d", one.name, length, line, err, want)
			}
		}
	}
}

// The first bytes of a request have the time of a request, also where they came together with the one before.
func TestHalfAPipelinedRequestTimesOut(t *testing.T) {
	w := longWaits
	w.request = patrolRound
	for _, one := range narrow(t, evaluationLimits, w) {
		for _, half := range []string{"P", "POST " + flagsPath + "/on HTTP/1.1\r\nHost: lo", goodRequest[:len(goodRequest)-1]} {
			conn := open(t, one)
			send(t, conn, goodRequest+half)
			from := bufio.NewReader(conn)
			if status, _, body := receive(t, from); status != http.StatusOK {
				t.Errorf("%s: %d %s; want 200", one.name, status, body)
			}
			if status, _, body := receive(t, from); status != http.StatusRequestTimeout {
				t.Errorf("%s: %d %s after %q; want 408", one.name, status, body, half)
			}
		}
	}
}

// However a request in chunks spells their sizes, there is an end to it.
func TestChunksMayNotBeSpelledForEver(t *testing.T) {
	for _, one := range narrow(t, evaluationLimits, longWaits) {
		conn := open(t, one)
		send(t, conn, "POST "+flagsPath+"/on HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2;")
		go func() { _, _ = io.WriteString(conn, strings.Repeat("x", 4*maxUnanswered)) }()
		if status, _, body := receive(t, bufio.NewReader(conn)); status != http.StatusRequestEntityTooLarge && status != http.StatusBadRequest {
			t.Errorf("%s: %d %s; want a refusal", one.name, status, body)
		}
	}
}

// Whoever stands between a client and the sidecar must see requests end where the sidecar does: what is not plain is refused, and
// nothing behind it is taken for a request.
func TestWhatIsFramedStrangelyIsRefused(t *testing.T) {
	smuggled := goodRequest
	for _, one := range narrow(t, evaluationLimits, longWaits) {
		for name, head := range map[string]string{
			"both lengths":              "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"both lengths, other order": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
			"both lengths, any case":    "tRANSFER-eNCODING: Chunked\r\ncONTENT-lENGTH: 5\r\n\r\n0\r\n\r\n",
			"two lengths":               "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
			"one length twice":          "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
			"lengths in a list":         "Content-Length: 2, 2\r\n\r\n{}",
			"a length with a sign":      "Content-Length: +2\r\n\r\n{}",
			"a negative length":         "Content-Length: -1\r\n\r\n{}",
			"a length beyond numbers":   "Content-Length: 99999999999999999999999\r\n\r\n{}",
			"a length in hexadecimal":   "Content-Length: 0x2\r\n\r\n{}",
			"a length before a space":   "Content-Length : 2\r\n\r\n{}",
			"a folded length":           "Content-Length:\r\n 2\r\n\r\n{}",
			"a folded header":           "X: 1\r\n\t2\r\nContent-Length: 2\r\n\r\n{}",
			"a folded encoding":         "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
			"two encodings":             "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
			"two encodings in lines":    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"no encoding":               "Transfer-Encoding: identity\r\n\r\n",
			"another encoding":          "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
			"an encoding that is odd":   "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
			"a control character":       "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
			"a chunk with a sign":       "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
			"a negative chunk":          "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
			"a chunk with a prefix":     "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
			"a chunk with underscores":  "Transfer-Encoding: chunked\r\n\r\n0_2\r\n{}\r\n0\r\n\r\n",
			"a chunk beyond numbers":    "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n",
			"a chunk beyond the limit":  "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n{}\r\n0\r\n\r\n",
			"a chunk without an end":    "Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
			"a chunk's bare line feed":  "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
			"a line feed in extensions": "Transfer-Encoding: chunked\r\n\r\n2;x\n{}\r\n0\r\n\r\n",
			"a length in the trailer":   "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
			"a trailer beyond limits":   "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + strings.Repeat("x", 20000) + "\r\n\r\n",
			"two hosts":                 "Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
		} {
			conn := open(t, one)
			send(t, conn, "POST "+flagsPath+"/on HTTP/1.1\r\nHost: localhost\r\n"+head+smuggled)
			from := bufio.NewReader(conn)
			status, _, body := receive(t, from)
			if status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge && status != http.StatusRequestHeaderFieldsTooLarge || !json.Valid([]byte(body)) {
				t.Errorf("%s over %s: %d %s; want a refusal", name, one.name, status, body)
			}
			if more, err := io.ReadAll(from); err != nil || len(more) > 0 {
				t.Errorf("%s over %s: then came %.40q (%v); want the end", name, one.name, more, err)
			}
		}
		for name, head := range map[string]string{
			"chunks":                 "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
			"chunks, any case":       "transfer-encoding: CHUNKED\r\n\r\n2;x=1\r\n{}\r\n0\r\nX: 1\r\n\r\n",
			"no chunk":               "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"a form, of that length": "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 2\r\n\r\n{}",
		} {
			conn := open(t, one)
			send(t, conn, "POST "+flagsPath+"/on HTTP/1.1\r\nHost: localhost\r\n"+head+smuggled)
			for from := bufio.NewReader(conn); ; {
				if status, _, body := receive(t, from); status != http.StatusOK {
					t.Errorf("%s over %s: %d %s; want 200", name, one.name, status, body)
				}
				if from.Buffered() == 0 {
					break
				}
			}
			evaluates(t, conn)
		}
	}
}

// A version that is not spoken is named, not taken for something else.
func TestOtherVersions(t *testing.T) {
	_, socket, listen, admin := run(t)
	for _, at := range [][2]string{{"unix", socket}, {"tcp", listen}, {"tcp", admin}} {
		got := exchange(t, at[0], at[1], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		if !strings.HasPrefix(got, "HTTP/1.1 505 ") || !strings.Contains(got, "speaks HTTP/1.1, not HTTP/2.0") {
			t.Errorf("the preface of HTTP/2 over %s: %q; want 505", at[0], got)
		}
	}
}
