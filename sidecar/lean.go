package sidecar

import "runtime/debug"

const (
	leanFrom    = 256 << 10 // bytes of a document that is worth it
	leanPercent = 20        // garbage to a hundred bytes in use while one is compiled
)

// lean keeps little garbage while a document of that size is read and compiled, and gives what ends that. Old and new flags are in memory
// together then: with as much garbage beside them as the runtime lets grow, the largest documents would not fit a pod of 64 MiB.
// It costs the compiling goroutine some time, and requests none.
func lean(size int) (end func()) {
	if size < leanFrom {
		return func() {}
	}
	usual := debug.SetGCPercent(leanPercent)
	if usual >= 0 && usual < leanPercent { // whoever runs us wants even less
		debug.SetGCPercent(usual)
	}
	return func() { debug.SetGCPercent(usual) }
}
