package sidecar

import (
	"net"

	"golang.org/x/sys/unix"
)

// userOf asks the kernel who is on the other side of a Unix socket.
func userOf(conn net.Conn) user {
	who := anyone
	local, ok := conn.(*net.UnixConn)
	if !ok {
		return who
	}
	onDescriptor(local, func(fd int) {
		if peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			who = user(peer.Uid)
		}
	})
	return who
}
