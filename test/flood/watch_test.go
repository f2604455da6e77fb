package flood

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

const (
	good      = "POST /ofrep/v1/evaluate/flags/" + kit.Number + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
	getStatus = "GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	askEvery  = 2 * time.Millisecond
	lookEvery = 20 * time.Millisecond
)

// seen is what a client who behaves saw of a sidecar, by what it did.
type seen map[string][]time.Duration

func (s seen) String() string {
	var text []string
	for what, took := range s {
		text = append(text, fmt.Sprintf("%s p50 %s, p99 %s, longest %s of %d", what, part(took, 0.5), part(took, 0.99), part(took, 1), len(took)))
	}
	slices.Sort(text)
	return strings.Join(text, "; ")
}

// part gives the duration that a share of all keeps within.
func part(took []time.Duration, share float64) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)].Round(10 * time.Microsecond)
}

// clock is how late this process's own timer was: what nobody on the machine is spared.
const clock = "clock"

// worse says what took too long, measured by a quiet time and by how late everything was.
func (s seen) worse(quiet seen) string {
	for what, took := range s {
		bound := goodAnswer
		switch what {
		case clock:
			continue
		case "/status":
			bound = goodStatus
		}
		bound = max(bound, noisy*part(quiet[what], 0.99), busy*part(s[clock], 0.99))
		if p99 := part(took, 0.99); p99 > bound {
			return fmt.Sprintf("%s took %s (p99); want %s", what, p99, bound)
		}
	}
	return ""
}

// watch evaluates steadily while f runs, on each of the listeners over a kept connection and over new ones, and looks at /status. None of
// it may fail.
func watch(t *testing.T, burgee *kit.Sidecar, at []address, f func()) seen {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var mu sync.Mutex
	all := seen{}
	steadily := func(what string, every time.Duration, do func() error) {
		group.Go(func() {
			var took []time.Duration
			tick := time.NewTicker(every)
			defer tick.Stop()
			for ctx.Err() == nil {
				began := time.Now()
				if err := do(); err != nil {
					t.Errorf("%s, the %dth time, after %s: %v", what, len(took)+1, time.Since(began), err)
					break
				}
				took = append(took, time.Since(began))
				<-tick.C
			}
			mu.Lock()
			all[what] = took
			mu.Unlock()
		})
	}
	for _, a := range at {
		kept, err := a.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = kept.Close() }() //nolint:gocritic // two listeners, and both until the watch ends
		steadily(a.Network+", kept", askEvery, func() error { return ask(kept, good) })
		steadily(a.Network+", new", askEvery, func() error { return askAnew(a, good) })
	}
	steadily("/status", lookEvery, func() error { return askForStatus(address{"tcp", burgee.Admin}) })
	group.Go(func() {
		late := lateness(ctx)
		mu.Lock()
		all[clock] = late
		mu.Unlock()
	})
	f()
	cancel()
	group.Wait()
	return all
}

// lateness looks how late a timer is, again and again.
func lateness(ctx context.Context) (late []time.Duration) {
	const nap = time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		<-time.After(nap)
		late = append(late, time.Since(began)-nap)
	}
	return late
}

// askForStatus asks again where it is told that there is no place: the admin listener has few, and a flood of clients that take nothing
// may hold all of them until the next round. That time counts.
func askForStatus(a address) error {
	for began := time.Now(); ; {
		err := askAnew(a, getStatus)
		if refused := wrongStatus(0); !errors.As(err, &refused) || refused != http.StatusServiceUnavailable || time.Since(began) > kit.Patience {
			return err
		}
	}
}

// wrongStatus is an answer's that is not 200.
type wrongStatus int

func (s wrongStatus) Error() string { return fmt.Sprintf("the status is %d; want 200", int(s)) }

func askAnew(a address, request string) error {
	conn, err := a.dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return ask(conn, request)
}

// ask sends one request and wants a good answer.
func ask(conn net.Conn, request string) error {
	if err := conn.SetDeadline(time.Now().Add(kit.Patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("answer %s: %w", body, wrongStatus(response.StatusCode))
	}
	return err
}
