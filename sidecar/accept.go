package sidecar

import (
	"errors"
	"net"
	"sync"
	"time"
)

const (
	firstAcceptPause = 5 * time.Millisecond
	maxAcceptPause   = 250 * time.Millisecond
)

// sturdy is a listener that outlives faults of the system. fasthttp takes a failed accept for the end, so without it a client could end
// the process by using up the file descriptors.
type sturdy struct {
	net.Listener
	meter  *meter
	closed chan struct{}
	once   sync.Once
}

func newSturdy(ln net.Listener, m *meter) *sturdy {
	return &sturdy{Listener: ln, meter: m, closed: make(chan struct{})}
}

// Accept fails only once the listener is closed; other faults are waited out.
func (s *sturdy) Accept() (net.Conn, error) {
	for pause := firstAcceptPause; ; pause = min(2*pause, maxAcceptPause) {
		conn, err := s.Listener.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return conn, err
		}
		s.meter.acceptFaults.Add(1)
		timer := time.NewTimer(pause)
		select {
		case <-s.closed:
			timer.Stop()
			return nil, net.ErrClosed
		case <-timer.C:
		}
	}
}

func (s *sturdy) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Listener.Close()
}
