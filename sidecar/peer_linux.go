package sidecar

import "golang.org/x/sys/unix"

// peerUID gives the user id of the process that connected a Unix socket.
func peerUID(fd int) (uint32, error) {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, err
	}
	return peer.Uid, nil
}
