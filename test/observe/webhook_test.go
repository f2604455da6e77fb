package observe

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// hook is the webhook that injects.
type hook struct {
	address string // of reviews
	client  *http.Client
}

// webhook starts burgee inject with a certificate that ends in an hour, and then gives it one that cannot be served.
func (f *fleet) webhook(t *testing.T) {
	t.Helper()
	config, err := filepath.Abs("../../sidecar/inject/testdata/injection.json")
	if err != nil {
		t.Fatal(err)
	}
	authority, secret := kit.NewAuthority(t), kit.Folder(t)
	files := authority.Issue(t, 1, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	kit.Mount(t, secret, files)
	c := f.shop.Spawn(t, func(cmd *exec.Cmd) {
		cmd.Args = []string{
			cmd.Args[0], "inject", "--log-format", "json", "--config", config, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
			"--tls-cert", filepath.Join(secret, "tls.crt"), "--tls-key", filepath.Join(secret, "tls.key"),
		}
	})
	f.hook = &hook{client: &http.Client{Timeout: kit.Patience, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: authority.Pool()},
	}}}
	kit.Eventually(t, func() error {
		for _, line := range c.Lines("listening") {
			if address, _ := line["address"].(string); line["for"] == "admin" {
				c.Admin = address
			} else {
				f.hook.address = address
			}
		}
		if c.Admin == "" || f.hook.address == "" {
			return errors.New("burgee inject does not listen: " + c.Log())
		}
		return nil
	})
	files["tls.key"] = []byte("no key")
	kit.Mount(t, secret, files)
	f.findAs("burgee-system", "burgee-inject-1", "inject", "admin", c.Admin)
}

// ask has it review a pod that can have a sidecar, one that cannot, and what is no pod.
func (h *hook) ask(t *testing.T) {
	t.Helper()
	for _, pod := range []string{
		`{"metadata":{"name":"cart"},"spec":{"containers":[{"name":"cart"}]}}`,
		`{"metadata":{"name":"cart"},"spec":{"hostNetwork":true,"containers":[{"name":"cart"}]}}`,
		`7`,
	} {
		body := `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},
			"operation":"CREATE","namespace":"shop","object":` + pod + `}}`
		answer, err := h.client.Post("https://"+h.address+"/inject", "application/json", strings.NewReader(body))
		if err != nil {
			t.Errorf("review: %v", err)
			continue
		}
		_, _ = io.Copy(io.Discard, answer.Body) // what it says is tried elsewhere
		_ = answer.Body.Close()
	}
}
