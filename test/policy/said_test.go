package policy

import (
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// Where a name or an annotation is too long for a message, or has several lines, both say the same sentence without it.
func TestBothSayTheSameWithoutTheValue(t *testing.T) {
	c := newChart(t, values["plain"]...)
	e := newEngine(t, c)
	// The first message with the value has 5 KiB, and the second one byte more.
	fits := strings.Repeat("x", 5<<10-len(`burgee: annotation burgee.dev/memory: "" is no quantity; want such as 64Mi`))
	for _, value := range []string{fits, fits + "x", "a\nb", "\n", "a\rb", "a\u2028b", "ä" + fits, strings.Repeat("x", 100_000)} {
		for _, annotation := range []string{"burgee.dev/socket", "burgee.dev/memory", "burgee.dev/cpu-request", "burgee.dev/cpu-limit", "burgee.dev/" + value} {
			pod := newPod()
			pod.Annotations = map[string]string{annotation: value}
			if said := agree(t, e, c, pod, 0); said == "" {
				t.Errorf("annotation %.30q: %.30q is no reason for a refusal", annotation, value)
			}
		}
		named := func(change func(c *core.Container)) {
			pod := newPod()
			pod.Spec.Containers[0].Name = value
			change(&pod.Spec.Containers[0])
			if said := agree(t, e, c, pod, 0); said == "" {
				t.Errorf("container %.30q is no reason for a refusal", value)
			}
		}
		named(func(c *core.Container) { c.Ports = []core.ContainerPort{{ContainerPort: 8014}} })
		named(func(c *core.Container) { c.VolumeMounts = []core.VolumeMount{{Name: "x", MountPath: "/run/burgee"}} })
	}
}
