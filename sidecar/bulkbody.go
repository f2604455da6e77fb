package sidecar

import (
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// maxKeptBody is the largest bulk answer whose memory is used again.
const maxKeptBody = 1 << 20

// maxUntaken is how many bytes of bulk answers are held at most for clients that have not taken them. It is what keeps slow readers of a
// large answer from the process's memory.
const maxUntaken = 16 << 20

// untaken counts the bytes of bulk answers from before they are made until they have been sent, or given up.
type untaken struct {
	bound int64
	bytes atomic.Int64
	usual atomic.Int64 // how large the last one was
}

// hold takes room for n bytes. One answer alone always has it.
func (u *untaken) hold(n int) bool {
	if held := u.bytes.Add(int64(n)); held <= u.bound || held == int64(n) {
		return true
	}
	u.bytes.Add(-int64(n))
	return false
}

// bulkBody is the text of a bulk answer, whose memory is used again once the answer has been sent: fasthttp closes a body stream then.
type bulkBody struct {
	text []byte
	sent int
	home *sync.Pool
	held int // bytes that are counted as untaken
	of   *untaken
}

// newBulkBody makes an empty one with memory of the usual size in one piece, nil where there is no room for that.
func newBulkBody(home *sync.Pool, of *untaken) *bulkBody {
	size := int(of.usual.Load())
	if !of.hold(size) {
		return nil
	}
	b, ok := home.Get().(*bulkBody)
	if !ok {
		b = &bulkBody{home: home}
	}
	b.text, b.held, b.of = slices.Grow(b.text, size), size, of
	return b
}

// made corrects what was thought of its size.
func (b *bulkBody) made() {
	b.of.bytes.Add(int64(len(b.text) - b.held))
	b.of.usual.Store(max(int64(len(b.text)), b.of.usual.Load()/8*7)) // those with marks are longer: growing into one takes twice its memory
	b.held = len(b.text)
}

// answer sends it.
func (b *bulkBody) answer(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetContentTypeBytes(jsonType)
	ctx.Response.SetBodyStream(b, len(b.text))
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
	b.of.bytes.Add(-int64(b.held))
	b.held = 0
	if cap(b.text) <= maxKeptBody {
		b.text, b.sent = b.text[:0], 0
		b.home.Put(b)
	}
	return nil
}
