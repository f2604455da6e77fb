package process

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// hook is a running `burgee inject`, its Secret mounted as kubelet does it.
type hook struct {
	*kit.Sidecar
	authority *kit.Authority
	secret    string // folder
	address   string // for reviews
}

func startHook(t *testing.T) *hook {
	t.Helper()
	shop := kit.New(t)
	h := &hook{authority: kit.NewAuthority(t), secret: shop.Path("tls")}
	makeFolder(t, h.secret, 0o755)
	h.rotate(t, 1, time.Now().Add(time.Hour))
	config, err := filepath.Abs("../../sidecar/inject/testdata/injection.json")
	if err != nil {
		t.Fatal(err)
	}
	h.Sidecar = shop.Spawn(t, func(cmd *exec.Cmd) {
		cmd.Args = []string{
			cmd.Args[0], "inject", "--log-format", "json", "--config", config, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
			"--tls-cert", filepath.Join(h.secret, "tls.crt"), "--tls-key", filepath.Join(h.secret, "tls.key"),
		}
	})
	kit.Eventually(t, func() error {
		for _, line := range h.Lines("listening") {
			address, _ := line["address"].(string)
			if line["for"] == "admin" {
				h.Admin = address
			} else {
				h.address = address
			}
		}
		if h.Admin == "" || h.address == "" {
			return errors.New("it does not listen: " + h.Log())
		}
		return nil
	})
	return h
}

func (h *hook) rotate(t *testing.T, serial int64, until time.Time) {
	t.Helper()
	kit.Mount(t, h.secret, h.authority.Issue(t, serial, time.Now().Add(-time.Hour), until))
}

// serial is that of the certificate which a new connection is shown.
func (h *hook) serial(t *testing.T) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", h.address, &tls.Config{RootCAs: h.authority.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// apiServer is a client that keeps its connection, as the API server does.
func (h *hook) apiServer(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: h.authority.Pool()}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: kit.Patience}
}

// review asks for a pod, and gives the answer's response.
func (h *hook) review(client *http.Client, pod string) (map[string]any, error) {
	body := `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},
		"operation":"CREATE","namespace":"shop","object":` + pod + `}}`
	answer, err := client.Post("https://"+h.address+"/inject?timeout=10s", "application/json", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	var said struct{ Response map[string]any }
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, fmt.Errorf("%s %s: %w", answer.Status, text, err)
	}
	return said.Response, nil
}

const onePod = `{"metadata":{"generateName":"web-"},"spec":{"containers":[{"name":"web"}]}}`

// wantPatch fails unless the review is answered with a patch.
func (h *hook) wantPatch(t *testing.T, client *http.Client) {
	t.Helper()
	if r, err := h.review(client, onePod); err != nil || r["allowed"] != true || r["patchType"] != "JSONPatch" || r["uid"] != "u" {
		t.Errorf("answer %v, error %v; want a patch", r, err)
	}
}

// A certificate is changed under a running webhook: by a good pair, by a broken one, and by a good one again.
func TestACertificateIsRotated(t *testing.T) {
	t.Parallel()
	h := startHook(t)
	client := h.apiServer(t)
	h.wantPatch(t, client)
	if n := h.serial(t); n != 1 {
		t.Errorf("certificate %d at the start", n)
	}

	until := time.Now().Add(2 * time.Hour)
	h.rotate(t, 2, until)
	kit.Eventually(t, func() error { return h.wantSerial(t, 2) })
	h.wantPatch(t, client) // on the connection that is there
	if _, _, text := h.page(t, "/metrics"); !strings.Contains(text, "burgee_inject_certificate_expiry_timestamp_seconds "+strconv.FormatFloat(float64(until.Unix()), 'g', -1, 64)+"\n") {
		t.Errorf("/metrics does not say that the certificate expires at %d", until.Unix())
	}

	broken := h.authority.Issue(t, 3, time.Now(), until)
	broken["tls.key"] = h.authority.Issue(t, 4, time.Now(), until)["tls.key"]
	kit.Mount(t, h.secret, broken)
	kit.Eventually(t, func() error {
		if code, _, text := h.page(t, "/readyz"); code != 200 || !strings.Contains(text, "private key does not match public key") {
			return fmt.Errorf("/readyz says %d %s", code, text)
		}
		return nil
	})
	if err := h.wantSerial(t, 2); err != nil {
		t.Error(err)
	}
	h.wantPatch(t, h.apiServer(t))
	if n := len(h.Lines("certificate not taken, the one before goes on")); n != 1 {
		t.Errorf("the log tells %d times of the broken pair", n)
	}

	h.rotate(t, 5, until)
	kit.Eventually(t, func() error { return h.wantSerial(t, 5) })
	if code, _, text := h.page(t, "/readyz"); code != 200 || text != "ok\n" {
		t.Errorf("/readyz says %d %s", code, text)
	}
	h.Stop(t)
}

func (h *hook) wantSerial(t *testing.T, want int64) error {
	t.Helper()
	if got := h.serial(t); got != want {
		return fmt.Errorf("certificate %d is served; want %d", got, want)
	}
	return nil
}

func (h *hook) page(t *testing.T, path string) (int, http.Header, string) {
	t.Helper()
	code, header, text, err := h.Do("GET", "http://"+h.Admin+path, "")
	if err != nil {
		t.Fatal(err)
	}
	return code, header, string(text)
}

// Asked to stop, it says at once that it is not ready, answers for some seconds more, and ends well.
func TestTheWebhookStopsGently(t *testing.T) {
	t.Parallel()
	h := startHook(t)
	h.wantPatch(t, h.apiServer(t))
	h.Terminate(t)
	kit.Eventually(t, func() error {
		if code, _, text := h.page(t, "/readyz"); code != 503 || text != "stopping\n" {
			return fmt.Errorf("/readyz says %d %s", code, text)
		}
		return nil
	})
	h.wantPatch(t, h.apiServer(t)) // from an API server that was not told yet
	if code := h.Wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := net.Dial("tcp", h.address); err == nil {
		t.Error("something still listens")
	}
}

// Refusals are answers: with a status that the API server shows to whoever made the pod.
func TestARefusedPod(t *testing.T) {
	t.Parallel()
	h := startHook(t)
	r, err := h.review(h.apiServer(t), `{"metadata":{"name":"n"},"spec":{"hostNetwork":true}}`)
	status, _ := r["status"].(map[string]any)
	if message, _ := status["message"].(string); err != nil || r["allowed"] != false || status["code"] != 422.0 || status["reason"] != "Invalid" ||
		!strings.HasPrefix(message, "burgee: the pod uses the network of its node, ") {
		t.Errorf("answer %v, error %v", r, err)
	}
	if lines := h.Lines("refused"); len(lines) != 1 || lines[0]["namespace"] != "shop" || lines[0]["pod"] != "n" {
		t.Errorf("the log says %v", lines)
	}
	if _, _, text := h.page(t, "/metrics"); !strings.Contains(text, `burgee_injections_total{result="refused"} 1`) {
		t.Error("the refusal is not counted")
	}
}

// A pod is given its keys in a variable, as the chart does: flags that either has signed are served.
func TestTrustKeysInAVariable(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Key(t, "other")
	var texts []string
	for _, name := range []string{"other.pub", "team.pub"} {
		text, err := os.ReadFile(shop.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, strings.TrimSpace(string(text)))
	}
	shop.Publish(t, kit.Flags(1, 0))
	given := shop.As([]string{"BURGEE_TRUST_KEY=" + strings.Join(texts, ","), "BURGEE_STORE=" + shop.Store, "BURGEE_ENVIRONMENT=" + kit.Environment})
	burgee := given.Run(t, nil, soon...)
	burgee.WillServe(t, 1, 1)
	given.Publish(t, kit.Flags(2, 0), "--key", shop.Path("other.key")) // burgeectl takes the variable as well
	burgee.WillServe(t, 2, 2)
	stranger := shop.As([]string{"BURGEE_TRUST_KEY=" + texts[0], "BURGEE_STORE=" + shop.Store, "BURGEE_ENVIRONMENT=" + kit.Environment})
	if st := stranger.Spawn(t, nil, "--socket", shop.Path("x.sock"), "--admin", "off", "--trust-threshold", "2"); st.Wait(t) != 2 {
		t.Error("one text counts as two keys")
	}
}
