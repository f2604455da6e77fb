package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/flagfile"
	"github.com/burgeehq/burgee/eval/lint"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// flagFile is flags that were read: of one file, or of all files of a folder.
type flagFile struct {
	name     string
	texts    []*flagText
	holders  map[[2]string]*flagText // of several files: which one holds what, by the first two steps of its path
	document []byte                  // JSON without insignificant whitespace, so that a reformatted file is the same flags
	parsed   *eval.Document
	warnings []problem
}

// flagText is one file of flags.
type flagText struct {
	name  string
	raw   []byte
	doc   []byte // as JSON
	spots *spot  // nil until one is asked for
}

// isYAML tells whether the file had to be converted, so that places in the JSON are not the file's.
func (t *flagText) isYAML() bool { return !bytes.HasSuffix(t.raw, t.doc) }

// checkFlags reads flags as readFlags does, and holds them to the contract and to the rules of lint. Whatever is wrong with them is a
// *refused; the flags are there all the same, where they could be read.
func checkFlags(name string, day time.Time, contract lint.Contract) (*flagFile, error) {
	f, err := readFlags(name, eval.LoadLimits().Share(publish.Share))
	if err != nil {
		return nil, err
	}
	var errs []problem
	for _, found := range lint.Check(f.parsed, lint.Options{Day: day, Contract: contract, Alike: near}) {
		p := problem{Rule: found.Rule, Path: found.Path, Message: found.Message, Hint: found.Hint}
		if found.Severity == lint.Error {
			errs = append(errs, p)
		} else {
			f.warnings = append(f.warnings, p)
		}
	}
	if unfit := eval.Compile(f.parsed, eval.Options{}).Unfit(); unfit != nil && unfit.Broken == 0 { // broken flags are told one by one
		errs = append(errs, problem{Path: unfit.Path, Message: unfit.Message, Hint: "no sidecar would serve these flags: remove some, or simplify the rules of the largest"})
	}
	if size := len(f.document); size > publish.MaxDocument {
		errs = append(errs, problem{Message: fmt.Sprintf("%d bytes without spaces; at most %d are published", size, publish.MaxDocument)})
	}
	f.warnings = inOrder(f.place(f.warnings))
	if len(errs) > 0 {
		return f, &refused{file: name, problems: inOrder(f.place(errs)), warnings: f.warnings}
	}
	return f, nil
}

// readFlags reads a file, or the files of a folder, strictly and within limits. What cannot be read is a *refused.
func readFlags(name string, limits eval.Limits) (*flagFile, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return readFolder(name, limits)
	}
	text, parsed, err := readText(name, limits)
	if err != nil {
		return nil, err
	}
	f := &flagFile{name: name, texts: []*flagText{text}, parsed: parsed}
	err = f.compact(text.doc)
	return f, err
}

func (f *flagFile) compact(doc []byte) error {
	document := jsontext.Value(doc).Clone()
	if err := document.Compact(); err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	f.document = document
	return nil
}

// readText reads one file.
func readText(name string, limits eval.Limits) (*flagText, *eval.Document, error) {
	raw, err := readFile(name)
	if err != nil {
		return nil, nil, err
	}
	doc, err := flagfile.JSON(name, raw)
	if bad := (*flagfile.Error)(nil); errors.As(err, &bad) {
		return nil, nil, refuse(name, problem{File: name, Line: bad.Line, Column: bad.Column, Message: bad.Message})
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	text := &flagText{name: name, raw: raw, doc: doc}
	parsed, err := eval.Parse(doc, limits)
	if err != nil {
		alone := &flagFile{name: name, texts: []*flagText{text}}
		return nil, nil, refuse(name, alone.place([]problem{parseProblem(err, text)})...)
	}
	return text, parsed, nil
}

func readFile(name string) ([]byte, error) {
	raw, err := file.Read(name, bundle.MaxDocument)
	switch {
	case errors.Is(err, file.ErrTooLarge):
		return nil, refuse(name, problem{File: name, Message: fmt.Sprintf("the file has more than %d bytes", bundle.MaxDocument)})
	case err != nil:
		return nil, err
	case len(raw) == 0:
		return nil, refuse(name, problem{File: name, Message: "the file is empty"})
	}
	return raw, nil
}

// yamlHint is the way out of YAML under a name that stands for JSON.
func yamlHint(raw []byte) string {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return ""
	}
	if doc, err := flagfile.JSON("flags.yaml", raw); err != nil || doc[0] != '{' {
		return ""
	}
	return "this is YAML: name the file .yaml"
}

// parseProblem tells where in the file a document is wrong. In a file that was converted, lines are those of the JSON, which nobody sees.
func parseProblem(err error, text *flagText) problem {
	p := problem{Message: err.Error()}
	if bad := (*eval.ParseError)(nil); errors.As(err, &bad) {
		p.Path, p.Message, p.Hint = bad.Path, bad.Message, bad.Hint
		if text != nil && !text.isYAML() {
			p.Hint = cmp.Or(p.Hint, yamlHint(text.raw))
			p.Line, p.Column = bad.Line, bad.Column
		}
		if bad.Limit && p.Hint == "" {
			p.Hint = fmt.Sprintf("publishing stops at %d %% of what sidecars load", publish.Share)
		}
	}
	return p
}
