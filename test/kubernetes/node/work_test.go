//go:build linux

package node

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// heldBack is how long the chart holds a pod back that has no flags.
const heldBack = 10 * time.Second

// A pod whose store holds nothing is held back for a while, and starts without flags then.
func (n *node) startsWithoutFlags(t *testing.T, name string) {
	p := n.pod(name)
	s := p.until(t, "Ready", ready)
	app, own := p.log(t, "app", 0), p.log(t, sidecar, 0)
	eventually(t, func() error {
		if reads := app.reads(t); len(reads) != 2 || !strings.Contains(reads[0].Error, "no verified flags yet") {
			return fmt.Errorf("the application reads %+v; want to be told over both ways that there are no flags", reads)
		}
		return nil
	})
	waited := app.events(t, "begin")[0].Time.Sub(own.said(t, "listening"))
	if waited < heldBack-time.Second || s.container(sidecar).RestartCount != 0 {
		t.Errorf("the application began %s after the sidecar, which was started again %d times; want %s, and never", waited, s.container(sidecar).RestartCount, heldBack)
	}
	t.Logf("without flags the application began %s after the sidecar listened", waited.Round(time.Millisecond))
}

// A Job completes: the sidecar does not keep it running.
func (n *node) completes(t *testing.T, job string) {
	eventually(t, func() error {
		var s struct {
			Status struct{ Conditions []condition }
		}
		if err := n.Do(http.MethodGet, "/apis/batch/v1/namespaces/"+applications+"/jobs/"+job, nil, &s); err != nil {
			return err
		}
		if !isTrue(s.Status.Conditions, "Complete") {
			return fmt.Errorf("job %s is not complete: %+v", job, s.Status.Conditions)
		}
		return nil
	})
	n.workedWell(t, "batch.kubernetes.io/job-name="+job)
}

// So do those of a CronJob.
func (n *node) completesOnTime(t *testing.T, cronJob string) {
	var job string
	eventually(t, func() error {
		job = strings.TrimSpace(n.Kubectl(t, "get", "jobs", "--namespace", applications, "--output",
			`jsonpath={.items[?(@.metadata.ownerReferences[0].name=="`+cronJob+`")].metadata.name}`))
		if job == "" {
			return errors.New("no job of the CronJob yet")
		}
		return nil
	})
	job, _, _ = strings.Cut(job, " ")
	n.completes(t, job)
}

// workedWell looks at the logs of a job's only pod.
func (n *node) workedWell(t *testing.T, selector string) {
	t.Helper()
	names := strings.Fields(n.Kubectl(t, "get", "pods", "--namespace", applications, "--selector", selector, "--output", "jsonpath={.items[*].metadata.name}"))
	if len(names) != 1 {
		t.Fatalf("pods of %s: %q; want one", selector, names)
	}
	p := n.pod(names[0])
	for _, name := range []string{"migrate", "app"} {
		p.log(t, name, 0).beganWell(t)
	}
	s := p.until(t, "all its containers ended", func(s state) bool { return s.container(sidecar).State.Terminated != nil })
	if c := s.container(sidecar); s.Status.Phase != "Succeeded" || c.RestartCount != 0 || c.State.Terminated.ExitCode != 0 {
		t.Errorf("the pod is %s, its sidecar %+v; want both to have ended well", s.Status.Phase, c)
	}
}
