package client

import (
	"context"
	"fmt"
)

// Values are the answers for several flags, all from one state.
type Values struct {
	Revision  int64
	Snapshot  Snapshot // what the context carried, completed as Open does
	CacheKey  string   // the same if and only if flags and variants are: for the key of whatever is cached of what they decide
	PinMissed bool     // the state that the context's snapshot names cannot be had; these are the current one's
	Flags     []Flag   // in the order asked, each once; all of them sorted by key
	Metadata  map[string]any
}

// Values asks for those flags, or for all where none are named, about one context, with one call.
func (c *Client) Values(ctx context.Context, attributes map[string]any, flags ...string) (Values, error) {
	flags = once(flags)
	a, err := c.snapshot(ctx, question{Context: attributes, Flags: flags})
	if err != nil {
		return Values{}, fmt.Errorf("ask for values: %w", err)
	}
	if len(flags) > 0 && len(a.Flags) != len(flags) {
		return Values{}, fmt.Errorf("ask for values: %w: it has %d flags; asked was for %d", ErrAnswer, len(a.Flags), len(flags))
	}
	for i, flag := range a.Flags {
		if len(flags) > 0 && flag.Key != flags[i] {
			return Values{}, fmt.Errorf("ask for values: %w: flag %d is %q; asked was for %q", ErrAnswer, i, flag.Key, flags[i])
		}
		settle(flag.Metadata)
	}
	settle(a.Metadata)
	carried, _ := From(ctx)
	return Values{
		Revision: a.Revision, Snapshot: a.join(carried), CacheKey: a.CacheKey, PinMissed: a.missed(), Flags: a.Flags, Metadata: a.Metadata,
	}, nil
}

// once leaves out what was named before, as the sidecar does.
func once(flags []string) []string {
	seen := make(map[string]bool, len(flags))
	var first []string
	for _, flag := range flags {
		if !seen[flag] {
			seen[flag] = true
			first = append(first, flag)
		}
	}
	return first
}
