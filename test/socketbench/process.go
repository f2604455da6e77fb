//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const environment = "bench"

// shop is a folder with a key and stores, and the processes that were started in it.
type shop struct {
	bin, dir string
	running  []*process
}

func openShop(bin, dir string) (*shop, error) {
	s := &shop{bin: bin, dir: dir}
	err := s.ctl("keygen", "--out", s.path("team"))
	return s, err
}

func (s *shop) close() {
	for _, p := range s.running {
		_ = p.stop()
	}
}

func (s *shop) ctl(args ...string) error {
	out, err := exec.Command(filepath.Join(s.bin, "burgeectl"), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("burgeectl %s: %w\n%s", args[0], err, out)
	}
	return nil
}

// publish makes a document the newest of the store of that name.
func (s *shop) publish(store, doc string) error {
	file := s.path(store + ".json")
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		return err
	}
	return s.ctl("publish", file, "--contract", "off", "--store", "file://"+s.path(store), "--environment", environment,
		"--key", s.path("team.key"), "--author", "bench", "--message", "bench", "--allow-growth")
}

// sidecar publishes a document to a store of its own and starts a sidecar that serves it, signed and kept on disk as everywhere.
func (s *shop) sidecar(name, doc string) (*process, error) {
	for _, folder := range []string{name, name + "-state"} {
		if err := os.Mkdir(s.path(folder), 0o700); err != nil {
			return nil, err
		}
	}
	if err := s.publish(name, doc); err != nil {
		return nil, err
	}
	socket := s.path(name + ".sock")
	return s.start(socket, exec.Command(filepath.Join(s.bin, "burgee"), "--store", "file://"+s.path(name), "--environment", environment,
		"--trust-key", s.path("team.pub"), "--state-dir", s.path(name+"-state"), "--socket", socket, "--admin", "off", "--poll", "100ms", "--log-level", "warn"))
}

// floor starts a server that always gives the same answer.
func (s *shop) floor(name, answer string) (*process, error) {
	file := s.path(name + ".answer")
	if err := os.WriteFile(file, []byte(answer), 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	socket := s.path(name + ".sock")
	return s.start(socket, exec.Command(self, floorCommand, socket, file))
}

// process is a server on a socket.
type process struct {
	cmd    *exec.Cmd
	socket string
	ended  bool
}

const (
	startTime = 10 * time.Second
	startLook = 10 * time.Millisecond
)

func (s *shop) start(socket string, cmd *exec.Cmd) (*process, error) {
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, socket: socket}
	s.running = append(s.running, p)
	for range int(startTime / startLook) {
		if _, err := p.ask(singleCases[0].requests()[0]); err == nil {
			return p, nil
		}
		wait(startLook)
	}
	_, err := p.ask(singleCases[0].requests()[0])
	return nil, fmt.Errorf("%s does not answer: %w", cmd.Path, err)
}

// ask sends one request over a connection of its own.
func (p *process) ask(request []byte) (string, error) {
	c, err := dial(p.socket)
	if err != nil {
		return "", err
	}
	defer c.close()
	_ = c.conn.SetDeadline(time.Now().Add(startTime))
	body, err := c.do(request)
	return string(body), err
}

func (p *process) stop() error {
	if p.ended {
		return nil
	}
	p.ended = true
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = p.cmd.Wait() // killed
	return nil
}

// cpu is the time that all threads of the process have had on a processor, also those that ended.
func (p *process) cpu() time.Duration {
	var ts unix.Timespec
	clock := int32(^p.cmd.Process.Pid<<3 | 2) // the kernel's name for another process's CPU clock
	if err := unix.ClockGettime(clock, &ts); err != nil {
		panic(err) // the process is ours and runs
	}
	return time.Duration(ts.Nano())
}

// resident is the memory that the process holds, in KiB.
func (p *process) resident() int {
	raw, _ := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/status") // without it the figure is 0
	_, rest, _ := bytes.Cut(raw, []byte("VmRSS:"))
	fields := strings.Fields(string(rest))
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(fields[0])
	return n
}

// publisher publishes one document after another until it is stopped.
type publisher struct {
	done      chan struct{}
	gone      chan error
	published int
}

const publishPause = 100 * time.Millisecond

// publishAway changes one flag in a hundred with each revision.
func (s *shop) publishAway(store string, flags int) *publisher {
	p := &publisher{done: make(chan struct{}), gone: make(chan error, 1)}
	go func() {
		for {
			if err := s.publish(store, changed(flags, time.Now().UnixNano())); err != nil {
				p.gone <- err
				return
			}
			p.published++
			select {
			case <-p.done:
				p.gone <- nil
				return
			case <-time.After(publishPause):
			}
		}
	}()
	return p
}

// stop waits for the publication that is under way, and tells how many there were.
func (p *publisher) stop() (published int, err error) {
	close(p.done)
	err = <-p.gone
	return p.published, err
}
