package sidecar

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

// stoppable is a document whose flag "revision" is 1, and 0 once it is killed.
const stoppable = `{"flags":{"revision":{"state":"ENABLED","variants":{"it":1,"safe":0},"defaultVariant":"it","metadata":{"safeVariant":"safe"}}}}`

func killed(m *bundle.Manifest) { m.Overrides = []bundle.Override{{Flag: "revision"}} }

// two are sidecars of which the one is up to date, and the other polls so seldom that nothing but a pin makes it ask.
type two struct {
	*history
	ahead, behind *rig
}

// pair starts both over a first revision, and lets the one see those that follow: the same flags, killed or not.
func pair(t *testing.T, maker *bundletest.Maker, before, after func(*bundle.Manifest)) two {
	t.Helper()
	h := &history{t: t, maker: maker, source: bundletest.NewSource(), tokens: map[int64]string{}}
	h.publish(stoppable, before)
	p := two{h, h.rig(), h.rig(seldom)}
	p.ahead.start(t)
	p.behind.start(t)
	time.Sleep(time.Minute)
	h.publish(stoppable, after)
	time.Sleep(time.Minute)
	return p
}

func (p two) stop() {
	p.ahead.stop()
	p.behind.stop()
}

// lifted has no override.
func lifted(m *bundle.Manifest) { m.Overrides = nil }

// What two services of one request see of a kill, or of its end, that only one of their sidecars has: whoever comes first at the one that is
// up to date takes the other along; whoever comes first at the other is told of an override by one of the two.
func TestAnOverrideBetweenTwoSidecars(t *testing.T) {
	for _, row := range []struct {
		name          string
		before, after func(*bundle.Manifest)
		aheadFirst    bool
		first, second float64
	}{
		{"killed, the newer pin", lifted, killed, true, 0, 0},
		{"killed, the older pin", lifted, killed, false, 1, 0},
		{"restored, the newer pin", killed, lifted, true, 1, 1},
		{"restored, the older pin", killed, lifted, false, 0, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pair(t, bundletest.New(t), row.before, row.after)
				defer p.stop()
				one, other, revision := p.behind, p.ahead, int64(1)
				if row.aheadFirst {
					one, other, revision = p.ahead, p.behind, 2
				}
				first := one.ask(t)
				second := other.ask(t, "Burgee-Snapshot", first.token)
				for _, got := range []struct {
					said
					want float64
				}{{first, row.first}, {second, row.second}} {
					if got.Value != got.want || got.revision != revision || got.token != p.tokens[revision] || got.missed() {
						t.Errorf("%+v; want %v of revision %d", got.said, got.want, revision)
					}
					if marked := got.Metadata["burgee.override"] == true; marked != (got.want == 0) {
						t.Errorf("%+v; want the mark of an override where it is killed, and else none", got.said)
					}
				}
			})
		})
	}
}

// Where the store does not give the head of a pin, its flags being here is not enough: that head may have killed one of them.
func TestAPinBeyondTheNewestHeadIsMissed(t *testing.T) {
	for name, fault := range map[string]func(context.Context, string) (func([]byte) []byte, error){
		"the store is away": unavailable,
		"the store hangs": func(ctx context.Context, _ string) (func([]byte) []byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pair(t, bundletest.New(t), lifted, killed)
				defer p.stop()
				p.source.Break(fault)
				start := time.Now()
				if got := p.behind.ask(t, "Burgee-Snapshot", p.tokens[2]); got.Value != 1.0 || got.revision != 1 || !got.missed() || p.behind.pinned(pinAhead) != 1 {
					t.Errorf("%+v; want revision 1 and the mark", got)
				}
				if waited := time.Since(start); waited > DefaultPinWait {
					t.Errorf("the request waited %v", waited)
				}
			})
		})
	}
	t.Run("the store is behind", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := pair(t, bundletest.New(t), lifted, lifted)
			defer p.stop()
			head, err := p.maker.Policy().Open(p.maker.Make(3, stoppable, 1, killed).Head)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.behind.ask(t, "Burgee-Snapshot", head.Manifest().Snapshot); got.Value != 1.0 || got.revision != 2 || !got.missed() {
				t.Errorf("%+v; want revision 2, which the store has, and the mark", got)
			}
		})
	})
}

// A token is of the flags that are served. A kill over flags that still wait for their moment acts at once where it was seen, and has no
// token that would take it along.
func TestAKillOverWaitingFlagsHasNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pair(t, bundletest.New(t), lifted, lifted)
		defer p.stop()
		_ = p.behind.ask(t, "Burgee-Snapshot", p.tokens[2])
		p.publish(stoppable+" ", killed, atMoment(10*time.Minute))
		time.Sleep(time.Minute)
		first := p.ahead.ask(t)
		if first.Value != 0.0 || first.token != p.tokens[2] || first.Metadata["burgee.override"] != true {
			t.Errorf("%+v; want the kill over revision 2", first)
		}
		if got := p.behind.ask(t, "Burgee-Snapshot", first.token); got.Value != 1.0 || got.revision != 2 || got.missed() {
			t.Errorf("%+v; want revision 2 without the kill", got)
		}
		if got := p.behind.ask(t, "Burgee-Snapshot", p.tokens[3]); got.Value != 0.0 || got.revision != 3 || got.missed() {
			t.Errorf("pinned to what waits: %+v; want revision 3, killed", got)
		}
	})
}

// A head counts as soon as it is verified, also where its flags are refused: what lies between it and the flags that are served is not ahead.
func TestAPinBetweenTheFlagsAndTheNewestHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pair(t, bundletest.New(t), lifted, lifted)
		defer p.stop()
		p.publish(stoppable) // unseen: the next one comes before the poll
		p.publish(stoppable+" ", killed, func(m *bundle.Manifest) { m.Bundle.Flags = 2 })
		time.Sleep(time.Minute)
		if got := p.ahead.ask(t, "Burgee-Snapshot", p.tokens[3]); got.Value != 0.0 || got.revision != 3 || got.missed() {
			t.Errorf("%+v; want revision 3, under the newest head's kill", got)
		}
		if got := p.ahead.ask(t, "Burgee-Snapshot", p.tokens[4]); got.Value != 0.0 || got.revision != 2 || !got.missed() {
			t.Errorf("%+v; want revision 2, under the newest head's kill, and the mark: its flags were refused", got)
		}
	})
}

// Where nothing is signed, no pin makes a sidecar ask. It does not answer under the overrides of an older head as if it were that pin's, and
// honours an older pin under those of the newer one.
func TestAnUnsignedPinBeyondTheNewestHeadIsMissed(t *testing.T) {
	for _, row := range []struct {
		name          string
		before, after func(*bundle.Manifest)
		behind, ahead float64
	}{
		{"killed", lifted, killed, 1, 0},
		{"restored", killed, lifted, 0, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pair(t, bundletest.Unsigned(t), row.before, row.after)
				defer p.stop()
				if got := p.ahead.ask(t, "Burgee-Snapshot", p.tokens[1]); got.Value != row.ahead || got.revision != 1 || got.missed() {
					t.Errorf("the older pin: %+v; want %v of revision 1", got, row.ahead)
				}
				p.ahead.cancel() // so that the store is asked by the other alone
				p.ahead.group.Wait()
				gets := p.source.Gets(bundle.HeadKey)
				if got := p.behind.ask(t, "Burgee-Snapshot", p.tokens[2]); got.Value != row.behind || got.revision != 1 || !got.missed() {
					t.Errorf("the newer pin: %+v; want %v of revision 1, and the mark", got, row.behind)
				}
				time.Sleep(time.Second)
				if n := p.source.Gets(bundle.HeadKey) - gets; n != 0 {
					t.Errorf("the store was asked %d times", n)
				}
			})
		})
	}
}
