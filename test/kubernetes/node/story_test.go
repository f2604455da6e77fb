//go:build linux

package node

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

const (
	// arrives is how long what was published may take: two polls at their longest, and a read of the application.
	arrives = 2*poll*12/10 + 200*time.Millisecond
	// again is how long a read may take to go well after the sidecar listens: the pause between two reads, and some more on a busy machine.
	again = 500 * time.Millisecond
)

// story is a pod's life, from its creation to its end.
type story struct {
	*node
	whole *testing.T // for what one part opens and the next ones read
	pod   *pod
	app   *log
}

// A pod that starts while the store is away is held back until there are flags, so that no container ever fails to read one.
func (s *story) isHeldBackUntilThereAreFlags(t *testing.T) {
	s.Stop()
	s.Apply(t, podManifest(s.pod.name))
	s.pod.untilStatus(t, "a failed poll", func(st kit.Status) bool { return st.Freshness == "empty" && st.ErrorKind() != "" })
	held := s.pod.state(t)
	for _, name := range []string{"migrate", "app"} {
		if c := held.container(name); c.State.Running != nil || c.State.Terminated != nil {
			t.Errorf("before there are flags %s is %+v; want it held back", name, c)
		}
	}
	s.Restart(t)
	s.pod.until(t, "Ready", ready)
	s.app = s.pod.log(s.whole, "app", 0)
	s.app.willRead(t, 1, "1")
	for _, name := range []string{"migrate", "app"} {
		s.pod.log(t, name, 0).beganWell(t)
	}
}

// Whatever is published arrives soon.
func (s *story) follows(t *testing.T) {
	for _, step := range []struct {
		what     string
		do       func()
		value    float64
		revision string
	}{
		{"a change", func() { s.publish(t, 2) }, 2, "2"},
		{"a kill", func() { s.override(t, "kill") }, 0, "3"},
		{"a restoration", func() { s.override(t, "restore") }, 2, "4"},
	} {
		step.do()
		from := time.Now()
		took := s.app.willRead(t, step.value, step.revision).Sub(from)
		if took > arrives {
			t.Errorf("%s arrived after %s; want %s", step.what, took, arrives)
		}
		t.Logf("%s arrived after %s", step.what, took.Round(time.Millisecond))
	}
	if failed := failures(s.app.reads(t)); len(failed) != 0 {
		t.Errorf("reads that failed: %+v", failed)
	}
}

// While the store is away nothing changes: not what is read, nor that the pod is ready.
func (s *story) outlivesTheStore(t *testing.T) {
	before, since := s.app.reads(t), readySince(s.pod.state(t))
	s.Stop()
	s.pod.untilStatus(t, "stale flags", func(st kit.Status) bool { return st.Freshness == "stale" })
	if after := s.app.reads(t); len(after) != len(before) {
		t.Errorf("while the store was away the application read %+v", after[len(before):])
	}
	if now := s.pod.state(t); !ready(now) || !readySince(now).Equal(since) {
		t.Errorf("the pod was ready since %s; with the store away it is %+v", since, now.Status.Conditions)
	}
}

// A sidecar that is killed comes back with what its volume holds, though the store is away, and reads fail no longer than that takes.
func (s *story) comesBack(t *testing.T) {
	before := len(s.app.reads(t))
	killed := time.Now()
	must(t, syscall.Kill(s.pod.pid(t, sidecar), syscall.SIGKILL))
	s.pod.until(t, "the sidecar started again", func(st state) bool { c := st.container(sidecar); return c.RestartCount == 1 && c.Started })
	s.app.willRead(t, 2, "4")
	st := s.pod.untilStatus(t, "flags of the disk, and failed polls", func(st kit.Status) bool { return st.Sync.Failures > 0 })
	if st.Active.From != "disk" || st.Active.Revision != 4 || len(st.Degraded) != 0 {
		t.Errorf("after it was killed the sidecar serves %+v, degraded %q; want revision 4 from the disk", st.Active, st.Degraded)
	}
	listening := s.pod.log(t, sidecar, 1).said(t, "listening")
	reads := s.app.reads(t)[before:]
	for _, r := range reads {
		if r.Error == "" && (r.Answer.Value != 2 || r.Answer.Revision != "4") {
			t.Errorf("after the kill the application read %+v", r)
		}
		if r.Time.After(listening.Add(again)) {
			t.Errorf("a read changed %s after the sidecar listened again: %+v", r.Time.Sub(listening), r)
		}
	}
	if len(failures(reads)) == 0 {
		t.Error("no read failed, so nothing was killed")
	}
	t.Logf("reads failed for %s, and went well %s after the sidecar listened again", reads[len(reads)-1].Time.Sub(killed).Round(time.Millisecond),
		reads[len(reads)-1].Time.Sub(listening).Round(time.Millisecond))
}

// With the store back a new revision arrives.
func (s *story) followsAgain(t *testing.T) {
	s.Restart(t)
	s.publish(t, 3)
	s.app.willRead(t, 3, "5")
	s.pod.untilStatus(t, "fresh flags", func(st kit.Status) bool { return st.Freshness == "fresh" })
}

// The keys of the Secret are those that the sidecar uses, and new ones are taken up while it runs.
func (s *story) takesUpNewKeys(t *testing.T) {
	after := s.User(t)
	s.Allow(t, bucket, after)
	s.pod.untilStatus(t, "the old keys refused", func(st kit.Status) bool { return st.ErrorKind() == "forbidden" })
	s.publish(t, 4)
	s.Apply(t, secretManifest(profile(after)))
	from := time.Now()
	s.app.willRead(t, 4, "6")
	t.Logf("new keys were taken up after %s", time.Since(from).Round(time.Millisecond))
	if now := s.pod.state(t); now.container(sidecar).RestartCount != 1 {
		t.Errorf("the sidecar was started again: %+v", now.container(sidecar))
	}
}

// Prometheus finds the pod by its annotations.
func (s *story) isScraped(t *testing.T) {
	annotations := s.pod.state(t).Metadata.Annotations
	if annotations["prometheus.io/scrape"] != "true" || annotations["prometheus.io/port"] != "8014" {
		t.Errorf("the pod has the annotations %v", annotations)
	}
	metrics, err := s.pod.page(annotations["prometheus.io/path"])
	must(t, err)
	if !strings.Contains(metrics, "\nburgee_") {
		t.Errorf("%s answers %.200s", annotations["prometheus.io/path"], metrics)
	}
}

// A pod that is deleted ends in the right order: the application first, with flags until its last read.
func (s *story) endsInOrder(t *testing.T) {
	own := s.pod.log(t, sidecar, 1)
	s.Kubectl(t, "delete", "pod", s.pod.name, "--namespace", s.pod.namespace, "--wait=true")
	told, ended := s.app.events(t, "terminated"), s.app.events(t, "end")
	if len(told) != 1 || len(ended) != 2 {
		t.Fatalf("the application was told to end %d times, and ended with %+v", len(told), ended)
	}
	if i := slices.IndexFunc(ended, func(l line) bool { return l.Error != "" }); i >= 0 {
		t.Errorf("the application's last read failed: %+v", ended[i])
	}
	stopped := own.said(t, "stopped")
	if stopped.Before(ended[1].Time) {
		t.Errorf("the sidecar stopped %s before the application ended", ended[1].Time.Sub(stopped))
	}
	t.Logf("the sidecar stopped %s after the application was told to, %s after it ended", stopped.Sub(told[0].Time).Round(time.Millisecond),
		stopped.Sub(ended[1].Time).Round(time.Millisecond))
}

// beganWell wants a container of the application to have run as its own user, to have been kept from writing to the socket's folder, and
// not to have failed to read.
func (l *log) beganWell(t *testing.T) {
	t.Helper()
	if failed := failures(l.reads(t)); len(failed) != 0 {
		t.Errorf("reads that failed: %+v", failed)
	}
	if begun := l.events(t, "begin"); len(begun) != 1 || begun[0].User != 1234 {
		t.Errorf("it begins with %+v; want user 1234", begun)
	}
	if wrote := l.events(t, "write"); len(wrote) != 1 || !strings.Contains(wrote[0].Error, syscall.EROFS.Error()) {
		t.Errorf("it wrote to the socket's folder with %+v; want that refused", wrote)
	}
}

// said is the time of the last line of the sidecar's log with that message.
func (l *log) said(t *testing.T, message string) time.Time {
	t.Helper()
	var at time.Time
	eventually(t, func() error {
		for _, one := range decode[struct {
			Message string    `json:"@message"`
			Time    time.Time `json:"@timestamp"`
		}](t, l) {
			if one.Message == message {
				at = one.Time
			}
		}
		if at.IsZero() {
			return fmt.Errorf("the sidecar does not say %q", message)
		}
		return nil
	})
	return at
}

// readySince is when the pod became ready.
func readySince(s state) time.Time {
	for _, c := range s.Status.Conditions {
		if c.Type == "Ready" {
			return c.LastTransitionTime
		}
	}
	return time.Time{}
}
