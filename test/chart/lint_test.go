package chart

import (
	"slices"
	"testing"
)

// Helm has no cluster when it lints, and goes on where a template refuses, so that the defaults pass too.
func TestLint(t *testing.T) {
	t.Parallel()
	eachHelm(t, func(t *testing.T, helm string) {
		lint := func(t *testing.T, values ...string) {
			t.Helper()
			if stdout, stderr, err := run(t, helm, slices.Concat([]string{"lint", "--strict", chartFolder}, values)...); err != nil {
				t.Errorf("%v\n%s%s", err, stdout, stderr)
			}
		}
		t.Run("defaults", func(t *testing.T) { lint(t) })
		eachSet(t, func(t *testing.T, _ string, values []string) {
			lint(t, values[:2]...) // without --api-versions, which lint does not know
		})
	})
}
