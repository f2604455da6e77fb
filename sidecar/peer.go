package sidecar

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// onDescriptor calls f with the descriptor of a connection that has one.
func onDescriptor(conn any, f func(fd int)) {
	system, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := system.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) }) // fails only where it is closed already
	}
}

// userOf asks the kernel who is on the other side of a Unix socket.
func userOf(conn net.Conn) user {
	who := anyone
	local, ok := conn.(*net.UnixConn)
	if !ok {
		return who
	}
	onDescriptor(local, func(fd int) {
		if uid, err := peerUID(fd); err == nil {
			who = user(uid)
		}
	})
	return who
}

// hasUnread tells whether bytes have come over a connection that nobody has read yet.
func hasUnread(conn net.Conn) (unread bool) {
	onDescriptor(conn, func(fd int) {
		var b [1]byte
		n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		unread = err == nil && n > 0
	})
	return unread
}
