package sidecar

import "net"

// onSocket calls f with the descriptor of a connection over a Unix socket; of others it does not.
func onSocket(conn net.Conn, f func(fd int)) {
	local, ok := conn.(*net.UnixConn)
	if !ok {
		return
	}
	if raw, err := local.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) }) // fails only where it is closed already
	}
}
