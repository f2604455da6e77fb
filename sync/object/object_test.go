package object

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestReadLimitedReadsNoFurtherThanItMust(t *testing.T) {
	for _, c := range []struct {
		size, limit int64
		wantRead    int
		wantErr     error
	}{
		{size: 10, limit: 10, wantRead: 10},
		{size: -1, limit: 10, wantRead: 10},
		{size: 3, limit: 10, wantRead: 10}, // a size that is not true costs nothing but growth
		{size: 10, limit: 9, wantRead: 0, wantErr: ErrTooLarge},
		{size: -1, limit: 7, wantRead: 8, wantErr: ErrTooLarge},
	} {
		r := strings.NewReader("0123456789")
		body, err := ReadLimited(r, c.size, c.limit)
		if !errors.Is(err, c.wantErr) {
			t.Errorf("size %d, limit %d: error %v, want %v", c.size, c.limit, err, c.wantErr)
		}
		if read := 10 - r.Len(); read != c.wantRead {
			t.Errorf("size %d, limit %d: %d bytes read, want %d", c.size, c.limit, read, c.wantRead)
		}
		if err == nil && !bytes.Equal(body, []byte("0123456789")) {
			t.Errorf("size %d, limit %d: got %q", c.size, c.limit, body)
		}
	}
}

func TestReadLimitedGivesTheReadersError(t *testing.T) {
	r := io.MultiReader(strings.NewReader("half"), errReader{})
	if body, err := ReadLimited(r, 8, 100); !errors.Is(err, io.ErrUnexpectedEOF) || body != nil {
		t.Errorf("got %q, error %v", body, err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestEnded(t *testing.T) {
	if err := Ended(t.Context()); err != nil {
		t.Errorf("a living context: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Ended(cancelled); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("a cancelled context: %v", err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if err := Ended(late); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("a deadline that has passed: %v", err)
	}
}

func TestCheckPrefix(t *testing.T) {
	for _, prefix := range []string{"", "a", "a/", "a/b", "revisions/0000"} {
		if err := CheckPrefix(prefix); err != nil {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	for _, prefix := range []string{"/", "a//", "../", ".a", "a/.", "a b"} {
		if err := CheckPrefix(prefix); !errors.Is(err, ErrKey) {
			t.Errorf("%q: error %v, want %v", prefix, err, ErrKey)
		}
	}
}
