package observe

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// promtool runs it, and fails with what it says.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(binary(t, "promtool"), args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtool(t *testing.T) {
	promtool(t, "check", "rules", rulesFile(t))
	for _, name := range caseFiles {
		t.Run(name, func(t *testing.T) { promtool(t, "test", "rules", filepath.Join("testdata", name)) })
	}
}

// trouble is where the panel with that name says that something is wrong, and on how many sidecars the panel beside it does.
var trouble = map[string][]string{
	"no flags":       {"shop/prod shop empty-1"},
	"stale":          {"bank/prod bank ledger-1", "shop/prod shop closing-1", "shop/prod shop quarantined-1", "toys/prod toys rail-1"},
	"behind":         {"shop/prod shop quarantined-1", "toys/prod toys rail-1"},
	"failing closed": {"shop/prod shop closing-1"},
	"broken flags":   {"shop/prod shop broken-1"},
	"expired":        {"shop/prod shop expired-1"},
	"quarantine":     {"shop/prod shop quarantined-1"},
	"degraded":       {"shop/prod shop degraded-1", "shop/prod shop quarantined-1"},
}

// counts is what the panels with one number show.
var counts = map[string]float64{
	"Sidecars": 13, "Without flags": 1, "Stale": 4, "Behind": 2, "Failing closed": 1, "Broken flags": 1, "Degraded": 2, "Forced": 1,
}

// active is where each alert is pending or firing: of a pod, of an environment, or of an environment's flag. Panics cannot be staged.
var active = map[string][]string{
	"BurgeeNoFlags":                    {"shop/prod shop empty-1"},
	"BurgeeFlagsFailClosed":            {"shop/prod shop closing-1"},
	"BurgeeFlagsCloseSoon":             {"bank/prod bank ledger-1"},
	"BurgeeBrokenFlags":                {"shop/prod shop broken-1"},
	"BurgeePanics":                     nil,
	"BurgeeFleetStale":                 {"bank/prod", "toys/prod"},
	"BurgeeStale":                      trouble["stale"],
	"BurgeeFleetBehind":                {"toys/prod"},
	"BurgeeBehind":                     trouble["behind"],
	"BurgeeLagging":                    {"shop/prod shop lagging-1"},
	"BurgeeQuarantined":                trouble["quarantine"],
	"BurgeeExpiresSoon":                {"shop/prod"},
	"BurgeeExpired":                    {"shop/prod"},
	"BurgeeDegraded":                   {"shop/prod shop degraded-1"},
	"BurgeeOverrideForgotten":          {"shop/prod pay"},
	"BurgeeWebhookCertificateExpires":  {"burgee-system burgee-inject-1"},
	"BurgeeWebhookCertificateNotTaken": {"burgee-system burgee-inject-1"},
	"BurgeeInjectionFails":             {"burgee-system burgee-inject-1"},
	"BurgeeInjectionRefused":           {"burgee-system burgee-inject-1"},
}

// where names the place of a series by those of its labels that say it.
func where(labels map[string]string) string {
	var parts []string
	for _, name := range []string{"burgee_environment", "namespace", "pod", "flag"} {
		if value := labels[name]; value != "" {
			parts = append(parts, value)
		}
	}
	return strings.Join(parts, " ")
}

// A real Prometheus scrapes real sidecars in every state, with the labels that it would find in Kubernetes: each alert is where it should
// be and nowhere else, and each panel has something to show, of the right pods.
func TestOverRealSidecars(t *testing.T) {
	binary(t, "prometheus")
	f := newFleet(t)
	f.webhook(t)
	f.ask(t)
	config := configure(t, f.found)
	promtool(t, "check", "config", config)
	p := startPrometheus(t, config)
	keepAsking(t, f)

	t.Run("targets", func(t *testing.T) { checkTargets(t, p, f) })
	t.Run("alerts", func(t *testing.T) { checkAlerts(t, p) })
	t.Run("panels", func(t *testing.T) { checkPanels(t, p) })
	t.Run("troubles", func(t *testing.T) { checkTroubles(t, p) })
	t.Run("choice", func(t *testing.T) { checkChoice(t, p) })
	t.Run("names", func(t *testing.T) { checkNames(t, p) })
}

// keepAsking has the sidecars in use until the test ends, since rates look at the last seconds.
func keepAsking(t *testing.T, f *fleet) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				f.ask(t)
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

// checkTargets wants one target of each pod that runs, all of them up.
func checkTargets(t *testing.T, p *prometheus, f *fleet) {
	var want []string
	for _, one := range f.found {
		if one.up() {
			want = append(want, one.labels["__meta_kubernetes_namespace"]+" "+one.labels["__meta_kubernetes_pod_name"])
		}
	}
	kit.Eventually(t, func() error { return p.wantPlaces(`up == 1`, want) })
	if err := p.wantPlaces("up", want); err != nil {
		t.Error(err)
	}
}

// wantPlaces says how the places of a query's series differ from those that are wanted.
func (p *prometheus) wantPlaces(expr string, want []string) error {
	all, err := p.vector(expr)
	if err != nil {
		return err
	}
	var got []string
	for _, s := range all {
		got = append(got, where(s.labels))
	}
	slices.Sort(got)
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		return fmt.Errorf("%s: %q; want %q", expr, got, want)
	}
	return nil
}

func checkAlerts(t *testing.T, p *prometheus) {
	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	kit.Eventually(t, func() error {
		if err := p.get("/api/v1/rules", nil, &rules); err != nil || len(rules.Groups) != 1 {
			return fmt.Errorf("%d groups of rules (%w)", len(rules.Groups), err)
		}
		for _, r := range rules.Groups[0].Rules {
			if r.Health != "ok" {
				return fmt.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
		return nil
	})
	for _, a := range alerts(t) {
		want, staged := active[a.Alert]
		if !staged {
			t.Errorf("nobody staged %s", a.Alert)
		}
		kit.Eventually(t, func() error { return p.wantPlaces(a.Expr, want) })
		kit.Eventually(t, func() error {
			var data struct {
				Alerts []struct{ Labels map[string]string }
			}
			if err := p.get("/api/v1/alerts", nil, &data); err != nil {
				return err
			}
			var got []string
			for _, one := range data.Alerts {
				if one.Labels["alertname"] == a.Alert {
					got = append(got, where(one.Labels))
				}
			}
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
				return fmt.Errorf("alert %s is about %q; want %q", a.Alert, got, want)
			}
			return nil
		})
	}
	if len(active) != len(alerts(t)) {
		t.Errorf("%d alerts are staged; there are %d", len(active), len(alerts(t)))
	}
}

// everything is what Grafana puts in place of the variables where nothing is chosen, but for a flag, which always is.
var everything = map[string]string{"environment": ".*", "namespace": ".*", "pod": ".*", "flag": "flag-0001", "__rate_interval": "10s", "__range": "1m"}

// fill does what Grafana does with a query before it asks.
func fill(t *testing.T, expr string, values map[string]string) string {
	t.Helper()
	return regexp.MustCompile(`\$(\w+)`).ReplaceAllStringFunc(expr, func(name string) string {
		value, known := values[name[1:]]
		if !known {
			t.Errorf("%s has the variable %s, which the dashboard does not have", expr, name)
		}
		return value
	})
}

// shows asks what a query of a panel shows.
func (p *prometheus) shows(q target, expr string) ([]series, error) {
	if q.Instant {
		return p.vector(expr)
	}
	return p.matrix(expr, 15*time.Second)
}

// checkPanels wants each query of each panel to give a number.
func checkPanels(t *testing.T, p *prometheus) {
	for _, panel := range board(t).graphs() {
		for _, q := range panel.Targets {
			kit.Eventually(t, func() error {
				all, err := p.shows(q, fill(t, q.Expr, everything))
				if err != nil || !slices.ContainsFunc(all, func(s series) bool { return s.numbers > 0 }) {
					return fmt.Errorf("panel %q, query %s shows no number in %d series (%w): %s", panel.Title, q.RefID, len(all), err, q.Expr)
				}
				return nil
			})
		}
	}
}

// checkTroubles wants the panels about states to name the right pods, and to count them.
func checkTroubles(t *testing.T, p *prometheus) {
	seen := map[string]bool{}
	for _, panel := range board(t).graphs() {
		expr := fill(t, panel.Targets[0].Expr, everything)
		want, counted := counts[panel.Title]
		switch {
		case panel.Title == "Sidecars that need a look":
			kit.Eventually(t, func() error { return p.wantTroubles(expr) })
		case panel.Type == "stat" && counted:
			kit.Eventually(t, func() error {
				if all, err := p.vector(expr); err != nil || len(all) != 1 || all[0].last != want {
					return fmt.Errorf("panel %q shows %+v (%w); want %v", panel.Title, all, err, want)
				}
				return nil
			})
		default:
			continue
		}
		seen[panel.Title] = true
	}
	if len(seen) != len(counts)+1 {
		t.Errorf("panels %q were looked at; want the list, and those of %q", slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(counts)))
	}
}

// wantTroubles says how the list of troubles differs from the staged ones.
func (p *prometheus) wantTroubles(expr string) error {
	all, err := p.vector(expr)
	if err != nil {
		return err
	}
	got := map[string][]string{}
	for _, s := range all {
		got[s.labels["trouble"]] = append(got[s.labels["trouble"]], where(s.labels))
	}
	for what := range got {
		slices.Sort(got[what])
	}
	if !maps.EqualFunc(got, trouble, slices.Equal[[]string]) {
		return fmt.Errorf("troubles %q; want %q", got, trouble)
	}
	return nil
}

// checkChoice chooses one environment, by each variable in turn as its query offers it, and wants nobody else's sidecars to be counted.
func checkChoice(t *testing.T, p *prometheus) {
	chosen := maps.Clone(everything)
	chosen["environment"] = "toys/prod"
	for _, v := range board(t).Templating.List {
		if v.Name == "datasource" || v.Name == "environment" || v.Name == "flag" {
			continue
		}
		selector, whole := strings.CutSuffix(strings.TrimPrefix(v.Definition, "label_values("), ", "+v.Name+")")
		all, err := p.vector(fill(t, selector, chosen))
		if err != nil || !whole || len(all) != 1 {
			t.Fatalf("variable %s, %s, offers %+v (%v); want what toys/prod has", v.Name, v.Definition, all, err)
		}
		chosen[v.Name] = all[0].labels[v.Name]
	}
	if chosen["namespace"] != "toys" || chosen["pod"] != "rail-1" {
		t.Errorf("the variables offer namespace %s and pod %s of toys/prod", chosen["namespace"], chosen["pod"])
	}
	for _, choice := range []map[string]string{
		{"environment": "toys/prod"}, {"namespace": "toys"}, {"pod": "rail-1"}, chosen,
	} {
		values := maps.Clone(everything)
		maps.Copy(values, choice)
		for _, panel := range board(t).graphs() {
			if panel.Title != "Sidecars" && panel.Title != "Behind" && panel.Title != "Stale" {
				continue
			}
			all, err := p.vector(fill(t, panel.Targets[0].Expr, values))
			if err != nil || len(all) != 1 || all[0].last != 1 {
				t.Errorf("with %v panel %q shows %+v (%v); want 1", choice, panel.Title, all, err)
			}
		}
	}
}

// checkNames wants the metrics that came from the sidecars and the webhook to be those that are documented, and those that are asked for
// to be among them.
func checkNames(t *testing.T, p *prometheus) {
	var names []string
	if err := p.get("/api/v1/label/__name__/values", nil, &names); err != nil {
		t.Fatal(err)
	}
	for who, expr := range expressions(t) {
		for _, name := range named(expr) {
			if !slices.Contains(names, name) {
				t.Errorf("%s asks for %s, which nobody has", who, name)
			}
		}
	}
	var ours []string
	for _, name := range names {
		if strings.HasPrefix(name, "burgee_") && !regexp.MustCompile(`_seconds_(bucket|count|sum)$`).MatchString(name) {
			ours = append(ours, name)
		}
	}
	ours = append(ours, "burgee_request_seconds") // the histogram
	slices.Sort(ours)
	if want := documented(t); !slices.Equal(ours, want) {
		t.Errorf("scraped were %q; docs/operations.md has %q", ours, want)
	}
}
