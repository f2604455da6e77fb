package webhook

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// errFull says that reviews hold all the memory that there is for them.
var errFull = errors.New("other reviews hold all the memory that there is for them: try again")

// held is how many bytes of reviews are here, from the first that came to the answer. A review takes its place among those that are worked
// on only when it is here as a whole, so that slow ones stand in nobody's way; this is what bounds them.
type held struct{ atomic.Int64 }

// body is that of one review.
type body struct {
	io.Reader
	all  *held
	size int64
}

func (h *held) body(answer http.ResponseWriter, incoming *http.Request) *body {
	return &body{Reader: http.MaxBytesReader(answer, incoming.Body, maxReview), all: h}
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.size += int64(n)
	if b.all.Add(int64(n)) > maxHeld {
		return n, errFull
	}
	return n, err
}

// leave is called when nobody needs the bytes any more.
func (b *body) leave() { b.all.Add(-b.size) }
