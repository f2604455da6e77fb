package main

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// arrival is how a wait ended.
type arrival struct {
	Revision int64       `json:"revision"`
	Reached  int         `json:"reached"`
	Targets  []targetEnd `json:"targets"`
	Seconds  float64     `json:"seconds"` // in all
}

type targetEnd struct {
	Target  string  `json:"target"`
	Reached bool    `json:"reached"`
	Seconds float64 `json:"seconds"` // until it was seen there; 0 where it was not
	Missing string  `json:"missing"` // what kept it; "" where it is there

	distrusts bool // it refuses the newest head for who signed it
}

func (a *arrival) text() string {
	return fmt.Sprintf("%d of %d at revision %d after %.0f s", a.Reached, len(a.Targets), a.Revision, a.Seconds)
}

// maxNamed is how many targets that are missing are named on standard error; JSON has them all.
const maxNamed = 50

// report says how the wait ended; who is missing goes to standard error with its reason.
func (a *arrival) report(ctx context.Context, w *world, form output) error {
	if a.Reached == len(a.Targets) {
		if form == inJSON {
			return nil
		}
		_, err := fmt.Fprintln(w.stdout, a.text())
		return err
	}
	named := 0
	for _, one := range a.Targets {
		if named++; one.Reached {
			named--
		} else if named <= maxNamed {
			fmt.Fprintln(w.stderr, oneLine(one.Target+": "+one.Missing))
		}
	}
	if named > maxNamed {
		fmt.Fprintf(w.stderr, "and %d more\n", named-maxNamed)
	}
	what := "only " + a.text()
	if ctx.Err() != nil {
		what = "stopped waiting: " + a.text()
	}
	return advised{errors.New(what), exitFailed, a.hint()}
}

// hint is the way out for those that are missing. Waiting is none where a sidecar does not trust the key.
func (a *arrival) hint() string {
	for _, one := range a.Targets {
		if !one.Reached && one.distrusts {
			return "sidecars that say signature or unsigned trust no key that signed this: do the same again with a --key that they trust, or sign the revision with it (burgeectl resign)"
		}
	}
	return "the revision stands, and sidecars that can read the store take it up at their next poll; burgeectl status --admin HOST:PORT tells more of one"
}

// liveLine shows one line that changes, on a terminal alone; "" takes it away.
func liveLine(out io.Writer) func(text string) {
	wide := columns(out)
	if wide == 0 {
		return func(string) {}
	}
	return func(text string) { fmt.Fprint(unpainted(out), "\r\x1b[K"+shorten(text, wide-1)) }
}
