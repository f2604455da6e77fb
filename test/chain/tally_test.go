package chain

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/burgeehq/burgee/examples/snapshot/chain"
)

// tally counts what requests came to.
type tally struct {
	mu       sync.Mutex
	requests int
	hops     int
	mixed    int    // requests with two values of a flag, and no mark that would tell
	missed   int    // hops that are marked as not the snapshot's
	astray   int    // hops that answer another snapshot than they were asked for, and do not say so
	example  string // of what must not be
	behind   [2]int // hops that missed: the service's sidecar served an older revision than the first, or another
	per      [services]int
}

// add counts one request. Where it had a snapshot all hops that are not marked must be of it.
func (c *tally) add(hops chain.Hops, passing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.hops += len(hops)
	if hops.Mixed() {
		c.mixed++
		c.example = inJSON(hops)
	}
	for _, hop := range hops {
		switch {
		case hop.Marks.Pin != "":
			c.missed++
			c.per[hop.Service-1]++
			if hop.Revision < hops[0].Revision {
				c.behind[0]++
			} else {
				c.behind[1]++
			}
		case passing && hop.Snapshot != hops[0].Snapshot:
			c.astray++
			c.example = inJSON(hops)
		}
	}
}

func inJSON(hops chain.Hops) string {
	text, err := json.Marshal(hops)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// hits is the share of hops that were answered from the snapshot.
func (c *tally) hits() float64 { return 1 - float64(c.missed)/float64(max(c.hops, 1)) }

func (c *tally) String() string {
	return fmt.Sprintf("%d requests, %d hops: %d requests mixed, %d hops missed (%.4f %% hit; %d by sidecars behind the first, %d by others; by service %v)",
		c.requests, c.hops, c.mixed, c.missed, 100*c.hits(), c.behind[0], c.behind[1], c.per)
}
