package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/burgeehq/burgee/cmd/internal/file"
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
	askAgain      = 200 * time.Millisecond // after a round that left some behind
	askEarly      = 5 * time.Second        // at most, while none can be there yet
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
	if m := result.Head.Manifest(); result.Outcome != publish.Planned {
		arrived, late = v.wait(ctx, w, form, goal{environment: environment, revision: m.Revision, publishedAt: m.PublishedAt, activateAt: m.ActivateAt, flags: true})
	}
	if form == inJSON {
		if err := show(arrived); err != nil {
			return err
		}
	}
	return late
}

// wait asks the targets until all of them are there, or time is up, which begins with the moment from which they can be. The revision stands
// in any case.
func (v *waiting) wait(ctx context.Context, w *world, form output, g goal) (*arrival, error) {
	if !v.Wait {
		return nil, nil
	}
	began := w.now()
	end := &arrival{Revision: g.revision}
	for _, target := range v.targets {
		end.Targets = append(end.Targets, targetEnd{Target: target, Missing: notAsked})
	}
	client := &http.Client{Timeout: statusTime, Transport: &http.Transport{MaxIdleConnsPerHost: 1}} // no proxy: sidecars are near
	defer client.CloseIdleConnections()
	given := v.WaitTimeout + g.early(began)
	limited, cancel := context.WithTimeout(ctx, given)
	defer cancel()
	first, cancelFirst := context.WithTimeout(ctx, max(given, statusTime)) // whoever gives little time still wants to know why
	defer cancelFirst()
	show := liveLine(w.stderr)
	for asking := first; ; asking = limited {
		round(asking, client, g, end, func() float64 { return w.now().Sub(began).Seconds() })
		end.Seconds = w.now().Sub(began).Seconds()
		show(end.text())
		if end.Reached == len(end.Targets) || !pauseFor(limited, max(askAgain, min(g.early(w.now()), askEarly))) {
			break
		}
	}
	show("")
	err := end.report(ctx, w, form)
	return end, err
}
