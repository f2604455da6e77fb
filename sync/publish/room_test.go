package publish

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/burgeehq/burgee/sync/bundle"
)

// The longest texts that burgeectl takes.
const (
	longestMessage = 1000
	longestAuthor  = 200
)

// What others have said, at whatever length, leaves room for 32 kills, and for the flags that are published over them. Four keys sign.
func TestLongTextsBlockNoKill(t *testing.T) {
	for name, letter := range map[string]string{"letters": "x", "quotes": `"`, "runes of four bytes": "🛑"} {
		t.Run(name, func(t *testing.T) {
			f, k := newFake(), newKey(t)
			c := k.config(f)
			for range 3 {
				c.Keys = append(c.Keys, newKey(t).private)
			}
			p := newPublisher(t, c)
			message, author := strings.Repeat(letter, longestMessage), strings.Repeat(letter, longestAuthor)
			mustPublish(t, p, "one", "a")
			for i := range bundle.MaxOverrides {
				flag := fmt.Sprintf("%02d", i) + strings.Repeat("f", freeNames-2)
				if i == 0 {
					flag = strings.Repeat("g", maxNames-(bundle.MaxOverrides-1)*freeNames) // all that is free beside the others
				}
				done := mustOverride(t, p, Overriding{Flag: flag, Author: author, Message: message})
				m := done.Head.Manifest()
				entry := ledgerOf(t, f, m).Entries[0]
				if m.Change.Message != message || m.Change.Author != author || string(entry.After) != string(inJSON(done.Came[0])) || done.Came[0].Message != message {
					t.Fatalf("override %d: the change and the ledger must have the texts whole", i+1)
				}
				for _, o := range m.Overrides {
					if !utf8.ValidString(o.Message) || !o.Same(bundle.Override{Flag: o.Flag, Author: author, Message: message, At: noon}) {
						t.Fatalf("override %d: %+v", i+1, o)
					}
				}
			}
			r := request(document("a", "b"), message)
			r.Author = author
			result, err := p.Publish(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			if m := result.Head.Manifest(); m.Change.Message != message || len(m.Overrides) != bundle.MaxOverrides {
				t.Errorf("%d overrides, message of %d bytes", len(m.Overrides), len(m.Change.Message))
			}
			t.Logf("%d bytes of %d, %d for each message", len(result.Head.Raw()), bundle.MaxManifest, len(result.Head.Manifest().Overrides[5].Message))
		})
	}
}

// Texts are shortened no more than it takes: the room is used.
func TestTextsKeepTheRoomThatThereIs(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a")
	mustOverride(t, p, killing("short", "on fire"))
	var raw int
	for i := range 13 {
		raw = len(mustOverride(t, p, killing(fmt.Sprint(i), strings.Repeat("why ", 250))).Head.Raw())
	}
	if raw < bundle.MaxManifest*19/20 {
		t.Errorf("a head of %d bytes, of %d that may be: too much was cut", raw, bundle.MaxManifest)
	}
	head, err := p.readHead(context.Background())
	if err != nil || head.head.Manifest().Overrides[0].Message != "on fire" {
		t.Errorf("a short text was cut too: %+v, %v", head, err)
	}
}

// Names cannot be shortened: those that would take the room of kills to come are refused.
func TestLongNamesLeaveRoomForOthers(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a")
	most := maxNames - (bundle.MaxOverrides-1)*freeNames
	for what, o := range map[string]Overriding{
		"flag":    {Flag: strings.Repeat("f", most+1)},
		"variant": {Flag: "f", Variant: strings.Repeat("v", most)},
		"segment": {Flag: "f", Segment: strings.Repeat("é", most/2+1)},
	} {
		o.Author, o.Message = "bo", "m"
		if _, err := p.Override(context.Background(), o); !rule(RuleLimit, fmt.Sprintf("%d are taken", most))(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	mustOverride(t, p, killing(strings.Repeat("f", most), "m"))
	if _, err := p.Override(context.Background(), killing(strings.Repeat("f", freeNames+1), "m")); !rule(RuleLimit, "64 are taken")(err) {
		t.Errorf("one byte more than is free for each: %v", err)
	}
	mustOverride(t, p, killing(strings.Repeat("f", freeNames), "m"))
}
