package bundle

import (
	"runtime"
	"testing"
)

// A bomb is refused before it has gone off: what is unpacked of it is bounded, not only what is kept. The test is not parallel, so that
// nothing else allocates meanwhile.
func TestABombIsNotUnpacked(t *testing.T) {
	const size = 64 << 20
	bomb := member(make([]byte, size))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := decompress(bomb, MaxDocument)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; ReasonOf(err) != ReasonCompression || took > 8*MaxDocument {
		t.Errorf("%d bytes that unpack to %d: %v, after allocating %d", len(bomb), size, err, took)
	}
}
