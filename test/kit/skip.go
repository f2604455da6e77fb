package kit

import (
	"os"
	"testing"
)

// MustRun is the environment variable by which a run says that it has all that its tests need: where it is set, nothing is skipped.
const MustRun = "BURGEE_TEST_MUST_RUN"

// Skip skips the test for want of what the machine or the run has not; where nothing may be skipped, the test fails.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(MustRun) != "" {
		t.Fatalf("%s is set, so this must run here: %s", MustRun, why)
	}
	t.Skip("SKIP: " + why)
}
