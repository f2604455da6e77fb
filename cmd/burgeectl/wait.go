package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// waiting is what the verbs take that can wait until sidecars have what they made.
type waiting struct {
	Wait        bool          `help:"Wait until each of --targets has it." group:"Waiting"`
	Targets     []string      `help:"Admin addresses of sidecars, separated by commas, or @FILE that holds them." placeholder:"HOST:PORT|@FILE" env:"BURGEE_TARGETS" group:"Waiting"`
	WaitTimeout time.Duration `help:"How long to wait." default:"60s" placeholder:"DURATION" group:"Waiting"`

	targets []string // as check found them
}

const (
	maxTargets    = 10_000
	maxTargetFile = 1 << 20                // bytes
	askedAtOnce   = 64                     // targets
	askAgain      = 200 * time.Millisecond // after a round that left some behind
)

// checkTargets finds the targets before anything is written: whoever asks to wait in vain shall know it before the revision stands.
func (v *waiting) checkTargets() error {
	const form = "give host:port of each sidecar's admin address, such as --targets 10.0.0.7:8014,10.0.0.8:8014"
	if v.WaitTimeout < 0 {
		return wrongly("leave it out for a minute", "--wait-timeout %s is negative", v.WaitTimeout)
	}
	if !v.Wait {
		return nil
	}
	for _, given := range v.Targets {
		if name, ok := strings.CutPrefix(given, "@"); ok {
			text, err := file.Read(name, maxTargetFile)
			if err != nil {
				return advised{fmt.Errorf("targets: %w", err), exitUsage, form}
			}
			given = string(text)
		}
		v.targets = append(v.targets, strings.FieldsFunc(given, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })...)
	}
	slices.Sort(v.targets)
	v.targets = slices.Compact(v.targets)
	if len(v.targets) == 0 || len(v.targets) > maxTargets {
		return wrongly(form, "--wait for %s: from 1 to %d can be waited for", plural(len(v.targets), "target"), maxTargets)
	}
	for _, target := range v.targets {
		if host, port, err := net.SplitHostPort(target); err != nil || host == "" || port == "" {
			return wrongly(form, "target %q is no host:port", target)
		}
	}
	return nil
}

// finish prints what a verb made and waits for the flags of its revision. In JSON all that is one document.
func (v *waiting) finish(ctx context.Context, w *world, form output, environment string, result publish.Result, show func(*arrival) error) error {
	if form != inJSON {
		if err := show(nil); err != nil {
			return err
		}
	}
	var arrived *arrival
	var late error
	if result.Outcome != publish.Planned {
		arrived, late = v.wait(ctx, w, form, goal{environment: environment, revision: result.Head.Manifest().Revision, flags: true})
	}
	if form == inJSON {
		if err := show(arrived); err != nil {
			return err
		}
	}
	return late
}

// goal is what a sidecar has to say before it counts as there.
type goal struct {
	environment string
	revision    int64
	flags       bool              // of that revision or a later one are served
	came, went  []bundle.Override // are in force, and are not
}

// missing tells what keeps a sidecar from the goal; "" says that it is there.
func (g *goal) missing(s *state) string {
	head := max(s.Sync.HeadRevision, s.Active.Revision)
	switch {
	case s.Mode != "store":
		return fmt.Sprintf("it follows no store; its mode is %q", s.Mode)
	case s.Environment != g.environment:
		return fmt.Sprintf("it is of environment %q", s.Environment)
	case head < g.revision:
		return fmt.Sprintf("at revision %d%s", head, s.trouble())
	case g.flags && s.Active.Revision < g.revision:
		return fmt.Sprintf("its head is at revision %d, and it serves revision %d%s", head, s.Active.Revision, s.trouble())
	}
	for _, o := range g.came {
		found := slices.IndexFunc(s.Overrides, func(f forced) bool { return sameForce(f.Override, o) })
		switch {
		case found < 0:
			return fmt.Sprintf("at revision %d without the override", head)
		case !s.Overrides[found].InForce:
			return fmt.Sprintf("at revision %d, and the override has no effect: %s", head, s.Overrides[found].Problem)
		}
	}
	for _, o := range g.went {
		if len(g.came) == 0 && slices.ContainsFunc(s.Overrides, func(f forced) bool { return sameForce(f.Override, o) && f.At.Equal(o.At) }) {
			return fmt.Sprintf("at revision %d, and the override is still in force", head)
		}
	}
	return ""
}

func sameForce(a, b bundle.Override) bool {
	return a.Flag == b.Flag && a.Segment == b.Segment && a.Variant == b.Variant
}

// trouble is what a sidecar says about why it is behind.
func (s *state) trouble() string {
	switch {
	case s.Rejected != nil:
		return ": it refuses " + s.Rejected.text()
	case s.Sync.LastError != nil:
		return ": " + s.Sync.LastError.text()
	}
	return ""
}

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
}

func (a *arrival) text() string {
	return fmt.Sprintf("%d of %d at revision %d after %.0f s", a.Reached, len(a.Targets), a.Revision, a.Seconds)
}

// wait asks the targets until all of them are there, or time is up. The revision stands in any case.
func (v *waiting) wait(ctx context.Context, w *world, form output, g goal) (*arrival, error) {
	if !v.Wait {
		return nil, nil
	}
	began := w.now()
	end := &arrival{Revision: g.revision}
	for _, target := range v.targets {
		end.Targets = append(end.Targets, targetEnd{Target: target, Missing: "not asked yet"})
	}
	client := &http.Client{Timeout: statusTime, Transport: &http.Transport{MaxIdleConnsPerHost: 1}} // no proxy: sidecars are near
	defer client.CloseIdleConnections()
	limited, cancel := context.WithTimeout(ctx, v.WaitTimeout)
	defer cancel()
	show := liveLine(w.stderr)
	for asking := ctx; ; asking = limited { // the first round is not cut short: whoever gives little time still wants to know why
		round(asking, client, g, end, func() float64 { return w.now().Sub(began).Seconds() })
		end.Seconds = w.now().Sub(began).Seconds()
		show(end.text())
		if end.Reached == len(end.Targets) || !pauseFor(limited, askAgain) {
			break
		}
	}
	show("")
	err := end.report(ctx, w, form)
	return end, err
}

// round asks each target that is not there yet, some at a time.
func round(ctx context.Context, client *http.Client, g goal, end *arrival, elapsed func() float64) {
	var wg sync.WaitGroup
	room := make(chan struct{}, askedAtOnce)
	for i := range end.Targets {
		one := &end.Targets[i]
		if one.Reached {
			continue
		}
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			if why := ask(ctx, client, one.Target, g); why == "" {
				one.Reached, one.Seconds, one.Missing = true, elapsed(), ""
			} else if ctx.Err() == nil || one.Missing == "not asked yet" { // what was said last tells more than that time is up
				one.Missing = why
			}
		})
	}
	wg.Wait()
	end.Reached = 0
	for _, one := range end.Targets {
		if one.Reached {
			end.Reached++
		}
	}
}

// ask looks at one sidecar, and tells what it lacks.
func ask(ctx context.Context, client *http.Client, target string, g goal) string {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+target+"/status", nil)
	if err != nil {
		return err.Error()
	}
	answer, err := client.Do(request)
	if err != nil {
		return "no answer: " + plainCause(err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxStatus))
	var s state
	switch {
	case err != nil:
		return "no answer: " + plainCause(err)
	case answer.StatusCode != http.StatusOK:
		return "it answers " + answer.Status
	case json.Unmarshal(raw, &s) != nil:
		return "it answers, but not as a sidecar"
	}
	return g.missing(&s)
}

// plainCause leaves out of an error what is said beside it: the address.
func plainCause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) {
		return "it takes too long"
	}
	if call := (*os.SyscallError)(nil); errors.As(err, &call) {
		return call.Err.Error()
	}
	return err.Error()
}

func pauseFor(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
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
	return advised{errors.New(what), exitFailed, "the revision stands, and sidecars that can read the store take it up at their next poll; burgeectl status --admin HOST:PORT tells more of one"}
}

// liveLine shows one line that changes, on a terminal alone; "" takes it away.
func liveLine(out io.Writer) func(text string) {
	wide := columns(out)
	if wide == 0 {
		return func(string) {}
	}
	return func(text string) { fmt.Fprint(unpainted(out), "\r\x1b[K"+shorten(text, wide-1)) }
}
