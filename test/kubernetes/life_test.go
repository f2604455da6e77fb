package kubernetes

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// A changed value reaches the pods that are made after the upgrade, and an uninstalled release leaves nothing of itself.
func TestTheLifeOfARelease(t *testing.T) {
	t.Parallel()
	for mode, install := range installs {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, cluster.Config{Controllers: true})
			s.Kubectl(t, "create", "-f", filepath.Join(os.Getenv(cluster.Binaries), "crds"))
			before := s.everything(t)
			r := install(t, s, everything["monitoring"]...)
			if added := without(s.everything(t), before); len(added) < 2 {
				t.Fatalf("the release adds %q alone", added)
			}
			authority := s.authority(t)
			s.helm(t, "upgrade", "--set", "injection.mode="+mode, "--set", "sidecar.resources.memory=80Mi", "--set", "store=")
			if r.webhook != nil { // its old certificate is good for as long as its old pods run
				s.mustDry(t, annotated("p", "store", "s3://own/store"))
			}
			r.restart(t)
			s.Eventually(t, func() error {
				made, err := s.dry(annotated("p", "store", "s3://own/store"))
				if err != nil {
					return err
				}
				if got := flatten(made)["spec/initContainers/burgee/resources/limits/memory"]; got != "80Mi" {
					return fmt.Errorf("memory of a new pod is %v; want 80Mi", got)
				}
				return nil
			})
			s.Eventually(t, func() error { // the policy that speaks may be taken up after the other
				if _, err := s.dry(pod("p", nil)); err == nil || !strings.Contains(err.Error(), "burgee: no store: give the pod the annotation burgee.dev/store, or the chart the value store") {
					return fmt.Errorf("a pod without a store: %w; want it refused", err)
				}
				return nil
			})
			if got := s.authority(t); got != authority {
				t.Errorf("the upgrade makes another authority:\n%s\nwas\n%s", got, authority)
			}
			r.uninstall(t)
			s.Eventually(t, func() error { // some things are taken away after their owners
				if left := without(s.everything(t), before); len(left) > 0 {
					return fmt.Errorf("the release leaves %s", strings.Join(left, ", "))
				}
				return nil
			})
		})
	}
}

// restart makes the webhook anew, as its Deployment does where the definition changed.
func (r *release) restart(t *testing.T) {
	t.Helper()
	if r.webhook != nil {
		r.webhook.Kill()
		r.webhook = r.site.startWebhook(t)
	}
}

// authority is what the server trusts when it calls the webhook; "" where there is none.
func (s *site) authority(t *testing.T) string {
	t.Helper()
	return s.Kubectl(t, "get", "mutatingwebhookconfigurations", "-o", "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}")
}

// everything names each object that there is, of all kinds that can be listed, but those that come and go by themselves.
func (s *site) everything(t *testing.T) []string {
	t.Helper()
	var kinds []string
	for kind := range strings.FieldsSeq(s.Kubectl(t, "api-resources", "--verbs=list", "-o", "name")) {
		if name, _, _ := strings.Cut(kind, "."); name != "events" && name != "leases" && name != "componentstatuses" {
			kinds = append(kinds, kind)
		}
	}
	named := s.Kubectl(t, "get", strings.Join(kinds, ","), "--all-namespaces", "--ignore-not-found", "-o",
		`jsonpath={range .items[*]}{.apiVersion} {.kind} {.metadata.namespace}/{.metadata.name}{"\n"}{end}`)
	return strings.Split(strings.TrimSpace(named), "\n")
}

// without gives what is in a and not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(a, func(name string) bool { return slices.Contains(b, name) })
}

// A webhook that is away holds up the pods that ask for a sidecar, says so, and no others; it goes on when it is back.
func TestAWebhookThatIsAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster.Config{})
	r := installs["webhook"](t, s)
	r.webhook.Kill()
	_, err := s.dry(pod("p", nil))
	if refusal := (*cluster.Refusal)(nil); !errors.As(err, &refusal) || refusal.Code != http.StatusInternalServerError || !strings.Contains(refusal.Message, `failed calling webhook "inject.burgee.dev"`) {
		t.Errorf("a pod that asks for a sidecar: %v; want it held up by the webhook", err)
	}
	made := s.mustDry(t, pod("p", func(meta, _ object) { delete(meta, "labels") }))
	if got := flatten(made)["spec/initContainers"]; got != nil {
		t.Errorf("init containers of another pod: %v; want none", got)
	}
	r.webhook = s.startWebhook(t)
	r.inForce(t)

	r.webhook.Kill()
	s.helm(t, "upgrade", "--set", "injection.mode=webhook", "--set", "webhook.failurePolicy=Ignore")
	s.Eventually(t, func() error {
		made, err := s.dry(pod("p", nil))
		if err == nil && flatten(made)["spec/initContainers"] != nil {
			err = errors.New("a pod is injected by a webhook that is away")
		}
		return err
	})
}
