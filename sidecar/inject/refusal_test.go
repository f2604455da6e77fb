package inject

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

// Every refusal by its words, which the chart's policy has too. Where several hold, the first in this order counts: see the last rows.
func TestRefusals(t *testing.T) {
	annotated := func(name, value string) string {
		return `{"metadata":{"annotations":{"` + name + `":"` + value + `"}},"spec":{}}`
	}
	const noFolder = ` is no path of a file in a folder of its own below /run, /var/run, /tmp or /mnt, of at most 107 bytes; want such as /run/flags/burgee.sock`
	const noStore = ` is no store; want such as s3://bucket/prefix`
	const goes = `, where the socket goes: mount it elsewhere, or give the pod the annotation burgee.dev/socket with another path`
	const early = `, which is not there before the sidecar is: leave the mount out`
	mounts := func(name, path string) string {
		return `{"spec":{"containers":[{"name":"a","volumeMounts":[{"name":"x","mountPath":"/x"},{"name":"` + name + `","mountPath":"` + path + `"}]}]}}`
	}
	long := "/tmp/" + strings.Repeat("d", 99) + "/"
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
		{`{"spec":{"os":{"name":"windows"}}}`, `burgee: the pod runs on Windows, for which there is no sidecar: take off the label that asks for one`},
		{`{"spec":{"os":{"name":"linux"}}}`, ""},
		{`{"spec":{"hostNetwork":true}}`, `burgee: the pod uses the network of its node, where ports 8014 and 8016 would be the node's: take off the label that asks for a sidecar, or include the sidecar by the chart's named templates with ports of its own`},
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
		{annotated("burgee.dev/socket", long+"xx"), ""},
		{annotated("burgee.dev/socket", long+"xxx"), `burgee: annotation burgee.dev/socket: "` + long + `xxx"` + noFolder},
		{annotated("burgee.dev/socket", "/etc/ssl/s"), `burgee: annotation burgee.dev/socket: "/etc/ssl/s"` + noFolder},
		{annotated("burgee.dev/socket", "/var/lib/burgee/s"), `burgee: annotation burgee.dev/socket: "/var/lib/burgee/s"` + noFolder},
		{annotated("burgee.dev/socket", "/tmp/s"), `burgee: annotation burgee.dev/socket: "/tmp/s"` + noFolder},
		{annotated("burgee.dev/socket", "/runs/a/s"), `burgee: annotation burgee.dev/socket: "/runs/a/s"` + noFolder},
		{annotated("burgee.dev/socket", "/run/a$(X)/s"), `burgee: annotation burgee.dev/socket: "/run/a$(X)/s"` + noFolder},
		{annotated("burgee.dev/socket", `/run/a\u0007/s`), "burgee: annotation burgee.dev/socket: \"/run/a\a/s\"" + noFolder},
		{annotated("burgee.dev/socket", "/run/secrets/s"), `burgee: annotation burgee.dev/socket: "/run/secrets/s"` + noFolder},
		{annotated("burgee.dev/socket", "/var/run/secrets/kubernetes.io/serviceaccount/s"), `burgee: annotation burgee.dev/socket: "/var/run/secrets/kubernetes.io/serviceaccount/s"` + noFolder},
		{annotated("burgee.dev/socket", "/run/secretsof/s"), ""},
		{annotated("burgee.dev/socket", "/var/run/flags/s"), ""},
		{annotated("burgee.dev/socket", "/tmp/a/b/s"), ""},
		{annotated("burgee.dev/socket", "/mnt/a/s"), ""},
		{annotated("burgee.dev/store", "flags"), `burgee: annotation burgee.dev/store: "flags"` + noStore},
		{annotated("burgee.dev/store", "file:///flags"), `burgee: annotation burgee.dev/store: "file:///flags"` + noStore},
		{annotated("burgee.dev/store", "s3://flags/a/../b"), `burgee: annotation burgee.dev/store: "s3://flags/a/../b"` + noStore},
		{annotated("burgee.dev/store", "s3://AKID:hunter2@flags/x"), `burgee: annotation burgee.dev/store: "…"` + noStore},
		{annotated("burgee.dev/store", "s3://flags/pay/"), ""},
		{annotated("burgee.dev/environment", "shop prod"), `burgee: annotation burgee.dev/environment: "shop prod" is no environment; want such as shop/prod`},
		{annotated("burgee.dev/environment", `shop\u0000`), "burgee: annotation burgee.dev/environment: \"shop\x00\" is no environment; want such as shop/prod"},
		{annotated("burgee.dev/environment", strings.Repeat("ä", 253)), ""},
		{annotated("burgee.dev/memory", "64MB"), `burgee: annotation burgee.dev/memory: "64MB" is no amount of memory; want such as 64Mi`},
		{annotated("burgee.dev/memory", ""), `burgee: annotation burgee.dev/memory: "" is no amount of memory; want such as 64Mi`},
		{annotated("burgee.dev/memory", "-1Mi"), `burgee: annotation burgee.dev/memory: "-1Mi" is no amount of memory; want such as 64Mi`},
		{annotated("burgee.dev/memory", "1500m"), `burgee: annotation burgee.dev/memory: "1500m" is no amount of memory; want such as 64Mi`},
		{annotated("burgee.dev/memory", "0"), `burgee: annotation burgee.dev/memory: "0" is too little; want 16Mi or more: the sidecar needs as much`},
		{annotated("burgee.dev/memory", "15.999Mi"), `burgee: annotation burgee.dev/memory: "15.999Mi" is too little; want 16Mi or more: the sidecar needs as much`},
		{annotated("burgee.dev/memory", "16777215"), `burgee: annotation burgee.dev/memory: "16777215" is too little; want 16Mi or more: the sidecar needs as much`},
		{annotated("burgee.dev/memory", "16777216"), ""},
		{annotated("burgee.dev/memory", "0.016G"), `burgee: annotation burgee.dev/memory: "0.016G" is too little; want 16Mi or more: the sidecar needs as much`},
		{annotated("burgee.dev/memory", "0.017G"), ""},
		{annotated("burgee.dev/memory", "16383Ki"), `burgee: annotation burgee.dev/memory: "16383Ki" is too little; want 16Mi or more: the sidecar needs as much`},
		{annotated("burgee.dev/memory", "16384Ki"), ""},
		{annotated("burgee.dev/cpu-request", "much"), `burgee: annotation burgee.dev/cpu-request: "much" is no amount of processor time; want such as 100m`},
		{annotated("burgee.dev/cpu-limit", "1 "), `burgee: annotation burgee.dev/cpu-limit: "1 " is no amount of processor time; want such as 100m`},
		{annotated("burgee.dev/cpu-limit", "9n"), `burgee: annotation burgee.dev/cpu-limit: "9n" is no amount of processor time; want such as 100m`},
		{annotated("burgee.dev/cpu-limit", "0.019"), `burgee: annotation burgee.dev/cpu-limit: "0.019" is too little; want 20m or more: as much is requested`},
		{annotated("burgee.dev/cpu-limit", "0.02"), ""},
		{annotated("burgee.dev/cpu-limit", ""), ""},
		{`{"metadata":{"annotations":{"burgee.dev/cpu-request":"1","burgee.dev/cpu-limit":"999m"}},"spec":{}}`, `burgee: annotation burgee.dev/cpu-limit: "999m" is too little; want 1 or more: as much is requested`},
		{`{"metadata":{"annotations":{"burgee.dev/cpu-request":"","burgee.dev/cpu-limit":"1m"}},"spec":{}}`, ""},
		{`{"spec":{"containers":[{"name":"a"},{"name":"burgee"}]}}`, `burgee: container burgee has the sidecar's name: call it otherwise`},
		{`{"spec":{"containers":[{"name":"burgee","restartPolicy":"Never"}]}}`, `burgee: container burgee has the sidecar's name: call it otherwise`},
		{`{"spec":{"initContainers":[{"name":"burgee"}]}}`, `burgee: container burgee has the sidecar's name: call it otherwise`},
		{`{"spec":{"volumes":[{"name":"a"},{"name":"burgee-state","hostPath":{}}]}}`, `burgee: the pod has a volume burgee-state of its own: call it otherwise`},
		{`{"spec":{"volumes":[{"name":"burgee-state"}],"initContainers":[{"name":"burgee","restartPolicy":"Always"}]}}`, ""},
		{`{"spec":{"volumes":[{"name":"burgee-other"}]}}`, ""},
		{mounts("burgee-socket", "/run/burgee"), `burgee: container a mounts burgee-socket` + early},
		{mounts("burgee-state", "/y"), `burgee: container a mounts burgee-state` + early},
		{mounts("burgee-token", "/y"), `burgee: container a mounts burgee-token` + early},
		{mounts("burgee-s3", "/y"), ""}, // there is none of that name here
		{`{"spec":{"initContainers":[{"name":"burgee","restartPolicy":"Always"},{"name":"i","volumeMounts":[{"name":"burgee-socket","mountPath":"/x"}]}]}}`, ""},
		{mounts("run", "/run/burgee"), `burgee: container a mounts run at /run/burgee` + goes},
		{mounts("run", "/run/burgee/"), `burgee: container a mounts run at /run/burgee/` + goes},
		{mounts("run", "/run/burgee/sub"), `burgee: container a mounts run at /run/burgee/sub` + goes},
		{mounts("run", "/run/burgees"), ""},
		{mounts("run", "/run"), ""},
		{`{"spec":{"initContainers":[{"name":"i","volumeMounts":[{"name":"x","mountPath":"/x"},{"name":"run","mountPath":"/run/burgee"}]}]}}`, `burgee: container i mounts run at /run/burgee` + goes},
		{`{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80},{"containerPort":8014}]}]}}`, `burgee: container a has port 8014, which the sidecar takes in the pod's network`},
		{`{"spec":{"initContainers":[{"name":"i","restartPolicy":"Always","ports":[{"containerPort":8016}]}]}}`, `burgee: container i has port 8016, which the sidecar takes in the pod's network`},

		// Of two, the first counts; containers come before init containers.
		{`{"spec":{"os":{"name":"windows"},"hostNetwork":true}}`, `burgee: the pod runs on Windows, for which there is no sidecar: take off the label that asks for one`},
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

// The forms of amounts, and of how many thousandths each is.
func TestAmounts(t *testing.T) {
	d := definition(t)
	for name, rows := range map[string]map[string]int64{
		"memory": {
			"64Mi": 64 << 20 * 1000, "64M": 64e9, "1.5Gi": 1536 << 20 * 1000, "0.25G": 25e10, "20000k": 2e10, "16384Ki": 16 << 20 * 1000, "67108864": 64 << 20 * 1000, "999999Gi": 999999 << 30 * 1000,
			"": 0, "64MB": 0, "64mi": 0, "64 Mi": 0, "1.2.3": 0, ".": 0, "Mi": 0, "+1": 0, "-1": 0, "1K": 0, "0x10": 0, "1\n": 0, "٣": 0, "1500m": 0, "64e6": 0, "1.5": 0, "1000000Mi": 0, "9999999999999": 0, "1T": 0,
		},
		"cpuRequest": {"1": 1000, "0.29": 290, "1.005": 1005, "100m": 100, "0": 0, "1n": 0, "1.5m": 0, "1k": 0, ".5": 0, "1.0005": 0, "1000000": 0},
	} {
		for text, want := range rows {
			good := d.wrong(name, map[string]string{name: text}) == "" && text != ""
			if good != (want > 0 || text == "0") {
				t.Errorf("%s %q: good: %v", name, text, good)
			}
			if got := amount(text); want > 0 && (got == nil || got.Cmp(new(big.Rat).SetInt64(want)) != 0) {
				t.Errorf("%s %q: %v; want %d", name, text, got, want)
			}
		}
	}
}
