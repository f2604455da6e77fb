package eval

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Loops in the paths of vars in the bodies of loops are compiled in bounded time.
func TestNestedPathsCompile(t *testing.T) {
	rule := `"a"`
	for range 8 {
		rule = `{"some":[[1],{"var":` + rule + `}]}`
	}
	start := time.Now()
	ruleset(t, fmt.Sprintf(`{"flags":{"f":{"variants":{"x":1},"targeting":%s}}}`, strings.TrimSpace(rule)))
	if took := time.Since(start); took > time.Second {
		t.Errorf("compiled in %v", took)
	}
}
