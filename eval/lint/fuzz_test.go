package lint_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/lint"
)

// FuzzCheck finds whatever makes a check panic or never end, and findings that name no rule or no place in the document.
func FuzzCheck(f *testing.F) {
	f.Add(good)
	for _, v := range vectors(f) {
		f.Add(v.document())
	}
	f.Fuzz(func(t *testing.T, document string) {
		doc, err := eval.Parse([]byte(document), eval.LoadLimits())
		if err != nil {
			return
		}
		known := map[string]lint.Rule{}
		for _, rule := range lint.Rules() {
			known[rule.Name] = rule
		}
		found := lint.Check(doc, lint.Options{Day: today})
		for _, f := range found {
			if known[f.Rule].Severity != f.Severity || f.Message == "" {
				t.Fatalf("no finding of ours: %+v", f)
			}
			if top, _, _ := strings.Cut(f.Path, "."); !strings.HasPrefix(top, "flags") && !strings.HasPrefix(top, "$evaluators") && !strings.HasPrefix(top, "metadata") {
				t.Fatalf("no place of a document: %+v", f)
			}
		}
		if again := lint.Check(doc, lint.Options{Day: today}); shown(again) != shown(found) {
			t.Fatalf("twice, two results:\n%s\n%s", shown(found), shown(again))
		}
	})
}

// Evaluators that double at each step, and that lead nowhere or around in the end, must not be followed: nothing bounds them.
func TestWhatIsNotBoundedIsNotFollowed(t *testing.T) {
	for _, end := range []string{"nobody", "e0"} {
		var doc strings.Builder
		doc.WriteString(`{"flags":{"a":{"state":"ENABLED","variants":{"on":1},"defaultVariant":"on","targeting":{"if":[{"$ref":"e0"},"on"]}}},"$evaluators":{`)
		for i := range 60 {
			fmt.Fprintf(&doc, `"e%d":{"and":[{"$ref":"e%d"},{"$ref":"e%d"}]},`, i, i+1, i+1)
		}
		fmt.Fprintf(&doc, `"e60":{"$ref":%q}}}`, end)
		done := make(chan []lint.Finding, 1)
		go func() { done <- check(t, doc.String(), lint.Options{}) }()
		select {
		case found := <-done:
			if !strings.Contains(shown(found), "error reference $evaluators.e60.$ref") {
				t.Error(shown(found))
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("references to %s are followed without end", end)
		}
	}
}

// What looks like a reference, and names nothing, is none: the evaluator without a name least of all.
func TestAReferenceIsAName(t *testing.T) {
	doc := `{"flags":{"a":{"state":"ENABLED","variants":{"on":1},"targeting":{"fractional":[{"$ref":""},["on",1]]}}},"$evaluators":{"":{"cat":[{"$ref":5}]}}}`
	if found := shown(check(t, doc, lint.Options{})); !strings.Contains(found, `buckets by a computed attribute`) {
		t.Error(found)
	}
}

// The largest documents that are published take a second or so.
func TestTenThousandFlags(t *testing.T) {
	var doc strings.Builder
	doc.WriteString(`{"flags":{`)
	for i := range 10_000 {
		if i > 0 {
			doc.WriteByte(',')
		}
		fmt.Fprintf(&doc, `"f%d":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"and":[{">":[{"var":"age"},%d]},{"<":[{"var":"age"},3]}]},"on",{"==":[{"var":"plan"},"p%d"]},"on"]},"metadata":{"owner":"o","kind":"release"}}`, i, i, i)
	}
	doc.WriteString(`}}`)
	parsed, err := eval.Parse([]byte(doc.String()), eval.LoadLimits())
	if err != nil {
		t.Fatal(err)
	}
	begun := processorTime(t)
	found := lint.Check(parsed, lint.Options{Day: today})
	took := processorTime(t) - begun
	if len(found) < 20_000 {
		t.Errorf("only %d findings", len(found))
	}
	if t.Logf("%d findings in %s", len(found), took); took > time.Minute {
		t.Error("far too slow, on any machine")
	}
}

// processorTime is what the process has used so far: unlike the time that passes, it tells nothing of what else the machine does.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
