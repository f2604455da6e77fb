package hostile

import (
	"flag"
	"sort"
	"testing"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

var find = flag.Bool("hostile.find", false, "find how many parts the largest documents have: for after a limit changed")

// atMost is more parts than any document has.
const atMost = 10_000

// Documents are as large as a sidecar takes them, or nearly.
func TestFindTheLargest(t *testing.T) {
	if !*find {
		t.Skip("SKIP: it takes minutes; run it with -hostile.find and put what it prints into legal.go")
	}
	for _, l := range Legals() {
		document, parts := largest(l, 999) // as long a number as any test gives: flags are named by it
		t.Logf("{%q, …, %d}: %d KiB, weight %.1f MiB", l.Name, parts, len(document)>>10, float64(weight(document))/(1<<20))
	}
}

// largest gives about the largest document of the family that a sidecar takes, and how many parts it has. To compile documents of all
// sizes would take minutes, so it compiles two small ones and reckons from there.
func largest(l Large, salt int) (document string, parts int) {
	one, many := len(l.Of(salt, 1)), len(l.Of(salt, 101))
	most := min(atMost, (bundle.MaxDocument-one)*100/max(many-one, 1)) // by its size
	if document = l.Of(salt, most); !read(document) {
		most = sort.Search(most, func(n int) bool { return !read(l.Of(salt, n+1)) })
	}
	if few := most / 64; few > 0 {
		first, second := weight(l.Of(salt, few)), weight(l.Of(salt, 2*few))
		slope := max(second-first, 1)
		most = min(most, max(few, few+few*(eval.LoadLimits().Memory-first)/slope))
	}
	for document = l.Of(salt, most); !legal(document) && most > 1; document = l.Of(salt, most) {
		most -= most/50 + 1
	}
	return document, most
}

// read tells whether a sidecar reads the document.
func read(document string) bool {
	if len(document) > bundle.MaxDocument {
		return false
	}
	_, err := eval.Parse([]byte(document), eval.LoadLimits())
	return err == nil
}

// weight is what a sidecar reckons that the document takes in memory.
func weight(document string) int {
	parsed, err := eval.Parse([]byte(document), eval.LoadLimits())
	if err != nil {
		return eval.LoadLimits().Memory
	}
	rules := eval.Compile(parsed, eval.Options{})
	if rules.Oversize() != nil {
		return eval.LoadLimits().Memory
	}
	return rules.Weight()
}

// legal tells whether a sidecar takes the document.
func legal(document string) bool {
	if len(document) > bundle.MaxDocument {
		return false
	}
	parsed, err := eval.Parse([]byte(document), eval.LoadLimits())
	return err == nil && eval.Compile(parsed, eval.Options{}).Oversize() == nil
}
