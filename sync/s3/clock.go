package s3

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/burgeehq/burgee/sync/object"
)

// clock decides by which time requests are signed. The SDK follows the Date of the last answer, which mends a machine whose clock is
// wrong; it breaks one whose clock is right where something on the way writes another date into answers. So where a request that was
// signed by such a date is refused for it, the next ones are signed by the machine's own clock, and the other way round.
type clock struct{ own atomic.Bool }

// sign is an option of every request.
func (c *clock) sign(o *s3.Options) { o.DisableClockSkewCorrection = c.own.Load() }

// learn looks at an error for what it says of the clocks, and tells whether the next request is signed by another one.
func (c *clock) learn(err error) (changed bool) {
	var refused clockError
	if !errors.As(err, &refused) {
		return false
	}
	own := !c.own.Load() && apart(refused.signed, refused.now)
	return c.own.Swap(own) != own
}

// apart tells whether two clocks differ by what matters: a server takes requests up to 15 minutes old, and the SDK corrects from 4 on.
func apart(a, b time.Time) bool { return !a.IsZero() && a.Sub(b).Abs() > 4*time.Minute }

// clockError is a refusal for the time at which a request was signed.
type clockError struct {
	error
	signed, now time.Time // signed by which time, and what it was here when the answer came
}

const clockAdvice = "set the clock that is wrong: this machine's, the store's, or that of a proxy between them"

// Unwrap gives the error alone.
func (c clockError) Unwrap() error { return c.error }

// WayOut is what a person may do about it.
func (clockError) WayOut() string { return clockAdvice }

// newClockError tells all three times, since any of them may be the wrong one.
func newClockError(answer *http.Response, text string) error {
	const shown = "2006-01-02T15:04:05Z"
	e := clockError{now: time.Now().UTC()}
	dated := "without a date"
	if at, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		dated = at.UTC().Format(shown)
	}
	signed := "at an unknown time"
	if answer.Request != nil {
		if at, err := time.Parse("20060102T150405Z", answer.Request.Header.Get("X-Amz-Date")); err == nil {
			e.signed, signed = at, at.Format(shown)
		}
	}
	e.error = fmt.Errorf("%w: %s; this machine says %s, the answer %s, the request was signed for %s: one of these clocks is wrong",
		object.ErrClock, text, e.now.Format(shown), dated, signed)
	return e
}
