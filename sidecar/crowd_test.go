package sidecar

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// narrow serves evaluations on a socket and a port that take few connections, until the test ends.
func narrow(t *testing.T, l limits, w waits) []served {
	t.Helper()
	return serveNarrow(t, develop(t, shop), l, w)
}

// listenOn opens a listener of a kind, at a place of its own.
func listenOn(t *testing.T, network string) net.Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(shortDir(t), "s.sock")
	}
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func serveNarrow(t *testing.T, s *Sidecar, l limits, w waits) []served {
	t.Helper()
	var all []served
	for _, network := range []string{"unix", "tcp"} {
		ln := listenOn(t, network)
		one := newServed(network, ln, s.meter, s.evaluation(), l)
		one.patrol.waits = w
		all = append(all, one)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := serveAll(ctx, all); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	return all
}

var longWaits = waits{request: time.Minute, answer: time.Minute, idle: time.Minute}

// open connects to a listener. Whatever is still to come or go then ends with the test's patience.
func open(t *testing.T, one served) net.Conn {
	t.Helper()
	conn, err := net.Dial(one.Addr().Network(), one.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// receive reads one answer.
func receive(t *testing.T, from *bufio.Reader) (status int, header http.Header, body string) {
	t.Helper()
	response, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.Close {
		response.Header.Set("Connection", "close") // which was taken out
	}
	return response.StatusCode, response.Header, string(text)
}

const goodRequest = "POST " + flagsPath + "/on HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"

const askingRequest = "POST " + flagsPath + "/on HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"

// evaluates wants a good answer on a connection.
func evaluates(t *testing.T, conn net.Conn) {
	t.Helper()
	send(t, conn, goodRequest)
	if status, _, body := receive(t, bufio.NewReader(conn)); status != http.StatusOK {
		t.Fatalf("answer %d %s; want 200", status, body)
	}
}

// evaluatesAgain wants a good answer on a new connection, soon: who is told that there is no place comes again. Over TCP the kernel may take
// a little more of an answer at any time, and for a moment nobody is stuck.
func evaluatesAgain(t *testing.T, one served) {
	t.Helper()
	const tries = 20
	for range tries {
		conn := open(t, one)
		send(t, conn, goodRequest)
		if status, _, _ := receive(t, bufio.NewReader(conn)); status == http.StatusOK {
			return
		}
		<-time.After(patrolRound / 10)
	}
	t.Fatalf("%s: a newcomer was turned away %d times", one.name, tries)
}

// Who opens many connections and says nothing, or half of something, shuts out nobody: neither on a new connection nor on one that is
// kept and idle.
func TestAFullListenerTakesNewcomers(t *testing.T) {
	l := evaluationLimits
	l.connections = 16
	for _, one := range narrow(t, l, longWaits) {
		t.Run(one.name, func(t *testing.T) {
			kept := open(t, one)
			evaluates(t, kept)
			for i := range 10 * l.connections {
				half := open(t, one)
				if i%2 == 0 {
					_, _ = io.WriteString(half, "POST "+flagsPath) // it may have given way already
				}
				if i%10 == 0 {
					good := open(t, one)
					evaluates(t, good)
					_ = good.Close()
				}
			}
			evaluates(t, kept)
			if n := one.patrol.crowd.evicted.Load(); n < uint64(8*l.connections) {
				t.Errorf("%d connections gave way; want nearly %d", n, 10*l.connections)
			}
		})
	}
}

// Where all are idle, the one that has been so for longest gives way.
func TestTheLongestIdleGivesWay(t *testing.T) {
	l := evaluationLimits
	l.connections = 4
	for _, one := range narrow(t, l, longWaits) {
		var all []net.Conn
		for range l.connections {
			all = append(all, open(t, one))
			evaluates(t, all[len(all)-1])
		}
		round := one.patrol.now.Load()
		for one.patrol.now.Load() < round+2 {
			<-time.After(patrolRound / 10)
		}
		evaluates(t, all[0])
		evaluates(t, open(t, one))
		if _, err := all[1].Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // a connection gives it as it is
			t.Errorf("%s: the second connection: %v; want it closed", one.name, err)
		}
		for _, i := range []int{0, 2, 3} {
			evaluates(t, all[i])
		}
	}
}

// stuck gives as many clients as the listener takes, who ask for more than the system takes of answers, and read nothing; their answers
// have been under way for some rounds. That alone may be a busy machine, so the kernel is asked too.
func stuck(t *testing.T, one served, request string, rounds int64) {
	t.Helper()
	bound := one.patrol.crowd.bound
	for range bound {
		conn := open(t, one)
		go func() {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(conn, request)
			}
		}()
	}
	for n := 0; n < bound; {
		<-time.After(patrolRound / 10)
		n = 0
		one.patrol.mu.Lock()
		for c := range one.patrol.crowd.all() {
			if mark := c.mark.Load(); stateOf(mark) == writing && one.patrol.now.Load()-mark>>markBits >= rounds && isFull(c.Conn) {
				n++
			}
		}
		one.patrol.mu.Unlock()
	}
}

// Where everybody is being answered, the newcomer is told so, in JSON and in full though it is still sending; and there is an end to
// these too. On the socket alone: over TCP the kernel may take a little more of an answer at any time, and then somebody is idle.
func TestWhereNobodyGivesWay(t *testing.T) {
	l := evaluationLimits
	l.connections = 4
	for _, one := range narrow(t, l, longWaits)[:1] {
		stuck(t, one, goodRequest, stalled)
		round := one.patrol.now.Add(-1000) // so that these answers have just begun
		for range 10 * l.connections {
			late := open(t, one)
			send(t, late, goodRequest)
			status, header, body := receive(t, bufio.NewReader(late))
			if status != http.StatusServiceUnavailable || header.Get("Retry-After") != "1" || header.Get("Connection") != "close" || !json.Valid([]byte(body)) ||
				!strings.Contains(body, `"errorCode":"GENERAL","errorDetails":"the listener has all`) {
				t.Fatalf("%s: a newcomer got %d %v %s", one.name, status, header, body)
			}
		}
		if n := one.patrol.crowd.turnedAway.Load(); n != uint64(10*l.connections) {
			t.Errorf("%s: %d were turned away; want %d", one.name, n, 10*l.connections)
		}
		one.patrol.now.Store(round + 1000)
	}
}

// Whoever does not take its answer, or the word that its request may go on, does not keep others from theirs.
func TestWhoTakesNothingGivesWay(t *testing.T) {
	l := evaluationLimits
	l.connections = 4
	for _, request := range []string{goodRequest, askingRequest} {
		for _, one := range narrow(t, l, longWaits) {
			stuck(t, one, request, stalled)
			evaluatesAgain(t, one)
			if n := one.patrol.crowd.evicted.Load(); n == 0 {
				t.Errorf("%s: nobody gave way", one.name)
			}
		}
	}
}

// again is reading, by who has been answered before.
const again = 1 << stateBits

// crowdTest is a patrol with connections of users, that nobody serves.
type crowdTest struct {
	*patrol
	t *testing.T
}

func (c crowdTest) come(of user, s connState) *watched {
	c.t.Helper()
	c.crowd.slots <- struct{}{}
	near, far := net.Pipe()
	conn := c.watch(near, of)
	c.t.Cleanup(func() { _, _ = conn.Close(), far.Close() })
	if s == idle || s == again || s == writing {
		if err := conn.note(writing | known); err != nil {
			c.t.Fatal(err)
		}
	}
	if s != reading {
		s %= again
		if err := conn.note(s); err != nil {
			c.t.Fatal(err)
		}
	}
	return conn
}

func TestWhoGivesWay(t *testing.T) {
	const app, flood user = 1000, 2000
	for _, row := range []struct {
		name  string
		there []user // with the states beside
		doing []connState
		comes user
		gives int // -1: nobody
	}{
		{"the oldest half of a request", []user{app, app, app}, []connState{idle, reading, reading}, app, 1},
		{"an idle one where there is no half", []user{app, app, app}, []connState{writing, idle, idle}, app, 1},
		{"half of a later request where there is no idle one", []user{app, app, app}, []connState{writing, again, working}, app, 1},
		{"nobody who is being answered", []user{app, app, app}, []connState{writing, working, writing}, app, -1},
		{"one of the user who has most", []user{app, flood, flood}, []connState{reading, idle, idle}, app, 1},
		{"one of the user who has most, though another comes", []user{app, app, flood}, []connState{idle, reading, reading}, flood, 1},
		{"one's own, where the one who has most can spare none", []user{flood, flood, app}, []connState{writing, writing, idle}, app, 2},
		{"none of those who have fewer", []user{flood, flood, app}, []connState{writing, writing, idle}, flood, -1},
	} {
		l := evaluationLimits
		l.connections = len(row.there)
		c := crowdTest{newPatrol(longWaits, l), t}
		var all []*watched
		for i, of := range row.there {
			all = append(all, c.come(of, row.doing[i]))
		}
		newcomer := c.come(row.comes, reading)
		for i, one := range all {
			if gave := one.state() == gaveWay; gave != (i == row.gives) {
				t.Errorf("%s: connection %d gave way: %v; want %d to", row.name, i, gave, row.gives)
			}
		}
		if told := newcomer.state() == refused; told != (row.gives < 0) {
			t.Errorf("%s: the newcomer was refused: %v; want %v", row.name, told, row.gives < 0)
		}
	}
}

// Who has sent a request is not to blame that nobody has looked at it yet.
func TestWhoHasSentItsRequestIsSpared(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		ln := listenOn(t, network)
		l := evaluationLimits
		l.connections = 3
		p := newPatrol(longWaits, l)
		var all []*watched
		for _, says := range []string{goodRequest, "", goodRequest, "", ""} {
			far, err := net.Dial(network, ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			send(t, far, says)
			near, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			for says != "" && !hasUnread(near) {
				<-time.After(time.Millisecond)
			}
			all = append(all, p.watch(near, anyone))
			t.Cleanup(func() { _, _ = near.Close(), far.Close() })
		}
		for i, want := range []bool{false, true, false, true, false} {
			if gave := all[i].state() == gaveWay; gave != want {
				t.Errorf("%s: connection %d gave way: %v; want %v", network, i, gave, want)
			}
		}
		_ = ln.Close()
	}
}

// Where somebody had to give way whose request had come, the next newcomer is let in a moment later, so that requests are read.
func TestAFloodWaitsForItsRequestsToBeRead(t *testing.T) {
	ln := listenOn(t, "unix")
	defer func() { _ = ln.Close() }()
	synctest.Test(t, func(t *testing.T) {
		l := evaluationLimits
		l.connections = 2
		p := newPatrol(longWaits, l)
		for i, newcomer := range []struct {
			says  string
			waits time.Duration
		}{{goodRequest, 0}, {goodRequest, 0}, {goodRequest, catchUp}, {"", catchUp}, {goodRequest, 0}} { // the last takes the place of the silent one
			far, err := net.Dial("unix", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = far.Close() })
			send(t, far, newcomer.says)
			near, err := ln.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = near.Close() })
			began := time.Now()
			p.watch(near, anyone)
			if took := time.Since(began); took != newcomer.waits {
				t.Errorf("newcomer %d waited for %v; want %v", i, took, newcomer.waits)
			}
		}
	})
}

// Where all places and the spare ones are taken, whoever is only read from for a little while makes room at once, the first of them first.
// Whoever comes to that while a newcomer waits is not read from for long.
func TestWhoWasRefusedMakesRoomAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := evaluationLimits
		l.connections = 8
		c := crowdTest{newPatrol(longWaits, l), t}
		var all, refused []*watched
		for range l.connections {
			all = append(all, c.come(anyone, working))
		}
		for range spare(l.connections) {
			refused = append(refused, c.come(anyone, reading))
		}
		drain := func(all ...*watched) {
			for _, one := range all {
				if !c.drains(one) {
					t.Fatal("a newcomer that was refused is not read from")
				}
			}
		}
		ended := func(one *watched, after time.Duration) {
			t.Helper()
			began := time.Now()
			if _, err := one.Conn.Read(make([]byte, 1)); err == nil || time.Since(began) != after {
				t.Errorf("it was read from for %v (%v); want %v", time.Since(began), err, after)
			}
		}
		last := len(refused) - 1
		drain(refused[:last]...)
		ln := &crowded{newSturdy(nil, newMeter(nil)), c.patrol}
		var group sync.WaitGroup
		group.Go(func() { _, _ = ln.Accept() })
		synctest.Wait() // it waits for a place, and no time has passed
		for i, one := range append(refused, all...) {
			if gave := one.state() == gaveWay; gave != (i == 0) {
				t.Errorf("connection %d gave way: %v; want the first to, of those that were refused", i, gave)
			}
		}
		drain(refused[last])
		ended(refused[0], 0)
		ended(refused[last], hastyTime)
		ended(refused[1], lingerTime-hastyTime)
		close(ln.closed)
		group.Wait()
		if c.crowd.awaited {
			t.Error("nobody waits any more, and those who are refused are hurried")
		}
	})
}

// A client over TCP that does not read cannot have the kernel take much more of its answers than one on the socket.
func TestTheKernelHoldsLittleForWhoDoesNotRead(t *testing.T) {
	ln := listenOn(t, "tcp")
	one := newServed("tcp", ln, newMeter(nil), nil, evaluationLimits)
	defer func() { _ = one.Close() }()
	client := open(t, one)
	if err := client.(*net.TCPConn).SetReadBuffer(1); err != nil { // as little as the system lets it hold itself
		t.Fatal(err)
	}
	conn, err := one.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Write(make([]byte, 8*sendBuffer))
	t.Logf("%d KiB are under way", n>>10)
	if err == nil {
		t.Errorf("the kernel took all of %d KiB; want it to stop near %d", n>>10, sendBuffer>>10)
	}
}

// Counts and places are right again when all have gone, however they went.
func TestACrowdLeavesNothing(t *testing.T) {
	l := evaluationLimits
	l.connections = 3
	c := crowdTest{newPatrol(longWaits, l), t}
	var all []*watched
	for i := range l.connections + spare(l.connections) {
		all = append(all, c.come(user(i%2), reading))
	}
	for _, conn := range all {
		_, _ = conn.Close(), conn.Close() // as the server may
	}
	if c.crowd.size != 0 || len(c.crowd.slots) != 0 || len(c.crowd.peers) != 0 {
		t.Errorf("%d connections, %d slots and %d users are left", c.crowd.size, len(c.crowd.slots), len(c.crowd.peers))
	}
}

// After a crowd, and only then, memory is given back.
func TestMemoryIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m memory
		defer m.stop()
		for _, n := range []int{0, aCrowd - 1, 0, aCrowd, aCrowd / 2} {
			m.look(n)
		}
		if m.tidy != nil {
			t.Fatal("memory is to be given back though there was no crowd, or it is still there")
		}
		m.look(aCrowd / 4)
		if m.tidy == nil || m.peak != aCrowd/4 {
			t.Fatal("nobody gives back what the crowd took")
		}
		time.Sleep(crowdGone + time.Second)
		synctest.Wait()
		if m.tidy.Stop() {
			t.Error("it was not done in time")
		}
	})
}

// Where there are few descriptors, clients leave some for the store and the disk.
func TestDescriptorsAreShared(t *testing.T) {
	for limit, want := range map[int][2]int{1 << 20: {1024, 64}, 4096: {1024, 64}, 1024: {346, 64}, 64: {10, 2}, 10: {1, 1}} {
		forEach, forAdmin := shares(limit-ownDescriptors, 2)
		evaluation, admin := evaluationLimits.within(forEach).connections, adminLimits.within(forAdmin).connections
		if got := [2]int{evaluation, admin}; got != want {
			t.Errorf("%d descriptors: %d connections for each listener of evaluations, %d for admin; want %v", limit, evaluation, admin, want)
		}
		if taken := 2*(evaluation+spare(evaluation)) + admin + spare(admin); limit > ownDescriptors && taken+ownDescriptors > limit {
			t.Errorf("%d descriptors: connections may take %d of them, and %d are for the rest", limit, taken, ownDescriptors)
		}
	}
}

// What connections take of the memory is the same with one listener and with two.
func TestListenersShareTheirConnections(t *testing.T) {
	s, _, _, _ := run(t)
	if one, other := s.serving[0].patrol.crowd.bound, s.serving[1].patrol.crowd.bound; one+other > evaluationLimits.connections {
		t.Errorf("%d and %d connections; want no more than %d in all", one, other, evaluationLimits.connections)
	}
}

// Others have a turn after several newcomers that come right after each other, and newcomers that come by and by wait for nobody.
func TestRestAfter(t *testing.T) {
	var r crowd
	at := time.Now()
	for _, one := range []struct {
		pause time.Duration
		want  string
	}{{rightNow, ".......x.......x"}, {rightNow + 1, "................"}} {
		got := ""
		for range 2 * turnOf {
			at = at.Add(one.pause)
			got += map[bool]string{true: "x", false: "."}[r.restAfter(at)]
		}
		if got != one.want {
			t.Errorf("one every %s: %s; want %s", one.pause, got, one.want)
		}
		at = at.Add(time.Second)
	}
}
