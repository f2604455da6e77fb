package sidecar

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/s3"
)

// hostileServer answers GET as S3 does, until it is told to do something else about a kind of object.
type hostileServer struct {
	mu      sync.Mutex
	objects map[string][]byte
	spoil   map[string]http.HandlerFunc // by the first part of the key
}

func (h *hostileServer) publish(m bundletest.Made) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.objects[bundle.HeadKey], h.objects[bundle.Key(m.Ref.Digest)] = m.Head, m.Bundle
}

func (h *hostileServer) behave(key string, as http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spoil[key] = as
}

func (h *hostileServer) serve(w http.ResponseWriter, r *http.Request, key string) {
	kind, _, _ := strings.Cut(key, "/")
	h.mu.Lock()
	body, spoil := h.objects[key], h.spoil[kind]
	h.mu.Unlock()
	if spoil != nil {
		spoil(w, r)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf("%q", bundle.Sum(body).Hex()))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// listenAsS3 puts hostile servers behind one address, each as a bucket of its own, and lets the SDK find it.
func listenAsS3(t *testing.T, buckets map[string]*hostileServer) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		buckets[bucket].serve(w, r, key)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret", "AWS_SESSION_TOKEN": "", "AWS_REGION": "us-east-1",
		"AWS_ENDPOINT_URL_S3": server.URL, "AWS_CA_BUNDLE": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// endless never stops.
func endless(w http.ResponseWriter, _ *http.Request) {
	block := bytes.Repeat([]byte(" "), 64<<10)
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// drip gives a byte a second.
func drip(w http.ResponseWriter, r *http.Request) {
	drop := time.NewTicker(time.Second)
	defer drop.Stop()
	for {
		_, _ = w.Write([]byte("{"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-drop.C:
		}
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// vanished is what S3 says of a key that is not there.
func vanished(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>`))
}

// TestHostileServer is a sidecar whose S3 server turns on it: for the head, and for the bundle of a newer one.
func TestHostileServer(t *testing.T) {
	const bundles = "bundles"
	rows := []struct {
		name string
		key  string // of what is spoilt
		as   http.HandlerFunc
		want string // a reason, or the kind of a fault
	}{
		{"an endless head", bundle.HeadKey, endless, "oversized"},
		{"an endless bundle", bundles, endless, "oversized"},
		{"a head of a byte a second", bundle.HeadKey, drip, "timeout"},
		{"a bundle of a byte a second", bundles, drip, "timeout"},
		{"a head that never begins", bundle.HeadKey, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout"},
		{"a head behind a megabyte of header", bundle.HeadKey, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", strings.Repeat("x", 1<<20)) }, "unavailable"},
		{"a head that leads to itself", bundle.HeadKey, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.String(), http.StatusTemporaryRedirect)
		}, "other"},
		{"a page in place of a head", bundle.HeadKey, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) }, "envelope"},
		{"a page in place of a bundle", bundles, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) }, "digest"},
		{"an empty head", bundle.HeadKey, status(http.StatusOK), "envelope"},
		{"an empty bundle", bundles, status(http.StatusOK), "digest"},
		{"a head without access", bundle.HeadKey, status(http.StatusForbidden), "forbidden"},
		{"a head that is gone", bundle.HeadKey, vanished, "not-found"},
		{"a bundle that is gone", bundles, vanished, "not-found"},
		{"a server that asks for less", bundle.HeadKey, status(http.StatusServiceUnavailable), "unavailable"},
		{"a head cut on the way", bundle.HeadKey, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write([]byte("{"))
		}, "unavailable"},
	}
	servers := map[string]*hostileServer{}
	for i := range rows {
		servers[fmt.Sprintf("bucket-%d", i)] = &hostileServer{objects: map[string][]byte{}, spoil: map[string]http.HandlerFunc{}}
	}
	listenAsS3(t, servers)
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			alice, bucket := newSigner(t), fmt.Sprintf("bucket-%d", i)
			server := servers[bucket]
			store, err := s3.Open(t.Context(), s3.Config{Bucket: bucket, PathStyle: true})
			if err != nil {
				t.Fatal(err)
			}
			server.publish(signed(t, servedBefore, killable(servedBefore), []signer{alice}))
			r := newRig(t, &bundletest.Maker{Trust: trusting(t, 1, alice)}, nil, func(c *Config) {
				c.Source, c.Poll, c.StaleAfter = store, 20*time.Millisecond, time.Second
			})
			r.start(t)
			defer r.stop()
			r.until(t, func(st Status) bool { return st.Active.Revision == servedBefore })
			before := r.answers(t)
			server.behave(row.key, row.as)
			server.publish(signed(t, broughtIn, killable(broughtIn), []signer{alice}))
			r.until(t, func(st Status) bool {
				return st.Rejected != nil && string(st.Rejected.Reason) == row.want || st.Sync.LastError != nil && st.Sync.LastError.Kind == row.want
			})
			if after := r.answers(t); after != before {
				t.Errorf("answers %s; before %s", after, before)
			}
			server.behave(row.key, nil)
			server.publish(signed(t, broughtIn+1, killable(broughtIn+1), []signer{alice}))
			r.until(t, func(st Status) bool { return st.Active.Revision == broughtIn+1 })
		})
	}
}

// until waits for something in the status, for as long as the longest deadline and a little more.
func (r *rig) until(t *testing.T, good func(Status) bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !good(r.Status(time.Now())) {
		select {
		case <-deadline.C:
			st := r.Status(time.Now())
			t.Fatalf("revision %d, rejected %+v, last error %+v", st.Active.Revision, st.Rejected, st.Sync.LastError)
		case <-tick.C:
		}
	}
}
