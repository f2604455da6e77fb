package lint_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/eval/lint"
)

// docs/flags.md has a row for each rule, in the same order, that says whether it warns.
func TestTheDocsListEveryRule(t *testing.T) {
	raw, err := os.ReadFile("../../docs/flags.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(raw), "\n## Rules\n")
	text, _, ended := strings.Cut(text, "\n## ")
	if !found || !ended {
		t.Fatal("docs/flags.md has no section of rules")
	}
	var want, got []string
	for _, rule := range lint.Rules() {
		row := rule.Name
		if rule.Severity == lint.Warning {
			row += " (warning)"
		}
		want = append(want, row)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`( \\(warning\\))? \\|").FindAllStringSubmatch(text, -1) {
		got = append(got, m[1]+m[2])
	}
	if !slices.Equal(got, want) {
		t.Errorf("docs/flags.md lists\n%q\nwant\n%q", got, want)
	}
}
