//go:build linux

package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
)

// readers is the namespace of the page's application.
const readers = "shop"

// shopPod is a pod with the sidecar beside the page's application.
func shopPod(name, command, fields string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: %s, %s}, spec: {%s, containers: [{name: app, image: %q, command: [sh, -c, %q]}]}}",
		name, readers, labelled, fields, busyboxImage, command)
}

// pods lists pods of the page's namespace, as a template of kubectl prints them.
func (r *reader) pods(t *testing.T, template string, more ...string) []string {
	t.Helper()
	printed := r.Kubectl(t, slices.Concat([]string{"get", "pods", "--namespace", readers, "--selector", "burgee.dev/inject=true", "--output", "go-template=" + template}, more)...)
	found := strings.Fields(printed)
	slices.Sort(found)
	return found
}

// cart is the application's only pod that is not at its end.
func (r *reader) cart(t *testing.T) *pod {
	t.Helper()
	names := r.pods(t, "{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}", "--selector", "app=cart")
	if len(names) != 1 {
		t.Fatalf("pods of cart: %q; want one", names)
	}
	return &pod{r.Cluster, readers, names[0]}
}

// A kill waits for the pods that can answer, though there are others: one that waits for a node, one that is done and one that ends.
func (r *reader) amongOtherPods(t *testing.T, follow func()) {
	r.Apply(t, shopPod("unscheduled", "sleep 3600", "nodeSelector: {no: node}"))
	r.Apply(t, shopPod("done", "true", "restartPolicy: Never"))
	r.Apply(t, shopPod("ending", "trap : TERM; while :; do sleep 1; done", "terminationGracePeriodSeconds: 300"))
	(&pod{r.Cluster, readers, "done"}).until(t, "Succeeded", func(s state) bool { return s.Status.Phase == "Succeeded" && s.Status.PodIP != "" })
	(&pod{r.Cluster, readers, "ending"}).until(t, "Ready", ready)
	r.Kubectl(t, "delete", "pod", "ending", "--namespace", readers, "--wait=false")
	follow()
	want := r.cart(t).state(t).Status.PodIP + ":8014"
	if got := strings.TrimSpace(r.shell(t, r.folder, "sh sidecars")); got != want {
		t.Errorf("sidecars prints %q; want %s alone", got, want)
	}
	for _, pod := range []string{"ending", "done", "unscheduled"} {
		r.Kubectl(t, "delete", "pod", pod, "--namespace", readers, "--force", "--grace-period=0")
	}
}

// Keys change without a poll that is refused, and pods that are made at the end trust the new one alone.
func (r *reader) changesKeys(t *testing.T, follow func()) {
	before := r.cart(t).untilStatus(t, "fresh flags", func(st kit.Status) bool { return st.Freshness == "fresh" }).Active.Signers
	follow()
	r.makeAnew(t)
	after := r.cart(t).untilStatus(t, "fresh flags", func(st kit.Status) bool { return st.Freshness == "fresh" })
	if len(before) != 1 || len(after.Active.Signers) != 1 || after.Active.Signers[0] == before[0] || after.Rejected != nil {
		t.Errorf("signers were %q, and are %q with %+v refused; want another one, and nothing", before, after.Active.Signers, after.Rejected)
	}
}

func (r *reader) makeAnew(t *testing.T) {
	t.Helper()
	r.Kubectl(t, "rollout", "restart", "deployment/cart", "--namespace", readers)
	r.Kubectl(t, "rollout", "status", "deployment/cart", "--namespace", readers, "--timeout=120s")
}

// A pod that is made while the store is away has the flags that the ConfigMap holds, and no others.
func (r *reader) losesTheStore(t *testing.T, follow func()) {
	follow()
	r.Stop()
	defer r.Restart(t)
	r.makeAnew(t)
	st := r.cart(t).untilStatus(t, "stale flags", func(st kit.Status) bool { return st.Freshness == "stale" })
	if st.Active.From != "bootstrap" || st.Active.Flags != 1 {
		t.Errorf("a new pod serves %+v; want the flag of the ConfigMap", st.Active)
	}
	eventually(t, func() error {
		said := r.Kubectl(t, "logs", r.cart(t).name, "--namespace", readers, "--container", "cart")
		if !strings.Contains(said, `"value":true`) {
			return fmt.Errorf("the application reads %q; want its flag", said)
		}
		return nil
	})
}

// The fleet's Service has every pod, also one that is not ready.
func (r *reader) seesTheFleet(t *testing.T, follow func()) {
	r.Apply(t, shopPod("crashing", "exit 1", "restartPolicy: Always"))
	unready := &pod{r.Cluster, readers, "crashing"}
	unready.until(t, "an address, and not ready", func(s state) bool { return s.Status.PodIP != "" && s.container(sidecar).Started && !ready(s) })
	follow()
	eventually(t, func() error {
		want := []string{r.cart(t).state(t).Status.PodIP, unready.state(t).Status.PodIP}
		got := strings.Fields(r.Kubectl(t, "get", "endpointslices", "--namespace", readers, "--selector", "kubernetes.io/service-name=burgee-fleet",
			"--output", "jsonpath={.items[*].endpoints[?(@.conditions.terminating!=true)].addresses[*]}"))
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Errorf("the fleet's addresses are %q; want %q", got, want)
		}
		if ready(unready.state(t)) {
			return errors.New("the pod that crashes is ready")
		}
		return nil
	})
}

// inForce waits until new pods have what the last run of Helm gave: the keys that its command names, and what burgee.yaml has.
func (r *reader) inForce(t *testing.T, script string) {
	t.Helper()
	values, err := os.ReadFile(filepath.Join(r.folder, "burgee.yaml"))
	must(t, err)
	var keys []string
	for _, m := range regexp.MustCompile(`--set-file trustKeys\.\w+=(\S+)`).FindAllStringSubmatch(script[strings.LastIndex(script, "helm "):], -1) {
		key, err := os.ReadFile(filepath.Join(r.folder, m[1]))
		must(t, err)
		keys = append(keys, strings.TrimSpace(string(key)))
	}
	eventually(t, func() error {
		made := r.TryKubectl(podManifest("nobody"), "create", "--dry-run=server", "--output=json", "-f", "-")
		if made.Code != 0 {
			return errors.New(made.String())
		}
		var pod struct {
			Spec struct {
				InitContainers []struct {
					Env []struct{ Name, Value string }
				}
				Volumes []struct{ Name string }
			}
		}
		if err := json.Unmarshal([]byte(made.Stdout), &pod); err != nil {
			return err
		}
		var trusted string
		for _, c := range pod.Spec.InitContainers {
			for _, env := range c.Env {
				if env.Name == "BURGEE_TRUST_KEY" {
					trusted = env.Value
				}
			}
		}
		for _, key := range keys {
			if !strings.Contains(trusted, key) || strings.Count(trusted, "BEGIN") != len(keys) {
				return fmt.Errorf("a new pod trusts %s; want %s", trusted, keys)
			}
		}
		starts := slices.ContainsFunc(pod.Spec.Volumes, func(v struct{ Name string }) bool { return v.Name == "burgee-bootstrap" })
		if starts != strings.Contains(string(values), "bootstrap:") {
			return fmt.Errorf("that a new pod has something to start from is %v", starts)
		}
		return nil
	})
}
