package flood

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// orderVariable has a flood's order, in the environment of the process that carries it out.
const orderVariable = "BURGEE_TEST_FLOOD"

// order says what a flood is made of.
type order struct {
	Kind                      kind
	At                        []address
	Admin                     address // one of them
	HalfOpen, Malformed, Slow int
}

type kind string

const (
	slowly    kind = "slow clients"
	noisily   kind = "noise"
	maxFaults      = 10 // that are told
	humble         = 10 // the niceness of a flood, since a container has a share of the processor of its own, and this machine is one
)

// report is what a flood saw: how long its connections lasted at most, by their kind, and what was not as it should be.
type report struct {
	Worst  map[string]time.Duration
	Faults []string

	mu sync.Mutex
}

func (r *report) add(what string, a address, began time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what += " over " + a.Network
	r.Worst[what] = max(r.Worst[what], time.Since(began))
}

func (r *report) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
	}
}

// ends waits for the end of a connection, however it comes.
func (r *report) ends(a address, conn net.Conn, began time.Time, what string) {
	_ = conn.SetReadDeadline(began.Add(kit.Patience))
	_, _ = io.Copy(io.Discard, conn)
	r.add(what, a, began)
	_ = conn.Close()
}

// worse says where a connection ended too late. A machine that gives nobody a turn lets that be seen later than it was.
func (r *report) worse(t *testing.T, seen seen) (worst string) {
	t.Helper()
	bound := requestTime + late + 2*part(seen[clock], 1)
	for what, took := range r.Worst {
		t.Logf("%s: the last connection ended after %s", what, took.Round(time.Millisecond))
		if took > bound {
			worst = fmt.Sprintf("%s: a connection ended after %s; want it within %s", what, took, bound)
		}
	}
	return worst
}

// flood has an order carried out by another process, as other containers would: its thousands of connections do not keep this one from
// seeing how long its own requests take.
func flood(t *testing.T, o order) *report {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), orderVariable+"="+string(text))
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, os.Stderr
	r := &report{}
	if err := command.Run(); err != nil {
		t.Fatalf("the flood: %v\n%s", err, out.Bytes())
	}
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		t.Fatalf("the flood's report: %v\n%s", err, out.Bytes())
	}
	for _, fault := range r.Faults {
		t.Error(fault)
	}
	return r
}

// carryOut does what the environment asks for, and reports on stdout.
func carryOut(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("%s: %w", orderVariable, err)
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, humble); err != nil {
		return fmt.Errorf("take less of the processor: %w", err)
	}
	r := &report{Worst: map[string]time.Duration{}}
	var group sync.WaitGroup
	for _, a := range o.At {
		group.Go(func() {
			switch o.Kind {
			case slowly:
				slowClients(o, r, a)
			case noisily:
				noise(o, r, a)
			}
		})
	}
	group.Wait()
	return json.NewEncoder(os.Stdout).Encode(r)
}
