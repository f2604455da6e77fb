package versitygw

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

const (
	readyWithin = 20 * time.Second
	lookEvery   = 10 * time.Millisecond
	portTries   = 5
)

// process is one run of the server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Stop ends the server as a crash does; its data stay. Stopping what is stopped does nothing.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.cmd.Process.Kill() // fails only where the server has ended by itself
	<-s.process.done
	s.process = nil
}

// Restart brings a stopped server back at the same endpoint.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// startAnywhere looks for a free port and starts there. Somebody may take the port between the two; then it looks again.
func (s *Server) startAnywhere(t testing.TB) {
	t.Helper()
	var err error
	for range portTries {
		s.address = kit.FreeAddress(t, s.host)
		if err = s.start(t.Context()); err == nil {
			return
		}
	}
	t.Fatalf("%v; its log:\n%s", err, s.log())
}

// start runs the server until it answers. All paths are absolute, because the server changes its folder.
func (s *Server) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := append([]string{"--port", s.address, "--region", region, "--quiet", "--keep-alive"}, s.accounts()...)
	cmd := exec.Command(s.binary, append(args, "posix", filepath.Join(s.folder, "data"))...)
	cmd.Env = []string{"ROOT_ACCESS_KEY=" + s.Root.AccessKey, "ROOT_SECRET_KEY=" + s.Root.SecretKey}
	cmd.Stdout, cmd.Stderr = log, log
	kit.EndWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start versitygw: %w", err)
	}
	s.process = &process{cmd: cmd, done: make(chan struct{})}
	go func(p *process) {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is in the log
	}(s.process)
	return s.waitReady(ctx)
}

func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if _, err := s.client(s.Root).ListBuckets(ctx, nil); err == nil {
			return nil
		}
		select {
		case <-look.C:
		case <-s.process.done:
			s.process = nil
			return fmt.Errorf("versitygw at %s ended at once", s.address)
		case <-ctx.Done():
			s.Stop()
			return fmt.Errorf("versitygw at %s does not answer within %v", s.address, readyWithin)
		}
	}
}

func (s *Server) log() []byte {
	text, err := os.ReadFile(filepath.Join(s.folder, "log"))
	if err != nil {
		return []byte(err.Error())
	}
	return text
}
