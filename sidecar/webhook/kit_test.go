package webhook

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/burgeehq/burgee/sidecar/inject"
	"github.com/burgeehq/burgee/test/kit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logged gathers what is logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) count(words string) int { return strings.Count(l.String(), words) }

func (l *logged) logger() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: l, DisableTime: true})
}

// fixture is a webhook's files: a Secret as kubelet mounts it, and who signs what it holds.
type fixture struct {
	authority *kit.Authority
	folder    string
	log       *logged
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	return &fixture{kit.NewAuthority(t), t.TempDir(), &logged{}}
}

// rotate puts a new pair into the Secret.
func (f *fixture) rotate(t testing.TB, serial int64, from, until time.Time) {
	t.Helper()
	kit.Mount(t, f.folder, f.authority.Issue(t, serial, from, until))
}

func (f *fixture) file(name string) string { return filepath.Join(f.folder, name) }

func (f *fixture) config(t testing.TB) Config {
	t.Helper()
	text, err := os.ReadFile("../inject/testdata/injection.json")
	if err != nil {
		t.Fatal(err)
	}
	definition, err := inject.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Definition: definition, Certificate: f.file("tls.crt"), Key: f.file("tls.key"),
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Version: "test", Log: f.log.logger(),
	}
}

// started makes a webhook with a certificate that is valid for an hour.
func started(t testing.TB) (*Webhook, *fixture) {
	t.Helper()
	f := newFixture(t)
	f.rotate(t, 1, time.Now().Add(-time.Minute), time.Now().Add(time.Hour))
	w, err := New(f.config(t))
	if err != nil {
		t.Fatal(err)
	}
	return w, f
}

// counted is burgee_injections_total of that result, as /metrics has it.
func counted(t testing.TB, w *Webhook, result string) float64 {
	t.Helper()
	families, err := w.registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, one := range family.GetMetric() {
			if family.GetName() == "burgee_injections_total" && one.GetLabel()[0].GetValue() == result {
				return one.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("there is no burgee_injections_total of %s", result)
	return 0
}
