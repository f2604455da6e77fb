package kit

import (
	"os"
	"os/exec"
	"syscall"
)

// EndWithParent lets the kernel end the child when the test is killed.
func EndWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// asNobody makes root's child one that file modes hold for. Others' children are that already.
func asNobody(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
}

// CanDeny tells whether file modes can be made to hold for a sidecar.
const CanDeny = true
