package objecttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/burgeehq/burgee/sync/object"
)

const (
	rounds  = 10
	writers = 24
)

// result is what one of several writers was told.
type result struct {
	tag string
	err error
}

// together lets all writers go at once and gives what each was told.
func together(write func(writer int) (string, error)) [writers]result {
	var results [writers]result
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range writers {
		all.Go(func() {
			<-start
			results[i].tag, results[i].err = write(i)
		})
	}
	close(start)
	all.Wait()
	return results
}

// bodyOf differs in length from writer to writer, so that a mixture of two shows.
func bodyOf(round, writer int) []byte {
	return fmt.Appendf(nil, "round %d %s writer %d", round, bytes.Repeat([]byte("."), 100*writer), writer)
}

// theWinner asks for exactly one, and that the others were told why they lost.
func theWinner(t *testing.T, results [writers]result, lost ...error) int {
	t.Helper()
	winner := -1
	for i, got := range results {
		switch {
		case got.err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both won", winner, i)
		case got.err == nil:
			winner = i
		case !isAny(got.err, lost):
			t.Errorf("writer %d lost with error %v, want one of %v", i, got.err, lost)
		}
	}
	if winner < 0 {
		t.Fatalf("nobody won; writer 0 was told %v", results[0].err)
	}
	return winner
}

func isAny(err error, targets []error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func oneCreatorWins(t *testing.T, s object.Store) {
	for round := range rounds {
		key := fmt.Sprintf("revisions/%08d.json", round)
		results := together(func(writer int) (string, error) {
			return s.Create(t.Context(), key, bodyOf(round, writer))
		})
		winner := theWinner(t, results, object.ErrExists, object.ErrConflict)
		wantObject(t, s, key, bodyOf(round, winner), results[winner].tag)
	}
}

func oneReplacerWins(t *testing.T, s object.Store) {
	tag := mustCreate(t, s, "head", []byte("start"))
	for round := range rounds {
		results := together(func(writer int) (string, error) {
			return s.Replace(t.Context(), "head", tag, bodyOf(round, writer))
		})
		winner := theWinner(t, results, object.ErrConflict)
		tag = results[winner].tag
		wantObject(t, s, "head", bodyOf(round, winner), tag)
	}
}

// readersSeeOldOrNew replaces an object under the eyes of readers: each body they see is of one letter, and never older than the last.
func readersSeeOldOrNew(t *testing.T, s object.Store) {
	const changes, readers = 20, 4
	letters := func(change int) []byte { return bytes.Repeat([]byte{byte('a' + change)}, 30_000-1000*change) }
	tag := mustCreate(t, s, "head", letters(0))
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	for range readers {
		all.Go(func() {
			for last := byte('a'); ctx.Err() == nil; {
				last = wantOneLetter(t, s, last, letters)
			}
		})
	}
	for change := 1; change < changes; change++ {
		tag = mustReplace(t, s, tag, letters(change))
	}
	wantObject(t, s, "head", letters(changes-1), tag)
}

func wantOneLetter(t *testing.T, s object.Store, last byte, letters func(change int) []byte) byte {
	got, err := s.Get(context.WithoutCancel(t.Context()), "head", "", plenty)
	switch {
	case err != nil:
		t.Errorf("get while it is replaced: %v", err)
	case len(got.Body) == 0 || got.Body[0] < last:
		t.Errorf("get while it is replaced: %.10q after %q", got.Body, last)
	case !bytes.Equal(got.Body, letters(int(got.Body[0]-'a'))):
		t.Errorf("get while it is replaced: a mixture of %d bytes", len(got.Body))
	default:
		return got.Body[0]
	}
	return last
}
