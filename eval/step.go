package eval

import (
	"slices"
	"strings"
)

// step is what a ruleset was compiled after, and what changed with it. Pasts of
// many revisions go from one base to the next, and need not look for what changed
// each for itself. It keeps nothing of the earlier ruleset alive.
type step struct {
	own, from *mark
	known     bool     // else too much changed to be listed
	changed   []string // keys of the flags that are not the same program in both, sorted
}

// mark tells rulesets apart. It must have a size, or all were one.
type mark struct{ _ byte }

// manyChanged is by which share of its flags a ruleset differs from an earlier one when that is no longer worth to be listed.
const manyChanged = 1.0 / 8

func newStep(earlier, r *Ruleset) step {
	s := step{own: new(mark)}
	if earlier == nil {
		return s
	}
	changed := changedKeys(earlier, r)
	if s.known = float64(len(changed)) <= manyChanged*float64(r.Len()); s.known {
		s.from, s.changed = earlier.step.own, slices.Clone(changed)
		for i, key := range s.changed {
			s.changed[i] = strings.Clone(key)
		}
	}
	return s
}

// weight is what the list of changes takes.
func (s *step) weight() int {
	n := 0
	for _, key := range s.changed {
		n += 16 + piece(uintptr(len(key)))
	}
	return n
}

// changedBetween gives the keys of the flags that are not the same program in both.
func changedBetween(a, b *Ruleset) []string {
	switch {
	case b.step.known && b.step.from == a.step.own:
		return b.step.changed
	case a.step.known && a.step.from == b.step.own:
		return a.step.changed
	default:
		return changedKeys(a, b)
	}
}

// changedKeys are these keys, where both have to be looked through for them.
func changedKeys(a, b *Ruleset) []string {
	var changed []string
	i, j := 0, 0
	for i < len(a.keys) || j < len(b.keys) {
		switch {
		case j == len(b.keys) || i < len(a.keys) && a.keys[i] < b.keys[j]:
			changed = append(changed, a.keys[i])
			i++
		case i == len(a.keys) || a.keys[i] > b.keys[j]:
			changed = append(changed, b.keys[j])
			j++
		default:
			if a.flags[i].program != b.flags[j].program {
				changed = append(changed, a.keys[i])
			}
			i++
			j++
		}
	}
	return changed
}
