package observe

import (
	"os/exec"
	"syscall"
)

// endWithParent lets the kernel end the server when the test is killed.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
