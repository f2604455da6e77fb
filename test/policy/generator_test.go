package policy

import (
	"math/rand/v2"
	"strings"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func newPod() *core.Pod {
	return &core.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", Labels: map[string]string{"burgee.dev/inject": "true"}},
		Spec:       core.PodSpec{Containers: []core.Container{{Name: "web", Image: "web"}}},
	}
}

// quantities, sockets and texts are values of annotations, good ones and others.
var (
	quantities = []string{
		"64Mi", "100m", "1", "0.5", ".5", "1.5Gi", "2e3", "1E2", "5.", "250M", "0", "0m", "", "-1", "+1", "1 Gi", "1ki", "Mi", "1e", "1e999", "banana",
		"1Mi\t", "٣Mi", "99999999999999999999", strings.Repeat("9", 64), strings.Repeat("9", 65), "1KB", "0.0", "1n", "2u", "1e-3", "1e+3",
	}
	sockets = []string{
		"/run/burgee/burgee.sock", "/tmp/a/b", "/a/b", "/mnt/x/s.sock", "/a", "/", "", "a/b", "/a/b/", "/a//b", "/a/./b", "/a/../b", "/a/b/..", "/a/.b/..c",
		"/a:b/c", "/ä/ö", "/" + strings.Repeat("a", 104) + "/b", "/" + strings.Repeat("a", 105) + "/b", "/" + strings.Repeat("ä", 52) + "/b",
		"/" + strings.Repeat("ä", 53) + "/b", `/a"b/c\d`, "/...", "/.../a", "/a/...",
	}
	texts   = []string{"s3://other/place", "shop/test", "", `with "quotes" and \`, "<socket>", "ä", "$(HOME)"}
	folders = []string{"/run/burgee", "/run/burgee/", "/tmp/flags", "/tmp/a", "/mnt/x", "/data"}
)

// generator makes pods that are mostly good, so that each thing that is wrong is often the only one.
type generator struct{ *rand.Rand }

func generate(r *rand.Rand) *core.Pod {
	g := generator{r}
	pod := newPod()
	g.annotate(pod)
	if g.rarely() {
		pod.Spec.OS = &core.PodOS{Name: core.OSName(pick(g, "windows", "linux"))}
	}
	pod.Spec.HostNetwork = g.IntN(40) == 0
	pod.Spec.Containers = nil
	for range 1 + g.IntN(3) {
		pod.Spec.Containers = append(pod.Spec.Containers, g.container("web", "job", "log"))
	}
	for range g.IntN(3) {
		c := g.container("migrate", "warm", "mesh")
		if g.rarely() {
			always := core.ContainerRestartPolicyAlways
			c.RestartPolicy = &always
		}
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
	}
	for range g.IntN(3) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, core.Volume{Name: pick(g, "data", "cache", "conf")})
	}
	if g.rarely() {
		pod.Spec.Volumes = append(pod.Spec.Volumes, core.Volume{Name: pick(g, "burgee-socket", "burgee-state", "burgee-token", "burgee-bootstrap", "burgee-other")})
	}
	return pod
}

func (g generator) annotate(pod *core.Pod) {
	set := func(name, value string) {
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[name] = value
	}
	for _, known := range []struct {
		name string
		from []string
	}{
		{"store", texts}, {"environment", texts}, {"socket", sockets}, {"memory", quantities}, {"cpu-request", quantities}, {"cpu-limit", quantities},
	} {
		switch n := g.IntN(8); {
		case n == 0:
			set("burgee.dev/"+known.name, pick(g, known.from...))
		case n == 1:
			set("burgee.dev/"+known.name, known.from[0])
		}
	}
	if g.rarely() {
		set(pick(g, "prometheus.io/scrape", "prometheus.io/port", "prometheus.io", "team", "a/b"), "false")
	}
	for g.rarely() {
		set("burgee.dev/"+pick(g, "inject", "stores", "Store", "socket-mode", "a", "zz"), "x")
	}
}

func (g generator) container(names ...string) core.Container {
	c := core.Container{Name: pick(g, names...), Image: "image"}
	if g.IntN(30) == 0 {
		c.Name = "burgee"
	}
	for range g.IntN(4) {
		c.Env = append(c.Env, core.EnvVar{Name: pick(g, "A", "B", "OFREP_ENDPOINT", "BURGEE_SOCKET", "burgee_socket"), Value: "own"})
	}
	for range g.IntN(3) {
		c.VolumeMounts = append(c.VolumeMounts, core.VolumeMount{Name: pick(g, "data", "cache", "burgee-state"), MountPath: pick(g, "/data", "/cache", "/run")})
	}
	if g.rarely() {
		c.VolumeMounts = append(c.VolumeMounts, core.VolumeMount{Name: pick(g, "data", "burgee-socket"), MountPath: pick(g, folders...)})
	}
	for range g.IntN(2) {
		c.Ports = append(c.Ports, core.ContainerPort{ContainerPort: int32(pick(g, 80, 443, 8080, 8080, 8080, 8014, 8016, 9014, 80140))})
	}
	return c
}

func (g generator) rarely() bool { return g.IntN(12) == 0 }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }
