package sidecar

import (
	"math"

	"golang.org/x/sys/unix"
)

// ownDescriptors is what the process needs beside its clients: the store, the disk, the listeners, the runtime.
const ownDescriptors = 32

// spareDescriptors is how many are left for clients.
func spareDescriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return int(min(limit.Cur, math.MaxInt32)) - ownDescriptors
}

// shares parts what is left for clients: an eighth is for those of the admin listener, so that evaluations do not blind on-call.
func shares(left, evaluations int) (evaluation, admin int) {
	left = max(left, 0)
	return (left - left/8) / max(evaluations, 1), left / 8
}

// within lowers the bound of connections where the system gives the process few descriptors, so that clients leave the store and the disk
// theirs. A fifth of a listener's share is for those who come and go.
func (l limits) within(share int) limits {
	l.connections = max(min(l.connections, (share-1)*4/5), 1)
	return l
}
