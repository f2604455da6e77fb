package kubernetes

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// release is the chart, installed as the release burgee.
type release struct {
	site    *site
	webhook *webhook // nil where there is none
}

// installs has a function for each way to inject; the pods that are made after have their sidecar.
var installs = map[string]func(*testing.T, *site, ...string) *release{
	"policy": func(t *testing.T, s *site, values ...string) *release {
		t.Helper()
		s.helm(t, "install", append(values, "--set", "injection.mode=policy")...)
		return (&release{site: s}).inForce(t)
	},
	"webhook": func(t *testing.T, s *site, values ...string) *release {
		t.Helper()
		s.helm(t, "install", append(values, "--set", "injection.mode=webhook")...)
		return (&release{site: s, webhook: s.startWebhook(t)}).inForce(t)
	},
}

// helmArgs are those of a verb of Helm on the release burgee, of the chart in this tree.
func (s *site) helmArgs(t *testing.T, verb string, values ...string) []string {
	t.Helper()
	folder, err := filepath.Abs(chart)
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{verb, "burgee", folder, "--namespace", system}, s.values(values...)...)
}

// helm runs such a verb.
func (s *site) helm(t *testing.T, verb string, values ...string) string {
	t.Helper()
	return s.Helm(t, s.helmArgs(t, verb, values...)...)
}

// inForce waits until a labelled pod gets its sidecar, and a wrong one is refused: the server takes up to a second to take up what it is told.
func (r *release) inForce(t *testing.T) *release {
	t.Helper()
	r.site.Eventually(t, func() error {
		made, err := r.site.dry(pod("p", nil))
		if err != nil {
			return err
		}
		if _, err := r.site.dry(annotated("p", "storr", "x")); err == nil {
			return errors.New("a pod with an unknown annotation is not refused")
		}
		return hasSidecar(made)
	})
	return r
}

// uninstall waits until no pod gets a sidecar any more.
func (r *release) uninstall(t *testing.T) {
	t.Helper()
	r.site.Helm(t, "uninstall", "burgee", "--namespace", system)
	if r.webhook != nil {
		r.webhook.Kill()
		r.site.Kubectl(t, "delete", "endpointslice", webhookName+"-by-test", "-n", system)
	}
	r.site.Eventually(t, func() error {
		made, err := r.site.dry(pod("p", nil))
		if err == nil && hasSidecar(made) == nil {
			err = fmt.Errorf("pods still get a sidecar")
		}
		return err
	})
}
