package eval

import (
	"fmt"
	"testing"
)

// A share that grows takes only from those behind it: nobody who has the
// feature loses it.
func TestFractionalGrowsMonotonically(t *testing.T) {
	var c Context
	var growing [21]*Flag // by share
	for user := range 300 {
		body := fmt.Sprintf(`{"targetingKey":"user-%d"}`, user)
		had := false
		for share := 0; share <= 100; share += 5 {
			flag := growing[share/5]
			if flag == nil {
				flag = onlyFlag(t, fmt.Sprintf(`{"fractional":[["on",%d],["off",%d]]}`, share, 100-share), "on", "off")
				growing[share/5] = flag
			}
			if err := c.Parse([]byte(body)); err != nil {
				t.Fatal(err)
			}
			has := flag.Evaluate(&c, 0).Variant == 0
			if had && !has {
				t.Fatalf("user-%d loses the feature at %d %%", user, share)
			}
			had = has
		}
		if !had {
			t.Fatalf("user-%d lacks the feature at 100 %%", user)
		}
	}
}

// A split comes near the weights it is given.
func TestFractionalSplitsByWeight(t *testing.T) {
	flag := onlyFlag(t, `{"fractional":[["a",10],["b",30],["c",60]]}`, "a", "b", "c")
	const users = 20_000
	var counts [3]int
	var c Context
	for user := range users {
		if err := c.Parse(fmt.Appendf(nil, `{"targetingKey":"user-%d"}`, user)); err != nil {
			t.Fatal(err)
		}
		counts[flag.Evaluate(&c, 0).Variant]++
	}
	for i, percent := range []int{10, 30, 60} {
		if got := float64(counts[i]) * 100 / users; got < float64(percent)-1 || got > float64(percent)+1 {
			t.Errorf("variant %d got %.1f %%, want about %d %%", i, got, percent)
		}
	}
}
