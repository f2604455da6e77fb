package observe

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/burgeehq/burgee/test/kit"
)

// binaries is the environment variable with the folder that holds prometheus and promtool, as Debian's package prometheus has them.
const binaries = "BURGEE_TEST_PROMETHEUS"

func binary(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv(binaries)
	if folder == "" {
		t.Skip("SKIP: make observe-test runs this: it needs prometheus and promtool")
	}
	return filepath.Join(folder, name)
}

// rulesFile is what Prometheus and promtool read.
func rulesFile(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(folder, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// found is a target as Prometheus would find it in Kubernetes.
type found struct {
	address string
	labels  map[string]string
}

// configure writes a configuration of the chart's job over what was found, and of the chart's alerts.
func configure(t *testing.T, targets []found) (path string) {
	t.Helper()
	var jobs []map[string]any
	if err := yaml.Unmarshal(read(t, filepath.Join(folder, "scrape.yaml")), &jobs); err != nil {
		t.Fatal(err)
	}
	if len(jobs) != 1 || jobs[0]["kubernetes_sd_configs"] == nil {
		t.Fatalf("scrape.yaml has %d jobs; want one that finds its targets in Kubernetes", len(jobs))
	}
	var static []map[string]any
	for _, f := range targets {
		static = append(static, map[string]any{"targets": []string{f.address}, "labels": f.labels})
	}
	delete(jobs[0], "kubernetes_sd_configs") // there is no Kubernetes here: its labels are given as it gives them
	jobs[0]["static_configs"] = static
	text, err := yaml.Marshal(map[string]any{
		"global":         map[string]any{"scrape_interval": "1s", "evaluation_interval": "1s"},
		"rule_files":     []string{rulesFile(t)},
		"scrape_configs": jobs,
	})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "prometheus.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// prometheus is a running server.
type prometheus struct {
	address string
	client  *http.Client
}

const portTries = 5

// startPrometheus looks for a free port and starts there. Somebody may take the port between the two; then it looks again.
func startPrometheus(t *testing.T, config string) *prometheus {
	t.Helper()
	program := binary(t, "prometheus")
	var err error
	for range portTries {
		p := &prometheus{client: &http.Client{Timeout: kit.Patience}}
		if err = p.start(t, program, config); err == nil {
			return p
		}
	}
	t.Fatal(err)
	return nil
}

func (p *prometheus) start(t *testing.T, program, config string) error {
	t.Helper()
	p.address = kit.FreeAddress(t, "127.0.0.1")
	var log strings.Builder
	cmd := exec.Command(program, "--config.file", config, "--storage.tsdb.path", t.TempDir(), "--web.listen-address", p.address, "--log.level", "warn")
	cmd.Stdout, cmd.Stderr = &log, &log
	kit.EndWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start prometheus: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // it is killed, as a rule
	}()
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		_ = cmd.Process.Kill() // fails only where it has ended by itself
		<-done
		if t.Failed() {
			t.Logf("log of prometheus:\n%s", log.String())
		}
	})
	return p.waitReady(done)
}

func (p *prometheus) waitReady(done <-chan struct{}) error {
	limit := time.NewTimer(kit.Patience)
	defer limit.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		if response, err := p.client.Get("http://" + p.address + "/-/ready"); err == nil {
			_ = response.Body.Close() // it was only read
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-look.C:
		case <-done:
			return fmt.Errorf("prometheus at %s ended at once", p.address)
		case <-limit.C:
			return fmt.Errorf("prometheus at %s is not ready within %s", p.address, kit.Patience)
		}
	}
}

// get asks the HTTP API for what it has under data.
func (p *prometheus) get(path string, query url.Values, data any) error {
	response, err := p.client.Get("http://" + p.address + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%s: %d %.200q: %w", path, response.StatusCode, text, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", path, answer.Error)
	}
	return nil
}

// series is one of the results of a query: its labels, and how many of its samples are numbers.
type series struct {
	labels  map[string]string
	numbers int
	last    float64
}

// vector is what a query gives now.
func (p *prometheus) vector(expr string) ([]series, error) {
	return p.query("/api/v1/query", url.Values{"query": {expr}})
}

// matrix is what a query gave over the last while, each second.
func (p *prometheus) matrix(expr string, while time.Duration) ([]series, error) {
	now := time.Now()
	return p.query("/api/v1/query_range", url.Values{
		"query": {expr}, "step": {"1"}, "start": {stamp(now.Add(-while))}, "end": {stamp(now)},
	})
}

func stamp(at time.Time) string { return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64) }

func (p *prometheus) query(path string, query url.Values) ([]series, error) {
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  []any
			Values [][]any
		}
	}
	if err := p.get(path, query, &data); err != nil {
		return nil, err
	}
	var all []series
	for _, r := range data.Result {
		one := series{labels: r.Metric, last: math.NaN()}
		if r.Value != nil {
			r.Values = append(r.Values, r.Value)
		}
		for _, sample := range r.Values {
			text, _ := sample[1].(string)
			if value, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(value) {
				one.numbers, one.last = one.numbers+1, value
			}
		}
		all = append(all, one)
	}
	return all, nil
}
