package kubernetes

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// A cluster that gets the API goes on with the webhook until the release is upgraded. That brings the policy beside it, the next upgrade takes
// the webhook away, and each pod that is made meanwhile has its sidecar once.
func TestTheWebhookGivesWayToThePolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster.Config{EmulatedVersion: "1.35"})
	s.helm(t, "install")
	(&release{site: s, webhook: s.startWebhook(t)}).inForce(t)
	s.Upgrade(t)
	s.Eventually(t, func() error {
		made, err := s.dry(pod("p", nil))
		if err != nil {
			return err
		}
		return injected(made)
	})
	for _, step := range []struct {
		webhooks int
		notes    string
	}{{1, "The webhook stays beside the policy until the next"}, {0, "(mode policy)"}} {
		meanwhile := s.makePods(t)
		printed := s.helm(t, "upgrade")
		pods, bad := meanwhile()
		t.Logf("%d pods were made during the upgrade", pods)
		if len(bad) > 0 {
			t.Errorf("%d of %d pods were made wrong during the upgrade, the first: %v", len(bad), pods, bad[0])
		}
		if !strings.Contains(printed, step.notes) {
			t.Errorf("Helm says no %q, but\n%s", step.notes, printed)
		}
		for kind, want := range map[string]int{"mutatingadmissionpolicies": 1, "mutatingwebhookconfigurations": step.webhooks, "deployments": step.webhooks} {
			if got := s.Kubectl(t, "get", kind, "--all-namespaces", "-o", "name"); strings.Count(got, "\n") != want {
				t.Errorf("%s: %q; want %d", kind, got, want)
			}
		}
	}
}

// makePods makes one pod after another until the function that it gives is called, and for a while after; that says how many, and what was
// wrong with them.
func (s *site) makePods(t *testing.T) func() (int, []error) {
	t.Helper()
	const after = 200 // pods, which take longer than the server to act by what it was told
	var (
		wg   sync.WaitGroup
		pods int
		bad  []error
		stop = make(chan struct{})
	)
	wg.Go(func() {
		for left := after; left > 0; pods++ {
			select {
			case <-stop:
				left--
			default:
			}
			made, err := s.dry(pod(fmt.Sprintf("p%d", pods), nil))
			if err == nil {
				err = injected(made)
			}
			if err != nil {
				bad = append(bad, err)
			}
		}
	})
	return func() (int, []error) {
		close(stop)
		wg.Wait()
		return pods, bad
	}
}
