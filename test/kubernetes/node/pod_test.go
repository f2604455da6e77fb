//go:build linux

package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// sidecar is the name of our container in every pod.
const sidecar = "burgee"

// pod is one pod on the node.
type pod struct {
	c               *cluster.Cluster
	namespace, name string
}

// state is what the API says of a pod, as far as tests look at it.
type state struct {
	Metadata struct {
		UID         string
		Annotations map[string]string
	}
	Spec struct {
		InitContainers []struct {
			Name  string
			Ports []struct {
				Name          string
				ContainerPort int
			}
		}
	}
	Status struct {
		Phase, PodIP          string
		Conditions            []condition
		InitContainerStatuses []container
		ContainerStatuses     []container
	}
}

// container is how one of a pod's containers is.
type container struct {
	Name, ContainerID string
	RestartCount      int
	Started           bool
	State             struct {
		Running    *struct{ StartedAt time.Time }
		Terminated *struct {
			ExitCode              int
			Reason                string
			StartedAt, FinishedAt time.Time
		}
	}
	LastState struct{ Terminated *struct{ Reason string } }
}

func (p *pod) try() (state, error) {
	var s state
	err := p.c.Do(http.MethodGet, "/api/v1/namespaces/"+p.namespace+"/pods/"+p.name, nil, &s)
	return s, err
}

func (p *pod) state(t *testing.T) state {
	t.Helper()
	s, err := p.try()
	must(t, err)
	return s
}

// until waits until the pod is as good says.
func (p *pod) until(t *testing.T, what string, good func(state) bool) state {
	t.Helper()
	var s state
	eventually(t, func() error {
		var err error
		if s, err = p.try(); err == nil && !good(s) {
			err = fmt.Errorf("pod %s: want %s; it is %+v", p.name, what, s.Status)
		}
		return err
	})
	return s
}

// ready tells that all containers run and none is held back.
func ready(s state) bool { return isTrue(s.Status.Conditions, "Ready") }

// container finds one by its name, among init containers too.
func (s state) container(name string) container {
	for _, c := range append(s.Status.InitContainerStatuses, s.Status.ContainerStatuses...) {
		if c.Name == name {
			return c
		}
	}
	return container{}
}

// pid is that of a running container's program, as the tests see it.
func (p *pod) pid(t *testing.T, name string) int {
	t.Helper()
	s := p.state(t)
	id := strings.TrimPrefix(s.container(name).ContainerID, "containerd://")
	output, err := exec.Command("ctr", "--address", containerdSocket, "--namespace", "k8s.io", "tasks", "list").Output()
	must(t, err)
	for line := range strings.Lines(string(output)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == id && fields[2] == "RUNNING" {
			pid, err := strconv.Atoi(fields[1])
			must(t, err)
			return pid
		}
	}
	t.Fatalf("container %s of pod %s, %s, does not run:\n%s", name, p.name, id, output)
	return 0
}

// page reads a page of the sidecar's admin listener, at the pod's address, as Prometheus does.
func (p *pod) page(path string) (string, error) {
	s, err := p.try()
	if err != nil {
		return "", err
	}
	response, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + s.Status.PodIP + ":8014" + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, response.Status, text)
	}
	return string(text), err
}

// untilStatus waits until the sidecar's /status is as good says.
func (p *pod) untilStatus(t *testing.T, what string, good func(kit.Status) bool) kit.Status {
	t.Helper()
	var st kit.Status
	eventually(t, func() error {
		text, err := p.page("/status")
		if err != nil {
			return err
		}
		st = kit.Status{} // nothing of the last look stays
		if err := json.Unmarshal([]byte(text), &st); err != nil {
			return err
		}
		if !good(st) {
			return fmt.Errorf("want %s in /status; it is %s", what, text)
		}
		return nil
	})
	return st
}

// log is what one run of a container says. It stays readable after the pod is gone.
type log struct{ file *os.File }

// log opens the log of a container's run; the first one is 0.
func (p *pod) log(t *testing.T, name string, run int) *log {
	t.Helper()
	path := filepath.Join(os.Getenv(inside), "logs", p.namespace+"_"+p.name+"_"+p.state(t).Metadata.UID, name, strconv.Itoa(run)+".log")
	var l log
	eventually(t, func() (err error) {
		l.file, err = os.Open(path)
		return err
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s in pod %s, run %d:\n%s", name, p.name, run, l.text(t))
		}
		_ = l.file.Close()
	})
	return &l
}

// text is all that was said until now, each line behind its time.
func (l *log) text(t *testing.T) []byte {
	t.Helper()
	text, err := io.ReadAll(io.NewSectionReader(l.file, 0, 1<<30))
	must(t, err)
	return text
}

// decode reads a log of JSON objects.
func decode[T any](t *testing.T, l *log) []T {
	t.Helper()
	var all []T
	for line := range bytes.Lines(l.text(t)) {
		fields := bytes.SplitN(line, []byte(" "), 4) // time, stream, whether the line is whole, and the line
		if len(fields) != 4 || line[len(line)-1] != '\n' {
			break // it is being written
		}
		var one T
		if err := json.Unmarshal(fields[3], &one); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, one)
	}
	return all
}
