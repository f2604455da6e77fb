package sidecar

import (
	"bytes"
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/sync/bundle"
)

const (
	snapshotHeader    = "Burgee-Snapshot"
	snapshotAttribute = "burgee-snapshot" // of a context, and of baggage
	maxTokens         = 4                 // of as many environments
	maxPin            = maxTokens * (bundle.MaxToken + len(", "))
)

var snapshotHeaderBytes = []byte(snapshotHeader)

// pinResult is what became of a request's pin.
type pinResult int

// What becomes of pins, as metrics name it.
const (
	pinNone      pinResult = iota
	pinCurrent             // it is what is served
	pinHeld                // another state, that is held
	pinAwaited             // it was ahead, and came while the request waited
	pinAhead               // missed: the store has not given it yet
	pinGone                // missed: it is not held, or too old
	pinUnchecked           // missed: there were too many to verify
	pinForged              // ignored, as those below
	pinForeign
	pinMalformed
	pinOversized
	pinResults
)

var pinResultNames = [pinResults]string{
	"none", "current", "held", "awaited", "ahead", "gone", "unchecked", "forged", "foreign", "malformed", "oversized",
}

// missed tells whether the pin was meant for this environment and could not be given.
func (r pinResult) missed() bool { return r == pinAhead || r == pinGone || r == pinUnchecked }

// view is the state that a request is answered from.
type view struct {
	pinned
	now    *flagset // what is served
	missed bool     // the pin could not be given
}

// view finds it by the request's pin, and says which it is. It waits for nothing but a pull that a pin ahead asks for.
func (s *Sidecar) view(ctx *fasthttp.RequestCtx, w *workspace, now *flagset) *view {
	v := &w.view
	*v = view{pinned: now.own(), now: now}
	if text := s.pinOf(ctx, w); len(text) > 0 {
		result := s.resolve(text, w, v)
		w.tally.pins[result].Add(1)
		if v.missed = result.missed(); v.missed {
			v.answering = v.now.missed
		}
	}
	v.announce(ctx)
	return v
}

// announce tells the client which state it is answered from.
func (a *answering) announce(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.SetCanonical(revisionHeader, a.revision)
	if len(a.token) > 0 {
		ctx.Response.Header.SetCanonical(snapshotHeaderBytes, a.token)
	}
}

// own is the flagset itself, as what a request can be pinned to.
func (f *flagset) own() pinned { return pinned{set: f, answering: f.answering} }

// pinOf gives the pin that a request carries: in its header, in its context, or in its baggage. It is taken out of the context, so that no
// rule sees it. Where they disagree the first counts.
func (s *Sidecar) pinOf(ctx *fasthttp.RequestCtx, w *workspace) []byte {
	var found, baggage []byte
	if mayPin(ctx.Request.Header.RawHeaders()) {
		found = oneLine(ctx.Request.Header.PeekAll(snapshotHeader), &w.header)
		baggage = baggageMember(ctx.Request.Header.PeekAll("Baggage"), snapshotAttribute, &w.baggage)
	}
	attribute, isText, there := w.context.TakeOut(snapshotAttribute)
	if there && !isText {
		w.tally.pins[pinMalformed].Add(1)
	}
	if len(attribute)+len(baggage) == 0 {
		return found
	}
	w.pin = append(w.pin[:0], attribute[:min(len(attribute), maxPin+1)]...) // a longer one is no pin, and not kept
	differ := false
	for _, other := range [...][]byte{w.pin, baggage} {
		switch {
		case len(other) == 0:
		case len(found) == 0:
			found = other
		default:
			differ = differ || !bytes.Equal(found, other)
		}
	}
	if differ {
		s.meter.pinConflicts.Add(1)
	}
	return found
}

// oneLine joins the lines of a header as HTTP does, where there are several.
func oneLine(lines [][]byte, buffer *[]byte) []byte {
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return lines[0]
	}
	*buffer = (*buffer)[:0]
	for i, line := range lines {
		if i > 0 {
			*buffer = append(*buffer, ", "...)
		}
		*buffer = append(*buffer, line...)
	}
	return *buffer
}

// tokensOf cuts a pin at what separates its tokens: "~", and a comma, by which whoever passes headers on may join their lines.
func tokensOf(pin []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(pin) > 0 {
			token, rest := pin, []byte(nil)
			if at := bytes.IndexAny(pin, "~,"); at >= 0 {
				token, rest = pin[:at], pin[at+1:]
			}
			if token = bytes.TrimSpace(token); len(token) > 0 && !yield(token) {
				return
			}
			pin = rest
		}
	}
}

// mayPin tells whether one of a request's headers begins as both do that carry a pin: most requests have none such, and looking for two
// names one after the other costs more. Where the headers were not read from a connection it cannot tell.
func mayPin(headers []byte) bool {
	for rest := headers; len(rest) > 0; {
		if rest[0]|0x20 == 'b' {
			return true
		}
		next := bytes.IndexByte(rest, '\n')
		if next < 0 {
			return false
		}
		rest = rest[next+1:]
	}
	return len(headers) == 0
}

// resolve changes a view to the state that a pin asks for, if it can be had.
func (s *Sidecar) resolve(text []byte, w *workspace, v *view) pinResult {
	if v.take(text) {
		return v.was()
	}
	want, result := s.ours(text, w, v)
	switch {
	case result != pinNone:
		return result
	case want.Revision <= v.now.revision || s.unsigned():
		return pinGone
	}
	s.pins.tell(want.Revision, time.Now())
	if !s.await() {
		return pinAhead
	}
	v.now = s.holder.current.Load()
	v.pinned = v.now.own()
	if v.take(want.text) || s.find(want, w, v) {
		return pinAwaited
	}
	return pinAhead
}

// take is the usual way: a token that is told by its bytes.
func (v *view) take(text []byte) bool {
	if len(text) > 0 && bytes.Equal(text, v.now.token) {
		return true
	}
	held, ok := v.now.pins.byToken[string(text)]
	if ok {
		v.pinned = held
	}
	return ok
}

// wanted is a token that was read, as it came.
type wanted struct {
	bundle.Token
	text []byte
}

// find is the way for a good token of a revision that was never seen here: another one may have had the same flags. A revision beyond the
// newest head may have other overrides over them, such as a kill, so it is not had before its head; a file has none.
func (s *Sidecar) find(want wanted, w *workspace, v *view) bool {
	if want.Revision > v.now.headRevision && s.bench == nil {
		return false
	}
	held, ok := v.now.pins.find(want.Token)
	if ok {
		v.pinned = held
		w.answering = answering{strconv.AppendInt(w.answering.revision[:0], want.Revision, 10), want.text, held.marks}
		v.answering = &w.answering
	}
	return ok
}

func (v *view) was() pinResult {
	if v.past == nil && v.set == v.now {
		return pinCurrent
	}
	return pinHeld
}

// ours finds the token of this environment among those that a pin lists, and changes the view to what it means. Where the result is pinNone,
// it is a good one that is not held.
func (s *Sidecar) ours(list []byte, w *workspace, v *view) (want wanted, result pinResult) {
	if len(list) > maxPin {
		return want, pinOversized
	}
	result, many := pinMalformed, 0
	for range tokensOf(list) {
		if many++; many > maxTokens {
			return want, pinOversized
		}
	}
	for text := range tokensOf(list) {
		if v.take(text) {
			return want, v.was()
		}
		one, verdict := s.read(text, v.now.revision)
		if verdict == pinNone && s.find(one, w, v) {
			return want, v.was()
		}
		if len(want.text) == 0 { // of several that are not held the first good one counts
			result = verdict
			if verdict == pinNone || verdict == pinUnchecked {
				want = one
			}
		}
	}
	return want, result
}

// read takes a token that is not told by its bytes, and says what speaks against it; pinNone is nothing.
func (s *Sidecar) read(text []byte, served int64) (want wanted, verdict pinResult) {
	token, err := bundle.ParseToken(text)
	switch {
	case errors.Is(err, bundle.ErrTokenOversized):
		return want, pinOversized
	case err != nil:
		return want, pinMalformed
	case !token.Of(s.config.Environment):
		return want, pinForeign
	case s.unsigned(): // what it says of the flags can be compared all the same, and it causes nothing else
		return wanted{token, text}, pinNone
	case !token.Signed(), token.Revision > served+bundle.MaxJump:
		return want, pinForged
	}
	return wanted{token, text}, s.pins.verify(text, token, time.Now())
}

// unsigned tells whether nothing that this sidecar reads needs a signature.
func (s *Sidecar) unsigned() bool { return s.config.Trust.Unsigned() || s.config.FlagsFile != "" }

// await asks the store for a newer state, and waits for it, but not for long, nor with many others. It tells whether it did.
func (s *Sidecar) await() bool {
	if s.loop == nil {
		return false
	}
	over := s.loop.Hasten()
	if over == nil || !s.pins.enter() {
		return false
	}
	defer s.pins.leave()
	timer := time.NewTimer(s.config.PinWait)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
	}
	return true
}
