// Package readme runs the commands of README.md and of the guides as their readers would, in a copy of the tree.
package readme

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/versitygw"
)

const root = "../.."

// block is a fenced piece of shell; what it must print stands in it behind this mark.
type block struct {
	script string
	prints []string
}

const mark = "# => "

func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for _, part := range strings.Split(string(text), "```sh\n")[1:] {
		script, _, closed := strings.Cut(part, "```")
		if !closed {
			t.Fatalf("a block of shell does not end: %.60q", part)
		}
		b := block{script: script}
		for line := range strings.Lines(script) {
			if want, ok := strings.CutPrefix(line, mark); ok {
				b.prints = append(b.prints, strings.TrimSpace(want))
			}
		}
		all = append(all, b)
	}
	return all
}

// prelude lets a script go on as soon as what it started listens, where a person would need a moment to type.
const prelude = `set -euo pipefail
curl() { command curl -sS --retry 50 --retry-all-errors --retry-delay 1 --retry-max-time 30 "$@"; echo; }
trap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT
`

func TestEveryCommandOfTheREADME(t *testing.T) {
	if os.Getenv("BURGEE_TEST_README") == "" {
		t.Skip("SKIP: make readme-test runs this: it needs bash, curl and an S3 server")
	}
	gateway := versitygw.Start(t)
	gateway.Setenv(t, gateway.Root)
	gateway.Bucket(t, "flags")
	folder := clone(t)
	for _, b := range blocks(t, "README.md") {
		if strings.TrimSpace(b.script) == "make test" {
			continue // CI runs it by itself, and it would run this
		}
		if strings.HasPrefix(b.script, "helm ") {
			continue // needs a cluster: test/kubernetes runs it
		}
		t.Run(strings.TrimSpace(strings.SplitN(b.script, "\n", 2)[0]), func(t *testing.T) {
			b.check(t, run(t, folder, prelude+b.script))
		})
	}
}

func (b block) check(t *testing.T, out string) {
	t.Helper()
	for _, want := range b.prints {
		if !strings.Contains(out, want) {
			t.Errorf("%.60q did not print %s, but:\n%s", b.script, want, out)
		}
	}
}

// next parts what the blocks of a guide print.
const next = "-- the next block --"

// The guides are read from top to bottom in one shell: what a block exports or leaves running is there for the next one.
func TestEveryCommandOfTheGuides(t *testing.T) {
	if os.Getenv("BURGEE_TEST_README") == "" {
		t.Skip("SKIP: make readme-test runs this: it needs bash, curl and git")
	}
	folder := clone(t)
	run(t, folder, "make build")
	for _, page := range []string{"docs/publishing.md", "docs/runbook.md", "docs/consistency.md", "docs/evaluation.md"} {
		t.Run(page, func(t *testing.T) {
			all := blocks(t, page)
			script := prelude + `export PATH="$PWD/bin:$PATH"; cd "$(mktemp -d -p "$PWD")"` + "\n"
			for _, b := range all {
				script += b.script + "echo '" + next + "'\n"
			}
			parts := strings.Split(run(t, folder, script), next)
			for i, b := range all {
				b.check(t, parts[i])
			}
		})
	}
}

// clone copies what git knows of, or would take, to a new folder.
func clone(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "burgee")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, root, `set -euo pipefail; git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "`+folder+`"`)
	return folder
}

func run(t *testing.T, folder, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-c", script)
	c.Dir = folder
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		t.Fatalf("%v:\n%s", err, out.String())
	}
	return out.String()
}
