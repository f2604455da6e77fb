package webhook

import (
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

// maxName bounds what the log shows of a name, which nobody has validated yet.
const maxName = 253

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
	select {
	case w.places <- struct{}{}:
		defer func() { <-w.places }()
	case <-incoming.Context().Done():
		return // nobody waits for the answer
	}
	asked, code, err := readReview(answer, incoming)
	if err != nil {
		w.fail(answer, code, err.Error())
		return
	}
	said, err := w.judge(asked)
	if err != nil {
		w.fail(answer, http.StatusBadRequest, err.Error())
		return
	}
	body, err := json.Marshal(review{APIVersion: apiVersion, Kind: reviewKind, Response: said})
	if err != nil {
		w.fail(answer, http.StatusInternalServerError, err.Error())
		return
	}
	answer.Header().Set("Content-Type", "application/json")
	_, _ = answer.Write(body) // a client that went away
}

// fail answers what is no review.
func (w *Webhook) fail(answer http.ResponseWriter, code int, why string) {
	w.counts.one(bad)
	w.config.Log.Warn("no review", "error", why, "status", code)
	http.Error(answer, why, code)
}

func readReview(answer http.ResponseWriter, incoming *http.Request) (*request, int, error) {
	body, err := io.ReadAll(http.MaxBytesReader(answer, incoming.Body, maxReview))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, http.StatusRequestEntityTooLarge, err
	}
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	var r review
	switch err := json.Unmarshal(body, &r); {
	case err != nil:
		return nil, http.StatusBadRequest, err
	case r.APIVersion != apiVersion || r.Kind != reviewKind:
		return nil, http.StatusBadRequest, errors.New("not an AdmissionReview of " + apiVersion)
	case r.Request == nil || r.Request.UID == "":
		return nil, http.StatusBadRequest, errors.New("the AdmissionReview has no request with a uid")
	}
	return r.Request, 0, nil
}

// judge decides on a request. An error means that what is to be created is no pod.
func (w *Webhook) judge(r *request) (*response, error) {
	log := w.config.Log.With("namespace", short(r.Namespace), "pod", nameOf(r))
	log.Debug("review", "uid", short(r.UID), "operation", short(r.Operation), "kind", short(r.Kind.Kind), "dry_run", r.DryRun, "bytes", len(r.Object))
	said := &response{UID: r.UID, Allowed: true}
	if r.Kind.Group != "" || r.Kind.Version != "v1" || r.Kind.Kind != "Pod" || r.SubResource != "" || r.Operation != "CREATE" {
		w.counts.one(unchanged)
		log.Warn("not the creation of a pod: let through as it is; the webhook's rules should not ask for it",
			"operation", short(r.Operation), "kind", short(r.Kind.Kind), "subresource", short(r.SubResource))
		return said, nil
	}
	patch, err := w.config.Definition.Patch(r.Object)
	refusal := (*inject.Refusal)(nil)
	switch {
	case errors.As(err, &refusal):
		w.counts.one(refused)
		log.Info("refused", "why", refusal.Message)
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

// nameOf is what the log calls a pod: one that a controller makes has no name yet.
func nameOf(r *request) string {
	var object struct {
		Metadata struct {
			Name         string `json:"name"`
			GenerateName string `json:"generateName"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(r.Object, &object) // what is no pod is told elsewhere
	for _, name := range []string{r.Name, object.Metadata.Name, object.Metadata.GenerateName} {
		if name != "" {
			return short(name)
		}
	}
	return ""
}

func short(name string) string { return name[:min(len(name), maxName)] }
