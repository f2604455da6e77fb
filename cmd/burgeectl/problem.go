package main

import (
	"fmt"
	"io"
)

// problem is one thing that is wrong with a file of flags.
type problem struct {
	File    string `json:"file,omitzero"` // "" where it is not one file's
	Line    int    `json:"line,omitzero"`
	Column  int    `json:"column,omitzero"`
	Path    string `json:"path,omitzero"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitzero"`
}

// print writes the problem the way compilers do, so that editors find the place.
func (p problem) print(out io.Writer) {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", place, p.Line, p.Column)
	}
	if p.Path != "" && place != "" {
		place += ": "
	}
	place += p.Path
	fmt.Fprintln(out, oneLine(place+": "+p.Message))
	if p.Hint != "" {
		fmt.Fprintln(out, "hint:", oneLine(p.Hint))
	}
}

// refused says that a file of flags is one that no sidecar should load.
type refused struct {
	file     string
	problems []problem
	printed  bool // as a result already
}

func (r *refused) Error() string {
	return fmt.Sprintf("%s: refused for %s", r.file, plural(len(r.problems), "problem"))
}

func (r *refused) print(out io.Writer) {
	if r.printed {
		return
	}
	for _, p := range r.problems {
		p.print(out)
	}
}

func refuse(file string, problems ...problem) error { return &refused{file: file, problems: problems} }
