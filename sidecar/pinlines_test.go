package sidecar

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// Several lines of a header are one list, as HTTP has it, whoever joined them: tokens of several environments may come from several hands.
func TestLinesOfAHeaderAreOneList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		h.number()
		time.Sleep(time.Minute)
		token := h.tokens[1]
		for name, headers := range map[string][]string{
			"two lines":         {"Burgee-Snapshot", "r1.other", "Burgee-Snapshot", token},
			"lines joined":      {"Burgee-Snapshot", "r1.other, " + token},
			"lines and lists":   {"Burgee-Snapshot", "r1.other~r1.third", "Burgee-Snapshot", "r1.fourth~" + token},
			"empty ones":        {"Burgee-Snapshot", ",~ ,", "Burgee-Snapshot", "~ " + token + " ~"},
			"an empty line":     {"Burgee-Snapshot", "", "Burgee-Snapshot", token},
			"lines of baggage":  {"Baggage", "a=b", "Baggage", "c=d,burgee-snapshot=" + token},
			"nothing, and then": {"Baggage", "burgee-snapshot=;p=1", "Baggage", "burgee-snapshot=" + token},
		} {
			if got := r.ask(t, headers...); got.Value != 1.0 || got.missed() {
				t.Errorf("%s: %+v; want revision 1", name, got)
			}
		}
		before := r.pinned(pinOversized)
		if got := r.ask(t, "Burgee-Snapshot", "r1.a~r1.b", "Burgee-Snapshot", "r1.c,r1.d", "Burgee-Snapshot", token); got.Value != 2.0 || r.pinned(pinOversized) != before+1 {
			t.Errorf("five on three lines: %+v; want none", got)
		}
	})
}

// A baggage member is found as W3C writes them: with white space, properties, escapes, other members that look alike, and nothing between
// two commas.
func TestBaggageMember(t *testing.T) {
	for name, row := range map[string]struct {
		lines []string
		want  string
	}{
		"alone":                 {[]string{"key=value"}, "value"},
		"among others":          {[]string{"key1=value1,key2=value2,key=value,key4=value4"}, "value"},
		"white space":           {[]string{"key1 =   value1  , key\t = \t value ,key3 = v"}, "value"},
		"properties":            {[]string{"key1=value1;property1;property2, key = value ; propertyKey = propertyValue"}, "value"},
		"a property of another": {[]string{"key1=value1;key=no,key2=v;key=no"}, ""},
		"escaped":               {[]string{"key=%76al%75%65"}, "value"},
		"escaped comma, list":   {[]string{"key=a%2Cb%3Bc%7Ed"}, "a,b;c~d"},
		"half an escape":        {[]string{"key=val%2ue%"}, "val%2ue%"},
		"an equals sign":        {[]string{"key=a=b=="}, "a=b=="},
		"of equal names":        {[]string{"key=value,key=other"}, "value"},
		"empty and then":        {[]string{"key=,key= ;p,key=value"}, "value"},
		"only empty":            {[]string{"key=", "key"}, ""},
		"no value":              {[]string{"key;p=1,key2=x"}, ""},
		"another case":          {[]string{"Key=value,KEY=value"}, ""},
		"part of a name":        {[]string{"akey=no,keys=no,a key=no"}, ""},
		"empty members":         {[]string{",, ,key=value,,"}, "value"},
		"several lines":         {[]string{"a=1", ",", "b=2,key=value", "key=other"}, "value"},
		"none":                  {nil, ""},
		"bytes":                 {[]string{"\xff=\xfe,key=\xffvalue"}, "\xffvalue"},
		"8192 bytes":            {[]string{strings.Repeat("a=1,", 2045) + "key=value"}, "value"},
		"an escaped name":       {[]string{"k%65y=value"}, ""}, // names are not escaped
	} {
		var lines [][]byte
		for _, line := range row.lines {
			lines = append(lines, []byte(line))
		}
		var buffer []byte
		if got := string(baggageMember(lines, "key", &buffer)); got != row.want {
			t.Errorf("%s: %q; want %q", name, got, row.want)
		}
	}
}

// A kill is a revision over the same flags: until its head is here, who is pinned to it is not told that he has it.
func TestAKillAheadIsMissedUntilItIsHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		one := `{"flags":{"revision":{"state":"ENABLED","variants":{"it":1,"safe":0},"defaultVariant":"it","metadata":{"safeVariant":"safe"}}}}`
		h.publish(one)
		r := h.follow(func(c *Config) { c.Poll = time.Hour })
		kill := h.maker.Make(2, one, 1, func(m *bundle.Manifest) { m.Overrides = []bundle.Override{{Flag: "revision"}} })
		head, err := h.maker.Policy().Open(kill.Head)
		if err != nil {
			t.Fatal(err)
		}
		token := head.Manifest().Snapshot
		for range 2 {
			if got := r.ask(t, "Burgee-Snapshot", token); !got.missed() || got.revision != 1 || got.token != h.tokens[1] {
				t.Errorf("before the head: %+v; want revision 1 and the mark", got)
			}
		}
		h.source.Publish(kill)
		time.Sleep(time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", token); got.missed() || got.revision != 2 || got.Value != 0.0 {
			t.Errorf("with it: %+v; want the safe variant of revision 2", got)
		}
	})
}

// Where requests are not to wait, a pin ahead has the store asked all the same: the next one finds it.
func TestAPinAheadAsksThoughNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow(func(c *Config) { c.Poll, c.PinWait = time.Hour, -1 })
		h.number()
		start := time.Now()
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); !got.missed() || time.Since(start) != 0 {
			t.Errorf("%+v after %v; want the mark at once", got, time.Since(start))
		}
		time.Sleep(time.Second)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.missed() || got.Value != 2.0 {
			t.Errorf("%+v; want revision 2", got)
		}
	})
}

// No more requests wait at once than there is room for; the others are answered at once. A pull that hangs holds nobody for longer than
// the wait, and a sidecar that stops lets all of them go.
func TestFewWaitForAPullThatHangs(t *testing.T) {
	for _, stop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(t)
			h.number()
			r := h.follow(func(c *Config) { c.Poll = time.Hour })
			h.source.Break(func(ctx context.Context, _ string) (func([]byte) []byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			token := h.ahead(2)
			_ = r.ask(t, "Burgee-Snapshot", token) // is verified
			took := make(chan time.Duration, 3*maxWaiting)
			start := time.Now()
			for range cap(took) {
				go func() {
					if got := r.ask(t, "Burgee-Snapshot", token); !got.missed() || got.Value != 1.0 {
						t.Errorf("%+v; want revision 1 and the mark", got)
					}
					took <- time.Since(start)
				}()
			}
			synctest.Wait()
			if len(took) != cap(took)-maxWaiting {
				t.Errorf("%d wait; want %d", cap(took)-len(took), maxWaiting)
			}
			want := DefaultPinWait
			if stop {
				want = 0
				r.stop()
			}
			var longest time.Duration
			for range cap(took) {
				longest = max(longest, <-took)
			}
			if longest != want {
				t.Errorf("stopped %v: the longest waited %v; want %v", stop, longest, want)
			}
			if n := r.pins.waiting.Load(); n != 0 {
				t.Errorf("%d still have a place", n)
			}
		})
	}
}

// An answer from flags that nothing pins, such as an earlier publisher's, is not what an empty token means.
func TestNoTokenIsNoPin(t *testing.T) {
	s := develop(t, numbered(1))
	now := s.holder.current.Load()
	token := string(now.token)
	bare := *now
	bare.answering = &answering{revision: now.revisionText()}
	bare.pins.byToken = map[string]pinned{token: {set: now, answering: now.answering}}
	s.holder.current.Store(&bare)
	got := call(s.evaluation(), "POST", flagsPath+"/revision", "", "Burgee-Snapshot", "~"+token)
	if string(got.Response.Header.Peek("Burgee-Snapshot")) != token {
		t.Errorf("%s; want the pinned state's token", got.Response.Header.String())
	}
}

func (f *flagset) revisionText() []byte { return f.answering.revision }

// A file's states are told by what they hold: its revisions begin anew with each process, so their numbers tell nothing.
func TestAFileIsPinnedByItsContent(t *testing.T) {
	s := develop(t, numbered(1))
	content := s.holder.current.Load().content
	answer := s.evaluation()
	for token, missed := range map[string]bool{
		bundle.UnsignedToken(1, content): false, bundle.UnsignedToken(7, content): false,
		bundle.UnsignedToken(1, bundle.Sum([]byte("other"))): true, bundle.UnsignedToken(7, bundle.Sum([]byte("other"))): true,
	} {
		got := call(answer, "POST", flagsPath+"/revision", "", "Burgee-Snapshot", token)
		if strings.Contains(string(got.Response.Body()), "missed") != missed || !missed && string(got.Response.Header.Peek("Burgee-Snapshot")) != token {
			t.Errorf("%s: %s %s", token, got.Response.Header.Peek("Burgee-Snapshot"), got.Response.Body())
		}
	}
}

// What is too long to be a pin is none, and the room that it would take is not kept.
func TestALongAttributeIsNoPin(t *testing.T) {
	s := develop(t, numbered(1))
	answer := s.evaluation()
	for size, want := range map[int]pinResult{maxPin: pinOversized, maxPin + 1: pinOversized, 60_000: pinOversized} {
		before := s.meter.sum(func(tl *tally) uint64 { return tl.pins[want].Load() })
		got := call(answer, "POST", flagsPath+"/revision", fmt.Sprintf(`{"context":{"burgee-snapshot":%q}}`, strings.Repeat("x", size)))
		if strings.Contains(string(got.Response.Body()), "missed") || s.meter.sum(func(tl *tally) uint64 { return tl.pins[want].Load() }) != before+1 {
			t.Errorf("%d characters: %s", size, got.Response.Body())
		}
	}
	for range 4 {
		if w := s.workspaces.get(); cap(w.pin) > 4<<10 {
			t.Errorf("%d bytes are kept for a pin", cap(w.pin))
		}
	}
}

// The store may be late all the time, and yet move on: only a revision that it does not have for long speaks against it.
func TestALateStoreIsNotFrozen(t *testing.T) {
	p := newPins(Config{Poll: 15 * time.Second})
	now := time.Now()
	revision := int64(1)
	for range 100 { // always three ahead of the store, which is 15 s late
		p.tell(revision+3, now)
		now, revision = now.Add(5*time.Second), revision+1
		if p.frozen(revision, now) {
			t.Fatalf("frozen at revision %d", revision)
		}
	}
	revision += 3
	if p.frozen(revision, now) {
		t.Error("frozen though it has all")
	}
	p.tell(revision+3, now)
	if now = now.Add(p.patience); p.frozen(revision, now) {
		t.Error("frozen at the bound")
	}
	if now = now.Add(1); !p.frozen(revision, now) {
		t.Error("not frozen past it")
	}
	p.tell(revision+9, now)
	if !p.frozen(revision, now) {
		t.Error("another pin ahead gave the store more time")
	}
	if p.frozen(revision+9, now) || p.frozen(revision+9, now.Add(time.Hour)) {
		t.Error("frozen though it has all")
	}
	p.tell(revision+9, now)
	if p.frozen(revision+9, now.Add(time.Hour)) {
		t.Error("what it has is counted anew")
	}
}
