package sidecar

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

// Everything here is signed well: what is wrong is when, where or with what it comes.

func alicesVictim(t *testing.T, alice signer) victim {
	t.Helper()
	return victim{trust: trusting(t, 1, alice), base: signed(t, servedBefore, killable(servedBefore), []signer{alice})}
}

// TestWhatWasSignedForSomethingElse brings in heads that are good elsewhere, or that no publisher makes, on every way.
func TestWhatWasSignedForSomethingElse(t *testing.T) {
	alice := newSigner(t)
	text := func(before, after string) func(string) string {
		return func(payload string) string { return strings.Replace(payload, before, after, 1) }
	}
	for _, row := range []struct {
		name string
		edit func(payload string) string
		want bundle.Reason
	}{
		{"another environment", text(`"shop/test"`, `"shop/prod"`), bundle.ReasonEnvironment},
		{"an environment in other letters", text(`"shop/test"`, `"Shop/Test"`), bundle.ReasonEnvironment},
		{"an environment with a space", text(`"shop/test"`, `"shop/test "`), bundle.ReasonEnvironment},
		{"no environment", text(`"environment":"shop/test",`, ``), bundle.ReasonPayload},
		{"an environment under another spelling", text(`"environment":`, `"Environment":`), bundle.ReasonPayload},
		{"two environments", text(`{`, `{"environment":"shop/prod",`), bundle.ReasonPayload},
		{"a later format", text(`"format":1`, `"format":2`), bundle.ReasonFormat},
		{"a critical member that nobody knows", text(`"critical":[]`, `"critical":["quorum"],"quorum":2`), bundle.ReasonFormat},
		{"a revision that is null", text(`"revision":11`, `"revision":null`), bundle.ReasonPayload},
		{"a revision twice", text(`"revision":11`, `"revision":11,"revision":12`), bundle.ReasonPayload},
		{"a revision as text", text(`"revision":11`, `"revision":"11"`), bundle.ReasonPayload},
		{"a revision in parts", text(`"revision":11`, `"revision":11.5`), bundle.ReasonPayload},
		{"a revision below 1", text(`"revision":11`, `"revision":-11`), bundle.ReasonPayload},
		{"a revision beyond what JSON keeps", text(`"revision":11`, `"revision":9007199254740993`), bundle.ReasonPayload},
		{"a mark that is null", text(`"allowShrink":false`, `"allowShrink":null`), bundle.ReasonPayload},
		{"a path for a digest", text(`"digest":"sha256:`, `"digest":"sha256:../../`), bundle.ReasonPayload},
		{"a digest in capitals", text(`"contentDigest":"sha256:`, `"contentDigest":"SHA256:`), bundle.ReasonPayload},
		{"a bundle without size", text(`"size":`, `"size":-`), bundle.ReasonPayload},
		{"an author that is no UTF-8", text(`"author":"test"`, "\"author\":\"\xff\""), bundle.ReasonPayload},
		{"an author of half a surrogate pair", text(`"author":"test"`, `"author":"\ud800"`), bundle.ReasonPayload},
		{"an override without flag", text(`"overrides":[]`, `"overrides":[{"flag":"","variant":"it","at":"2026-03-01T12:00:00Z"}]`), bundle.ReasonPayload},
		{"something behind it", func(p string) string { return p + "{}" }, bundle.ReasonPayload},
		{"a byte order mark", func(p string) string { return "\ufeff" + p }, bundle.ReasonPayload},
		{"nothing", func(string) string { return "" }, bundle.ReasonPayload},
		{"a list", func(p string) string { return "[" + p + "]" }, bundle.ReasonPayload},
		{"four thousand brackets", text(`"critical":[]`, `"critical":`+strings.Repeat("[", 4000)), bundle.ReasonPayload},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range ways {
				synctest.Test(t, func(t *testing.T) {
					made := signed(t, broughtIn, killable(broughtIn), nil)
					before := string(payload(t, made.Head))
					edited := row.edit(before)
					if edited == before {
						t.Fatalf("nothing was changed in %s", before)
					}
					made.Head = resigned([]byte(edited), alice)
					w.wantRefused(t, alicesVictim(t, alice), made, row.want, false)
				})
			}
		})
	}
}

// TestReplayOnAnOldPod publishes again what a pod has passed already: by itself, after a restart, and beside the pod's own revision.
func TestReplayOnAnOldPod(t *testing.T) {
	alice := []signer{newSigner(t)}
	for _, row := range []struct {
		name     string
		revision int64
		document int64
		change   func(*bundle.Manifest)
		want     bundle.Reason // "" where it is taken
	}{
		{"the first revision", 1, 1, func(*bundle.Manifest) {}, bundle.ReasonOlder},
		{"the revision before", servedBefore - 1, servedBefore - 1, func(*bundle.Manifest) {}, bundle.ReasonOlder},
		{"the revision before, over the same flags", servedBefore - 1, servedBefore, kill, bundle.ReasonOlder},
		{"another one of the same number", servedBefore, 99, func(*bundle.Manifest) {}, bundle.ReasonFork},
		{"one of the same number that kills", servedBefore, servedBefore, kill, bundle.ReasonFork},
		{"one of the same number and another message", servedBefore, servedBefore, func(m *bundle.Manifest) { m.Change.Message = "another" }, bundle.ReasonFork},
		{"as far ahead as may be", servedBefore + bundle.MaxJump, 99, func(*bundle.Manifest) {}, ""},
		{"one further", servedBefore + bundle.MaxJump + 1, 99, func(*bundle.Manifest) {}, bundle.ReasonJump},
		{"all numbers used up", bundle.MaxRevision, 99, kill, bundle.ReasonJump},
	} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %v", row.name, restarted), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					source, state := bundletest.NewSource(), t.TempDir()
					v := victim{trust: trusting(t, 1, alice...), base: signed(t, servedBefore, killable(servedBefore), alice)}
					source.Publish(v.base)
					r := v.rig(t, source, func(c *Config) { c.StateDir = state })
					r.start(t)
					time.Sleep(time.Minute)
					before := r.answers(t)
					if restarted {
						r.stop()
						r = v.rig(t, source, func(c *Config) { c.StateDir = state })
					}
					source.Publish(signed(t, row.revision, killable(row.document), alice, row.change))
					if restarted {
						r.start(t)
					}
					defer r.stop()
					time.Sleep(time.Minute)
					if got := r.reason(); got != row.want {
						t.Errorf("reason %q; want %q", got, row.want)
					}
					if after := r.answers(t); (after == before) != (row.want != "") {
						t.Errorf("answers %s; before %s", after, before)
					}
					if st := r.Status(time.Now()); st.Behind != (row.want != "" && row.want != bundle.ReasonOlder) {
						t.Errorf("behind %v; a store that was rolled back holds nothing newer, any other does", st.Behind)
					}
				})
			})
		}
	}
}

// TestReplayOnAFreshPod: a pod without memory cannot know what was published since. The operator's --min-revision bounds what it takes, and
// the end of the head says that it is old; both hold on every way.
func TestReplayOnAFreshPod(t *testing.T) {
	alice := newSigner(t)
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := alicesVictim(t, alice)
				v.change = func(c *Config) { c.MinRevision = broughtIn + 1 }
				r := w.bring(t, v, signed(t, broughtIn, killable(broughtIn), []signer{alice}))
				defer r.stop()
				if got := r.answers(t); r.reason() != bundle.ReasonOlder || !strings.HasPrefix(got, "500") || r.Status(time.Now()).Sync.HeadRevision != 0 {
					t.Errorf("below --min-revision: reason %q, and answers %s", r.reason(), got)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				v := alicesVictim(t, alice)
				replayed := signed(t, broughtIn, killable(broughtIn), []signer{alice}, func(m *bundle.Manifest) { m.ValidUntil = time.Now().Add(time.Hour) })
				r := w.bring(t, v, replayed)
				defer r.stop()
				if st := r.Status(time.Now()); st.Validity != valid || st.Sync.HeadRevision != broughtIn {
					t.Errorf("within its time: %s, head %d", st.Validity, st.Sync.HeadRevision)
				}
				before := r.answers(t)
				time.Sleep(2 * time.Hour)
				if st := r.Status(time.Now()); st.Validity != expired || r.answers(t) != before {
					t.Errorf("past its end: %s, and answers %s; before %s", st.Validity, r.answers(t), before)
				}
			})
		})
	}
}

// TestFreeze: a store that never shows anything new is found out by the end of its head, and one that shows nothing at all by the age of
// the last confirmation; neither changes an answer.
func TestFreeze(t *testing.T) {
	alice := []signer{newSigner(t)}
	for _, hanging := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			v := victim{trust: trusting(t, 1, alice...)}
			v.base = signed(t, servedBefore, killable(servedBefore), alice, func(m *bundle.Manifest) { m.ValidUntil = time.Now().Add(time.Hour) })
			source := bundletest.NewSource()
			source.Publish(v.base)
			r := v.rig(t, source, nothing)
			r.start(t)
			defer r.stop()
			time.Sleep(time.Minute)
			before := r.answers(t)
			if hanging {
				source.Break(hang)
			}
			time.Sleep(30 * time.Minute)
			want := fresh
			if hanging {
				want = freshStale
			}
			if st := r.Status(time.Now()); st.Validity != valid || st.Freshness != want {
				t.Errorf("hanging %v: %s and %s before the end; want valid and %s", hanging, st.Validity, st.Freshness, want)
			}
			time.Sleep(time.Hour)
			if st := r.Status(time.Now()); st.Validity != expired || r.answers(t) != before {
				t.Errorf("hanging %v: %s, and answers %s; before %s", hanging, st.Validity, r.answers(t), before)
			}
		})
	}
}

// TestMixAndMatch brings each head with the bundle of each other one, on every way that a bundle comes by.
func TestMixAndMatch(t *testing.T) {
	alice := newSigner(t)
	const revisions = 6
	documents := make([]string, revisions)
	for i := range documents {
		documents[i] = strings.Replace(killable(broughtIn), `"flags"`, fmt.Sprintf(`"metadata":{"x":%q},"flags"`, strings.Repeat("a", i/2*40+i%2)), 1)
	}
	pairs := 0
	for _, w := range ways {
		if w.alone {
			continue
		}
		for head := range documents {
			for stored := range documents {
				pairs++
				t.Run(fmt.Sprintf("%s/head %d with bundle %d", w.name, head, stored), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						v := alicesVictim(t, alice)
						made := signed(t, broughtIn, documents[head], []signer{alice})
						other := signed(t, broughtIn, documents[stored], []signer{alice})
						made.Bundle = other.Bundle
						switch fromStore := strings.HasPrefix(w.name, "the store"); {
						case head == stored:
							w.wantTaken(t, v, made)
						case fromStore && len(made.Bundle) > int(made.Ref.Size):
							w.wantRefused(t, v, made, bundle.ReasonOversized, true)
						default:
							w.wantRefused(t, v, made, bundle.ReasonDigest, true)
						}
					})
				})
			}
		}
	}
	t.Logf("%d pairs", pairs)
}
