package kit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Answer is what an evaluation gave.
type Answer struct {
	HTTP     int    `json:"-"`
	Revision string `json:"-"` // of the header
	Snapshot string `json:"-"` // likewise: the token of what it was answered from
	Value    any    `json:"value"`
	Variant  string `json:"variant"`
	Reason   string `json:"reason"`
	Code     string `json:"errorCode"`
	Details  string `json:"errorDetails"`
	Metadata struct {
		Pin      string `json:"burgee.pin"`
		Override bool   `json:"burgee.override"`
	} `json:"metadata"`
}

// Evaluate asks for a flag over the socket; subject is a JSON object.
func (c *Sidecar) Evaluate(flag, subject string) (Answer, error) {
	var a Answer
	status, header, body, err := c.Do(http.MethodPost, "http://socket/ofrep/v1/evaluate/flags/"+flag, `{"context":`+subject+`}`)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("answer %q: %w", body, err)
	}
	a.HTTP, a.Revision, a.Snapshot = status, header.Get("Burgee-Revision"), header.Get("Burgee-Snapshot")
	return a, nil
}

// Pinned is a subject of nothing but a snapshot's token.
func Pinned(token string) string { return fmt.Sprintf(`{"burgee-snapshot":%q}`, token) }

// serves says why the sidecar does not serve the document of that number at that revision.
func (c *Sidecar) serves(number, revision int) error {
	a, err := c.Evaluate(Number, "{}")
	if err != nil {
		return err
	}
	if a.HTTP != http.StatusOK || a.Value != float64(number) || a.Revision != strconv.Itoa(revision) {
		return fmt.Errorf("answer %+v; want the value %d of revision %d", a, number, revision)
	}
	return nil
}

// Serves fails the test unless the document of that number is served, at that revision.
func (c *Sidecar) Serves(t testing.TB, number, revision int) {
	t.Helper()
	if err := c.serves(number, revision); err != nil {
		t.Fatal(err)
	}
}

// WillServe waits for that.
func (c *Sidecar) WillServe(t testing.TB, number, revision int) {
	t.Helper()
	Eventually(t, func() error { return c.serves(number, revision) })
}

// Status is what /status says, as far as tests look at it.
type Status struct {
	Environment string
	Version     string
	Mode        string
	Signatures  string
	Freshness   string
	Validity    string
	Behind      bool
	Degraded    []string
	Active      struct {
		Revision      int
		Author        string
		Message, From string
		Signers       []string
		Flags         int
		ActivatedAt   time.Time
	}
	Pending []struct {
		Revision   int
		ActivateAt time.Time
	}
	Persisted struct{ Revision int }
	Held      []int
	Sync      struct {
		Store        string
		HeadRevision int
		ConfirmedAt  string
		Failures     int
		LastError    *struct{ Kind, Message string }
	}
	Rejected *struct {
		Revision        int
		Reason, Message string
	}
}

// ErrorKind is that of the last failed poll; "" after a good one.
func (s *Status) ErrorKind() string {
	if s.Sync.LastError == nil {
		return ""
	}
	return s.Sync.LastError.Kind
}

// Reason is why the store's state is refused; "" where it is not.
func (s *Status) Reason() string {
	if s.Rejected == nil {
		return ""
	}
	return s.Rejected.Reason
}

// Page reads a page of the admin listener.
func (c *Sidecar) Page(t testing.TB, path string) (status int, body string) {
	t.Helper()
	status, _, text, err := c.Do(http.MethodGet, "http://"+c.Admin+path, "")
	if err != nil {
		t.Fatal(err)
	}
	return status, string(text)
}

// Status reads /status.
func (c *Sidecar) Status(t testing.TB) Status {
	t.Helper()
	var st Status
	code, body := c.Page(t, "/status")
	if err := json.Unmarshal([]byte(body), &st); err != nil || code != http.StatusOK {
		t.Fatalf("/status: %d %s (%v)", code, body, err)
	}
	return st
}

// Until waits until /status is as good says.
func (c *Sidecar) Until(t testing.TB, what string, good func(Status) bool) Status {
	t.Helper()
	var st Status
	Eventually(t, func() error {
		if st = c.Status(t); !good(st) {
			_, body := c.Page(t, "/status")
			return fmt.Errorf("want %s in /status; it is %s", what, body)
		}
		return nil
	})
	return st
}

// Fresh waits until the store confirmed that revision and it is on disk.
func (c *Sidecar) Fresh(t testing.TB, revision int) Status {
	t.Helper()
	return c.Until(t, fmt.Sprintf("fresh and persisted at revision %d", revision), func(st Status) bool {
		return st.Freshness == "fresh" && st.Active.Revision == revision && st.Persisted.Revision == revision && !st.Behind && st.Rejected == nil
	})
}

// Metric reads one series, such as burgee_polls_total{result="failed"}; 0 where there is none.
func (c *Sidecar) Metric(t testing.TB, series string) float64 {
	t.Helper()
	_, page := c.Page(t, "/metrics")
	for line := range strings.Lines(page) {
		if text, found := strings.CutPrefix(line, series+" "); found {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	return 0
}
