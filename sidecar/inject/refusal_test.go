package inject

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Every refusal by its words, which the chart's policy has too. Where several hold, the first in this order counts: see the last rows.
func TestRefusals(t *testing.T) {
	annotated := func(name, value string) string {
		return `{"metadata":{"annotations":{"` + name + `":"` + value + `"}},"spec":{}}`
	}
	const noFolder = ` is no absolute path of a file in a folder, of at most 107 bytes`
	long := "/" + strings.Repeat("d", 99) + "/"
	many := func(n int) string {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf(`"burgee.dev/%d":""`, i))
		}
		return `{"metadata":{"annotations":{` + strings.Join(names, ",") + `}},"spec":{"hostNetwork":true}}`
	}
	for _, row := range []struct{ pod, want string }{
		{many(1001), `burgee: the pod has 1001 annotations; with a sidecar it may have at most 1000`},
		{many(1000), `burgee: annotation burgee.dev/0 is not known; there are burgee.dev/cpu-limit, burgee.dev/cpu-request, burgee.dev/environment, burgee.dev/memory, burgee.dev/socket and burgee.dev/store`},
		{annotated("burgee.dev/stroe", "x"), `burgee: annotation burgee.dev/stroe is not known; there are burgee.dev/cpu-limit, burgee.dev/cpu-request, burgee.dev/environment, burgee.dev/memory, burgee.dev/socket and burgee.dev/store`},
		{`{"metadata":{"annotations":{"burgee.dev/z":"","burgee.dev/b":"","burgee.dev/c":""}},"spec":{}}`, `burgee: annotation burgee.dev/b is not known; there are burgee.dev/cpu-limit, burgee.dev/cpu-request, burgee.dev/environment, burgee.dev/memory, burgee.dev/socket and burgee.dev/store`},
		{annotated("burgee.deviant/store", "x"), ""},
		{`{"spec":{"os":{"name":"windows"}}}`, `burgee: the pod runs on Windows, for which there is no sidecar: take the label burgee.dev/inject off`},
		{`{"spec":{"os":{"name":"linux"}}}`, ""},
		{`{"spec":{"hostNetwork":true}}`, `burgee: the pod uses the network of its node, where ports 8014 and 8016 would be the node's: take the label burgee.dev/inject off, or include the sidecar by the chart's named templates with ports of its own`},
		{annotated("burgee.dev/store", ""), `burgee: no store: give the pod the annotation burgee.dev/store, or the chart the value store`},
		{annotated("burgee.dev/environment", ""), `burgee: no environment: give the pod the annotation burgee.dev/environment, or the chart the value environment`},
		{annotated("burgee.dev/socket", "/run/burgee/s:1"), `burgee: annotation burgee.dev/socket: "/run/burgee/s:1"` + noFolder},
		{annotated("burgee.dev/socket", ""), `burgee: annotation burgee.dev/socket: ""` + noFolder},
		{annotated("burgee.dev/socket", "run/s"), `burgee: annotation burgee.dev/socket: "run/s"` + noFolder},
		{annotated("burgee.dev/socket", "/s"), `burgee: annotation burgee.dev/socket: "/s"` + noFolder},
		{annotated("burgee.dev/socket", "/run/"), `burgee: annotation burgee.dev/socket: "/run/"` + noFolder},
		{annotated("burgee.dev/socket", "/run//s"), `burgee: annotation burgee.dev/socket: "/run//s"` + noFolder},
		{annotated("burgee.dev/socket", "/run/./s"), `burgee: annotation burgee.dev/socket: "/run/./s"` + noFolder},
		{annotated("burgee.dev/socket", "/run/../s"), `burgee: annotation burgee.dev/socket: "/run/../s"` + noFolder},
		{annotated("burgee.dev/socket", "/run/burgee/.."), `burgee: annotation burgee.dev/socket: "/run/burgee/.."` + noFolder},
		{annotated("burgee.dev/socket", long+"sixsix"), ""},
		{annotated("burgee.dev/socket", long+"sevense"), `burgee: annotation burgee.dev/socket: "` + long + `sevense"` + noFolder},
		{annotated("burgee.dev/socket", long+"äää"), ""},
		{annotated("burgee.dev/socket", long+"aäää"), `burgee: annotation burgee.dev/socket: "` + long + `aäää"` + noFolder},
		{annotated("burgee.dev/memory", "64MB"), `burgee: annotation burgee.dev/memory: "64MB" is no quantity; want such as 64Mi`},
		{annotated("burgee.dev/memory", ""), `burgee: annotation burgee.dev/memory: "" is no quantity; want such as 64Mi`},
		{annotated("burgee.dev/memory", "-1Mi"), `burgee: annotation burgee.dev/memory: "-1Mi" is no quantity; want such as 64Mi`},
		{annotated("burgee.dev/cpu-request", "much"), `burgee: annotation burgee.dev/cpu-request: "much" is no quantity; want such as 100m`},
		{annotated("burgee.dev/cpu-limit", "1 "), `burgee: annotation burgee.dev/cpu-limit: "1 " is no quantity; want such as 100m`},
		{annotated("burgee.dev/cpu-limit", ""), ""},
		{`{"spec":{"containers":[{"name":"a"},{"name":"burgee"}]}}`, `burgee: container burgee has the sidecar's name: call it otherwise`},
		{`{"spec":{"containers":[{"name":"burgee","restartPolicy":"Never"}]}}`, `burgee: container burgee has the sidecar's name: call it otherwise`},
		{`{"spec":{"initContainers":[{"name":"burgee"}]}}`, `burgee: container burgee has the sidecar's name: call it otherwise`},
		{`{"spec":{"volumes":[{"name":"a"},{"name":"burgee-state","hostPath":{}}]}}`, `burgee: the pod has a volume burgee-state of its own: call it otherwise`},
		{`{"spec":{"volumes":[{"name":"burgee-state"}],"initContainers":[{"name":"burgee","restartPolicy":"Always"}]}}`, ""},
		{`{"spec":{"volumes":[{"name":"burgee-other"}]}}`, ""},
		{`{"spec":{"containers":[{"name":"a","volumeMounts":[{"name":"run","mountPath":"/run/burgee"}]}]}}`, `burgee: container a mounts run at /run/burgee, where the socket goes: mount it elsewhere, or give the pod the annotation burgee.dev/socket with another path`},
		{`{"spec":{"initContainers":[{"name":"i","volumeMounts":[{"name":"x","mountPath":"/x"},{"name":"run","mountPath":"/run/burgee"}]}]}}`, `burgee: container i mounts run at /run/burgee, where the socket goes: mount it elsewhere, or give the pod the annotation burgee.dev/socket with another path`},
		{`{"spec":{"containers":[{"name":"a","volumeMounts":[{"name":"run","mountPath":"/run"}]}]}}`, ""},
		{`{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80},{"containerPort":8014}]}]}}`, `burgee: container a has port 8014, which the sidecar takes in the pod's network`},
		{`{"spec":{"initContainers":[{"name":"i","restartPolicy":"Always","ports":[{"containerPort":8016}]}]}}`, `burgee: container i has port 8016, which the sidecar takes in the pod's network`},

		// Of two, the first counts; containers come before init containers.
		{`{"spec":{"os":{"name":"windows"},"hostNetwork":true}}`, `burgee: the pod runs on Windows, for which there is no sidecar: take the label burgee.dev/inject off`},
		{`{"spec":{"initContainers":[{"name":"i","ports":[{"containerPort":8016}]}],"containers":[{"name":"c","ports":[{"containerPort":8014}]}]}}`, `burgee: container c has port 8014, which the sidecar takes in the pod's network`},
		{`{"metadata":{"annotations":{"burgee.dev/store":"","burgee.dev/socket":"","burgee.dev/memory":"x"}},"spec":{"containers":[{"name":"burgee"}]}}`, `burgee: no store: give the pod the annotation burgee.dev/store, or the chart the value store`},
	} {
		patch, err := definition(t).Patch([]byte(row.pod))
		refusal := (*Refusal)(nil)
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: refused: %v", row.pod, err)
		case row.want != "" && (!errors.As(err, &refusal) || refusal.Message != row.want || patch != nil):
			t.Errorf("%s: patch %s, error\n%v; want\n%s", row.pod, patch, err, row.want)
		}
	}
}

// Without a port for evaluations the sidecar takes one alone.
func TestOnePort(t *testing.T) {
	text := strings.Replace(string(read(t, chart)), "BURGEE_LISTEN", "OTHER", 1)
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Patch([]byte(`{"spec":{"hostNetwork":true}}`))
	if err == nil || !strings.Contains(err.Error(), "where port 8014 would be the node's") {
		t.Errorf("error %v", err)
	}
	if _, err := d.Patch([]byte(`{"spec":{"containers":[{"name":"a","ports":[{"containerPort":8016}]}]}}`)); err != nil {
		t.Errorf("port 8016 is refused where nobody takes it: %v", err)
	}
}

// What Kubernetes takes for a quantity and is not negative, and what it does not.
func TestQuantities(t *testing.T) {
	d := definition(t)
	for value, good := range map[string]bool{
		"0": true, "64Mi": true, "64M": true, "1.5Gi": true, ".5": true, "5.": true, "100m": true, "1e3": true, "1E3": true, "1E": true, "1e-3": true, "2k": true, "7u": true, "1n": true, "1Ei": true,
		"64MB": false, "64mi": false, "64 Mi": false, "1.2.3": false, ".": false, "Mi": false, "+1": false, "-1": false, "1e": false, "1K": false, "1e999": false, "0x10": false, "1\n": false, "٣": false,
		strings.Repeat("1", maxQuantity): true, strings.Repeat("1", maxQuantity+1): false,
	} {
		if why := d.wrongQuantity(kinds[3], map[string]string{"memory": value}); (why == "") != good {
			t.Errorf("%q: %q", value, why)
		}
	}
}
