package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/*.want.json anew: look at every difference before you keep it")

// A pod with something of everything, compared whole.
func TestAWholePod(t *testing.T) {
	for _, name := range []string{"testdata/pod", "testdata/small"} {
		after := injected(t, definition(t), string(read(t, name+".json")))
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, []byte(after), "", "  "); err != nil {
			t.Fatal(err)
		}
		pretty.WriteByte('\n')
		if *update {
			if err := os.WriteFile(name+".want.json", pretty.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := read(t, name+".want.json"); !bytes.Equal(pretty.Bytes(), want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, pretty.Bytes(), want)
		}
	}
}

// get is what stands at a path of a document, such as spec.containers.0.env.
func get(t *testing.T, document, path string) any {
	t.Helper()
	at, err := tree([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for key := range strings.SplitSeq(path, "|") {
		switch within := at.(type) {
		case map[string]any:
			at = within[key]
		case []any:
			index := int(key[0] - '0')
			if index >= len(within) {
				return nil
			}
			at = within[index]
		default:
			return nil
		}
	}
	return at
}

func TestPlacesInAPod(t *testing.T) {
	const one = `{"metadata":{"generateName":"web-"},"spec":{"containers":[{"name":"web"}]}}`
	for _, row := range []struct {
		name, pod, path string
		want            any
	}{
		{"the sidecar is first", `{"metadata":{},"spec":{"initContainers":[{"name":"migrate"}]}}`, "spec|initContainers|0|name", "burgee"},
		{"others come after it", `{"metadata":{},"spec":{"initContainers":[{"name":"migrate"}]}}`, "spec|initContainers|1|name", "migrate"},
		{"init containers ask too", `{"metadata":{},"spec":{"initContainers":[{"name":"migrate"}]}}`, "spec|initContainers|1|env|0|name", "OFREP_ENDPOINT"},
		{"a pod that has a name to come", one, "metadata|generateName", "web-"},
		{"lists that are null", `{"metadata":{"annotations":null},"spec":{"initContainers":null,"volumes":null,"containers":[{"name":"web","env":null,"volumeMounts":null}]}}`, "spec|containers|0|volumeMounts|0|mountPath", "/run/burgee"},
		{"lists that are empty", `{"metadata":{"annotations":{}},"spec":{"initContainers":[],"volumes":[],"containers":[{"name":"web","env":[],"volumeMounts":[]}]}}`, "spec|volumes|2|name", "burgee-token"},
		{"no containers at all", `{"metadata":{},"spec":{"containers":null}}`, "spec|initContainers|0|restartPolicy", "Always"},
		{"no metadata", `{"spec":{}}`, "metadata|annotations|prometheus.io/scrape", "true"},
		{"metadata that is null", `{"metadata":null,"spec":{}}`, "metadata|annotations|prometheus.io/port", "8014"},
		{"annotations beside others", `{"metadata":{"annotations":{"a/b~c":"d"}},"spec":{}}`, "metadata|annotations|prometheus.io/path", "/metrics"},
		{"others stay", `{"metadata":{"annotations":{"a/b~c":"d"}},"spec":{}}`, "metadata|annotations|a/b~c", "d"},
		{"a pod that is scraped otherwise", `{"metadata":{"annotations":{"prometheus.io/port":"80"}},"spec":{}}`, "metadata|annotations", map[string]any{"prometheus.io/port": "80"}},
		{"a variable of its own", `{"spec":{"containers":[{"name":"a","env":[{"name":"OFREP_ENDPOINT","value":"x"}]}]}}`, "spec|containers|0|env", []any{
			map[string]any{"name": "OFREP_ENDPOINT", "value": "x"}, map[string]any{"name": "BURGEE_SOCKET", "value": "/run/burgee/burgee.sock"},
		}},
		{"a mount of the volume", `{"spec":{"containers":[{"name":"a","volumeMounts":[{"name":"burgee-socket","mountPath":"/f"}]}]}}`, "spec|containers|0|volumeMounts|1", nil},
		{"a port that is another", `{"spec":{"containers":[{"name":"a","ports":[{"containerPort":8015},{"name":"x"}]}]}}`, "spec|initContainers|0|name", "burgee"},
		{"what nobody knows", `{"spec":{"containers":[{"name":"a","resizePolicy":[1.5]}],"new":{"x":[null]}},"status":{}}`, "spec|new", map[string]any{"x": []any{nil}}},
		{"another store", `{"metadata":{"annotations":{"burgee.dev/store":"s3://flags/pay"}},"spec":{}}`, "spec|initContainers|0|env|:", map[string]any{"name": "BURGEE_STORE", "value": "s3://flags/pay"}},
		{"another socket", `{"metadata":{"annotations":{"burgee.dev/socket":"/var/run/x/y.sock"}},"spec":{"containers":[{"name":"a"}]}}`, "spec|containers|0|volumeMounts|0", map[string]any{"name": "burgee-socket", "mountPath": "/var/run/x", "readOnly": true}},
		{"no limit of processors", one, "spec|initContainers|0|resources|limits", map[string]any{"memory": "64Mi"}},
		{"a limit", `{"metadata":{"annotations":{"burgee.dev/cpu-limit":"1","burgee.dev/memory":"128Mi"}},"spec":{}}`, "spec|initContainers|0|resources|limits", map[string]any{"cpu": "1", "memory": "128Mi"}},
		{"nothing requested", `{"metadata":{"annotations":{"burgee.dev/cpu-request":""}},"spec":{}}`, "spec|initContainers|0|resources|requests", map[string]any{"memory": "64Mi"}},
		{"another sidecar's name", `{"spec":{"initContainers":[{"name":"proxy","restartPolicy":"Always"}]}}`, "spec|initContainers|0|name", "burgee"},
	} {
		if got := get(t, injected(t, definition(t), row.pod), row.path); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: at %s: got %v; want %v", row.name, row.path, got, row.want)
		}
	}
}

// Angle brackets in a text of the chart's user mean nothing, unless a parameter's name stands alone between them.
func TestTextsOfSomebodysOwnStay(t *testing.T) {
	for _, text := range []string{"<none>", "<stroe>", "<>", "<<store>>", "a <store>", "<store> ", "<Store>"} {
		value := strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(text)
		d, err := Parse(bytes.Replace(read(t, chart), []byte(`"eu-central-1"`), []byte(`"`+value+`"`), 1))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want := map[string]any{"name": "AWS_REGION", "value": text}
		if got := get(t, injected(t, d, `{"spec":{}}`), "spec|initContainers|0|env|0"); !reflect.DeepEqual(got, want) {
			t.Errorf("the sidecar has %v; want %v", got, want)
		}
	}
}

// The sidecar is never put in twice; what another injector added after it is completed.
func TestTwiceIsNothing(t *testing.T) {
	d := definition(t)
	for _, name := range []string{"testdata/pod.json", "testdata/small.json"} {
		once := injected(t, d, string(read(t, name)))
		if again, err := d.Patch([]byte(once)); err != nil || again != nil {
			t.Errorf("%s: the second patch is %s, error %v; want none", name, again, err)
		}
	}
	pod := injected(t, d, `{"metadata":{},"spec":{"containers":[{"name":"web"}]}}`)
	late, err := applied([]byte(pod), []byte(`[{"op":"add","path":"/spec/containers/-","value":{"name":"proxy"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	after := injected(t, d, string(late))
	if got := get(t, after, "spec|containers|1|env|1|name"); got != "BURGEE_SOCKET" {
		t.Errorf("the container that came late has %v", got)
	}
	if got := get(t, after, "spec|initContainers|1"); got != nil {
		t.Errorf("there is a second sidecar: %v", got)
	}
}

// What is no pod gives an error that is no refusal.
func TestNoPod(t *testing.T) {
	for text, want := range map[string]string{
		``: "", `[]`: "pod: it cannot be an array", `{`: "", `{}`: "pod: spec: is missing", `{"spec":null}`: "pod: spec: is missing", `{"spec":{},"spec":{}}`: "",
		`{"spec":{"containers":[null]}}`:                          "pod: spec.containers[0]: must be an object",
		`{"spec":{"containers":[{"name":1}]}}`:                    "pod: spec.containers.0.name: ",
		`{"spec":{"hostNetwork":"yes"}}`:                          "pod: spec.hostNetwork: ",
		`{"spec":{},"metadata":{"annotations":["burgee.dev/x"]}}`: "pod: metadata.annotations: ",
	} {
		patch, err := definition(t).Patch([]byte(text))
		if err == nil || patch != nil || !strings.HasPrefix(err.Error(), "pod: ") || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: patch %s, error %v; want one that begins %s", text, patch, err, want)
		}
		if errors.As(err, new(*Refusal)) {
			t.Errorf("%s: is refused: %v", text, err)
		}
	}
}

func BenchmarkPatch(b *testing.B) {
	d, pod := definition(b), read(b, "testdata/pod.json")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Patch(pod); err != nil {
			b.Fatal(err)
		}
	}
}
