package toxiproxy

import (
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

const (
	readyWithin = 20 * time.Second
	lookEvery   = 10 * time.Millisecond
	portTries   = 5
)

// startAnywhere looks for a free port and starts there. Somebody may take the port between the two; then it looks again.
func (s *Server) startAnywhere(t testing.TB) {
	t.Helper()
	var err error
	for range portTries {
		if err = s.start(t); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func (s *Server) start(t testing.TB) error {
	t.Helper()
	s.api = kit.FreeAddress(t, "127.0.0.1")
	host, port, err := net.SplitHostPort(s.api)
	if err != nil {
		return err
	}
	cmd := exec.Command(s.binary, "-host", host, "-port", port)
	kit.EndWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start toxiproxy: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // it is killed, as a rule
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails only where it has ended by itself
		<-done
	})
	return s.waitReady(done)
}

func (s *Server) waitReady(done <-chan struct{}) error {
	limit := time.NewTimer(readyWithin)
	defer limit.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if response, err := s.client.Get("http://" + s.api + "/version"); err == nil {
			return response.Body.Close()
		}
		select {
		case <-look.C:
		case <-done:
			return fmt.Errorf("toxiproxy at %s ended at once", s.api)
		case <-limit.C:
			return fmt.Errorf("toxiproxy at %s does not answer within %s", s.api, readyWithin)
		}
	}
}
