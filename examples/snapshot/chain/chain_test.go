package chain

import (
	"runtime"
	"strings"
	"testing"
)

// Close waits for the goroutines that Start started. It is tried often: one that nobody waits for may have ended by chance.
func TestCloseWaits(t *testing.T) {
	for range 50 {
		c, err := Start([]string{"a", "b", "c", "d", "e"}, true)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if strings.Contains(string(stacks), "net/http.(*Server).Serve") {
			t.Fatalf("a server is left after Close:\n%s", stacks)
		}
	}
}
