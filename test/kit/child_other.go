//go:build !linux

package kit

import (
	"os"
	"os/exec"
)

// EndWithParent does nothing where the kernel cannot: a test that is killed leaves its children behind.
func EndWithParent(*exec.Cmd) {}

func asNobody(*exec.Cmd) {}

// CanDeny tells whether file modes can be made to hold for a sidecar.
var CanDeny = os.Geteuid() != 0
