package policy

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	core "k8s.io/api/core/v1"

	"github.com/burgeehq/burgee/sidecar/inject"
)

var (
	pods = flag.Int("pods", 300, "how many pods are generated for each set of values")
	seed = flag.Uint64("seed", 1, "of the first of them")
)

// values are sets of the chart's values whose pods differ in more than a text.
var values = map[string][]string{
	"plain":     {"store=s3://flags/shop/prod", "environment=shop/prod"},
	"no store":  {"environment=shop/prod"},
	"one port":  {"store=s3://flags/shop/prod", "environment=shop/prod", "sidecar.ports.evaluation=0", "sidecar.ports.admin=9014"},
	"no scrape": {"store=s3://flags/shop/prod", "environment=shop/prod", "metrics.annotations=false"},
	"all": {
		"store=s3://flags/shop/prod", "environment=shop/prod", "sidecar.resources.cpuLimit=200m", "sidecar.resources.cpuRequest=",
		"bootstrap.configMap=flags", "s3.region=eu-west-1", "s3.credentials.from=irsa", "s3.credentials.roleArn=arn:aws:iam::123456789012:role/flags",
		"sidecar.socket=/tmp/flags/s.sock", "sidecar.settings.poll=10s", `sidecar.env[0].name=NODE`, "sidecar.env[0].valueFrom.fieldRef.fieldPath=spec.nodeName",
		`sidecar.env[1].name=QUOTED`, `sidecar.env[1].value=a "b" \\ <c> $(NODE)`,
	},
}

// TestPolicyAndWebhookAgree holds the two equal: the pod that comes of any pod is the same, byte for byte of its JSON, or both say the same.
func TestPolicyAndWebhookAgree(t *testing.T) {
	seen := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.Run(name, func(t *testing.T) {
			c := newChart(t, values[name]...)
			e := newEngine(t, c)
			for i := range *pods {
				s := *seed + uint64(i)
				pod := generate(rand.New(rand.NewPCG(s, 0)))
				message := agree(t, e, c, pod, s)
				seen[kindOf(message)]++
				if message == "" && !t.Failed() { // as the API server does again where another injector has added something
					agree(t, e, c, pod, s)
					pod.Spec.Containers = append(pod.Spec.Containers, core.Container{Name: "mesh", Image: "mesh"})
					pod.Spec.InitContainers = append([]core.Container{{Name: "mesh-init", Image: "mesh"}}, pod.Spec.InitContainers...)
					agree(t, e, c, pod, s)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
	t.Logf("%d pods of each set of values: %v", *pods, seen)
	for _, kind := range []string{
		"", "annotation is not known", "the pod runs on", "the pod uses", "no store", "no environment", "annotation is no store", "annotation is no environment",
		"annotation is no path", "annotation is no amount", "annotation is too little", "container has the", "the pod has", "container leave the mount out",
		"container mount it elsewhere", "container has port",
	} {
		if seen[kind] == 0 && *pods >= 300 && !t.Failed() {
			t.Errorf("no pod was generated whose outcome is %q", kind)
		}
	}
}

// kindOf is the refusal without what is of the pod.
func kindOf(message string) string {
	rest := strings.TrimPrefix(message, "burgee: ")
	switch {
	case strings.HasPrefix(rest, "annotation "):
		for _, kind := range []string{"is not known", "is no store", "is no environment", "is no path", "is no amount", "is too little"} {
			if strings.Contains(rest, kind) {
				return "annotation " + kind
			}
		}
	case strings.HasPrefix(rest, "container "):
		for _, kind := range []string{"has the", "leave the mount out", "mount it elsewhere", "has port"} {
			if strings.Contains(rest+" ", " "+kind+" ") || strings.Contains(rest, " "+kind+",") {
				return "container " + kind
			}
		}
	case rest != "":
		words := strings.Fields(strings.TrimSuffix(strings.SplitAfter(rest, ":")[0], ":"))
		if words[0] == "no" {
			return strings.Join(words[:2], " ")
		}
		return strings.Join(words[:min(len(words), map[string]int{"runs": 4, "uses": 3, "has": 3}[words[2]])], " ")
	}
	return rest
}

// agree lets both have the pod, which becomes what they make of it, and gives what both said of it.
func agree(t testing.TB, e *engine, c *chart, pod *core.Pod, seed uint64) string {
	t.Helper()
	before := pod.DeepCopy()
	fromWebhook, said := c.webhook(t, before)
	mutated := pod.DeepCopy()
	if err := e.mutate(mutated); err != nil {
		t.Errorf("seed %d: %v\npod: %s", seed, err, text(t, before))
		return ""
	}
	mutated.TypeMeta = before.TypeMeta // conversions leave it out
	err := e.validating.Validate(t.Context(), attributesOf(mutated), objects)
	if message := told(err); message != said {
		t.Errorf("seed %d: they do not say the same\npolicy:  %q\nwebhook: %q\npod: %s", seed, message, said, text(t, before))
		return ""
	}
	if said != "" {
		fromWebhook = before // a pod that is refused was left alone
	}
	if got, want := text(t, mutated), text(t, fromWebhook); got != want {
		t.Errorf("seed %d: the pods differ\npolicy:  %s\nwebhook: %s\npod: %s", seed, got, want, text(t, before))
	}
	*pod = *mutated
	return said
}

// webhook does what the API server does with the webhook's answer.
func (c *chart) webhook(t testing.TB, pod *core.Pod) (patched *core.Pod, refusal string) {
	t.Helper()
	before := text(t, pod)
	patch, err := c.definition.Patch([]byte(before))
	if refused := (*inject.Refusal)(nil); errors.As(err, &refused) {
		return nil, refused.Message
	}
	if err != nil {
		t.Fatal(err)
	}
	if patch == nil {
		return pod, ""
	}
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	after, err := operations.Apply([]byte(before))
	if err != nil {
		t.Fatal(err)
	}
	patched = &core.Pod{}
	decoder := json.NewDecoder(strings.NewReader(string(after)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(patched); err != nil {
		t.Fatal(err)
	}
	return patched, ""
}

func text(t testing.TB, pod *core.Pod) string {
	t.Helper()
	encoded, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// TestAppliedAgain sees that a pod that has all it needs is left as it is, by either.
func TestAppliedAgain(t *testing.T) {
	c := newChart(t, values["plain"]...)
	e := newEngine(t, c)
	pod := newPod()
	if err := e.admit(pod); err != nil {
		t.Fatal(err)
	}
	pod.TypeMeta = newPod().TypeMeta // conversions leave it out
	once := text(t, pod)
	if len(pod.Spec.InitContainers) != 1 || len(pod.Spec.Containers[0].Env) != 2 {
		t.Fatalf("the pod has no sidecar: %s", once)
	}
	if err := e.admit(pod); err != nil {
		t.Fatal(err)
	}
	pod.TypeMeta = newPod().TypeMeta
	if again := text(t, pod); again != once {
		t.Errorf("once:  %s\nagain: %s", once, again)
	}
	if patch, err := c.definition.Patch([]byte(once)); patch != nil || err != nil {
		t.Errorf("the webhook: %s, %v", patch, err)
	}
}

// TestLargePod: the cost that Kubernetes allows an expression suffices for pods that are larger than any that people have.
func TestLargePod(t *testing.T) {
	c := newChart(t, values["plain"]...)
	e := newEngine(t, c)
	pod := newPod()
	pod.Spec.Containers = nil
	for i := range 50 {
		pod.Spec.Volumes = append(pod.Spec.Volumes, core.Volume{Name: fmt.Sprintf("volume-%d", i)})
	}
	for i := range 100 {
		container := core.Container{Name: fmt.Sprintf("container-%d", i), Ports: []core.ContainerPort{{ContainerPort: int32(i + 1)}}}
		for j := range 40 {
			container.Env = append(container.Env, core.EnvVar{Name: fmt.Sprintf("VARIABLE_%d", j)})
		}
		for j := range 50 {
			container.VolumeMounts = append(container.VolumeMounts, core.VolumeMount{Name: fmt.Sprintf("volume-%d", j), MountPath: fmt.Sprintf("/mnt/%d", j)})
		}
		pod.Spec.Containers = append(pod.Spec.Containers, container)
	}
	if message := agree(t, e, c, pod, 0); message != "" || len(pod.Spec.InitContainers) != 1 {
		t.Errorf("%q, %d init containers", message, len(pod.Spec.InitContainers))
	}
}
