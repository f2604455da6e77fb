package s3

import (
	"net/http"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/object"
)

// clockwork refuses requests that were not signed within a quarter of an hour of the server's clock, and dates its answers by another.
func clockwork(t *testing.T, cfg Config, judges, dates time.Duration) (s *Store, refused *int) {
	t.Helper()
	refused = new(int)
	return fake(t, cfg, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(dates).UTC().Format(http.TimeFormat))
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || time.Now().Add(judges).Sub(at).Abs() > 15*time.Minute {
			*refused++
			answer(w, 403, "RequestTimeTooSkewed")
			return
		}
		answer(w, 404, "NoSuchKey")
	}), refused
}

func TestClocks(t *testing.T) {
	for _, c := range []struct {
		name          string
		judges, dates time.Duration
		first         error // what the first request gives, and then the second
		second        error
		refused       int // of five
	}{
		{"all agree", 0, 0, object.ErrNotFound, object.ErrNotFound, 0},
		{"the machine is an hour behind", time.Hour, time.Hour, object.ErrClock, object.ErrNotFound, 1},
		{"the machine is an hour ahead", -time.Hour, -time.Hour, object.ErrClock, object.ErrNotFound, 1},
		{"answers are dated wrongly", 0, time.Hour, object.ErrNotFound, object.ErrClock, 1},
		{"nothing agrees", time.Hour, -time.Hour, object.ErrClock, object.ErrClock, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, refused := clockwork(t, Config{}, c.judges, c.dates)
			for i := range 5 {
				_, err := s.Get(t.Context(), "head", "", plenty)
				switch i {
				case 0:
					wantRefusal(t, err, c.first)
				case 1:
					wantRefusal(t, err, c.second)
				}
			}
			if *refused != c.refused {
				t.Errorf("%d of 5 requests were refused; want %d", *refused, c.refused)
			}
		})
	}
}

// Whoever asks more than once is not told of a clock that asking again mends.
func TestAPublisherTriesBothClocks(t *testing.T) {
	for _, judges := range []time.Duration{0, time.Hour} {
		s, _ := clockwork(t, Config{Attempts: 3}, judges, time.Hour)
		for range 3 {
			_, err := s.Get(t.Context(), "head", "", plenty)
			wantRefusal(t, err, object.ErrNotFound)
		}
	}
}

func TestClockErrorsTellAllThreeTimes(t *testing.T) {
	s, _ := clockwork(t, Config{}, time.Hour, -time.Hour)
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrClock, "403 RequestTimeTooSkewed", "this machine says 20", "the answer 20", "the request was signed for 20")
	wantWayOut(t, err, "set the clock")
}
