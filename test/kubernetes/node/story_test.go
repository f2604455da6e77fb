//go:build linux

package node

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

const (
	applications = "shop" // their namespace
	poll         = 2 * time.Second
)

// arrives is how long the sidecar may take to have what was published: two polls at their longest, and one read of the application.
const arrives = 2*poll*12/10 + 200*time.Millisecond

const podManifest = `
apiVersion: v1
kind: Pod
metadata:
  name: %[1]s
  namespace: ` + applications + `
  labels: {burgee.dev/inject: "true"}
spec:
  %[2]s
  securityContext: {runAsUser: 1234, runAsGroup: 1234, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  initContainers: %[4]s
    - name: migrate
      image: ` + askerImage + `
      args: [-for, 500ms]
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      ` + forApp + `
  containers:
    - name: app
      image: ` + askerImage + `
      args: [%[3]s]
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      ` + forApp

// story is one pod's life.
type story struct {
	*site
	c   *cluster.Cluster
	pod *pod
	app *log
}

func (s *story) secret(t *testing.T, text string) {
	t.Helper()
	s.c.Apply(t, fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: store, namespace: %s}, stringData: {credentials: %q}}", applications, text))
}

// held: while there are no flags, no other container starts.
func (s *story) isHeldBackUntilThereAreFlags(t *testing.T) {
	s.Stop()
	s.c.Apply(t, fmt.Sprintf(podManifest, s.pod.name, sidecarYAML, "", sidecarContainer))
	s.pod.until(t, "the sidecar running", func(st state) bool { c := st.container(sidecar); return c.State.Running != nil })
	s.pod.untilStatus(t, "a failed poll", func(st kit.Status) bool { return st.Freshness == "empty" && st.ErrorKind() != "" })
	st := s.pod.state(t)
	if c := st.container("migrate"); c.State.Running != nil || c.State.Terminated != nil {
		t.Errorf("before there are flags the init container is %+v; want it held back", c)
	}
	s.Restart(t)
	st = s.pod.until(t, "Ready", ready)
	t.Logf("ready; sidecar %+v", st.container(sidecar))
	s.app = s.pod.log(t, "app", 0)
	s.app.willRead(t, 1, "1")
	for _, name := range []string{"migrate", "app"} {
		l := s.pod.log(t, name, 0)
		if failed := failures(l.reads(t)); len(failed) != 0 {
			t.Errorf("%s has failed reads: %+v", name, failed)
		}
		if begun := l.events(t, "begin"); len(begun) != 1 || begun[0].User != 1234 {
			t.Errorf("%s begins with %+v; want user 1234", name, begun)
		}
		if wrote := l.events(t, "write"); len(wrote) != 1 || !strings.Contains(wrote[0].Error, syscall.EROFS.Error()) {
			t.Errorf("%s wrote to the socket's folder: %+v; want it refused", name, wrote)
		}
	}
}

// arrives does something, and wants the application to read that soon.
func (s *story) arrives(t *testing.T, what string, do func(), value float64, revision string) {
	t.Helper()
	do()
	from := time.Now()
	if took := s.app.willRead(t, value, revision).Sub(from); took > arrives {
		t.Errorf("%s arrived after %s; want %s", what, took, arrives)
	} else {
		t.Logf("%s arrived after %s", what, took.Round(time.Millisecond))
	}
}

func (s *story) kill(t *testing.T) {
	t.Helper()
	s.Stop()
	at := time.Now()
	must(t, syscall.Kill(s.pod.pid(t, sidecar), syscall.SIGKILL))
	s.pod.until(t, "the sidecar started again", func(st state) bool { c := st.container(sidecar); return c.RestartCount == 1 && c.Started })
	t.Logf("started again after %s", time.Since(at))
	s.pod.untilStatus(t, "stale flags of the disk", func(st kit.Status) bool { return st.Freshness == "stale" && st.Active.From == "disk" })
	text, _ := s.pod.page("/status")
	t.Log(text)
	t.Logf("%s", s.app.text(t))
	if st := s.pod.state(t); !ready(st) {
		t.Errorf("not ready %+v", st)
	}
	s.Restart(t)
	s.publish(t, 4)
	s.app.willRead(t, 4, "6")
}

func TestOnANode(t *testing.T) {
	if why := missing(); why != "" {
		t.Skip("SKIP: " + why)
	}
	begin := time.Now()
	c := cluster.Start(t, cluster.Config{Controllers: true, Scheduler: true, APIServer: []string{"--authorization-mode=Node", "--enable-aggregator-routing"}})
	t.Logf("control plane up after %s", time.Since(begin))
	startContainerd(t)
	t.Logf("containerd with images up after %s", time.Since(begin))
	startKubelet(t, c)
	t.Logf("node up after %s", time.Since(begin))

	c.Namespace(t, applications, cluster.Restricted)
	s := &story{newSite(t), c, &pod{c, applications, "web"}, nil}
	s.publish(t, 1)
	first, second := s.User(t), s.User(t)
	s.Allow(t, bucket, first)
	s.secret(t, profile(first))
	os.WriteFile("/tmp/nodeproto/pub", nil, 0o644)
	key, _ := os.ReadFile(s.shop.Path("team.pub"))
	handwritten(t, c, s, string(key))
	_ = second
	s.isHeldBackUntilThereAreFlags(t)
	s.arrives(t, "a change", func() { s.publish(t, 2) }, 2, "2")
	s.arrives(t, "a kill", func() { s.override(t, "kill") }, 0, "3")
	s.arrives(t, "a restoration", func() { s.override(t, "restore") }, 2, "4")
	s.kill(t)
	t.Log(kit.Environment, http.MethodGet)
}
