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
	now := s.holder.current.Load()
	if now == nil {
		answerError(ctx, fasthttp.StatusInternalServerError, eval.General, errNoFlags.Error())
		w.tally.failed(eval.General)
		return
	}
	err := w.context.ParseRequest(ctx.Request.Body())
	v := s.view(ctx, w, now)
	var names []string
	named := false
	if err == nil {
		names, named, err = w.context.RequestTexts("flags")
	}
	if err != nil {
		answerError(ctx, fasthttp.StatusBadRequest, eval.InvalidContext, err.Error())
		w.tally.failed(eval.InvalidContext)
		return
	}
	body := newBulkBody(&s.bulkBodies, &s.untaken)
	if body == nil {
		s.meter.badRequest(answerBusy(ctx, "clients are slow to take bulk answers, and hold all the memory that there is for these"))
		return
	}
	body.text = append(append(body.text, `{"revision":`...), v.revision...)
	if v.missed {
		body.text = append(body.text, `,"pin":"missed"`...)
	}
	if len(v.token) > 0 {
		body.text = append(append(append(body.text, `,"token":"`...), v.token...), '"')
	}
	body.text = append(body.text, `,"flags":[`...)
	t := taken{s: s, v: v, w: w, unix: s.clock.machine(start).Unix()}
	if named {
		body.text = t.appendNamed(body.text, names)
	} else {
		body.text = t.appendAll(body.text)
	}
	body.text = append(append(body.text, `],"metadata":`...), v.metadata()...)
	body.text = append(append(body.text, `,"cacheKey":"`...), cacheKey(t.choices)...)
	body.text = append(body.text, `"}`...)
	body.made()
	ctx.Response.Header.SetContentTypeBytes(jsonType)
	ctx.Response.SetBodyStream(body, len(body.text))
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
	for flag, counts := range t.v.all {
		body = t.append(body, flag, counts)
	}
	return body
}

// appendNamed answers each flag once, in the order in which they are asked for.
func (t *taken) appendNamed(body []byte, names []string) []byte {
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
	return body
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
