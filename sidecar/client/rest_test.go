package client

import (
	"testing"
	"testing/synctest"
	"time"
)

// While it rests, one of all who want to ask may, once a second; an answer ends the rest.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rest
		allowed := func() (n int) {
			for range 100 {
				if r.allow() {
					n++
				}
			}
			return n
		}
		for range restAfter - 1 {
			r.timedOut()
		}
		if n := allowed(); n != 100 {
			t.Errorf("after %d misses %d of 100 may ask; want all", restAfter-1, n)
		}
		r.answered()
		for range restAfter {
			r.timedOut()
		}
		for second := range 3 {
			if n := allowed(); second == 0 && n != 0 || second > 0 && n != 1 {
				t.Errorf("second %d: %d of 100 may ask", second, n)
			}
			r.timedOut() // the one that asked
			time.Sleep(restFor)
		}
		r.answered()
		if n := allowed(); n != 100 {
			t.Errorf("after an answer %d of 100 may ask; want all", n)
		}
	})
}
