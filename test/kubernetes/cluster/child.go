package cluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

const (
	readyWithin = 90 * time.Second
	lookEvery   = 20 * time.Millisecond
	portTries   = 5
	shownLines  = 60 // of the end of each log, where a test failed
)

// Child is one program that runs for a cluster.
type Child struct {
	name string
	cmd  *exec.Cmd
	log  string        // path
	done chan struct{} // closed when it has ended
}

// Spawn starts a program, of the binaries' folder where it is no path, and ends it with the cluster. Whether it is ready is the caller's to
// see: Until waits for that.
func (c *Cluster) Spawn(t testing.TB, program string, args ...string) *Child {
	t.Helper()
	name := filepath.Base(program)
	if name == program {
		program = filepath.Join(c.binaries, name)
	}
	log, err := os.CreateTemp(c.Dir, name+".*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := &Child{name: name, cmd: exec.Command(program, args...), log: log.Name(), done: make(chan struct{})}
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir} // no proxy stands between a server and its webhooks
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = c.Dir, log, log
	kit.EndWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is in its log
	}()
	c.children = append(c.children, p)
	return p
}

// Kill ends the program as a crash does. What has ended stays ended.
func (p *Child) Kill() {
	_ = p.cmd.Process.Kill() // fails only where it has ended by itself
	<-p.done
}

// Until looks until the program is ready, or has ended, which is an error.
func (p *Child) Until(ready func() error) error {
	limit := time.NewTimer(readyWithin)
	defer limit.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-look.C:
		case <-p.done:
			return fmt.Errorf("%s ended at once; its log:\n%s", p.name, p.tail())
		case <-limit.C:
			return fmt.Errorf("%s is not ready within %v: %w; its log:\n%s", p.name, readyWithin, err, p.tail())
		}
	}
}

// tail is the end of the program's log.
func (p *Child) tail() []byte {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-shownLines):], nil)
}

// end kills all programs, the last first, and shows their logs where the test failed.
func (c *Cluster) end(t testing.TB) {
	for i := len(c.children) - 1; i >= 0; i-- {
		c.children[i].Kill()
		if t.Failed() {
			t.Logf("the end of the log of %s:\n%s", c.children[i].name, c.children[i].tail())
		}
	}
}
