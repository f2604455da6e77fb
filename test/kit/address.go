package kit

import (
	"net"
	"testing"
)

// FreeAddress finds a port of the host's that is free at this moment. Somebody may take it before a program does: whoever starts one looks
// again then.
func FreeAddress(t testing.TB, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
