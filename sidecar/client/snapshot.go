package client

import (
	"context"
	"strings"
)

// Header is where a snapshot travels over HTTP.
const Header = "Burgee-Snapshot"

// Key is where it travels with messages, in gRPC's metadata and in W3C baggage.
const Key = "burgee-snapshot"

const (
	maxTokens   = 4   // of one list: one for each environment that the request has passed
	maxTokenLen = 140 // bytes
	separator   = "~"
)

// Snapshot names the states of flags that a request is answered from: a token for each environment that it has passed, mostly one. The
// zero Snapshot names none. Two of them are equal if they are the same list.
type Snapshot struct {
	list string // well-formed tokens, each once, with a separator between
}

// Parse reads a list of tokens as it travels, in one header line or in several. What has not the shape of a token is left out, and so is
// what follows the fourth: it came from outside, and there is nobody to tell. Whether a token means anything is for the sidecars to say.
func Parse(lines ...string) Snapshot {
	var s Snapshot
	for _, line := range lines {
		for token := range strings.SplitSeq(line, separator) {
			if !isToken(token) {
				continue
			}
			if s = s.with(token); s.full() {
				return s
			}
		}
	}
	return s
}

// isToken tells whether it could be one: letters and digits of base64url and dots, and not too many of them.
func isToken(token string) bool {
	if token == "" || len(token) > maxTokenLen {
		return false
	}
	for i := range len(token) {
		switch c := token[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// String is the list as it travels; empty where there is none.
func (s Snapshot) String() string { return s.list }

// IsZero tells whether it names no state.
func (s Snapshot) IsZero() bool { return s.list == "" }

func (s Snapshot) has(token string) bool {
	for t := range strings.SplitSeq(s.list, separator) {
		if t == token {
			return token != ""
		}
	}
	return false
}

// with is the snapshot that names this state too, where it has room for it: others' tokens are not ours to drop.
func (s Snapshot) with(token string) Snapshot {
	switch {
	case s.list == "":
		return Snapshot{token}
	case s.has(token) || s.full():
		return s
	}
	return Snapshot{s.list + separator + token}
}

func (s Snapshot) full() bool { return strings.Count(s.list, separator) == maxTokens-1 }

// inContext is the key of a context's snapshot.
type inContext struct{}

// With gives a context that carries the snapshot; one that carries none for the zero Snapshot.
func With(ctx context.Context, s Snapshot) context.Context {
	return context.WithValue(ctx, inContext{}, s)
}

// From gives the snapshot that the context carries, and whether it carries one.
func From(ctx context.Context) (Snapshot, bool) {
	s, _ := ctx.Value(inContext{}).(Snapshot)
	return s, !s.IsZero()
}
