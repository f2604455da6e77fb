package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// askedAtOnce is how many targets are.
const askedAtOnce = 64

// notAsked is what is missing of a sidecar before its turn.
const notAsked = "not asked yet"

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
			if ctx.Err() != nil {
				return // many that do not answer take each other's time: it is up all the same
			}
			why, distrusts := ask(ctx, client, one.Target, g)
			if why == "" {
				one.Reached, one.Seconds, one.Missing = true, elapsed(), ""
			} else if ctx.Err() == nil || one.Missing == notAsked { // what was said last tells more than that time is up
				one.Missing, one.distrusts = why, distrusts
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

// ask looks at one sidecar, and tells what it lacks, and whether it refuses the newest head for who signed it.
func ask(ctx context.Context, client *http.Client, target string, g goal) (missing string, distrusts bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+target+"/status", nil)
	if err != nil {
		return err.Error(), false
	}
	answer, err := client.Do(request)
	if err != nil {
		return "no answer: " + plainCause(err), false
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxStatus))
	var s state
	switch {
	case err != nil:
		return "no answer: " + plainCause(err), false
	case answer.StatusCode != http.StatusOK:
		return "it answers " + answer.Status, false
	case json.Unmarshal(raw, &s) != nil:
		return "it answers, but not as a sidecar", false
	}
	return g.missing(&s), s.distrusts()
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
