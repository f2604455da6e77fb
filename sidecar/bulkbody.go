package sidecar

import (
	"io"
	"sync"
)

// maxKeptBody is the largest bulk answer whose memory is used again.
const maxKeptBody = 1 << 20

// bulkBody is the text of a bulk answer, whose memory is used again once the answer has been sent: fasthttp closes a body stream then.
type bulkBody struct {
	text []byte
	sent int
	home *sync.Pool
}

func newBulkBody(home *sync.Pool) *bulkBody {
	if b, ok := home.Get().(*bulkBody); ok {
		return b
	}
	return &bulkBody{home: home}
}

// Read gives what was not read yet.
func (b *bulkBody) Read(into []byte) (int, error) {
	if b.sent == len(b.text) {
		return 0, io.EOF
	}
	n := copy(into, b.text[b.sent:])
	b.sent += n
	return n, nil
}

// WriteTo writes all at once, which saves a copy.
func (b *bulkBody) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(b.text[b.sent:])
	b.sent += n
	return int64(n), err
}

// Close gives the memory back; nobody may use the body after it.
func (b *bulkBody) Close() error {
	if cap(b.text) <= maxKeptBody {
		b.text, b.sent = b.text[:0], 0
		b.home.Put(b)
	}
	return nil
}
