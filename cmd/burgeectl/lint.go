package main

import (
	"errors"
	"fmt"
)

// contract is what --contract takes. Contracts are not checked yet, and nobody shall believe that they are.
type contract struct {
	Contract string `help:"Check the contract of each flag; off is all there is yet." default:"off" placeholder:"off" env:"BURGEE_CONTRACT"`
}

// Validate is called by kong after parsing.
func (c *contract) Validate() error {
	if c.Contract != "off" {
		return fmt.Errorf("--contract %s: contracts are not checked yet; leave it out, or give --contract off", c.Contract)
	}
	return nil
}

type lint struct {
	contract
	Flags string `arg:"" help:"File of flags: JSON or YAML." placeholder:"FLAGS"`
}

// Run prints every problem; the flags are good where there is none.
func (l *lint) Run(w *world, form output) error {
	file, err := readFlags(l.Flags)
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
	for _, p := range file.warnings {
		p.print(w.stderr)
	}
	_, err = fmt.Fprintln(w.stdout, summary)
	return err
}

func (l *lint) runJSON(w *world, file *flagFile, bad *refused) error {
	result := struct {
		Flags    int       `json:"flags"`
		Problems []problem `json:"problems"`
		Warnings []problem `json:"warnings"`
	}{Problems: []problem{}, Warnings: []problem{}}
	if bad != nil {
		result.Problems, bad.printed = bad.problems, true
		return errors.Join(printJSON(w.stdout, result), bad)
	}
	result.Flags, result.Warnings = file.parsed.Flags(), file.warnings
	return printJSON(w.stdout, result)
}

func (*lint) examples() []string {
	return []string{
		`burgeectl lint flags.json`,
		`burgeectl lint flags.yaml --output json`,
	}
}
