package inject

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"testing"
)

// additions are the places that a patch may name.
var additions = regexp.MustCompile(`^(/metadata(/annotations(/[^/]+)?)?|/spec/volumes(/-)?|/spec/initContainers(/0)?|/spec/(initC|c)ontainers/\d+/(env|volumeMounts)(/-)?)$`)

// holds looks at what must be true of every text that may be a pod. It tells whether there was a patch.
func holds(t *testing.T, d *Definition, pod []byte) bool {
	t.Helper()
	patch, err := d.Patch(pod)
	if err != nil && patch != nil {
		t.Fatalf("%s\ngives both the patch %s and the error %v", pod, patch, err)
	}
	before, unreadable := tree(pod)
	if patch == nil || unreadable != nil {
		return false
	}
	after, err := applied(pod, patch)
	if err != nil {
		t.Fatalf("%s\nthe patch %s does not apply: %v", pod, patch, err)
	}
	if again, err := d.Patch(after); again != nil || err != nil {
		t.Fatalf("%s\na second time: patch %s, error %v; want none", pod, again, err)
	}
	grown, err := tree(after)
	if err != nil || !within(before, grown) {
		t.Fatalf("%s\nbecame\n%s\nwhich does not hold all that was there (%v)", pod, after, err)
	}
	var operations []struct{ Path string }
	if err := json.Unmarshal(patch, &operations); err != nil {
		t.Fatal(err)
	}
	for _, o := range operations {
		if !additions.MatchString(o.Path) {
			t.Fatalf("%s\nthe patch adds %s, which is not the sidecar's to add", pod, o.Path)
		}
	}
	return true
}

// within tells whether after is before with nothing but additions: new members, elements at the end of a list, or one at its beginning.
func within(before, after any) bool {
	switch before := before.(type) {
	case nil:
		return true // null is as good as absent
	case map[string]any:
		object, ok := after.(map[string]any)
		for name, member := range before {
			ok = ok && within(member, object[name])
		}
		return ok
	case []any:
		list, ok := after.([]any)
		return ok && (begins(before, list) || len(list) == len(before)+1 && begins(before, list[1:]))
	}
	return reflect.DeepEqual(before, after)
}

func begins(before, after []any) bool {
	if len(after) < len(before) {
		return false
	}
	for i := range before {
		if !within(before[i], after[i]) {
			return false
		}
	}
	return true
}

// Pods of every shape that matters, most of which can have the sidecar.
func TestEveryPod(t *testing.T) {
	d := definition(t)
	patched := 0
	const seeds = 1000
	for seed := range uint64(seeds) {
		text, err := json.Marshal(somePod(rand.New(rand.NewPCG(seed, 7))))
		if err != nil {
			t.Fatal(err)
		}
		if holds(t, d, text) {
			patched++
		}
	}
	if patched < seeds/4 || patched > seeds*9/10 {
		t.Errorf("%d of %d pods were given the sidecar; want many, and many that were not", patched, seeds)
	}
}

type object = map[string]any

// somePod makes one, with lists that are absent, null, empty or filled, and now and then what is refused.
func somePod(r *rand.Rand) object {
	pod, spec := object{"kind": "Pod", "apiVersion": "v1"}, object{"restartPolicy": "Never"}
	pod["spec"] = spec
	if annotations := someObject(r, map[string][]any{
		"a/b~c": {"x"}, "prometheus.io/scrape": {"false"}, "prometheus.io": {"x"}, "burgee.dev/store": {"file:///flags", "s3://a/b"},
		"burgee.dev/socket": {"/tmp/a/b", "/run/x/y", "bad"}, "burgee.dev/cpu-limit": {"1", "", "100m", "1m"}, "burgee.dev/stroe": {"x"},
	}); r.IntN(8) > 0 {
		pod["metadata"] = object{"annotations": annotations, "generateName": "a-"}
	} else if r.IntN(2) == 0 {
		pod["metadata"] = nil
	}
	some(r, spec, "containers", func(i int) any { return someContainer(r, fmt.Sprint("c", i)) })
	some(r, spec, "initContainers", func(i int) any { return someContainer(r, fmt.Sprint("i", i)) })
	some(r, spec, "volumes", func(i int) any {
		return object{"name": pick(r, "data", "run", fmt.Sprint("v", i)), "emptyDir": object{}}
	})
	if r.IntN(10) == 0 {
		spec["volumes"] = []any{object{"name": pick(r, "burgee-socket", "burgee-token", "burgee-x")}}
	}
	if r.IntN(20) == 0 {
		spec["hostNetwork"] = true
	}
	return pod
}

func someContainer(r *rand.Rand, name string) any {
	c := object{"name": name, "image": "x"}
	if r.IntN(12) == 0 {
		c["name"] = sidecarName
	}
	if r.IntN(3) == 0 {
		c["restartPolicy"] = always
	}
	some(r, c, "env", func(int) any {
		return object{"name": pick(r, "A", "OFREP_ENDPOINT", "BURGEE_SOCKET"), "value": pick(r, "x", nil)}
	})
	some(r, c, "volumeMounts", func(int) any {
		return object{"name": pick(r, "data", "burgee-socket"), "mountPath": pick(r, "/data", "/run", "/a", "/run/burgee/")}
	})
	some(r, c, "ports", func(int) any { return object{"containerPort": pick(r, 80, 443, 8015, 9090, 8014+r.IntN(9))} })
	return c
}

// some sets a list in one of the ways in which a list can be.
func some(r *rand.Rand, o object, name string, element func(int) any) {
	switch r.IntN(5) {
	case 0:
	case 1:
		o[name] = nil
	default:
		list := []any{}
		for i := range r.IntN(4) {
			list = append(list, element(i))
		}
		o[name] = list
	}
}

func someObject(r *rand.Rand, choices map[string][]any) any {
	o := object{}
	for _, name := range sortedKeys(choices) {
		if r.IntN(6) == 0 {
			o[name] = pick(r, choices[name]...)
		}
	}
	if len(o) == 0 && r.IntN(2) == 0 {
		return nil
	}
	return o
}

func pick(r *rand.Rand, choices ...any) any { return choices[r.IntN(len(choices))] }

// FuzzPatch feeds whatever may come for a pod.
func FuzzPatch(f *testing.F) {
	d := definition(f)
	f.Add(read(f, "testdata/pod.json"))
	f.Add(read(f, "testdata/small.want.json"))
	f.Add([]byte(`{"metadata":{"annotations":{"burgee.dev/socket":"/tmp/a/b","x~/y":null}},"spec":{"initContainers":[{"name":"burgee","restartPolicy":"Always","env":null}],"containers":[{}]}}`))
	f.Add([]byte(`{"metadata":null,"spec":{"hostNetwork":false,"os":null,"volumes":[null],"containers":[{"ports":[{"containerPort":1}],"env":[null]}]}}`))
	f.Fuzz(func(t *testing.T, pod []byte) { holds(t, d, pod) })
}

// FuzzParse feeds definitions: what is taken makes sound patches.
func FuzzParse(f *testing.F) {
	small, pod := read(f, "testdata/small.json"), read(f, "testdata/pod.json")
	f.Add(read(f, chart))
	f.Add([]byte(`{"container":{"name":"burgee","restartPolicy":"Always","env":[{"name":"BURGEE_ADMIN","value":":1"}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if (d == nil) == (err == nil) {
			t.Fatalf("definition %v, error %v; want exactly one", d, err)
		}
		if err == nil {
			holds(t, d, small)
			holds(t, d, pod)
		}
	})
}
