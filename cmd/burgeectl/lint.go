package main

import (
	"errors"
	"fmt"

	"github.com/burgeehq/burgee/eval/lint"
)

// contract is what --contract takes.
type contract struct {
	Contract lint.Contract `help:"What a flag without its contract is: refused (require), told (warn), or let be (off)." enum:"require,warn,off" default:"require" placeholder:"require|warn|off" env:"BURGEE_CONTRACT"`
}

type linting struct {
	contract
	Flags string `arg:"" help:"File of flags (JSON or YAML), or a folder whose files are merged." placeholder:"FLAGS"`
}

// Run prints every problem; the flags are good where there is none.
func (l *linting) Run(w *world, form output) error {
	file, err := checkFlags(l.Flags, w.now(), l.Contract)
	bad := (*refused)(nil)
	if err != nil && !errors.As(err, &bad) {
		return err
	}
	if form == inJSON {
		return l.runJSON(w, file, bad)
	}
	if bad != nil {
		return bad
	}
	summary := plural(file.parsed.Flags(), "flag") + ", 0 problems"
	if n := len(file.warnings); n > 0 {
		summary += ", " + plural(n, "warning")
	}
	printWarnings(w.stderr, file.warnings)
	_, err = fmt.Fprintln(w.stdout, summary)
	return err
}

// linted is the result of lint in JSON.
type linted struct {
	Flags    int       `json:"flags"` // 0 where they cannot be read
	Problems []problem `json:"problems"`
	Warnings []problem `json:"warnings"`
}

func (l *linting) runJSON(w *world, file *flagFile, bad *refused) error {
	result := linted{Problems: []problem{}, Warnings: []problem{}}
	if file != nil {
		result.Flags, result.Warnings = file.parsed.Flags(), append(result.Warnings, file.warnings...)
	}
	if bad == nil {
		return printJSON(w.stdout, result)
	}
	result.Problems, bad.printed = bad.problems, true
	return errors.Join(printJSON(w.stdout, result), bad)
}

func (*linting) examples() []string {
	return []string{
		`burgeectl lint flags.json`,
		`burgeectl lint flags.yaml --output json`,
	}
}
