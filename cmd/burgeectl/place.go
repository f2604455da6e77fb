package main

import (
	"strconv"
	"strings"
)

// steps takes a path apart that eval.JoinPath made.
func steps(path string) []string {
	var found []string
	for path != "" {
		var step string
		switch {
		case strings.HasPrefix(path, `["`):
			step, path = quotedStep(path)
		case path[0] == '[':
			step, path, _ = strings.Cut(path[1:], "]")
		default:
			path = strings.TrimPrefix(path, ".")
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			step, path = path[:end], path[end:]
			if end == 0 && path != "" {
				path = path[1:] // no path of ours
			}
		}
		found = append(found, step)
	}
	return found
}

// quotedStep reads ["NAME"].
func quotedStep(path string) (step, rest string) {
	quoted, err := strconv.QuotedPrefix(path[1:])
	if err != nil {
		return path, ""
	}
	if step, err = strconv.Unquote(quoted); err != nil {
		return path, ""
	}
	return step, strings.TrimPrefix(path[1+len(quoted):], "]")
}

// find goes down a path as far as it leads, and tells where that is: at the value where it is a plain one, else at its name.
func (s *spot) find(path []string) (line, column int) {
	line, column = s.line, s.column
	for _, step := range path {
		next, nameLine, nameColumn := s.step(step)
		if next == nil {
			return line, column
		}
		s = next
		if line, column = nameLine, nameColumn; s.members == nil && s.items == nil && s.line > 0 {
			line, column = s.line, s.column
		}
	}
	return line, column
}

// step goes one step down. Flags may stand in a list, each with its key.
func (s *spot) step(step string) (next *spot, line, column int) {
	if member, ok := s.members[step]; ok {
		return member.value, member.line, member.column
	}
	if begin, cut := strings.CutSuffix(step, "…"); cut { // eval shortens long names
		for name, member := range s.members {
			if strings.HasPrefix(name, begin) {
				return member.value, member.line, member.column
			}
		}
	}
	for _, item := range s.items {
		if key, ok := item.members["key"]; ok && key.value.text == step {
			return item, item.line, item.column
		}
	}
	if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(s.items) {
		return s.items[i], s.items[i].line, s.items[i].column
	}
	return nil, 0, 0
}

// place fills in the file, line and column of problems that do not know them: those of the file that holds what the path leads into.
func (f *flagFile) place(all []problem) []problem {
	for i := range all {
		p := &all[i]
		path := steps(p.Path)
		text := f.holder(path)
		if text == nil {
			p.File = f.name
			continue
		}
		if p.File = text.name; p.Line == 0 {
			p.Line, p.Column = text.at(path)
		}
	}
	return all
}

// holder is the file that a path leads into, or nil where it leads into none of several.
func (f *flagFile) holder(path []string) *flagText {
	if len(f.texts) == 1 {
		return f.texts[0]
	}
	if len(path) < 2 {
		return nil
	}
	return f.holders[[2]string(path)]
}

// at is the line and column that a path leads to in a file.
func (t *flagText) at(path []string) (line, column int) {
	if t.spots == nil {
		t.spots = spotsOf(t)
	}
	return t.spots.find(path)
}
