package kubernetes

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// settled takes off a pod what the API makes up anew each time, and gives the pod.
func settled(pod object) object {
	meta, _ := pod["metadata"].(object)
	for _, field := range []string{"uid", "creationTimestamp", "managedFields", "resourceVersion", "generation"} {
		delete(meta, field)
	}
	spec, _ := pod["spec"].(object)
	settleToken(spec["volumes"])
	for _, kind := range []string{"containers", "initContainers"} {
		containers, _ := spec[kind].(list)
		for _, c := range containers {
			settleToken(c.(object)["volumeMounts"])
		}
	}
	return pod
}

// settleToken moves the volume with the API's token, or its mount, to the end, and gives it a name without letters at random: it comes before
// or after what an injector adds, and nobody cares.
func settleToken(items any) {
	const token = "kube-api-access-"
	all, _ := items.(list)
	isToken := func(item any) bool { return strings.HasPrefix(item.(object)["name"].(string), token) }
	slices.SortStableFunc(all, func(a, b any) int {
		switch {
		case isToken(a) == isToken(b):
			return 0
		case isToken(a):
			return 1
		}
		return -1
	})
	for _, item := range all {
		if isToken(item) {
			item.(object)["name"] = token + "xxxxx"
		}
	}
}

// flatten gives each single value of a document by its path, such as spec/containers/app/image: a list's elements go by their names, and
// a second one of a name by NAME#1; those without a name by their number.
func flatten(document any) map[string]any {
	fields := map[string]any{}
	walk("", document, fields)
	return fields
}

func walk(path string, document any, fields map[string]any) {
	switch here := document.(type) {
	case object:
		for key, value := range here {
			walk(path+"/"+key, value, fields)
		}
	case list:
		seen := map[string]int{}
		for i, value := range here {
			step := fmt.Sprint(i)
			if named, ok := value.(object); ok && named["name"] != nil {
				step = fmt.Sprint(named["name"])
				if seen[step]++; seen[step] > 1 {
					step = fmt.Sprintf("%s#%d", step, seen[step]-1)
				}
			}
			walk(path+"/"+step, value, fields)
		}
		fields[strings.TrimPrefix(path, "/")] = order(here)
	default:
		fields[strings.TrimPrefix(path, "/")] = document
	}
}

// order is that of a list's elements: the names, where they have such.
func order(items list) string {
	var names []string
	for _, item := range items {
		if named, ok := item.(object); ok {
			names = append(names, fmt.Sprint(named["name"]))
		}
	}
	return strings.Join(names, " ")
}

// differences lists what two documents do not have in common, a line for each path.
func differences(a, b any) []string {
	left, right := flatten(a), flatten(b)
	both := maps.Clone(left)
	maps.Copy(both, right)
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(both)) {
		if left[path] != right[path] {
			lines = append(lines, fmt.Sprintf("%s: %v -> %v", path, left[path], right[path]))
		}
	}
	return lines
}
