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

// memory, processors and the others are values of annotations, good ones and others. The first of each is good.
var (
	memory = []string{
		"64Mi", "96M", "1.5Gi", "0.25G", "20000k", "16384Ki", "16383Ki", "16Mi", "15.999Mi", "16777216", "16777215", "0.016G", "0.017G", "999999Gi", "999999999999Ki", "0", "", "1500m",
		"-1", "+1", "1 Gi", "64mi", "Mi", "1e9", "banana", "64Mi\t", "٣Mi", "9999999999999", strings.Repeat("9", 65), "1KB", "5.", ".5G", "1.5", "2T", "64@Mi",
	}
	processors = []string{
		"200m", "20m", "0.02", "0.019", "19m", "1", "1000m", "0.999", "1.001", "0.200", "0.29", "290m", "999999", "0", "0m", "0.0", "", "1n", "2u", "1.5m", ".5", "5.", "1e3", "-1", "1 ", "much",
		strings.Repeat("9", 65), "1Ki", "1000000",
	}
	sockets = []string{
		"/run/burgee/burgee.sock", "/tmp/a/b", "/var/run/a/b", "/mnt/x/s.sock", "/tmp/flags/deep/s", "/run/secrets/s", "/var/run/secrets/a/s", "/run/secretsof/s", "/tmp/secrets/s", "/a/b", "/etc/a/b",
		"/var/lib/burgee/s", "/runs/a/b", "/tmp/a", "/run/a", "/", "", "a/b", "/tmp/a/b/", "/tmp//b", "/tmp/./b", "/tmp/../tmp/a/b", "/tmp/a/..", "/tmp/a/.b", "/tmp/a/b..c", "/tmp/a:b/c", "/tmp/ä/ö",
		"/tmp/" + strings.Repeat("a", 100) + "/b", "/tmp/" + strings.Repeat("a", 101) + "/b", `/tmp/a"b/c\d`, "/tmp/$(A)/b", "/tmp/a@b/c",
	}
	stores = []string{
		"s3://other/place", "s3://other", "s3://other/", "s3://other/a/b=c/", "s3://o/a", "s3://other//a", "s3://other/../a", "s3://other/.a", "s3://other/a b", "S3://other/a", "file:///flags", "other/place", "",
		"s3://key:secret@other/a", "s3://other/a?b", "s3://other/" + strings.Repeat("a", 240), "s3://other/" + strings.Repeat("a", 241), "s3://other/" + strings.Repeat("a/", 250) + "a", "s3://other/" + strings.Repeat("a/", 251),
		`s3://other/"`, "s3://other/ä", "<socket>",
	}
	environments = []string{
		"shop/test", "", `with"quotes"and\`, "<socket>", "ä", "$(HOME)", "a b", "a\u0000", "a\u007f", "a@b", " a", strings.Repeat("ä", 253), strings.Repeat("ä", 254), "a\u00a0b",
	}
	folders = []string{"/run/burgee", "/run/burgee/", "/run/burgee//", "/run/burgee/sub", "/run/burgees", "/tmp/flags", "/tmp/a", "/mnt/x", "/mnt/x/y", "/data"}
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
		{"store", stores}, {"environment", environments}, {"socket", sockets}, {"memory", memory}, {"cpu-request", processors}, {"cpu-limit", processors},
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
		c.VolumeMounts = append(c.VolumeMounts, core.VolumeMount{Name: pick(g, "data", "cache"), MountPath: pick(g, "/data", "/cache", "/run")})
	}
	if g.rarely() {
		c.VolumeMounts = append(c.VolumeMounts, core.VolumeMount{Name: pick(g, "data", "cache", "burgee-socket"), MountPath: pick(g, folders...)})
	}
	if g.IntN(30) == 0 {
		c.VolumeMounts = append(c.VolumeMounts, core.VolumeMount{Name: pick(g, "burgee-state", "burgee-socket", "burgee-token", "burgee-bootstrap", "burgee-other"), MountPath: pick(g, "/data", "/own")})
	}
	for range g.IntN(2) {
		c.Ports = append(c.Ports, core.ContainerPort{ContainerPort: int32(pick(g, 80, 443, 8080, 8080, 8080, 8014, 8016, 9014, 80140))})
	}
	return c
}

func (g generator) rarely() bool { return g.IntN(12) == 0 }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }
