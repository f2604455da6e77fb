package s3

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/smithy-go/logging"

	"github.com/burgeehq/burgee/sync/object"
)

func TestOpenRefusesWhatIsWrong(t *testing.T) {
	setenv(t, "")
	for want, cfg := range map[string]Config{
		`bucket ""`:           {},
		`bucket "a/b"`:        {Bucket: "a/b"},
		`prefix "/shop"`:      {Bucket: bucket, Prefix: "/shop"},
		`prefix "shop/"`:      {Bucket: bucket, Prefix: "shop/"},
		`prefix "../shop"`:    {Bucket: bucket, Prefix: "../shop"},
		`attempts: less than`: {Bucket: bucket, Attempts: -1},
	} {
		if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open %+v: got error %v, want one that says %q", cfg, err, want)
		}
	}
}

func TestOpenRefusesAMissingRegion(t *testing.T) {
	setenv(t, "")
	t.Setenv("AWS_REGION", "")
	if _, err := Open(t.Context(), Config{Bucket: bucket}); err == nil || !strings.Contains(err.Error(), "set AWS_REGION") {
		t.Errorf("got error %v, want one that says how to set the region", err)
	}
}

func TestMissingCredentialsAreNamed(t *testing.T) {
	s := fake(t, Config{}, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	s = open(t, Config{Bucket: s.bucket, PathStyle: true})
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrUnavailable, "no credentials", "set AWS_ACCESS_KEY_ID")
	wantWayOut(t, err, "AWS_PROFILE")
}

func wantWayOut(t *testing.T, err error, want string) {
	t.Helper()
	var advised interface{ WayOut() string }
	if !errors.As(err, &advised) || !strings.Contains(advised.WayOut(), want) {
		t.Errorf("error %v has no way out that says %q", err, want)
	}
}

func TestMissingBucketHasAWayOut(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) { answer(w, 404, "NoSuchBucket") })
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantWayOut(t, err, "the bucket must be there")
}

func TestOpenRefusesAnEndpointThatIsNoURL(t *testing.T) {
	for endpoint, want := range map[string]string{
		"127.0.0.1:7171":            `endpoint "127.0.0.1:7171"`,
		"localhost:7171":            `endpoint "localhost:7171"`,
		"s3.example":                "add http:// or https://",
		"http://":                   "AWS_ENDPOINT_URL_S3",
		"ana:secret@127.0.0.1:7171": `endpoint "127.0.0.1:7171"`,
	} {
		setenv(t, endpoint)
		_, err := Open(t.Context(), Config{Bucket: bucket})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("endpoint %s: got error %v, want one that says %q", endpoint, err, want)
		}
	}
}

// TestTheSDKLogsNothing holds its own lines back from standard error, which belongs to whoever uses the store.
func TestTheSDKLogsNothing(t *testing.T) {
	setenv(t, "")
	s := open(t, Config{Bucket: bucket})
	if _, silent := s.client.Options().Logger.(logging.Nop); !silent {
		t.Errorf("the SDK logs to a %T", s.client.Options().Logger)
	}
}

func TestStringIsTheURL(t *testing.T) {
	setenv(t, "")
	for want, prefix := range map[string]string{"s3://flags": "", "s3://flags/shop/prod": "shop/prod"} {
		if got := open(t, Config{Bucket: bucket, Prefix: prefix}).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// requests answers every request and keeps the last.
func requests(t *testing.T, cfg Config) (*Store, *http.Request) {
	t.Helper()
	var last http.Request
	return fake(t, cfg, func(w http.ResponseWriter, r *http.Request) {
		last = *r.Clone(r.Context())
		w.Header().Set("Etag", `"tag"`)
	}), &last
}

func wantHeader(t *testing.T, r *http.Request, name, want string) {
	t.Helper()
	if got := r.Header.Get(name); got != want {
		t.Errorf("%s %s has %s %q, want %q", r.Method, r.URL.Path, name, got, want)
	}
}

func TestRequestsAreConditional(t *testing.T) {
	s, last := requests(t, Config{Prefix: "shop"})
	if _, err := s.Get(t.Context(), "head", `"seen"`, plenty); err != nil {
		t.Fatal(err)
	}
	wantHeader(t, last, "If-None-Match", `"seen"`)
	if last.URL.Path != "/flags/shop/head" {
		t.Errorf("path %s, want /flags/shop/head", last.URL.Path)
	}
	if agent := last.UserAgent(); !strings.Contains(agent, "app/burgee") {
		t.Errorf("user agent %q does not name burgee", agent)
	}
	create(t, s, "head", "one")
	wantHeader(t, last, "If-None-Match", "*")
	if _, err := s.Replace(t.Context(), "head", `"seen"`, nil); err != nil {
		t.Fatal(err)
	}
	wantHeader(t, last, "If-Match", `"seen"`)
}

func TestChecksumsAreAsTheEnvironmentSays(t *testing.T) {
	s, last := requests(t, Config{})
	create(t, s, "head", "123456789")
	wantHeader(t, last, "X-Amz-Checksum-Crc32", "y/Q5Jg==")

	t.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
	s = open(t, Config{Bucket: bucket, PathStyle: true})
	create(t, s, "head", "123456789")
	wantHeader(t, last, "X-Amz-Checksum-Crc32", "")
}

func TestAttempts(t *testing.T) {
	for _, c := range []struct {
		name     string
		attempts int
		status   int
		code     string
		want     int32
	}{
		{"a poll asks once, whatever the environment says", 0, 503, "SlowDown", 1},
		{"a publisher asks again", 2, 503, "SlowDown", 2},
		{"also where S3 was in its own way", 2, 409, "ConditionalRequestConflict", 2},
		{"but not where the answer is clear", 2, 412, "PreconditionFailed", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.attempts == 0 {
				t.Setenv("AWS_MAX_ATTEMPTS", "5")
			}
			var count atomic.Int32
			s := fake(t, Config{Attempts: c.attempts}, func(w http.ResponseWriter, _ *http.Request) {
				count.Add(1)
				answer(w, c.status, c.code)
			})
			if _, err := s.Create(t.Context(), "head", nil); err == nil {
				t.Error("no error")
			}
			if got := count.Load(); got != c.want {
				t.Errorf("%d requests, want %d", got, c.want)
			}
		})
	}
}

// TestPrivateAuthority holds us to the SDK's own HTTP client: with another one AWS_CA_BUNDLE is an error.
func TestPrivateAuthority(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 404, "NoSuchKey") }))
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	setenv(t, server.URL)

	_, err := open(t, Config{Bucket: bucket, PathStyle: true}).Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrUnavailable, "certificate")
	t.Setenv("AWS_CA_BUNDLE", bundle)
	_, err = open(t, Config{Bucket: bucket, PathStyle: true}).Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrNotFound)
}
