package eval

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Many revisions, each of which reads paths that none before did, leave no more
// behind than the last one needs.
func TestRevisionsLeaveNothingBehind(t *testing.T) {
	next := func(last *Ruleset, revision int) *Ruleset {
		var doc strings.Builder
		doc.WriteString(`{"$evaluators":{"e":{"var":"x"}},"flags":{`)
		for i := range 200 {
			fmt.Fprintf(&doc, `"f%d":{"variants":{"on":true},"targeting":{"if":[{"var":"a%d.%d"},"on"]}},`, i, i, revision*(1-min(i, 1)))
		}
		doc.WriteString(`"last":{"variants":{"on":true}}}}`)
		return CompileAfter(last, document(t, doc.String()), Options{})
	}
	var last *Ruleset
	for revision := range 20 {
		last = next(last, revision)
	}
	before := liveHeap()
	for revision := range 300 {
		last = next(last, 20+revision)
	}
	if grown := liveHeap() - before; grown > 512<<10 {
		t.Errorf("300 revisions left %.0f KiB behind", grown/1024)
	}
	runtime.KeepAlive(last)
}

// A ruleset does not keep its document.
func TestRulesetsLetGoOfDocuments(t *testing.T) {
	rules, gone := compiledAndWatched(t)
	for range 10 {
		runtime.GC()
		select {
		case <-gone:
			runtime.KeepAlive(rules)
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Error("the document is still in memory")
	runtime.KeepAlive(rules)
}

// compiledAndWatched compiles a document, and closes gone once nobody has the document any more.
func compiledAndWatched(t *testing.T) (rules *Ruleset, gone chan struct{}) {
	const rest = `"$evaluators":{"e":{"==":[{"var":"x.y"},"z"]}},"metadata":{"m":"n"}`
	doc := []byte(`{` + rest + `,"flags":{"a":{"variants":{"on":"` + strings.Repeat("x", 60_000) + `"},"targeting":{"if":[{"var":"from.it"},"on",{"$ref":"e"}]}}}}`)
	gone = make(chan struct{})
	runtime.AddCleanup(&doc[0], func(gone chan struct{}) { close(gone) }, gone)
	parsed, err := Parse(doc, LoadLimits())
	if err != nil {
		t.Fatal(err)
	}
	return Compile(parsed, Options{}), gone
}

// Paths outlive the flags that they were read from, and nothing else of them does.
func TestPathsLetGoOfFlags(t *testing.T) {
	doc := func(size int) string {
		var doc strings.Builder
		doc.WriteString(`{"flags":{`)
		for i := range 100 {
			fmt.Fprintf(&doc, `"f%d":{"variants":{"on":%q},"targeting":{"if":[{"var":"a%d"},"on"]}},`, i, strings.Repeat("x", size), i)
		}
		return doc.String() + `"same":{"variants":{"on":true}}}}`
	}
	empty := liveHeap()
	last := CompileAfter(Compile(document(t, doc(50_000)), Options{}), document(t, doc(10)), Options{})
	if held := liveHeap() - empty; held > 1<<20 {
		t.Errorf("%.0f KiB are held by flags that changed", held/1024)
	}
	runtime.KeepAlive(last)
}
