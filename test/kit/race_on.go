//go:build race

package kit

// Race tells that the programs run under the race detector: slower and larger than they are.
const Race = true

var raceFlags = []string{"-race"}
