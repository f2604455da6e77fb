package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The system's refusals that a test as root does not meet: what is wrong with a port is not what is wrong with a socket.
func TestAdviseByTheKindOfListener(t *testing.T) {
	for network, want := range map[string]string{"tcp": "1024 or more", "unix": ""} {
		denied := &net.OpError{Op: "listen", Net: network, Err: os.NewSyscallError("bind", syscall.EACCES)}
		got := advice{}
		errors.As(advise(fmt.Errorf("listen: %w", denied)), &got)
		if want == "" && got.hint != "" || !strings.Contains(got.hint, want) {
			t.Errorf("%s: hint %q; want %q", network, got.hint, want)
		}
	}
}
