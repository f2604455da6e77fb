package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

// maxFiles is how many files of a folder are merged.
const maxFiles = 1000

// readFolder merges the files of a folder, such as one a team. Each is a document of its own, and read as one; what two of them hold under
// one name is refused.
func readFolder(name string, limits eval.Limits) (*flagFile, error) {
	names, err := flagFilesIn(name)
	if err != nil {
		return nil, err
	}
	m := &merger{into: &flagFile{name: name, holders: map[[2]string]*flagText{}}}
	size := 0
	for _, each := range names {
		text, parsed, err := readText(each, limits)
		if bad := (*refused)(nil); errors.As(err, &bad) {
			m.problems = append(m.problems, bad.problems...)
			continue
		}
		if err != nil {
			return nil, err
		}
		if size += len(text.raw); size > bundle.MaxDocument {
			return nil, refuse(name, problem{File: name, Message: fmt.Sprintf("the files have more than %d bytes together", bundle.MaxDocument)})
		}
		m.add(text, parsed)
	}
	if len(m.problems) > 0 {
		return nil, refuse(name, m.problems...)
	}
	f, doc := m.into, m.document()
	if f.parsed, err = eval.Parse(doc, limits); err != nil {
		return nil, refuse(name, f.place([]problem{parseProblem(err, nil)})...)
	}
	err = f.compact(doc)
	return f, err
}

// flagFilesIn lists the files of a folder that hold flags, sorted: not what is hidden, and nothing below.
func flagFilesIn(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		known := slices.Contains([]string{".json", ".yaml", ".yml"}, strings.ToLower(filepath.Ext(e.Name())))
		if known && !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, filepath.Join(folder, e.Name()))
		}
	}
	switch {
	case len(names) == 0:
		return nil, refuse(folder, problem{File: folder, Message: "no file in it ends in .json, .yaml or .yml", Hint: "folders in it are not looked into"})
	case len(names) > maxFiles:
		return nil, refuse(folder, problem{File: folder, Message: fmt.Sprintf("%d files; at most %d are merged", len(names), maxFiles)})
	}
	return names, nil
}

// merger makes one document of several.
type merger struct {
	into     *flagFile
	sections [3][]byte // the members of each, with commas between
	problems []problem
}

// sectionNames are what documents are made of.
var sectionNames = [3]string{"flags", "$evaluators", "metadata"}

func (m *merger) add(text *flagText, doc *eval.Document) {
	m.into.texts = append(m.into.texts, text)
	for _, key := range doc.Keys() {
		raw, _ := doc.Definition(key)
		m.member(text, 0, key, raw)
	}
	for _, e := range doc.Evaluators() {
		m.member(text, 1, e.Name, e.Raw)
	}
	for _, e := range doc.Metadata() {
		m.member(text, 2, e.Name, e.Raw)
	}
}

func (m *merger) member(text *flagText, section int, name string, raw []byte) {
	path := [2]string{sectionNames[section], name}
	if first := m.into.holders[path]; first != nil {
		m.duplicate(first, text, path)
		return
	}
	m.into.holders[path] = text
	out := m.sections[section]
	if len(out) > 0 {
		out = append(out, ',')
	}
	out, _ = jsontext.AppendQuote(out, name) // it was read before: it is UTF-8
	m.sections[section] = append(append(out, ':'), raw...)
}

func (m *merger) duplicate(first, second *flagText, path [2]string) {
	line, column := first.at(path[:])
	p := problem{
		File: second.name, Path: eval.JoinPath(path[0], path[1]),
		Message: fmt.Sprintf("%q stands in %s:%d:%d too", path[1], first.name, line, column),
		Hint:    "the files of a folder are merged: keep it in one of them",
	}
	p.Line, p.Column = second.at(path[:])
	m.problems = append(m.problems, p)
}

// document is what the files come to together.
func (m *merger) document() []byte {
	doc := []byte(`{"flags":{`)
	doc = append(append(doc, m.sections[0]...), '}')
	for i, name := range sectionNames[1:] {
		if members := m.sections[i+1]; len(members) > 0 {
			doc = fmt.Appendf(doc, `,%q:{`, name)
			doc = append(append(doc, members...), '}')
		}
	}
	return append(doc, '}')
}
