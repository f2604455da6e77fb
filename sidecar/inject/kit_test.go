package inject

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// chart is the definition as the chart renders it (burgee.injection), with IRSA, so that it has three volumes.
const chart = "testdata/injection.json"

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func definition(t testing.TB) *Definition {
	t.Helper()
	d, err := Parse(read(t, chart))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// tree is a document in the shapes of encoding/json.
func tree(text []byte) (any, error) {
	var value any
	err := json.Unmarshal(text, &value)
	return value, err
}

// applied is the document after the patch, as RFC 6902 has it; of its operations there is only add.
func applied(document, patch []byte) ([]byte, error) {
	var operations []struct {
		Op, Path string
		Value    any
	}
	if err := json.Unmarshal(patch, &operations); err != nil {
		return nil, err
	}
	whole, err := tree(document)
	if err != nil {
		return nil, err
	}
	for _, o := range operations {
		if o.Op != "add" || !strings.HasPrefix(o.Path, "/") {
			return nil, fmt.Errorf("operation %+v", o)
		}
		if whole, err = added(whole, strings.Split(o.Path[1:], "/"), o.Value); err != nil {
			return nil, fmt.Errorf("%s: %w", o.Path, err)
		}
	}
	return json.Marshal(whole)
}

// added gives what stands at a place once value was added at the path below it.
func added(at any, path []string, value any) (any, error) {
	key := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	switch at := at.(type) {
	case map[string]any:
		if len(path) == 1 {
			at[key] = value
			return at, nil
		}
		below, there := at[key]
		if !there {
			return nil, fmt.Errorf("no member %q", key)
		}
		var err error
		at[key], err = added(below, path[1:], value)
		return at, err
	case []any:
		index, err := strconv.Atoi(key)
		switch {
		case len(path) == 1 && key == "-":
			return append(at, value), nil
		case err != nil || index < 0 || index > len(at) || len(path) > 1 && index == len(at):
			return nil, fmt.Errorf("no element %q", key)
		case len(path) == 1:
			return slices.Insert(at, index, value), nil
		}
		at[index], err = added(at[index], path[1:], value)
		return at, err
	}
	return nil, fmt.Errorf("%T has nothing below", at)
}

// injected is the pod with the sidecar.
func injected(t testing.TB, d *Definition, pod string) string {
	t.Helper()
	patch, err := d.Patch([]byte(pod))
	if err != nil {
		t.Fatalf("%s: %v", pod, err)
	}
	after, err := applied([]byte(pod), patch)
	if err != nil {
		t.Fatalf("%s: the patch %s does not apply: %v", pod, patch, err)
	}
	return string(after)
}

// without is the document without a member of its top level.
func without(t testing.TB, document, name string) string {
	t.Helper()
	whole, err := tree([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	delete(whole.(map[string]any), name)
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
