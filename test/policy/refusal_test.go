package policy

import (
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestMessages has the words themselves, of pods that have one thing wrong, or several of which the first is told.
func TestMessages(t *testing.T) {
	c := newChart(t, values["plain"]...)
	e := newEngine(t, c)
	for _, test := range []struct {
		name   string
		change func(*core.Pod)
		want   string
	}{
		{"good", func(*core.Pod) {}, ""},
		{"annotation", func(p *core.Pod) {
			p.Annotations = map[string]string{"burgee.dev/stores": "s3://a/b", "burgee.dev/mem": "1", "burgee.dev/memory": "x"}
			p.Spec.HostNetwork = true
		}, "burgee: annotation burgee.dev/mem is not known; there are burgee.dev/cpu-limit, burgee.dev/cpu-request, burgee.dev/environment, burgee.dev/memory, burgee.dev/socket and burgee.dev/store"},
		{"network", func(p *core.Pod) {
			p.Spec.HostNetwork = true
			p.Spec.Containers[0].Ports = []core.ContainerPort{{ContainerPort: 8014}}
		}, "burgee: the pod uses the network of its node, where ports 8014 and 8016 would be the node's: take off the label that asks for a sidecar, or include the sidecar by the chart's named templates with ports of its own"},
		{
			"store", func(p *core.Pod) {
				p.Annotations = map[string]string{"burgee.dev/store": "", "burgee.dev/socket": "/a"}
			},
			"burgee: no store: give the pod the annotation burgee.dev/store, or the chart the value store",
		},
		{
			"store's form", func(p *core.Pod) { p.Annotations = map[string]string{"burgee.dev/store": "file:///flags"} },
			`burgee: annotation burgee.dev/store: "file:///flags" is no store; want such as s3://bucket/prefix`,
		},
		{
			"a secret", func(p *core.Pod) { p.Annotations = map[string]string{"burgee.dev/store": "s3://key:hunter2@flags"} },
			`burgee: annotation burgee.dev/store: "…" is no store; want such as s3://bucket/prefix`,
		},
		{
			"environment's form", func(p *core.Pod) { p.Annotations = map[string]string{"burgee.dev/environment": "a b"} },
			`burgee: annotation burgee.dev/environment: "a b" is no environment; want such as shop/prod`,
		},
		{
			"socket", func(p *core.Pod) { p.Annotations = map[string]string{"burgee.dev/socket": "/etc/ssl/a.sock"} },
			`burgee: annotation burgee.dev/socket: "/etc/ssl/a.sock" is no path of a file in a folder of its own below /run, /var/run, /tmp or /mnt, of at most 107 bytes; want such as /run/flags/burgee.sock`,
		},
		{
			"token", func(p *core.Pod) { p.Annotations = map[string]string{"burgee.dev/socket": "/run/secrets/a.sock"} },
			`burgee: annotation burgee.dev/socket: "/run/secrets/a.sock" is no path of a file in a folder of its own below /run, /var/run, /tmp or /mnt, of at most 107 bytes; want such as /run/flags/burgee.sock`,
		},
		{
			"little memory", func(p *core.Pod) { p.Annotations = map[string]string{"burgee.dev/memory": "15.999Mi"} },
			`burgee: annotation burgee.dev/memory: "15.999Mi" is too little; want 16Mi or more: the sidecar needs as much`,
		},
		{
			"little time", func(p *core.Pod) {
				p.Annotations = map[string]string{"burgee.dev/cpu-limit": "0.1", "burgee.dev/cpu-request": "101m"}
			},
			`burgee: annotation burgee.dev/cpu-limit: "0.1" is too little; want 101m or more: as much is requested`,
		},
		{
			"early mount", func(p *core.Pod) {
				p.Spec.Containers[0].VolumeMounts = []core.VolumeMount{{Name: "burgee-state", MountPath: "/x"}}
			},
			"burgee: container web mounts burgee-state, which is not there before the sidecar is: leave the mount out",
		},
		{
			"mount below", func(p *core.Pod) {
				p.Spec.Containers[0].VolumeMounts = []core.VolumeMount{{Name: "data", MountPath: "/run/burgee/sub"}}
			},
			"burgee: container web mounts data at /run/burgee/sub, where the socket goes: mount it elsewhere, or give the pod the annotation burgee.dev/socket with another path",
		},
		{"lines", func(p *core.Pod) { p.Annotations = map[string]string{"burgee.dev/memory": "a\nb"} }, // Kubernetes takes no message of several
			"burgee: annotation burgee.dev/memory is no amount of memory; want such as 64Mi"},
		{
			"length", func(p *core.Pod) {
				p.Annotations = map[string]string{"burgee.dev/memory": strings.Repeat("x", 200_000)}
			},
			"burgee: annotation burgee.dev/memory is no amount of memory; want such as 64Mi",
		},
		{
			"port", func(p *core.Pod) {
				p.Spec.Containers[0].Ports = []core.ContainerPort{{ContainerPort: 80}, {ContainerPort: 8016}}
			},
			"burgee: container web has port 8016, which the sidecar takes in the pod's network",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := newPod()
			test.change(pod)
			if got := told(e.admit(pod)); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if injected := len(pod.Spec.InitContainers) == 1; injected != (test.want == "") {
				t.Errorf("injected: %v", injected)
			}
		})
	}
}

// TestPodWithoutASidecar: where the mutating policy did not do its work, no pod gets by without its flags unnoticed.
func TestPodWithoutASidecar(t *testing.T) {
	e := newEngine(t, newChart(t, values["plain"]...))
	err := e.validating.Validate(t.Context(), attributesOf(newPod()), objects)
	if want := "burgee: the pod was to get a sidecar and has none: look at the MutatingAdmissionPolicy burgee-injection and its binding"; told(err) != want {
		t.Errorf("got  %q\nwant %q", told(err), want)
	}
}

// TestOtherPods: a pod without the label, or in a namespace that has no flags, is none of ours, whatever it holds.
func TestOtherPods(t *testing.T) {
	e := newEngine(t, newChart(t, values["plain"]...))
	pod := newPod()
	pod.ObjectMeta = metav1.ObjectMeta{Name: "web", Namespace: "shop"}
	pod.Spec.HostNetwork = true
	if err := e.admit(pod); err != nil || len(pod.Spec.InitContainers) != 0 {
		t.Errorf("%v, %d init containers", err, len(pod.Spec.InitContainers))
	}
	system := newPod()
	system.Namespace = "kube-system"
	if err := e.admit(system); err != nil || len(system.Spec.InitContainers) != 0 {
		t.Errorf("kube-system: %v, %d init containers", err, len(system.Spec.InitContainers))
	}
}
