package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// guards hold flags to what they meant before: whoever publishes says so where they are to mean something else.
type guards struct {
	Revive   []string `help:"Bring back a flag that was removed, with its old type and variants; repeatable." placeholder:"FLAG"`
	Rebucket bool     `help:"Let users move to other variants: another bucketing of the flags, or another subject of one."`
}

// growth lets through what looks like a mistake by its size.
type growth struct {
	AllowShrink bool `help:"Publish flags that are none, or less than half of those before."`
	AllowGrowth bool `help:"Publish flags of more than twice the bytes before."`
}

// compare is the comparison of a publication that keeps to the guards. The error is a *guarded where it does not.
func (g *guards) compare(s publish.Step) (publish.Comparison, error) {
	d, err := parseStep(s)
	if err != nil {
		return publish.Comparison{}, err
	}
	if broken := g.broken(d, s.Retired); len(broken) > 0 {
		return publish.Comparison{}, &guarded{broken, fmt.Sprintf("refused for %s to what flags mean", plural(len(broken), "change"))}
	}
	return d.compare(s), nil
}

// guarded says that flags would come to mean something else than they did, or that publish would refuse them by another guard.
type guarded struct {
	why  []problem
	text string // of all
}

func (g *guarded) Error() string { return g.text }

func (g *guarded) print(out io.Writer) {
	printProblems(out, g.why, "")
}

// broken lists the changes that no guard lets through.
func (g *guards) broken(d step, retired []bundle.Retired) []problem {
	var found []problem
	if before, after := d.bucketings(); before != after && !g.Rebucket {
		found = append(found, problem{
			Path: "metadata.bucketing", Message: fmt.Sprintf("users would move to other variants of every rollout, from bucketing %s to %s", before, after),
			Hint: "--rebucket publishes it all the same",
		})
	}
	for _, key := range d.after.Keys() {
		switch {
		case d.before.Has(key):
			found = append(found, g.changed(d, key)...)
		default:
			found = append(found, g.revived(d, key, retired)...)
		}
	}
	return append(found, g.idle(d, retired)...)
}

// bucketings are those of the flags before and after; the same where there were no flags that anybody could be in a variant of.
func (d step) bucketings() (before, after string) {
	after = d.after.Bucketing()
	if d.before == nil || d.before.Flags() == 0 {
		return after, after
	}
	return d.before.Bucketing(), after
}

// changed lists what a flag that goes on must not change.
func (g *guards) changed(d step, key string) (found []problem) {
	path := eval.Change{Flag: key}.Path()
	if before, after := d.before.Type(key), d.after.Type(key); before != after && before != eval.MixedType {
		found = append(found, problem{
			Path: path + ".variants", Message: fmt.Sprintf("the type changes from %s to %s, and callers ask for one type", before, after),
			Hint: "give what is new a key of its own, and remove this flag when nobody asks for it any more",
		})
	}
	if before, after := d.before.Contract(key).Subject, d.after.Contract(key).Subject; before != "" && before != after && !g.Rebucket {
		found = append(found, problem{
			Path: path + ".metadata.subject", Message: fmt.Sprintf("the subject changes from %q to %q: its users would move to other variants", before, after),
			Hint: "--rebucket publishes it all the same",
		})
	}
	return found
}

// revived lists what keeps the key of a removed flag from being used again.
func (g *guards) revived(d step, key string, retired []bundle.Retired) []problem {
	i := slices.IndexFunc(retired, func(r bundle.Retired) bool { return r.Flag == key })
	if i < 0 {
		return nil
	}
	was, path := retired[i], eval.Change{Flag: key}.Path()
	own := "or give the flag a key of its own: code that still asks for the old one would get the new meaning"
	if !slices.Contains(g.Revive, key) {
		return []problem{{
			Path: path, Message: fmt.Sprintf("this key was that of a flag that revision %d removed", was.Revision),
			Hint: fmt.Sprintf("if it is the same flag, --revive %s brings it back; %s", key, own),
		}}
	}
	variants := d.after.Variants(key)
	if now := d.after.Type(key); now != was.Type || !slices.Equal(variants, was.Variants) {
		return []problem{{
			Path:    path + ".variants",
			Message: fmt.Sprintf("it was a flag of type %s with the variants %s, and would be %s with %s", was.Type, names(was.Variants), now, names(variants)),
			Hint:    "bring it back as it was, and change its variants in a later revision; " + own,
		}}
	}
	return nil
}

// idle lists what was asked to be revived and is nothing that ever could be. A flag that is back already was asked for before, by a
// pipeline that runs again.
func (g *guards) idle(d step, retired []bundle.Retired) (found []problem) {
	var gone []string
	for _, r := range retired {
		gone = append(gone, r.Flag)
	}
	for _, key := range g.Revive {
		switch {
		case !slices.Contains(gone, key):
			found = append(found, problem{Path: "--revive " + key, Message: "no flag of this key was removed", Hint: suggest(key, gone)})
		case !d.after.Has(key):
			found = append(found, problem{Path: "--revive " + key, Message: "the flags have no such key", Hint: suggest(key, d.after.Keys())})
		}
	}
	return found
}

// names lists variants for a message.
func names(variants []string) string {
	if len(variants) == 0 {
		return "none"
	}
	return strings.Join(variants, ", ")
}
