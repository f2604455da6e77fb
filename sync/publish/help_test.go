package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

const environment = "shop/prod"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// document has one flag for each name, in JSON simple enough for compare.
func document(names ...string) []byte {
	flags := make(map[string]int, len(names))
	for i, name := range names {
		flags[name] = i
	}
	doc, err := json.Marshal(flags)
	if err != nil {
		panic(err)
	}
	return doc
}

// many gives n names.
func many(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("flag-%04d", i)
	}
	return names
}

// compare stands in for those who understand flags.
func compare(s Step) (Comparison, error) {
	before, after := map[string]int{}, map[string]int{}
	if s.Before != nil {
		if err := json.Unmarshal(s.Before, &before); err != nil {
			return Comparison{}, err
		}
	}
	if err := json.Unmarshal(s.After, &after); err != nil {
		return Comparison{}, err
	}
	c := Comparison{Flags: len(after), Retired: s.Retired}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if was, ok := before[name]; !ok {
			c.Entries = append(c.Entries, bundle.Entry{Kind: "added", Flag: name})
		} else if was != after[name] {
			c.Entries = append(c.Entries, bundle.Entry{Kind: "changed", Flag: name})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[name]; !ok {
			c.Entries = append(c.Entries, bundle.Entry{Kind: "removed", Flag: name})
			c.Retired = append(c.Retired, bundle.Retired{Flag: name, Type: "boolean", Revision: s.Revision})
		}
	}
	return c, nil
}

func request(doc []byte, message string) Request {
	return Request{Document: doc, Author: "ana", Message: message, Compare: compare}
}

// key is one signer's two halves.
type key struct {
	private bundle.PrivateKey
	public  bundle.PublicKey
}

func newKey(t *testing.T) key {
	t.Helper()
	text, _, err := bundle.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	private, err := bundle.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	public, err := private.Public()
	if err != nil {
		t.Fatal(err)
	}
	return key{private, public}
}

func (k key) policy(t *testing.T) bundle.Policy {
	t.Helper()
	trust, err := bundle.NewTrust([]bundle.PublicKey{k.public}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Policy{Trust: trust, Environment: environment}
}

func (k key) config(f *fake) Config {
	return Config{Store: f, Environment: environment, Keys: []bundle.PrivateKey{k.private}, Now: func() time.Time { return noon }}
}

func newPublisher(t *testing.T, c Config) *Publisher {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mustPublish publishes flags of those names.
func mustPublish(t *testing.T, p *Publisher, message string, names ...string) Result {
	t.Helper()
	result, err := p.Publish(context.Background(), request(document(names...), message))
	if err != nil {
		t.Fatalf("publish %s: %v", message, err)
	}
	return result
}

func messages(chain []bundle.Manifest) string {
	var all []string
	for _, m := range chain {
		all = append(all, m.Change.Message)
	}
	return strings.Join(all, " ")
}

// putBack makes the head the one before the newest again.
func putBack(t *testing.T, f *fake, c Config) {
	t.Helper()
	before := f.objects[bundle.HeadKey]
	mustPublish(t, newPublisher(t, c), "newer", many(9)...)
	f.objects[bundle.HeadKey] = before
}
