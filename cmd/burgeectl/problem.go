package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// problem is one thing that is wrong with a file of flags.
type problem struct {
	Rule    string `json:"rule,omitzero"` // of docs/flags.md; empty where the file cannot be read
	File    string `json:"file,omitzero"` // empty where it is not one file's
	Line    int    `json:"line,omitzero"`
	Column  int    `json:"column,omitzero"`
	Path    string `json:"path,omitzero"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitzero"`
}

// print writes the problem the way compilers do, so that editors find the place.
func (p problem) print(out io.Writer, kind string) {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", place, p.Line, p.Column)
	}
	place += kind
	if p.Path != "" && place != "" {
		place += ": "
	}
	place += p.Path
	rule := ""
	if p.Rule != "" {
		rule = " [" + p.Rule + "]"
	}
	fmt.Fprintln(out, oneLine(place+": "+p.Message+rule))
	if p.Hint != "" {
		fmt.Fprintln(out, "hint:", oneLine(p.Hint))
	}
}

// printedProblems is how many problems, and how many warnings, are printed as text: a document may have one for each of 10,000 flags.
const printedProblems = 100

func printProblems(out io.Writer, all []problem, kind string) {
	for _, p := range all[:min(len(all), printedProblems)] {
		p.print(out, kind)
	}
	if more := len(all) - printedProblems; more > 0 {
		fmt.Fprintf(out, "and %d more: lint --output json lists all\n", more)
	}
}

func printWarnings(out io.Writer, all []problem) { printProblems(out, all, ": warning") }

// inOrder sorts problems as people read files.
func inOrder(all []problem) []problem {
	slices.SortStableFunc(all, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return all
}

// refused says that a file of flags is one that no sidecar should load.
type refused struct {
	file     string
	problems []problem
	warnings []problem
	printed  bool // as a result already
}

func (r *refused) Error() string {
	return fmt.Sprintf("%s: refused for %s", r.file, plural(len(r.problems), "problem"))
}

func (r *refused) print(out io.Writer) {
	if !r.printed {
		printProblems(out, r.problems, "")
		printWarnings(out, r.warnings)
	}
}

func refuse(file string, problems ...problem) error { return &refused{file: file, problems: problems} }
