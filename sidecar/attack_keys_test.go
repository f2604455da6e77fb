package sidecar

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/dir"
	"github.com/burgeehq/burgee/sync/publish"
)

// rotation is a store, its publisher, and a pod that is polling all the while.
type rotation struct {
	store *dir.Store
	state string
	pod   *rig
	polls uint64
}

func newRotation(t *testing.T) *rotation {
	t.Helper()
	store, err := dir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &rotation{store: store, state: t.TempDir()}
}

// roll restarts the pod under other trust, as a change of its settings does.
func (o *rotation) roll(t *testing.T, trust bundle.Trust) {
	t.Helper()
	o.stop()
	o.pod = newRig(t, &bundletest.Maker{Trust: trust}, nil, func(c *Config) { c.Source, c.StateDir = o.store, o.state })
	o.pod.start(t)
}

func (o *rotation) stop() {
	if o.pod != nil {
		o.pod.stop()
		st := o.pod.loop.State()
		o.polls += st.Changed + st.Unchanged + st.Failed
	}
}

// quietly polls for a while, and wants every poll to be good and the answers to be of that revision.
func (o *rotation) quietly(t *testing.T, revision int64) {
	t.Helper()
	for range 10 {
		time.Sleep(30 * time.Second)
		st, state := o.pod.Status(time.Now()), o.pod.loop.State()
		if len(state.Refusals) > 0 || state.Failed > 0 || len(st.NotTaken) > 0 || st.Freshness != fresh {
			t.Fatalf("%s; refused %v, failed %d, not taken %+v, rejected %+v", st.Freshness, state.Refusals, state.Failed, st.NotTaken, st.Rejected)
		}
	}
	if st := o.pod.Status(time.Now()); st.Active.Revision != revision || st.Persisted.Revision != revision {
		t.Fatalf("revision %d, persisted %d; want %d", st.Active.Revision, st.Persisted.Revision, revision)
	}
}

func (o *rotation) publisher(t *testing.T, signers ...signer) *publish.Publisher {
	t.Helper()
	var keys []bundle.PrivateKey
	for _, s := range signers {
		keys = append(keys, s.private)
	}
	p, err := publish.New(publish.Config{Store: o.store, Environment: bundletest.Environment, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (o *rotation) publish(t *testing.T, number int64, signers ...signer) {
	t.Helper()
	_, err := o.publisher(t, signers...).Publish(context.Background(), publish.Request{
		Document: []byte(killable(number)), Author: "ana", Message: "flags",
		Compare: func(publish.Step) (publish.Comparison, error) { return publish.Comparison{Flags: 1}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (o *rotation) resign(t *testing.T, signers ...signer) {
	t.Helper()
	if _, err := o.publisher(t, signers...).Resign(context.Background(), publish.Resigning{Author: "ana", Message: "resign"}); err != nil {
		t.Fatal(err)
	}
}

// TestAKeyIsChangedWithoutARefusedPoll goes from the old key to both to the new one, while a pod polls and is restarted.
func TestAKeyIsChangedWithoutARefusedPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, young := newSigner(t), newSigner(t)
		o := newRotation(t)
		o.publish(t, 1, old)
		o.roll(t, trusting(t, 1, old))
		o.quietly(t, 1)
		o.roll(t, trusting(t, 1, old, young))
		o.quietly(t, 1)
		o.resign(t, old, young)
		o.quietly(t, 2)
		o.publish(t, 3, old, young)
		o.quietly(t, 3)
		o.roll(t, trusting(t, 1, young)) // an early one
		o.quietly(t, 3)
		o.resign(t, young)
		o.quietly(t, 4)
		o.roll(t, trusting(t, 1, young))
		o.publish(t, 5, young)
		o.quietly(t, 5)

		old.steal(t, o.store)
		time.Sleep(time.Minute)
		if st := o.pod.Status(time.Now()); o.pod.reason() != bundle.ReasonSignature || st.Active.Revision != 5 {
			t.Errorf("a head by the key that was removed: reason %q, revision %d", o.pod.reason(), st.Active.Revision)
		}
		o.stop()
		t.Logf("%d polls", o.polls)
	})
}

// steal is what somebody does who has a key that is no longer in use, and may write to the store.
func (s signer) steal(t *testing.T, store *dir.Store) {
	t.Helper()
	stolen := signed(t, 6, killable(666), []signer{s}, kill)
	now, err := store.Get(t.Context(), bundle.HeadKey, "", bundle.MaxManifest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Create(t.Context(), bundle.Key(stolen.Ref.Digest), stolen.Bundle); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Replace(t.Context(), bundle.HeadKey, now.Tag, stolen.Head); err != nil {
		t.Fatal(err)
	}
}

// TestAKeyOfTwoIsChanged does the same where two keys must sign: one of them stays.
func TestAKeyOfTwoIsChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, old, young := newSigner(t), newSigner(t), newSigner(t)
		o := newRotation(t)
		defer func() { o.stop() }()
		o.publish(t, 1, one, old)
		o.roll(t, trusting(t, 2, one, old))
		o.quietly(t, 1)
		o.roll(t, trusting(t, 2, one, old, young))
		o.resign(t, one, young)
		o.quietly(t, 2)
		o.roll(t, trusting(t, 2, one, young))
		o.quietly(t, 2)
		old.steal(t, o.store)
		time.Sleep(time.Minute)
		if st := o.pod.Status(time.Now()); o.pod.reason() != bundle.ReasonSignature || st.Active.Revision != 2 {
			t.Errorf("a head by one key: reason %q, revision %d", o.pod.reason(), st.Active.Revision)
		}
	})
}

// TestAPodThatMissedTheRotation keeps what it has and says why; once it is told of the new key it goes on.
func TestAPodThatMissedTheRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, young := newSigner(t), newSigner(t)
		o := newRotation(t)
		defer func() { o.stop() }()
		o.publish(t, 1, old)
		o.roll(t, trusting(t, 1, old))
		o.quietly(t, 1)
		before := o.pod.answers(t)
		o.resign(t, old, young)
		o.resign(t, young)
		time.Sleep(time.Hour)
		if st := o.pod.Status(time.Now()); o.pod.reason() != bundle.ReasonSignature || !st.Behind || o.pod.answers(t) != before {
			t.Errorf("reason %q, behind %v, answers %s", o.pod.reason(), st.Behind, o.pod.answers(t))
		}
		o.roll(t, trusting(t, 1, old, young))
		o.quietly(t, 3)
	})
}

// TestAfterTheOldKeyIsGone: what the disk holds is verified with today's keys. Signed by the old one alone it is not taken, and resigned it
// is, though the bundle is the same.
func TestAfterTheOldKeyIsGone(t *testing.T) {
	for _, resigned := range []bool{false, true} {
		for _, w := range ways {
			synctest.Test(t, func(t *testing.T) {
				old, young := newSigner(t), newSigner(t)
				signers := []signer{old}
				if resigned {
					signers = append(signers, young)
				}
				v := victim{trust: trusting(t, 1, young), base: signed(t, servedBefore, killable(servedBefore), []signer{young})}
				w.want(t, v, signed(t, broughtIn, killable(broughtIn), signers), map[bool]bundle.Reason{false: bundle.ReasonSignature}[resigned], false)
			})
		}
	}
}
