package observe

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var metricName = regexp.MustCompile(`\b(?:burgee|process|go)_[a-z_]+`)

// named gives the metrics that an expression reads.
func named(expr string) []string {
	var names []string
	for _, name := range metricName.FindAllString(expr, -1) {
		if name != "burgee_environment" { // a label
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// What is asked for is documented, and by that (sidecar/docs_test.go) there. TestOverRealSidecars holds the same against a real /metrics.
func TestMetricsAreThere(t *testing.T) {
	all := documented(t)
	used := map[string]bool{}
	for who, expr := range expressions(t) {
		names := named(expr)
		if len(names) == 0 {
			t.Errorf("%s asks for no metric of a sidecar: %s", who, expr)
		}
		for _, name := range names {
			base := strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")
			used[base] = true
			if strings.HasPrefix(name, "burgee_") && !slices.Contains(all, base) {
				t.Errorf("%s asks for %s, which docs/operations.md does not have", who, name)
			}
		}
	}
	// The other way round, whoever adds a metric decides whether it is to be seen.
	for _, name := range all {
		if !used[name] && !slices.Contains(unseen, name) {
			t.Errorf("%s is neither on the dashboard nor in an alert, nor in unseen", name)
		}
	}
}

// documented are the metrics of our own that docs/operations.md has, in its table of the sidecar's or in that of the webhook's. What both have
// is one name.
func documented(t *testing.T) (names []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?m)^\\| `(burgee_[a-z_]+)` \\|").FindAllStringSubmatch(string(read(t, "../../docs/operations.md")), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unseen are metrics that neither an alert nor a panel reads, because another one tells the same.
var unseen = []string{
	"burgee_flags",         // how many flags there are is known before they are published
	"burgee_expired_flags", // a matter between lint and the flag's owner
	"burgee_head_revision", // burgee_behind compares it
	"burgee_overrides",     // burgee_flag_overrides has them by flag
	"burgee_poll_failures", // burgee_polls_total and the age of the confirmation
}
