package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/burgeehq/burgee/test/kit"
)

// asked is a review for the creation of a pod.
func asked(pod string) string { return askedFor("v1", "Pod", "CREATE", "", pod) }

func askedFor(version, kind, operation, subresource, object string) string {
	return fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002",
		"kind":{"group":"","version":%q,"kind":%q},"resource":{"group":"","version":"v1","resource":"pods"},"requestKind":{"group":"","version":"v1","kind":"Pod"},
		"subResource":%q,"namespace":"shop","operation":%q,"userInfo":{"username":"system:serviceaccount:kube-system:replicaset-controller","groups":["a"]},
		"object":%s,"oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}`, version, kind, subresource, operation, object)
}

// post sends a body to the handler, without a network.
func post(w *Webhook, body io.Reader) (int, string) {
	recorder := httptest.NewRecorder()
	w.review(recorder, httptest.NewRequest(http.MethodPost, path, body))
	return recorder.Code, recorder.Body.String()
}

const small = `{"metadata":{"generateName":"web-"},"spec":{"containers":[{"name":"web"}]}}`

func TestAPodIsPatched(t *testing.T) {
	w, f := started(t)
	code, body := post(w, strings.NewReader(asked(small)))
	var said struct {
		APIVersion, Kind string
		Response         struct {
			UID, PatchType, Patch string
			Allowed               bool
			Status                any
		}
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil || code != 200 {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	patch, err := base64.StdEncoding.DecodeString(said.Response.Patch)
	want, _ := w.config.Definition.Patch([]byte(small))
	if err != nil || string(patch) != string(want) || !strings.HasPrefix(string(want), `[{"op":"add",`) {
		t.Errorf("patch %s, error %v; want\n%s", patch, err, want)
	}
	r := said.Response
	if said.APIVersion != "admission.k8s.io/v1" || said.Kind != "AdmissionReview" || r.UID != "705ab4f5-6393-11e8-b7cc-42010a800002" || !r.Allowed || r.PatchType != "JSONPatch" || r.Status != nil {
		t.Errorf("answer %s", body)
	}
	if f.log.count("[INFO]") != 1 || f.log.count("[INFO]  injected: namespace=shop pod=web-") != 1 {
		t.Errorf("the log says\n%s", f.log)
	}
}

// Answers without a patch, compared whole, and how each counts.
func TestOtherReviews(t *testing.T) {
	const (
		allowed = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":true}}`
		denied  = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","allowed":false,` +
			`"status":{"code":422,"reason":"Invalid","message":"burgee: the pod runs on Windows, for which there is no sidecar: take the label burgee.dev/inject off"}}}`
	)
	whole, err := os.ReadFile("../inject/testdata/small.want.json")
	if err != nil {
		t.Fatal(err)
	}
	huge := `{"metadata":{"annotations":{"x":"` + strings.Repeat("x", 3<<20) + `"}},"spec":{"os":{"name":"windows"}}}`
	for _, row := range []struct {
		name, body, want, result, logged string
		code                             int
	}{
		{"a pod that has it", asked(string(whole)), allowed, unchanged, "", 200},
		{"a refusal", asked(`{"spec":{"os":{"name":"windows"}}}`), denied, refused, "refused: namespace=shop pod=\"\" why=\"burgee: the pod runs on Windows", 200},
		{"a pod as large as can be", asked(huge), denied, refused, "refused", 200},
		{"a deployment", askedFor("v1", "Deployment", "CREATE", "", `{}`), allowed, unchanged, "not the creation of a pod", 200},
		{"a pod of another version", askedFor("v2", "Pod", "CREATE", "", `{}`), allowed, unchanged, "not the creation of a pod", 200},
		{"an update", askedFor("v1", "Pod", "UPDATE", "", small), allowed, unchanged, "not the creation of a pod", 200},
		{"a part of a pod", askedFor("v1", "Pod", "CREATE", "binding", `{}`), allowed, unchanged, "not the creation of a pod", 200},
		{"a deletion", askedFor("v1", "Pod", "DELETE", "", `null`), allowed, unchanged, "not the creation of a pod", 200},
		{"a pod that is none", asked(`{"spec":[]}`), "pod: spec: cannot be an array\n", bad, "no review", 400},
		{"no pod", asked(`null`), "pod: spec: is missing\n", bad, "no review", 400},
		{"no object", strings.Replace(asked(`null`), `"object":null,`, "", 1), "pod: jsontext: unexpected EOF\n", bad, "no review", 400},
		{"nothing", ``, "jsontext: unexpected EOF\n", bad, "no review", 400},
		{"no request", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`, "the AdmissionReview has no request with a uid\n", bad, "no review", 400},
		{"no uid", strings.Replace(asked(small), "705ab4f5-6393-11e8-b7cc-42010a800002", "", 1), "the AdmissionReview has no request with a uid\n", bad, "no review", 400},
		{"an older version", strings.Replace(asked(small), "k8s.io/v1", "k8s.io/v1beta1", 1), "not an AdmissionReview of admission.k8s.io/v1\n", bad, "no review", 400},
		{"another kind", strings.Replace(asked(small), `"AdmissionReview"`, `"TokenReview"`, 1), "not an AdmissionReview of admission.k8s.io/v1\n", bad, "no review", 400},
		{"too large", asked(`{"x":"` + strings.Repeat("x", maxReview) + `"}`), "http: request body too large\n", bad, "no review", 413},
	} {
		w, f := started(t)
		code, body := post(w, strings.NewReader(row.body))
		if code != row.code || body != row.want {
			t.Errorf("%s: %d %s; want %d %s", row.name, code, body, row.code, row.want)
		}
		for _, result := range []string{injected, unchanged, refused, bad} {
			want := 0.0
			if result == row.result {
				want = 1
			}
			if n := counted(t, w, result); n != want {
				t.Errorf("%s: counted %v times as %s; want %v", row.name, n, result, want)
			}
		}
		if !strings.Contains(f.log.String(), row.logged) || row.logged == "" && f.log.count("[INFO]")+f.log.count("[WARN]") > 0 {
			t.Errorf("%s: the log says\n%s\nwant %q", row.name, f.log, row.logged)
		}
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	w, _ := started(t)
	for _, row := range []struct {
		method, path string
		code         int
	}{{"GET", path, 405}, {"PUT", path, 405}, {"POST", "/", 404}, {"POST", path + "/", 404}, {"GET", "/metrics", 404}} {
		recorder := httptest.NewRecorder()
		w.review(recorder, httptest.NewRequest(row.method, row.path, strings.NewReader(asked(small))))
		if recorder.Code != row.code {
			t.Errorf("%s %s: %d; want %d", row.method, row.path, recorder.Code, row.code)
		}
	}
}

// Whoever sends slowly is in nobody's way: a place is only for what is here as a whole.
func TestSlowReviewsTakeNoPlace(t *testing.T) {
	w, _ := started(t)
	whole := asked(small)
	var slow []*io.PipeWriter
	var ended sync.WaitGroup
	for range 2 * maxReviews {
		body, sends := io.Pipe()
		slow = append(slow, sends)
		ended.Go(func() {
			if code, text := post(w, body); code != 200 {
				t.Errorf("a slow review: %d %s", code, text)
			}
		})
		if _, err := io.WriteString(sends, whole[:1]); err != nil { // returns once it is read
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), kit.Patience)
	defer cancel()
	recorder := httptest.NewRecorder()
	w.review(recorder, httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(whole)))
	if !strings.Contains(recorder.Body.String(), "JSONPatch") {
		t.Errorf("beside slow ones: %d %s", recorder.Code, recorder.Body)
	}
	for _, sends := range slow {
		_, _ = io.WriteString(sends, whole[1:]) // what became of it is told above
		_ = sends.Close()
	}
	ended.Wait()
	if n := w.held.Load(); n != 0 || len(w.places) != 0 {
		t.Errorf("at the end %d bytes are held, and %d places", n, len(w.places))
	}
}

// Nor is who takes the answer slowly.
func TestAnswersTakeNoPlace(t *testing.T) {
	w, _ := started(t)
	taker := &slowTaker{httptest.NewRecorder(), w, -1}
	w.review(taker, httptest.NewRequest(http.MethodPost, path, strings.NewReader(asked(small))))
	if taker.places != 0 {
		t.Errorf("%d places are taken while the answer is", taker.places)
	}
}

// slowTaker sees how many places are taken while the answer is written.
type slowTaker struct {
	*httptest.ResponseRecorder
	w      *Webhook
	places int
}

func (s *slowTaker) Write(text []byte) (int, error) {
	s.places = len(s.w.places)
	return s.ResponseRecorder.Write(text)
}

// All of them together may not have more memory than is theirs, and give it back.
func TestReviewsAreHeldInBoundedMemory(t *testing.T) {
	w, f := started(t)
	block := strings.Repeat(" ", maxReview-1)
	var slow []*io.PipeWriter
	var ended sync.WaitGroup
	for range maxHeld / maxReview {
		body, sends := io.Pipe()
		slow = append(slow, sends)
		ended.Go(func() { post(w, body) })
		if _, err := io.WriteString(sends, block); err != nil {
			t.Fatal(err)
		}
	}
	kit.Eventually(t, func() error { // a write returns when it is read, and it is counted after that
		if n := w.held.Load(); n != maxHeld/maxReview*int64(len(block)) {
			return fmt.Errorf("%d bytes are held", n)
		}
		return nil
	})
	if code, text := post(w, strings.NewReader(asked(small))); code != 503 || text != errFull.Error()+"\n" || f.log.count("no review") != 1 {
		t.Errorf("beside %d bytes: %d %s; the log says\n%s", w.held.Load(), code, text, f.log)
	}
	for _, sends := range slow {
		_ = sends.Close()
	}
	ended.Wait()
	if code, text := post(w, strings.NewReader(asked(small))); code != 200 || w.held.Load() != 0 {
		t.Errorf("after them: %d %s, and %d bytes are held", code, text, w.held.Load())
	}
}

// Who reaches the address can fill neither the log with warnings nor a line of it.
func TestWarningsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := started(t)
		long := strings.Repeat("ä", 10_000)
		send := func() {
			for range 10 {
				if _, text := post(w, strings.NewReader(`{"`+long+`":1,"`+long+`":2}`)); len(text) > maxWhy+10 {
					t.Fatalf("an answer of %d bytes", len(text))
				}
				post(w, strings.NewReader(askedFor("v1", long, "CREATE", long, small)))
			}
		}
		send()
		time.Sleep(warnEvery - time.Nanosecond)
		send()
		if f.log.count("[WARN]") != 2 || f.log.count(" times=1\n") != 2 {
			t.Errorf("within a minute: the log says\n%.5000s", f.log)
		}
		time.Sleep(time.Nanosecond)
		send()
		if f.log.count("[WARN]") != 4 || f.log.count(" times=20\n") != 2 {
			t.Errorf("after a minute: the log says\n%.5000s", f.log)
		}
		if n := counted(t, w, bad); n != 30 {
			t.Errorf("%v were counted; want 30", n)
		}
		post(w, strings.NewReader(asked(`{"metadata":{"annotations":{"burgee.dev/memory":"`+strings.Repeat("x", 4000)+`"}},"spec":{}}`)))
		lines := strings.Split(f.log.String(), "\n")
		for _, line := range lines {
			if len(line) > maxWhy+3*maxName+300 || !utf8.ValidString(line) {
				t.Errorf("a line of %d bytes: %.3000s", len(line), line)
			}
		}
		if f.log.count("refused") != 1 {
			t.Error("the refusal is not told")
		}
	})
}

// The log holds no value of a pod, and no name without an end.
func TestTheLogKeepsToNames(t *testing.T) {
	w, f := started(t)
	const secret = "hunter2"
	post(w, strings.NewReader(asked(`{"metadata":{"name":"`+strings.Repeat("n", 5000)+`","annotations":{"burgee.dev/store":"s3://`+secret+`"}},
		"spec":{"containers":[{"name":"a","env":[{"name":"PASSWORD","value":"`+secret+`"}]}]}}`)))
	if text := f.log.String(); strings.Contains(text, secret) || len(text) > 2000 || !strings.Contains(text, "injected") {
		t.Errorf("the log has %d bytes:\n%.3000s", len(text), text)
	}
}

// FuzzReview feeds whatever may come: there is an answer, and one that allows or denies has the uid that was asked.
func FuzzReview(f *testing.F) {
	f.Add([]byte(asked(small)))
	f.Add([]byte(asked(`{"spec":{"hostNetwork":true}}`)))
	f.Add([]byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","kind":null,"object":{"spec":{}}}}`))
	var w *Webhook
	f.Fuzz(func(t *testing.T, body []byte) {
		if w == nil {
			w, _ = started(t)
		}
		code, text := post(w, strings.NewReader(string(body)))
		if code != 200 {
			if code != 400 && code != 413 {
				t.Fatalf("%d %s", code, text)
			}
			return
		}
		var sent, said struct {
			Request, Response struct{ UID string }
		}
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(body, &sent); err != nil || sent.Request.UID != said.Response.UID {
			t.Fatalf("uid %q was asked, %q answered (%v)", sent.Request.UID, said.Response.UID, err)
		}
	})
}

// BenchmarkReview is one injection without the network: a review of a usual pod, read, decided and answered.
func BenchmarkReview(b *testing.B) {
	pod, err := os.ReadFile("../inject/testdata/pod.json")
	if err != nil {
		b.Fatal(err)
	}
	w, _ := started(b)
	body := asked(string(pod))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if code, text := post(w, strings.NewReader(body)); code != 200 {
			b.Fatal(text)
		}
	}
}
