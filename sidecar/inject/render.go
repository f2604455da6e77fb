package inject

import (
	"net"
	"slices"
	"strconv"
)

// marker gives the name of the parameter that a text stands for: it must be <name> and nothing else, of a parameter that there is. Any other
// text is somebody's own, such as the <none> in a variable of the sidecar's.
func marker(text string) (name string, is bool) {
	if len(text) < 3 || text[0] != '<' || text[len(text)-1] != '>' {
		return "", false
	}
	name = text[1 : len(text)-1]
	return name, name == socketFolder || slices.ContainsFunc(kinds, func(k kind) bool { return k.name == name })
}

// render gives a copy with values in the place of markers. A member of an object whose value is empty is left out.
func render(part any, values map[string]string) any {
	switch part := part.(type) {
	case string:
		if name, is := marker(part); is {
			return values[name]
		}
		return part
	case []any:
		all := make([]any, len(part))
		for i := range part {
			all[i] = render(part[i], values)
		}
		return all
	case map[string]any:
		return renderObject(part, values)
	}
	return part // numbers, true, false and null stand for themselves
}

func renderObject(part map[string]any, values map[string]string) map[string]any {
	object := make(map[string]any, len(part))
	for key, member := range part {
		if text, isText := member.(string); isText {
			if name, is := marker(text); is && values[name] == "" {
				continue
			}
		}
		object[key] = render(member, values)
	}
	return object
}

func renderAll(parts []map[string]any, values map[string]string) []map[string]any {
	all := make([]map[string]any, len(parts))
	for i := range parts {
		all[i] = renderObject(parts[i], values)
	}
	return all
}

// The variables that tell the sidecar where to listen.
const (
	adminVariable  = "BURGEE_ADMIN"
	listenVariable = "BURGEE_LISTEN"
)

// portsOf reads from the sidecar's environment which ports it takes in a pod's network.
func portsOf(container map[string]any) []int64 {
	var ports []int64
	env, _ := container["env"].([]any)
	for _, e := range env {
		entry, _ := e.(map[string]any)
		if name := text(entry, "name"); name != adminVariable && name != listenVariable {
			continue
		}
		_, port, _ := net.SplitHostPort(text(entry, "value"))
		if number, err := strconv.ParseInt(port, 10, 64); err == nil && !slices.Contains(ports, number) {
			ports = append(ports, number)
		}
	}
	slices.Sort(ports)
	return ports
}
