package network

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/versitygw"
)

// dated lets requests pass and writes another date into the answers, as a proxy with a wrong clock does.
func dated(off time.Duration) meddler {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		pass.ServeHTTP(dating{w, off}, r)
	}
}

type dating struct {
	http.ResponseWriter
	off time.Duration
}

func (d dating) WriteHeader(status int) {
	d.Header().Set("Date", time.Now().Add(d.off).UTC().Format(http.TimeFormat))
	d.ResponseWriter.WriteHeader(status)
}

// skewed is a server whose clock is off, to whom this machine's is: it dates its answers by it, and takes no request that is signed a
// quarter of an hour from it. What it takes is signed anew for the real server, which has the other clock.
func (s *site) skewed(off time.Duration) meddler {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		d := dating{w, off}
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || at.Sub(time.Now().Add(off)).Abs() > 15*time.Minute {
			refuse(403, "RequestTimeTooSkewed")(d, r, nil)
			return
		}
		if err := sign(r, s.Root); err != nil {
			panic(err) // any keys sign anything
		}
		pass.ServeHTTP(d, r)
	}
}

// sign makes r a request of c's, without a session.
func sign(r *http.Request, c versitygw.Credentials) error {
	r.Header.Del("Authorization")
	r.Header.Del("X-Amz-Date")
	r.Header.Del("X-Amz-Security-Token")
	keys := aws.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.SecretKey}
	r.URL.Host, r.URL.Scheme = r.Host, "http"
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		SignHTTP(r.Context(), keys, r, r.Header.Get("X-Amz-Content-Sha256"), "s3", "us-east-1", time.Now())
}

// A machine whose clock is an hour off is told so once by the server, and signs by the server's clock from then on.
func TestAMachineWithAWrongClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			front, shop := site.front(t)
			burgee := site.start(t, shop)
			front.set(site.skewed(off))
			logs(t, burgee, "clocks disagree: 403 RequestTimeTooSkewed", "one of these clocks is wrong", head)
			site.publish(t, 2)
			back(t, burgee, 2, backWithin) // the fault goes on
			if n := len(attempts(t, burgee)); n != 1 {
				t.Errorf("%d failed polls; want 1", n)
			}
			shop.TryPublish(kit.Flags(3, 0)).Good(t)
			burgee.WillServe(t, 3, 3)
			front.set(nil) // the clock is set right
			site.publish(t, 4)
			back(t, burgee, 4, backWithin)
		})
	}
}

// Where no time is right, the sidecar names all three clocks, and is back once one is.
func TestAClockThatNothingMends(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	front, shop := site.front(t)
	burgee := site.start(t, shop)
	front.set(refuse(403, "RequestTimeTooSkewed"))
	site.publish(t, 2)
	st := says(t, burgee, "clock", "this machine says ", ", the answer ", "the request was signed for ")
	t.Log(st.Sync.LastError.Message)
	stale(t, burgee, 1)
	backsOff(t, burgee, staleAfter)
	shop.TryPublish(kit.Flags(3, 0)).Refused(t, 1, "clocks disagree", "hint: set the clock that is wrong")
	front.set(nil)
	back(t, burgee, 2, backWithin)
}

// A proxy that writes wrong dates into answers costs at most one poll: then requests are signed by this machine's own clock again.
func TestAnswersWithAWrongDate(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			front, shop := site.front(t)
			burgee := site.start(t, shop)
			front.set(dated(off))
			logs(t, burgee, "clocks disagree: 403 RequestTimeTooSkewed", "one of these clocks is wrong", head)
			site.publish(t, 2)
			back(t, burgee, 2, backWithin) // the fault goes on
			if n := len(attempts(t, burgee)); n != 1 {
				t.Errorf("%d failed polls; want 1", n)
			}
			shop.TryPublish(kit.Flags(3, 0)).Good(t)
			burgee.WillServe(t, 3, 3)
			front.set(nil)
			site.publish(t, 4)
			back(t, burgee, 4, backWithin)
		})
	}
}
