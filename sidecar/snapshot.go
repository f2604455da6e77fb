package sidecar

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/eval"
)

// snapshotPath is where a request's state is asked for, with as many of its flags as are wanted.
const snapshotPath = "/v1/snapshot"

// cacheKeyBytes are enough that two sets of variants do not share a key by chance, nor by anybody's intent.
const cacheKeyBytes = 16

// snapshot answers with the state that the request is to see, by its token, and with flags from it: those that are named, or all.
func (s *Sidecar) snapshot(ctx *fasthttp.RequestCtx, w *workspace, start time.Time) {
	v := s.opened(ctx, w)
	if v == nil {
		return
	}
	names, named, err := w.context.RequestTexts("flags")
	if err != nil {
		answerInvalid(ctx, w, err)
		return
	}
	t := taken{s: s, v: v, w: w, unix: s.clock.machine(start).Unix()}
	if named {
		s.answerNamed(ctx, t.appendNamed(nil, names))
		return
	}
	s.answerAll(ctx, func(text []byte) (_ []byte, send bool) { return t.appendAll(text), true })
}

// answerNamed sends the answers of named flags. Most are few, and clients ask for none where the token is all that they want: these are not
// to be given the memory that an answer with all flags takes. Large ones count among those that clients have not taken.
func (s *Sidecar) answerNamed(ctx *fasthttp.RequestCtx, text []byte) {
	if len(text) <= keptBody {
		answerWith(ctx, text)
		return
	}
	if !s.untaken.hold(len(text)) {
		s.crammed(ctx)
		return
	}
	(&bulkBody{text: text, home: &s.bulkBodies, held: len(text), of: &s.untaken}).answer(ctx)
}

// taken is a snapshot in the making.
type taken struct {
	s       *Sidecar
	v       *view
	w       *workspace
	unix    int64
	choices []choice
}

// choice is what a flag came to, as far as a cache has to know.
type choice struct {
	flag    string
	variant string
	none    bool // the code's own default, or an error
}

func (t *taken) appendAll(body []byte) []byte {
	body = t.appendHead(body)
	for flag, counts := range t.v.all {
		body = t.append(body, flag, counts)
	}
	return t.appendEnd(body)
}

// appendNamed answers each flag once, in the order in which they are asked for.
func (t *taken) appendNamed(body []byte, names []string) []byte {
	body = t.appendHead(body)
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		if flag, counts := t.v.lookup([]byte(name)); flag != nil {
			body = t.append(body, flag, counts)
			continue
		}
		body = append(comma(body), t.v.marked(eval.NotFound(name)).JSON...)
		t.s.meter.unknown(t.w.tally)
		t.choices = append(t.choices, choice{flag: name, none: true})
	}
	return t.appendEnd(body)
}

func (t *taken) appendHead(body []byte) []byte {
	body = append(append(body, `{"revision":`...), t.v.revision...)
	if t.v.missed {
		body = append(body, `,"pin":"missed"`...)
	}
	if len(t.v.token) > 0 {
		body = append(append(append(body, `,"token":"`...), t.v.token...), '"')
	}
	return append(body, `,"flags":[`...)
}

func (t *taken) appendEnd(body []byte) []byte {
	body = append(append(body, `],"metadata":`...), t.v.metadata()...)
	body = append(append(body, `,"cacheKey":"`...), cacheKey(t.choices)...)
	return append(body, `"}`...)
}

func (t *taken) append(body []byte, flag *eval.Flag, counts *counts) []byte {
	body, answer := t.s.appendAnswer(body, flag, counts, t.v, t.w, t.unix)
	c := choice{flag: flag.Key(), none: answer.Variant < 0}
	if !c.none {
		c.variant = flag.Variants()[answer.Variant]
	}
	t.choices = append(t.choices, c)
	return body
}

// cacheKey is the same where the same flags came to the same variants, and only there: in whatever order, at whatever revision.
func cacheKey(choices []choice) []byte {
	slices.SortFunc(choices, func(a, b choice) int { return strings.Compare(a.flag, b.flag) })
	h := sha256.New()
	var line []byte
	for _, c := range choices {
		line = strconv.AppendQuote(line[:0], c.flag)
		if !c.none {
			line = strconv.AppendQuote(append(line, '='), c.variant)
		}
		_, _ = h.Write(append(line, '\n')) // it does not fail
	}
	return hex.AppendEncode(nil, h.Sum(nil)[:cacheKeyBytes])
}
