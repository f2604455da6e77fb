package observe

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/test/kit"
)

// newest is the revision that all but the lagging sidecar have.
const newest = 9

// brokenFlag is one that no sidecar can compile.
const brokenFlag = `"broken":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"missing"}`

// closing is a flag that fails closed after that time without confirmation.
func closing(after string) string {
	return fmt.Sprintf(`"pay":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on",
		"metadata":{"failMode":"closed","maxStaleness":%q,"safeVariant":"off"}}`, after)
}

// plain are the flags that every document has.
const plain = 30

// with is a document of plain flags and some more.
func with(more ...string) string {
	parts := append([]string{strings.TrimSuffix(kit.Flags(1, plain-1), "}}")}, more...)
	return strings.Join(parts, ",") + "}}"
}

// up tells which of what was found is to be scraped: that of a pod that runs, and of our container.
func (f found) up() bool {
	return f.labels["__meta_kubernetes_pod_phase"] == "Running" && f.labels["__meta_kubernetes_pod_container_name"] != "app"
}

// fleet is the pods of several environments. Each sidecar follows a store of its own, but for those of the cart.
type fleet struct {
	shop  *kit.Shop
	maker *bundletest.Maker
	past  string // the token of a revision that the cart holds
	hook  *hook
	found []found
	pods  map[string]*kit.Sidecar // by name
}

// newFleet stages every state that an alert or a panel is about, but for panics, which nobody can cause from outside.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{shop: kit.New(t), maker: bundletest.New(t), pods: map[string]*kit.Sidecar{}}
	key, err := bundle.ParsePrivateKey(read(t, f.shop.Path("team.key")))
	if err != nil {
		t.Fatal(err)
	}
	f.maker.Key = key

	f.cart(t)
	f.alone(t, "shop", "empty-1", kit.Environment, "--bootstrap", f.garbage(t)).
		Until(t, "no flags", func(st kit.Status) bool { return st.Freshness == "empty" })

	f.put(t, "lagging-1", made{environment: kit.Environment, revision: newest - 1})
	f.alone(t, "shop", "lagging-1", kit.Environment).Fresh(t, newest-1)

	f.put(t, "closing-1", made{environment: kit.Environment, revision: newest, more: []string{closing("3s")}})
	f.lost(t, "shop", "closing-1", kit.Environment)

	f.put(t, "ledger-1", made{environment: "bank/prod", revision: newest, more: []string{closing("10m")}})
	f.lost(t, "bank", "ledger-1", "bank/prod")

	f.put(t, "broken-1", made{environment: kit.Environment, revision: newest, more: []string{brokenFlag}})
	f.alone(t, "shop", "broken-1", kit.Environment).Fresh(t, newest)

	f.put(t, "renew-1", made{environment: kit.Environment, revision: newest, age: 4 * time.Hour, valid: 5 * time.Hour})
	f.alone(t, "shop", "renew-1", kit.Environment).Fresh(t, newest)

	f.put(t, "expired-1", made{environment: kit.Environment, revision: newest, age: 4 * time.Hour, valid: time.Hour})
	f.alone(t, "shop", "expired-1", kit.Environment).Until(t, "expired", func(st kit.Status) bool { return st.Validity == "expired" })

	f.put(t, "degraded-1", made{environment: kit.Environment, revision: newest})
	state := kit.Folder(t)
	write(t, filepath.Join(state, "burgee"), "a file where the folder goes")
	f.alone(t, "shop", "degraded-1", kit.Environment, "--state-dir", state).
		Until(t, "degraded", func(st kit.Status) bool { return len(st.Degraded) == 1 && st.Active.Revision == newest })

	f.put(t, "rail-1", made{environment: "toys/prod", revision: newest})
	behind := f.alone(t, "toys", "rail-1", "toys/prod")
	behind.Fresh(t, newest)
	f.put(t, "rail-1", made{environment: "toys/prod", revision: newest + 1, more: []string{closing("1h")}, spoiled: true})
	behind.Until(t, "behind", func(st kit.Status) bool { return st.Behind })

	f.quarantined(t)
	f.laptop(t)
	return f
}

// cart is two healthy sidecars of a store that burgeectl writes: an earlier revision is held, and a flag is killed.
func (f *fleet) cart(t *testing.T) {
	t.Helper()
	document := with(closing("24h"))
	f.shop.Publish(t, document, "--start-at", fmt.Sprint(newest-2))
	for _, name := range []string{"cart-1", "cart-2"} {
		f.start(t, "shop", name, f.shop.Store, kit.Environment).Fresh(t, newest-2)
	}
	first, err := f.pods["cart-1"].Evaluate(kit.Number, "{}")
	if err != nil || first.Snapshot == "" {
		t.Fatalf("an answer to pin to: %+v (%v)", first, err)
	}
	f.past = first.Snapshot
	f.shop.Publish(t, strings.Replace(document, `"it":1`, `"it":2`, 1))
	f.shop.Ctl("kill", "pay", "--store", f.shop.Store, "--environment", kit.Environment, "--key", f.shop.Path("team.key"),
		"--author", "oncall", "--message", "made by a test").Good(t)
	f.pods["cart-1"].Fresh(t, newest)
	f.pods["cart-2"].Fresh(t, newest)
}

// made is a revision that a test puts into a store itself.
type made struct {
	environment string
	revision    int64
	more        []string // flags beside the plain ones
	age, valid  time.Duration
	spoiled     bool // the bundle was damaged
}

// put makes it the newest of the store with that name, and gives its bundle's digest.
func (f *fleet) put(t *testing.T, store string, r made) bundle.Digest {
	t.Helper()
	made := f.maker.Make(r.revision, with(r.more...), plain+len(r.more), func(m *bundle.Manifest) {
		m.Environment, m.PublishedAt = r.environment, m.PublishedAt.Add(-r.age)
		if r.valid != 0 {
			m.ValidUntil = m.PublishedAt.Add(r.valid)
		}
	})
	if r.spoiled {
		made.Bundle[len(made.Bundle)/2] ^= 1
	}
	write(t, f.shop.Path(store, bundle.Key(made.Ref.Digest)), string(made.Bundle))
	write(t, f.shop.Path(store, bundle.HeadKey), string(made.Head))
	return made.Ref.Digest
}

// alone starts the sidecar of a store with its name.
func (f *fleet) alone(t *testing.T, namespace, name, environment string, args ...string) *kit.Sidecar {
	t.Helper()
	if err := os.MkdirAll(f.shop.Path(name), 0o755); err != nil {
		t.Fatal(err)
	}
	return f.start(t, namespace, name, f.shop.URL(name), environment, args...)
}

// start starts a sidecar that polls soon, and lets Prometheus find it.
func (f *fleet) start(t *testing.T, namespace, name, store, environment string, args ...string) *kit.Sidecar {
	t.Helper()
	return f.add(t, namespace, name, append([]string{
		"--store", store, "--environment", environment, "--trust-key", f.shop.Path("team.pub"), "--state-dir", kit.Folder(t),
		"--poll", "250ms", "--stale-after", "2s", "--pin-wait", "5s",
	}, args...)...)
}

func (f *fleet) add(t *testing.T, namespace, name string, args ...string) *kit.Sidecar {
	t.Helper()
	limited := func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "GOMEMLIMIT=48MiB") }
	c := f.shop.Run(t, limited, append([]string{"--socket", filepath.Join(kit.Folder(t), "s.sock")}, args...)...)
	f.find(namespace, name, c.Admin)
	f.pods[name] = c
	return c
}

// find gives the targets of a pod: one for each port of its containers, as Prometheus makes them.
func (f *fleet) find(namespace, name, admin string) {
	f.findAs(namespace, name, "burgee", "burgee-admin", admin)
}

func (f *fleet) findAs(namespace, name, container, port, admin string) {
	labels := func(container, port, phase string) map[string]string {
		return map[string]string{
			"__meta_kubernetes_namespace": namespace, "__meta_kubernetes_pod_name": name, "__meta_kubernetes_pod_phase": phase,
			"__meta_kubernetes_pod_container_name": container, "__meta_kubernetes_pod_container_port_name": port,
			"__meta_kubernetes_pod_container_init": fmt.Sprint(container == "burgee"),
		}
	}
	f.found = append(f.found,
		found{admin, labels(container, port, "Running")},
		found{"127.0.0.1:1", labels("app", "admin", "Running")},
		found{"127.0.0.1:2", labels(container, port, "Succeeded")}, // a Job's pod that is done
	)
}

// lost is the sidecar of a store with its name, which goes away once its flags are there.
func (f *fleet) lost(t *testing.T, namespace, name, environment string) {
	t.Helper()
	c := f.alone(t, namespace, name, environment)
	c.Fresh(t, newest)
	if err := os.Rename(f.shop.Path(name), f.shop.Path(name+"-away")); err != nil {
		t.Fatal(err)
	}
	c.Until(t, "stale", func(st kit.Status) bool { return st.Freshness == "stale" })
}

// garbage is a bootstrap folder that nothing can be started from.
func (f *fleet) garbage(t *testing.T) string {
	t.Helper()
	folder := kit.Folder(t)
	write(t, filepath.Join(folder, "manifest.json"), "{}")
	return folder
}

// quarantined is a sidecar whose process died twice with its newest bundle.
func (f *fleet) quarantined(t *testing.T) {
	t.Helper()
	const name = "quarantined-1"
	state := kit.Folder(t)
	start := func() *kit.Sidecar {
		f.forget(name)
		return f.alone(t, "shop", name, kit.Environment, "--state-dir", state)
	}
	f.put(t, name, made{environment: kit.Environment, revision: newest - 1})
	c := start()
	c.Fresh(t, newest-1)
	c.Stop(t)
	digest := f.put(t, name, made{environment: kit.Environment, revision: newest, more: []string{closing("10m")}})
	for deaths := range 2 {
		c = start()
		c.Fresh(t, newest)
		c.Until(t, "the past", func(st kit.Status) bool { return len(st.Held) == 2 })
		kit.Eventually(t, func() error { // the bundle that was tried last is blamed, and past ones are tried after the newest
			blame := fmt.Sprintf("%s %d\n", digest, deaths+1)
			if trials, err := os.ReadFile(filepath.Join(state, "burgee", "trials")); err != nil || !strings.Contains(string(trials), blame) {
				return fmt.Errorf("trials %q (%w); want %q", trials, err, blame)
			}
			return nil
		})
		c.Kill()
	}
	start().Until(t, "a quarantine", func(st kit.Status) bool { return st.Reason() == "quarantined" && st.Active.Revision == newest-1 })
}

// forget takes a pod's targets away, whose process has ended.
func (f *fleet) forget(name string) {
	var kept []found
	for _, one := range f.found {
		if one.labels["__meta_kubernetes_pod_name"] != name {
			kept = append(kept, one)
		}
	}
	f.found = kept
}

// laptop is a sidecar with a flag file: of no environment, at a revision of its own.
func (f *fleet) laptop(t *testing.T) {
	t.Helper()
	file := filepath.Join(kit.Folder(t), "flags.json")
	write(t, file, kit.Flags(1, 0))
	f.add(t, "dev", "laptop-1", "--flags", file)
}

// ask uses the sidecars of the cart in every way that is counted.
func (f *fleet) ask(t *testing.T) {
	t.Helper()
	f.hook.ask(t)
	c := f.pods["cart-1"]
	for _, call := range []struct{ method, path, body string }{
		{"POST", "/ofrep/v1/evaluate/flags", `{"context":{"country":"DE"}}`},
		{"POST", "/ofrep/v1/evaluate/flags/flag-0001", `{"context":{"country":"DE"}}`},
		{"POST", "/ofrep/v1/evaluate/flags/flag-0001", `{"context":{"country":"FR"}}`},
		{"POST", "/ofrep/v1/evaluate/flags/nobody-published", `{"context":{}}`},
		{"POST", "/v1/snapshot", `{"context":{}}`},
		{"GET", "/nowhere", ""},
	} {
		if _, _, _, err := c.Do(call.method, "http://socket"+call.path, call.body); err != nil {
			t.Errorf("%s %s: %v", call.method, call.path, err)
		}
	}
	for _, subject := range []string{"{}", kit.Pinned(f.past)} {
		if _, err := c.Evaluate(kit.Number, subject); err != nil {
			t.Error(err)
		}
	}
}

// write puts a whole file in place in one step, as stores do.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".aside", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".aside", name); err != nil {
		t.Fatal(err)
	}
}
