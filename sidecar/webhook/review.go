package webhook

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime/debug"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/sidecar/inject"
)

// path is where reviews are answered.
const path = "/inject"

// review is an AdmissionReview of admission.k8s.io/v1, as far as it matters here: it comes with a request, and goes with a response.
type review struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Request    *request  `json:"request,omitzero"`
	Response   *response `json:"response,omitzero"`
}

const (
	apiVersion = "admission.k8s.io/v1"
	reviewKind = "AdmissionReview"
)

type request struct {
	UID  string `json:"uid"`
	Kind struct {
		Group   string `json:"group"`
		Version string `json:"version"`
		Kind    string `json:"kind"`
	} `json:"kind"`
	SubResource string         `json:"subResource"`
	Operation   string         `json:"operation"`
	Namespace   string         `json:"namespace"`
	Name        string         `json:"name"`
	DryRun      bool           `json:"dryRun"`
	Object      jsontext.Value `json:"object"`
}

type response struct {
	UID       string  `json:"uid"`
	Allowed   bool    `json:"allowed"`
	PatchType string  `json:"patchType,omitzero"`
	Patch     []byte  `json:"patch,omitempty"`
	Status    *status `json:"status,omitzero"`
}

type status struct {
	Code    int    `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// review answers one. Whatever is none gets an HTTP error, and the failure policy decides what becomes of the pod.
func (w *Webhook) review(answer http.ResponseWriter, incoming *http.Request) {
	defer func() {
		if cause := recover(); cause != nil {
			w.config.Log.Error("mistake of ours", "panic", cause, "stack", string(debug.Stack()))
			w.fail(answer, http.StatusInternalServerError, "internal error")
		}
	}()
	switch {
	case incoming.URL.Path != path:
		w.fail(answer, http.StatusNotFound, "no such path; there is "+path)
		return
	case incoming.Method != http.MethodPost:
		answer.Header().Set("Allow", http.MethodPost)
		w.fail(answer, http.StatusMethodNotAllowed, "an AdmissionReview is posted")
		return
	}
	sent := w.held.body(answer, incoming)
	defer sent.leave()
	text, code, err := readAll(sent)
	if err != nil {
		w.fail(answer, code, err.Error())
		return
	}
	text, code, err = w.work(incoming.Context(), text)
	switch {
	case err != nil:
		w.fail(answer, code, err.Error())
	case text != nil:
		answer.Header().Set("Content-Type", "application/json")
		_, _ = answer.Write(text) // a client that went away
	}
}

// work makes an answer of what was sent, which is whole: neither who sends slowly nor who is slow to take the answer has a place meanwhile.
// There is none where nobody waits for it any more.
func (w *Webhook) work(ctx context.Context, sent []byte) (text []byte, code int, err error) {
	select {
	case w.places <- struct{}{}:
		defer func() { <-w.places }()
	case <-ctx.Done():
		return nil, 0, nil
	}
	asked, err := parse(sent)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	said, err := w.judge(asked)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	text, err = json.Marshal(review{APIVersion: apiVersion, Kind: reviewKind, Response: said})
	return text, http.StatusInternalServerError, err
}

// fail answers what is no review.
func (w *Webhook) fail(answer http.ResponseWriter, code int, why string) {
	w.counts.one(bad)
	why = short(why, maxWhy)
	if n := w.warned.none.times(); n > 0 {
		w.config.Log.Warn("no review", "error", why, "status", code, "times", n)
	}
	http.Error(answer, why, code)
}

func readAll(sent io.Reader) ([]byte, int, error) {
	text, err := io.ReadAll(sent)
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, http.StatusRequestEntityTooLarge, err
	case errors.Is(err, errFull):
		return nil, http.StatusServiceUnavailable, err
	}
	return text, http.StatusBadRequest, err
}

func parse(text []byte) (*request, error) {
	var r review
	switch err := json.Unmarshal(text, &r); {
	case err != nil:
		return nil, err
	case r.APIVersion != apiVersion || r.Kind != reviewKind:
		return nil, errors.New("not an AdmissionReview of " + apiVersion)
	case r.Request == nil || r.Request.UID == "":
		return nil, errors.New("the AdmissionReview has no request with a uid")
	}
	return r.Request, nil
}

// judge decides on a request. An error means that what is to be created is no pod.
func (w *Webhook) judge(r *request) (*response, error) {
	log := w.config.Log.With("namespace", shortName(r.Namespace), "pod", nameOf(r))
	log.Debug("review", "uid", shortName(r.UID), "operation", shortName(r.Operation), "kind", shortName(r.Kind.Kind), "dry_run", r.DryRun, "bytes", len(r.Object))
	said := &response{UID: r.UID, Allowed: true}
	if r.Kind.Group != "" || r.Kind.Version != "v1" || r.Kind.Kind != "Pod" || r.SubResource != "" || r.Operation != "CREATE" {
		w.counts.one(unchanged)
		if n := w.warned.other.times(); n > 0 {
			log.Warn("not the creation of a pod: let through as it is; the webhook's rules should not ask for it",
				"operation", shortName(r.Operation), "kind", shortName(r.Kind.Kind), "subresource", shortName(r.SubResource), "times", n)
		}
		return said, nil
	}
	patch, err := w.config.Definition.Patch(r.Object)
	refusal := (*inject.Refusal)(nil)
	switch {
	case errors.As(err, &refusal):
		w.counts.one(refused)
		log.Info("refused", "why", short(refusal.Message, maxWhy))
		said.Allowed, said.Status = false, &status{http.StatusUnprocessableEntity, "Invalid", refusal.Message}
	case err != nil:
		return nil, err
	case patch == nil:
		w.counts.one(unchanged)
		log.Debug("unchanged: the pod has all of it")
	default:
		w.counts.one(injected)
		log.Info("injected")
		said.PatchType, said.Patch = "JSONPatch", patch
	}
	return said, nil
}

// nameOf is what the log calls a pod: one that a controller makes has no name yet, and is read for what its name will begin with.
func nameOf(r *request) string {
	if r.Name != "" {
		return shortName(r.Name)
	}
	var object struct {
		Metadata struct {
			Name         string `json:"name"`
			GenerateName string `json:"generateName"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(r.Object, &object) // what is no pod is told elsewhere
	return shortName(cmp.Or(object.Metadata.Name, object.Metadata.GenerateName))
}
