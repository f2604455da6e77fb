package main

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/burgeehq/burgee/eval"
)

// places tells where each flag stands in a file, for problems that come without a line. JSON is read as the YAML that it nearly is;
// where that fails, the path in the message has to do.
type places map[string]*yaml.Node

func findPlaces(raw []byte) places {
	var file struct {
		Flags yaml.Node `yaml:"flags"`
	}
	found := places{}
	if yaml.Unmarshal(raw, &file) != nil || file.Flags.Kind != yaml.MappingNode {
		return found
	}
	for i := 0; i+1 < len(file.Flags.Content); i += 2 {
		key := file.Flags.Content[i]
		found[key.Value] = key
	}
	return found
}

// fill gives p the line and column of the flag that its path leads into.
func (f places) fill(p *problem) {
	for key, node := range f {
		flag := eval.Change{Flag: key}.Path()
		rest, inside := strings.CutPrefix(p.Path, flag)
		if inside && (rest == "" || strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "[")) {
			p.Line, p.Column = node.Line, node.Column
		}
	}
}

// place fills in where problems are that do not know it themselves.
func place(raw []byte, all []problem) []problem {
	found := places(nil)
	for i := range all {
		if all[i].Line > 0 {
			continue
		}
		if found == nil {
			found = findPlaces(raw)
		}
		found.fill(&all[i])
	}
	return all
}
