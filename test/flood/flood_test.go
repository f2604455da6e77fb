// Package flood holds the promise that no client can blind a sidecar: real processes under connections that say nothing, that are slow,
// or that send what is no request, while others evaluate. The counts are small; make flood has the full ones.
package flood

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

var (
	halfOpen  = flag.Int("flood.connections", 1000, "connections to each listener that say nothing, or half of something")
	malformed = flag.Int("flood.malformed", 10000, "requests to each of two listeners, together, that are none")
	slow      = flag.Int("flood.slow", 100, "clients of each listener that write slowly, and as many that do not read")
)

func TestMain(m *testing.M) {
	if text := os.Getenv(orderVariable); text != "" {
		if err := carryOut(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if kit.Race {
		*halfOpen, *malformed = *halfOpen/5, *malformed/5 // what is looked for there needs no crowd, and takes ten times as long
	}
	kit.Main(m)
}

const (
	answer = 1 << 20 // bytes of a bulk answer, far more than a connection's buffers take

	requestTime = 5 * time.Second // what a client has to send a request, or to take an answer
	late        = time.Second     // how much later its connection may end

	goodAnswer  = 5 * time.Millisecond
	goodStatus  = 100 * time.Millisecond
	noisy       = 10 // times what it takes without a flood, where that is more: the machine may be a busy one
	busy        = 10 // times as late as this process's own clock is, meanwhile
	tries       = 3
	maxMemory   = 56 << 10 // KiB resident, whatever comes: a container has 64 MiB
	maxGrown    = 12 << 10 // KiB that may be left of a flood, pages of the program that were not needed before it included
	maxLogLines = 20

	marker = "made-by-the-flood" // in all that is sent and should not be logged
)

// large is a document whose flag kit.Number is 1, and whose bulk answer costs much memory and little else.
func large() string {
	const contract = `"metadata":{"owner":"tests","kind":"permission","description":"Made by a test."}`
	var doc strings.Builder
	doc.WriteString(strings.TrimSuffix(kit.Flags(1, 0), "}}"))
	text := strings.Repeat("x", 1000)
	for i := range answer / len(text) {
		fmt.Fprintf(&doc, `,"flag-%d":{"state":"ENABLED","variants":{"it":%q},"defaultVariant":"it",%s}`, i, text, contract)
	}
	return doc.String() + "}}"
}

// address is where a listener is found.
type address struct{ Network, Where string }

func (a address) String() string { return a.Network }

func (a address) dial() (net.Conn, error) {
	conn, err := net.DialTimeout(a.Network, a.Where, kit.Patience)
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetLinger(0) // leaves no port behind that waits for a minute
	}
	return conn, err
}

// listeners gives the socket, the port beside it, and the admin's.
func listeners(t *testing.T, burgee *kit.Sidecar) (evaluation []address, admin address) {
	t.Helper()
	for _, line := range burgee.Lines("listening") {
		if where, _ := line["address"].(string); line["for"] == "tcp" {
			evaluation = append(evaluation, address{"tcp", where})
		}
	}
	if len(evaluation) != 1 {
		t.Fatalf("burgee does not listen on TCP:\n%s", burgee.Log())
	}
	return append(evaluation, address{"unix", burgee.Socket}), address{"tcp", burgee.Admin}
}

// needDescriptors skips the test where the system does not let this process open as many connections.
func needDescriptors(t *testing.T, n int) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < uint64(n) { // which the Go runtime has raised as far as it can
		t.Skipf("SKIP: %d files may be open and %d are wanted; raise the hard limit (ulimit -Hn), or ask for fewer with -flood.connections", limit.Cur, n)
	}
}

// Whatever clients do to the listeners, others are answered, and soon; then the connections end in time, memory returns, and the log has
// nothing of it.
func TestOthersNoticeNothing(t *testing.T) {
	needDescriptors(t, 2*(*halfOpen+3**slow)+500)
	shop := kit.New(t).As([]string{"GOMEMLIMIT=48MiB"})
	shop.Publish(t, large())
	burgee := shop.Start(t, "--listen", "127.0.0.1:0")
	burgee.Fresh(t, 1)
	evaluation, admin := listeners(t, burgee)

	quiet := watch(t, burgee, evaluation, func() { <-time.After(time.Second) })
	t.Logf("quiet: %s", quiet)
	memory, files := burgee.Resident(t), opened(t, burgee.PID)
	lines := strings.Count(burgee.Log(), "\n")
	for _, kind := range []kind{slowly, noisily} {
		peak := peakOf(t, burgee, func() {
			for try := 1; ; try++ {
				var report *report
				seen := watch(t, burgee, evaluation, func() {
					report = flood(t, order{kind, append(evaluation, admin), admin, *halfOpen, *malformed, *slow})
				})
				t.Logf("%s: %s", kind, seen)
				worst := cmp.Or(seen.worse(quiet), report.worse(t, seen))
				if worst == "" || kit.Race {
					break
				}
				if try == tries || t.Failed() {
					t.Errorf("%s, %d times: %s", kind, tries, worst)
					break
				}
			}
		})
		t.Logf("%s: %d KiB resident before, %d at most", kind, memory, peak)
		if peak > maxMemory && !kit.Race {
			t.Errorf("%s: %d KiB resident; want %d at most", kind, peak, maxMemory)
		}
		kit.Eventually(t, func() error {
			if n := opened(t, burgee.PID); n > files+5 {
				return fmt.Errorf("%d files are open, %d were before", n, files)
			}
			return nil
		})
	}
	burgee.Serves(t, 1, 1)
	kit.Eventually(t, func() error {
		if now := burgee.Resident(t); now > memory+maxGrown && !kit.Race {
			return fmt.Errorf("%d KiB resident, %d before", now, memory)
		}
		return nil
	})
	t.Logf("after all: %d KiB resident, %d before; of the heap %.0f KiB are in use and %.0f idle, stacks have %.0f KiB", burgee.Resident(t), memory,
		burgee.Metric(t, "go_memstats_heap_inuse_bytes")/1024,
		(burgee.Metric(t, "go_memstats_heap_idle_bytes")-burgee.Metric(t, "go_memstats_heap_released_bytes"))/1024,
		burgee.Metric(t, "go_memstats_stack_inuse_bytes")/1024)
	evicted := 0.0
	for _, a := range []string{"socket", "tcp", "admin"} {
		evicted += burgee.Metric(t, `burgee_evicted_connections_total{listener="`+a+`"}`)
	}
	t.Logf("%.0f connections gave way", evicted)
	if n := strings.Count(burgee.Log(), "\n") - lines; n > maxLogLines {
		t.Errorf("%d lines were logged; want %d at most", n, maxLogLines)
	}
	if strings.Contains(burgee.Log(), marker) {
		t.Error("the log repeats what clients sent")
	}
}

// opened is how many files a process has open; 0 where nobody says.
func opened(t *testing.T, pid int) int {
	names, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
	return len(names)
}

// peakOf gives the most that a sidecar had resident while f ran.
func peakOf(t *testing.T, burgee *kit.Sidecar, f func()) (peak int) {
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for ctx.Err() == nil {
			peak = max(peak, burgee.Resident(t))
			<-time.After(20 * time.Millisecond)
		}
	})
	f()
	cancel()
	group.Wait()
	return peak
}
