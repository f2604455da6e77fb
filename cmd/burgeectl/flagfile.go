package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/flagfile"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// flagFile is a file of flags that a sidecar would load.
type flagFile struct {
	document []byte // JSON without insignificant whitespace, so that a reformatted file is the same flags
	parsed   *eval.Document
	warnings []problem
}

// readFlags reads a file and loads it with the sidecar's own code. Whatever is wrong with the flags themselves is a *refused.
func readFlags(name string) (*flagFile, error) {
	raw, err := readFile(name)
	if err != nil {
		return nil, err
	}
	doc, err := flagfile.JSON(name, raw)
	if bad := (*flagfile.Error)(nil); errors.As(err, &bad) {
		return nil, refuse(name, problem{File: name, Line: bad.Line, Column: bad.Column, Message: bad.Message})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	parsed, err := eval.Parse(doc, eval.LoadLimits().Share(publish.Share))
	if err != nil {
		return nil, refuse(name, place(raw, []problem{parseProblem(name, err, raw, &raw[0] == &doc[0])})...)
	}
	rules := eval.Compile(parsed, eval.Options{})
	if broken := rules.Broken(); len(broken) > 0 {
		return nil, refuse(name, place(raw, problems(name, broken))...)
	}
	document := jsontext.Value(doc).Clone()
	if err := document.Compact(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if size := len(document); size > publish.MaxDocument {
		return nil, refuse(name, problem{File: name, Message: fmt.Sprintf("%d bytes without spaces; at most %d are published", size, publish.MaxDocument)})
	}
	warnings := append(problems(name, rules.Warnings()), suspects(name, parsed)...)
	return &flagFile{document, parsed, place(raw, warnings)}, nil
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

// parseProblem tells where in the file a document is wrong; placed is false where the document was converted, so that its lines are not
// the file's.
func parseProblem(name string, err error, raw []byte, placed bool) problem {
	p := problem{File: name, Message: err.Error()}
	if bad := (*eval.ParseError)(nil); errors.As(err, &bad) {
		p.Path, p.Message, p.Hint = bad.Path, bad.Message, bad.Hint
		if placed {
			p.Hint = cmp.Or(p.Hint, yamlHint(raw))
			p.Line, p.Column = bad.Line, bad.Column
		}
		if bad.Limit && p.Hint == "" {
			p.Hint = fmt.Sprintf("publishing stops at %d %% of what sidecars load", publish.Share)
		}
	}
	return p
}

func problems(name string, found []eval.Problem) []problem {
	all := []problem{}
	for _, p := range found {
		all = append(all, problem{File: name, Path: p.Path, Message: p.Message})
	}
	return all
}
