package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// runTime bounds one run of kubectl or helm.
const runTime = 3 * time.Minute

// Printed is what a run of kubectl or helm left.
type Printed struct {
	Program        string
	Code           int
	Stdout, Stderr string
}

func (p Printed) String() string {
	return fmt.Sprintf("%s: exit code %d\n%s%s", p.Program, p.Code, p.Stdout, p.Stderr)
}

// Good fails the test unless the run went well, and gives what it printed.
func (p Printed) Good(t testing.TB) string {
	t.Helper()
	if p.Code != 0 {
		t.Fatal(p)
	}
	return p.Stdout
}

// Refused fails the test unless the run failed and says all of the words on standard error.
func (p Printed) Refused(t testing.TB, words ...string) {
	t.Helper()
	if p.Code == 0 {
		t.Errorf("%s\nwant it refused", p)
	}
	for _, word := range words {
		if !strings.Contains(p.Stderr, word) {
			t.Errorf("%s\nwant %q on standard error", p, word)
		}
	}
}

// TryKubectl runs kubectl as the administrator, with that text on standard input.
func (c *Cluster) TryKubectl(stdin string, args ...string) Printed {
	return c.run(filepath.Join(c.binaries, "kubectl"), stdin, args...)
}

// Kubectl is TryKubectl that must go well, and gives what it printed.
func (c *Cluster) Kubectl(t testing.TB, args ...string) string {
	t.Helper()
	return c.TryKubectl("", args...).Good(t)
}

// Apply makes what the manifests say, of which a field that the API does not know is an error.
func (c *Cluster) Apply(t testing.TB, manifests string) {
	t.Helper()
	c.TryKubectl(manifests, "apply", "--validate=strict", "-f", "-").Good(t)
}

// TryHelm runs Helm as the administrator, with folders of its own.
func (c *Cluster) TryHelm(t testing.TB, args ...string) Printed {
	t.Helper()
	helm := os.Getenv(HelmBinary)
	if helm == "" {
		t.Fatalf("%s is not set to the path of helm; run: make e2e", HelmBinary)
	}
	return c.run(helm, "", args...)
}

// Helm is TryHelm that must go well, and gives what it printed.
func (c *Cluster) Helm(t testing.TB, args ...string) string {
	t.Helper()
	return c.TryHelm(t, args...).Good(t)
}

// run keeps the settings of whoever runs the tests away from the program, which must not reach that person's clusters.
func (c *Cluster) run(program, stdin string, args ...string) Printed {
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir, "KUBECONFIG=" + c.Kubeconfig,
		"HELM_CACHE_HOME=" + c.Path("helm"), "HELM_CONFIG_HOME=" + c.Path("helm"), "HELM_DATA_HOME=" + c.Path("helm"),
	}
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Dir, strings.NewReader(stdin), &stdout, &stderr
	kit.EndWithParent(cmd)
	p := Printed{Program: filepath.Base(program) + " " + strings.Join(args, " ")}
	if err, ended := cmd.Run(), (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		p.Code, p.Stderr = -1, err.Error()
		return p
	}
	p.Code, p.Stdout, p.Stderr = cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
	return p
}

// Refusal is an answer of the API that is no success.
type Refusal struct {
	Code    int
	Reason  string
	Message string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Code, r.Reason, r.Message) }

// Do calls the API as the administrator, and reads the answer into out where that is not nil; an error may be a *Refusal.
func (c *Cluster) Do(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, c.URL+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		refusal := &Refusal{Code: response.StatusCode}
		if err := json.Unmarshal(text, refusal); err != nil {
			return fmt.Errorf("%s %s: %s: %q", method, path, response.Status, text)
		}
		return refusal
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// Namespace makes a namespace with those labels, such as "name=value", and waits until pods can be made in it.
func (c *Cluster) Namespace(t testing.TB, name string, labels ...string) {
	t.Helper()
	set := map[string]string{}
	for _, label := range labels {
		key, value, _ := strings.Cut(label, "=")
		set[key] = value
	}
	account := object{"metadata": object{"name": "default"}}
	accounts := "/api/v1/namespaces/" + name + "/serviceaccounts"
	if err := c.Do(http.MethodPost, "/api/v1/namespaces", object{"metadata": object{"name": name, "labels": set}}, nil); err != nil {
		t.Fatal(err)
	}
	if !c.config.Controllers { // who else makes it
		if err := c.Do(http.MethodPost, accounts, account, nil); err != nil {
			t.Fatal(err)
		}
		return
	}
	c.Eventually(t, func() error { return c.Do(http.MethodGet, accounts+"/default", nil, nil) })
}

// Eventually looks again until try gives nil, and fails with its last error where patience ends.
func (c *Cluster) Eventually(t testing.TB, try func() error) {
	t.Helper()
	limit := time.NewTimer(readyWithin)
	defer limit.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-look.C:
		case <-limit.C:
			t.Fatalf("not within %v: %v", readyWithin, err)
		}
	}
}

// Restricted is the label of a namespace that takes only pods of the strictest standard.
const Restricted = "pod-security.kubernetes.io/enforce=restricted"
