package inject

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// prefix begins every annotation of ours.
const prefix = "burgee.dev/"

const (
	maxSocket   = 107 // bytes of a path that the system takes for a socket
	maxQuantity = 64  // bytes
)

// quantityPattern is what Kubernetes takes for a quantity of memory or processors that is not negative. It is written so that the policy
// can ask the same (CEL's matches has the same syntax).
const quantityPattern = `^([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,2})?$`

// declared is a parameter as the definition has it: which annotation sets it, and what it is where no annotation does.
type declared struct {
	Annotation string `json:"annotation"`
	Default    string `json:"default"`
	Required   bool   `json:"required"`
}

// kind is a parameter as the code knows it. Where example is given, it is a quantity.
type kind struct{ name, example string }

const (
	socket       = "socket"
	socketFolder = "socketFolder" // is not declared: it is the folder of socket
)

// free is how many of kinds, the first ones, are texts that only the sidecar can judge.
const free = 2

// kinds are the parameters that there are, in the order in which they are looked at.
var kinds = []kind{{"store", ""}, {"environment", ""}, {socket, ""}, {"memory", "64Mi"}, {"cpuRequest", "100m"}, {"cpuLimit", "100m"}}

func namesOf(all []kind) []string {
	var names []string
	for _, k := range all {
		names = append(names, k.name)
	}
	return names
}

// checkParameters wants all of them and no others, each with its annotation, and defaults that no pod would be refused for.
func (d *Definition) checkParameters() error {
	for _, name := range sortedKeys(d.declared) {
		if !slices.Contains(namesOf(kinds), name) {
			return fmt.Errorf("parameters.%s: is not known; there are %s", name, listed(slices.Sorted(slices.Values(namesOf(kinds)))))
		}
	}
	for _, k := range kinds {
		p, given := d.declared[k.name]
		switch {
		case !given:
			return fmt.Errorf("parameters.%s: is missing", k.name)
		case !strings.HasPrefix(p.Annotation, prefix) || slices.Contains(d.known, p.Annotation):
			return fmt.Errorf("parameters.%s.annotation: %q; want one that begins with %s, and no other parameter has", k.name, p.Annotation, prefix)
		}
		d.known = append(d.known, p.Annotation)
	}
	slices.Sort(d.known)
	defaults := d.valuesFor(nil)
	if err := d.wrongSocket(defaults); err != "" {
		return fmt.Errorf("parameters.socket.default: %s", err)
	}
	for _, k := range kinds {
		if err := d.wrongQuantity(k, defaults); err != "" {
			return fmt.Errorf("parameters.%s.default: %s", k.name, err)
		}
	}
	return nil
}

// valuesFor gives the value of each parameter for a pod with those annotations. One that is there counts, also where it is empty: that is
// how a pod has no limit where the chart sets one.
func (d *Definition) valuesFor(annotations map[string]string) map[string]string {
	values := map[string]string{}
	for name, p := range d.declared {
		value, given := annotations[p.Annotation]
		if !given {
			value = p.Default
		}
		values[name] = value
	}
	values[socketFolder] = path.Dir(values[socket])
	return values
}

// wrongSocket says what is wrong with the path of the socket, or "". Its folder is mounted, so it must be one of the socket's own; and what
// holds a colon cannot be mounted.
func (d *Definition) wrongSocket(values map[string]string) string {
	value := values[socket]
	folder := path.Dir(value)
	if len(value) > maxSocket || folder == "/" || !strings.HasPrefix(value, "/") || path.Clean(value) != value || strings.Contains(value, ":") {
		return fmt.Sprintf("%s is no absolute path of a file in a folder, of at most %d bytes", quoted(value), maxSocket)
	}
	return ""
}

// wrongQuantity says what is wrong with a quantity, or "". An empty one is none, where there may be none.
func (d *Definition) wrongQuantity(k kind, values map[string]string) string {
	value := values[k.name]
	if k.example == "" || value == "" && !d.declared[k.name].Required || len(value) <= maxQuantity && d.quantity.MatchString(value) {
		return ""
	}
	return fmt.Sprintf("%s is no quantity; want such as %s", quoted(value), k.example)
}

// quoted puts quotation marks around a text and leaves it as it is otherwise, as CEL has it.
func quoted(text string) string { return `"` + text + `"` }

// listed writes names as a sentence has them.
func listed(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
