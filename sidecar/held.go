package sidecar

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

const (
	// maxHeldMemory bounds what is held beside the served flags, by weight, where these are small.
	maxHeldMemory = 16 << 20
	// maxFlagMemory bounds both together, while nothing is compiled.
	maxFlagMemory = 18 << 20
	// maxAllMemory bounds them with flags that are being compiled, and their document: beside two rulesets of the largest nothing is held.
	maxAllMemory = 26 << 20
	maxRevisions = 256 // whose tokens are known, over however many bundles
)

// heldFlags is what can be answered from beside the served flags: revisions that requests are still pinned to, and those whose moment is to come.
type heldFlags struct {
	waiting   []*flagset    // by revision; each is served at its moment
	past      []*pastBundle // by revision
	revisions []revision    // all that are known, by number
	next      time.Time     // when the first of them stops to count; zero: none does by itself
	gone      int64         // bundles of this revision and before it found no room; they are not brought back
	weighs    int           // about how much memory all that takes, when it was last trimmed
}

// pastBundle is flags that were served, or would have been, kept as the difference to those that are.
type pastBundle struct {
	rules    *eval.Past
	content  bundle.Digest
	stored   bundle.Digest
	revision int64 // the newest that had them
}

// revision is one that requests may be pinned to.
type revision struct {
	number  int64
	token   string
	content bundle.Digest
	until   time.Time // when another one took its place; zero: none did
}

// heldLimits are what bounds the held.
type heldLimits struct {
	bundles int           // in all, that which is served counted
	now     time.Time     // revisions that were replaced
	age     time.Duration // so long before do not count any more,
	oldest  int64         // nor do those below this one
}

func (h *holder) limits(served *flagset, now time.Time) heldLimits {
	return heldLimits{bundles: h.retain, now: now, age: h.pinMaxAge, oldest: served.oldestPin()}
}

// note adds a revision to those that are known, and tells whether it was not yet.
func (h *heldFlags) note(f *flagset, until time.Time) (news bool) {
	if len(f.token) == 0 {
		return false
	}
	at, found := byRevision(h.revisions, f.revision, func(r revision) int64 { return r.number })
	if found {
		return false
	}
	h.revisions = slices.Insert(h.revisions, at, revision{f.revision, string(f.token), f.content, until})
	if len(h.revisions) > maxRevisions {
		h.revisions = h.revisions[1:]
	}
	return true
}

// wait puts flags among those that wait, in order, unless a newer head over the same does; it tells whether it did.
func (h *heldFlags) wait(next *flagset) bool {
	if slices.ContainsFunc(h.waiting, func(w *flagset) bool { return w.bundle == next.bundle && w.revision > next.revision }) {
		return false
	}
	h.waiting = slices.DeleteFunc(h.waiting, func(w *flagset) bool { return w.bundle == next.bundle || w.revision == next.revision })
	at, _ := byRevision(h.waiting, next.revision, func(w *flagset) int64 { return w.revision })
	h.waiting = slices.Insert(h.waiting, at, next)
	return true
}

// byRevision is where a revision stands in a list by revisions, or belongs.
func byRevision[T any](all []T, number int64, of func(T) int64) (at int, found bool) {
	return slices.BinarySearchFunc(all, number, func(one T, n int64) int { return cmp.Compare(of(one), n) })
}

// follow makes all that is held what is held beside the next flags, those before them included.
func (h *heldFlags) follow(before, next *flagset, now time.Time) {
	for i := range h.revisions {
		if r := &h.revisions[i]; r.number < next.revision && r.until.IsZero() {
			r.until = now
		}
	}
	h.note(next, time.Time{})
	over := slices.DeleteFunc(slices.Clone(h.waiting), func(w *flagset) bool { return w.revision >= next.revision })
	h.waiting = slices.DeleteFunc(h.waiting, func(w *flagset) bool { return w.revision <= next.revision })
	var rebased []*pastBundle
	if before != nil && before.bundle != next.bundle {
		over = append(over, before)
		rebased, h.past = h.past, nil
	}
	for _, one := range over {
		h.add(one, next)
	}
	if len(rebased) > 0 {
		h.rebase(rebased, before, next)
	}
}

// rebase holds what was held beside other flags, the newest first, and only for as long as there is room: the difference to flags that have
// nothing in common with it takes as much memory as they do.
func (h *heldFlags) rebase(all []*pastBundle, before, next *flagset) {
	room := roomBeside(next) - h.weight(next.bundle)
	var scales eval.Scales
	for _, p := range slices.Backward(all) {
		switch {
		case room < 0 || p.revision <= h.gone:
			h.letGo(p.revision)
			return
		case p.content == next.content || slices.ContainsFunc(h.past, func(one *pastBundle) bool { return one.content == p.content }):
			continue
		}
		p.rules = p.rules.Rebase(before.bundle, next.bundle)
		room -= scales.Add(p.rules)
		h.insert(p)
	}
}

// roomBeside is how much may be held beside flags that are served, by weight.
func roomBeside(served *flagset) int {
	return min(maxHeldMemory, maxFlagMemory-served.bundle.Weight())
}

// letGo lets a past bundle go for want of room, and all before it.
func (h *heldFlags) letGo(revision int64) {
	h.gone = max(h.gone, revision)
	h.past = slices.DeleteFunc(h.past, func(p *pastBundle) bool { return p.revision <= h.gone })
}

// add holds flags as what differs from the served ones, unless it is seen before that they find no room: of the largest flags the difference
// alone is large.
func (h *heldFlags) add(f, served *flagset) {
	h.past = slices.DeleteFunc(h.past, func(p *pastBundle) bool { return p.content == f.content })
	if f.bundle.WeightBeside(served.bundle) > roomBeside(served) {
		h.letGo(f.revision)
		return
	}
	h.insert(&pastBundle{f.bundle.Past(served.bundle), f.content, f.head.Manifest().Bundle.Digest, f.revision})
}

func (h *heldFlags) insert(p *pastBundle) {
	at, _ := byRevision(h.past, p.revision, func(p *pastBundle) int64 { return p.revision })
	h.past = slices.Insert(h.past, at, p)
}

// trim lets go of what nobody can be pinned to any more, and of the oldest where there is too much.
func (h *heldFlags) trim(served *flagset, l heldLimits) {
	h.next = time.Time{}
	h.revisions = slices.DeleteFunc(h.revisions, func(r revision) bool {
		end, ends := r.until.Add(l.age), !r.until.IsZero()
		gone := r.number < l.oldest && r.number != served.revision || ends && !end.After(l.now)
		if !gone && ends && (h.next.IsZero() || end.Before(h.next)) {
			h.next = end
		}
		return gone
	})
	h.past = slices.DeleteFunc(h.past, func(p *pastBundle) bool {
		return p.content == served.content || !slices.ContainsFunc(h.revisions, func(r revision) bool { return r.content == p.content })
	})
	if over := 1 + len(h.waiting) + len(h.past) - l.bundles; over > 0 {
		h.past = slices.Delete(h.past, 0, min(over, len(h.past)))
	}
	room := roomBeside(served)
	h.weighs = h.weightOfWaiting(served.bundle)
	var scales eval.Scales
	for _, p := range slices.Backward(h.past) {
		more := scales.Add(p.rules)
		if h.weighs+more > room {
			h.letGo(p.revision)
			break
		}
		h.weighs += more
	}
}

// weight is about what is held takes in memory beside the flags that are served, in bytes.
func (h *heldFlags) weight(served *eval.Ruleset) int {
	sum := h.weightOfWaiting(served)
	var scales eval.Scales
	for _, p := range slices.Backward(h.past) {
		sum += scales.Add(p.rules)
	}
	return sum
}

func (h *heldFlags) weightOfWaiting(served *eval.Ruleset) (sum int) {
	for _, w := range h.waiting {
		sum += w.bundle.WeightBeside(served)
	}
	return sum
}

// over tells whether a revision has stopped to count since it was last looked at.
func (h *heldFlags) over(now time.Time) bool { return !h.next.IsZero() && !now.Before(h.next) }

// bounds are those of all flags that can be answered from.
func (h *heldFlags) bounds(served *flagset, unbounded time.Duration) (b bounds) {
	b = b.with(served.bundle.Flags(), unbounded)
	for _, w := range h.waiting {
		b = b.with(w.bundle.Flags(), unbounded)
	}
	for _, p := range h.past {
		b = b.with(p.rules.Own(), unbounded)
	}
	return b
}

// table makes what requests can be pinned to, of all that is held, under the circumstances of the moment.
func (h *heldFlags) table(served *flagset, c *circumstances) pinTable {
	t := pinTable{byToken: make(map[string]pinned, len(h.revisions)), oldest: served.oldestPin()}
	t.contents = append(t.contents, pinnedContent{served.content, served.own()})
	for _, w := range h.waiting {
		t.contents = append(t.contents, pinnedContent{w.content, w.under(c).own()})
		t.waiting = append(t.waiting, w)
	}
	for _, p := range h.past {
		rules := p.rules.Under(served.rules, c.asked(), c.lapse.closing())
		state := pinned{set: served, past: &pastSet{rules, newCounts(rules.Own())}, answering: &answering{marks: served.marks}}
		t.contents = append(t.contents, pinnedContent{p.content, state})
	}
	for _, r := range slices.Backward(h.revisions) {
		for i := range t.contents {
			if t.contents[i].digest == r.content {
				state := t.contents[i].pinned
				state.answering = &answering{strconv.AppendInt(nil, r.number, 10), []byte(r.token), served.marks}
				t.byToken[r.token] = state
				t.held = append(t.held, r.number)
				break
			}
		}
	}
	return t
}
