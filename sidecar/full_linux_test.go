package sidecar

import (
	"net"

	"golang.org/x/sys/unix"
)

// isFull tells whether a Unix socket takes no more until its other side reads: the kernel makes a writer wait once what it holds has reached
// its bound. Of TCP it cannot be told, and counts as full.
func isFull(conn net.Conn) bool {
	full := true
	if _, local := conn.(*net.UnixConn); !local {
		return full
	}
	onDescriptor(conn, func(fd int) {
		held, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		bound, also := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
		full = err == nil && also == nil && held >= bound
	})
	return full
}
