// Package stage is what the demos stand on: a folder that goes with them, burgeectl, sidecars, and a word on each step.
package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Stage is such a folder, with whatever runs in it.
type Stage struct {
	Dir string

	bin      string
	out      io.Writer
	sidecars []*exec.Cmd
}

// New makes a folder. Bin is the one with burgee and burgeectl.
func New(bin string, out io.Writer) (*Stage, error) {
	dir, err := os.MkdirTemp("", "burgee")
	return &Stage{Dir: dir, bin: bin, out: out}, err
}

// Close ends all sidecars and removes the folder.
func (s *Stage) Close() error {
	var errs []error
	for _, c := range s.sidecars {
		errs = append(errs, s.Stop(c))
	}
	return errors.Join(append(errs, os.RemoveAll(s.Dir))...)
}

// Path is that of a file in the folder.
func (s *Stage) Path(name string) string { return filepath.Join(s.Dir, name) }

// Program is the path of burgee or burgeectl.
func (s *Stage) Program(name string) string { return filepath.Join(s.bin, name) }

// Say tells what comes next.
func (s *Stage) Say(format string, args ...any) { s.Print("\n# "+format, args...) }

// Print shows a line.
func (s *Stage) Print(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// Ctl runs burgeectl and shows the command with what it prints.
func (s *Stage) Ctl(ctx context.Context, args ...string) error {
	c := exec.CommandContext(ctx, s.Program("burgeectl"), args...)
	s.Print("$ %s", quoted(c.Args))
	c.Stdout, c.Stderr = s.out, s.out
	return c.Run()
}

// Start starts a sidecar and shows the command. It ends with Stop, with Close, or with ctx.
func (s *Stage) Start(ctx context.Context, args ...string) (*exec.Cmd, error) {
	c := exec.CommandContext(ctx, s.Program("burgee"), args...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	s.Print("$ %s &", quoted(c.Args))
	if err := c.Start(); err != nil {
		return nil, err
	}
	s.sidecars = append(s.sidecars, c)
	return c, nil
}

// Stop ends a sidecar. One that has ended stays so.
func (s *Stage) Stop(c *exec.Cmd) error {
	if c.ProcessState != nil {
		return nil
	}
	_ = c.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which Wait tells
	if err := c.Wait(); err != nil && c.ProcessState.ExitCode() > 0 {
		return fmt.Errorf("sidecar: %w", err)
	}
	return nil
}

// FreeAddress finds a port that nobody listens on.
func FreeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// quoted shows a command as one would type it.
func quoted(args []string) string {
	var words []string
	for _, arg := range args {
		if strings.ContainsAny(arg, " {}'\"") {
			arg = "'" + arg + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

// patience bounds every wait.
const patience = 20 * time.Second

// Eventually repeats try until it gives nil.
func Eventually(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// Do sends a request and gives the answer's body.
func Do(ctx context.Context, client *http.Client, method, url, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return strings.TrimSpace(string(text)), err
}
