package process

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

var (
	settleSidecars = flag.Int("settle.sidecars", 3, "how many sidecars TestFromTheFirstSwitchToTheLast has")
	settlePoll     = flag.Duration("settle.poll", 100*time.Millisecond, "how often the first of them polls; the last does so five times as seldom")
	settleFor      = flag.Duration("settle.for", 3*time.Second, "how long its flags settle")
	settleRounds   = flag.Int("settle.rounds", 2, "how many times it publishes, half of them without settling")
)

// line is a connection over which one sidecar is asked as fast as it answers.
type line struct {
	conn   net.Conn
	reader *bufio.Reader
}

func connect(t *testing.T, burgee *kit.Sidecar) *line {
	t.Helper()
	conn, err := net.Dial("unix", burgee.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the sidecar may have closed it before
	return &line{conn, bufio.NewReader(conn)}
}

// revision is that of the flags that the sidecar answers from.
func (l *line) revision() (int, error) {
	const request = "POST /ofrep/v1/evaluate/flags/" + kit.Number + " HTTP/1.1\r\nHost: socket\r\nContent-Length: 2\r\n\r\n{}"
	if err := l.conn.SetDeadline(time.Now().Add(kit.Patience)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(l.conn, request); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(l.reader, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0, err
	}
	return strconv.Atoi(response.Header.Get("Burgee-Revision"))
}

// seen is how a client saw a fleet switch.
type seen struct {
	firstNew, lastOld time.Time     // answers, by when they were there
	lastNew           time.Time     // the first new one of whoever was last
	turn              time.Duration // to ask all, on the average
}

// mixed is for how long old and new answers could both be had.
func (s *seen) mixed() time.Duration { return max(0, s.lastOld.Sub(s.firstNew)) }

// watch asks all sidecars in turn until the last serves a revision; at leisure until shortly before the moment.
func watch(t *testing.T, all []*line, revision int, moment time.Time) (s seen) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	switched, turns, asking := make([]bool, len(all)), 0, time.Duration(0)
	for deadline := time.Now().Add(*settleFor + 2*kit.Patience); slices.Contains(switched, false); {
		began := time.Now()
		if began.After(deadline) {
			t.Fatalf("not all sidecars serve revision %d", revision)
		}
		for i, one := range all {
			served, err := one.revision()
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			switch {
			case served < revision:
				s.lastOld = now
				continue
			case now.Before(moment):
				t.Fatalf("revision %d is served %s before its moment", revision, moment.Sub(now))
			case s.firstNew.IsZero():
				s.firstNew = now
			}
			if !switched[i] {
				switched[i], s.lastNew = true, now
			}
		}
		if time.Until(moment) > time.Second {
			<-tick.C
			continue
		}
		turns, asking = turns+1, asking+time.Since(began)
	}
	s.turn = asking / time.Duration(max(1, turns))
	return s
}

// From the first of many sidecars that serves new flags to the last: with publish --settle they switch together, and none before the moment;
// without, each does after its own poll. `make settle-time` measures with 50, which poll every 1 to 5 s.
func TestFromTheFirstSwitchToTheLast(t *testing.T) {
	t.Parallel()
	f := newFleet(t, *settleSidecars, *settlePoll)
	lines := make([]*line, len(f.all))
	for round := range *settleRounds {
		revision, args, how := round+2, []string(nil), "without settling"
		if round%2 == 0 {
			args, how = []string{"--settle", settleFor.String()}, fmt.Sprintf("settled for %s", settleFor)
		}
		for i, burgee := range f.all {
			lines[i] = connect(t, burgee)
		}
		f.shop.Publish(t, killable(revision), args...)
		m := headOf(t, f.shop)
		begin := m.PublishedAt
		if !m.ActivateAt.IsZero() {
			begin = m.ActivateAt
		}
		got := watch(t, lines, revision, begin)
		var told []time.Duration // after the beginning
		for _, burgee := range f.all {
			told = append(told, burgee.Status(t).Active.ActivatedAt.Sub(begin))
		}
		slices.Sort(told)
		t.Logf("%s, %d sidecars that poll every %s to %s, %d processors:\nby /status the first switched %s after the moment and the last %s, %s apart;\n"+
			"a client had the first new answer %s after the moment, that of the last sidecar %s later, and old answers for %s meanwhile (asking all took it %s)",
			how, len(f.all), settlePoll, 5**settlePoll, runtime.NumCPU(), told[0], told[len(told)-1], told[len(told)-1]-told[0],
			got.firstNew.Sub(begin), got.lastNew.Sub(got.firstNew), got.mixed(), got.turn)
		if told[0] < 0 { // by its own clock, which is this one
			t.Errorf("a sidecar switched %s before the moment", -told[0])
		}
	}
}
