package s3

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/object"
)

// errOther stands for an error without any of the sentinels.
var errOther = errors.New("none of the sentinels")

func TestAnswersAndWhatTheyMean(t *testing.T) {
	for _, c := range []struct {
		status                     int
		code                       string
		get, create, replace, list error
	}{
		{404, "NoSuchKey", object.ErrNotFound, errOther, object.ErrConflict, errOther},
		{404, "NoSuchBucket", object.ErrNoStore, object.ErrNoStore, object.ErrNoStore, object.ErrNoStore},
		{404, "", errOther, errOther, errOther, errOther}, // no S3 server says that
		{412, "PreconditionFailed", errOther, object.ErrExists, object.ErrConflict, errOther},
		{412, "", errOther, object.ErrExists, object.ErrConflict, errOther},
		{409, "ConditionalRequestConflict", object.ErrConflict, object.ErrConflict, object.ErrConflict, object.ErrConflict},
		{409, "OperationAborted", object.ErrConflict, object.ErrConflict, object.ErrConflict, object.ErrConflict},
		{401, "", object.ErrForbidden, object.ErrForbidden, object.ErrForbidden, object.ErrForbidden},
		{403, "AccessDenied", object.ErrForbidden, object.ErrForbidden, object.ErrForbidden, object.ErrForbidden},
		{403, "", object.ErrForbidden, object.ErrForbidden, object.ErrForbidden, object.ErrForbidden},
		{400, "ExpiredToken", object.ErrForbidden, object.ErrForbidden, object.ErrForbidden, object.ErrForbidden},
		{400, "RequestTimeout", object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable},
		{400, "InvalidRequest", errOther, errOther, errOther, errOther},
		{429, "", object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable},
		{500, "InternalError", object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable},
		{502, "", object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable},
		{503, "SlowDown", object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable},
		{504, "", object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable, object.ErrUnavailable},
		{501, "NotImplemented", errOther, errOther, errOther, errOther}, // trying again does not teach it conditional writes
		{304, "", object.ErrNotModified, object.ErrNotModified, object.ErrNotModified, object.ErrNotModified},
	} {
		s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) { answer(w, c.status, c.code) })
		_, get := s.Get(t.Context(), "head", "", plenty)
		_, create := s.Create(t.Context(), "head", nil)
		_, replace := s.Replace(t.Context(), "head", `"tag"`, nil)
		_, list := s.List(t.Context(), "", "", 10)
		wantMeaning(t, get, c.get)
		wantMeaning(t, create, c.create)
		wantMeaning(t, replace, c.replace)
		wantMeaning(t, list, c.list)
	}
}

// wantMeaning asks for the one sentinel and none of the others.
func wantMeaning(t *testing.T, err, want error) {
	t.Helper()
	known := errOther
	for _, sentinel := range []error{
		object.ErrNotFound, object.ErrNotModified, object.ErrTooLarge, object.ErrExists, object.ErrConflict, object.ErrKey,
		object.ErrForbidden, object.ErrNoStore, object.ErrUnavailable,
	} {
		if errors.Is(err, sentinel) {
			known = sentinel
		}
	}
	if err == nil || !errors.Is(known, want) {
		t.Errorf("got error %v, which is %q; want %q", err, known, want)
	}
}

func TestRefusalsSayWhereWhatAndTheRequest(t *testing.T) {
	s := fake(t, Config{Prefix: "shop/prod"}, func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, "AccessDenied") })
	_, err := s.Get(t.Context(), "manifest.json", "", plenty)
	const want = "get s3://flags/shop/prod/manifest.json: access denied: 403 AccessDenied, request REQ1"
	if err == nil || err.Error() != want {
		t.Errorf("got error\n%v, want\n%s", err, want)
	}
}

func TestAServerThatIsNotS3(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html><p>nothing here", http.StatusNotFound)
	})
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantMeaning(t, err, errOther)
	wantRefusal(t, err, err, "unexpected answer: 404", "AWS_ENDPOINT_URL_S3")
}

func TestAnotherRegion(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		answer(w, http.StatusMovedPermanently, "PermanentRedirect")
	})
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, err, "301 PermanentRedirect", "set AWS_REGION=eu-west-1")
}

func TestHostileWordsStayOutOfErrors(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 403, "Access\nlevel=error msg="+strings.Repeat("x", 5000))
	})
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrForbidden)
}

func TestRetryAfterIsToldInBothForms(t *testing.T) {
	const date = "Wed, 25 Nov 2026 12:00:00 GMT"
	for _, c := range []struct {
		status int
		header string
		want   time.Duration
	}{
		{503, "7", 7 * time.Second},
		{429, "7", 7 * time.Second},
		{500, "7", 7 * time.Second},
		{503, "Wed, 25 Nov 2026 12:01:30 GMT", 90 * time.Second}, // counted from the answer's own date
		{503, "Wed, 25 Nov 2026 11:00:00 GMT", 0},
		{503, "Wed, 25 Nov 2099 12:00:00 GMT", longestPause},
		{503, "99999999999", longestPause},
		{503, "-1", 0},
		{503, "0", 0},
		{503, "99999999999999999999999", 0},
		{503, "soon", 0},
		{503, "", 0},
		{403, "7", 0}, // not too busy
	} {
		s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", date)
			w.Header().Set("Retry-After", c.header)
			answer(w, c.status, "")
		})
		_, err := s.Get(t.Context(), "head", "", plenty)
		if got := object.RetryAfter(err); err == nil || got != c.want {
			t.Errorf("%d with Retry-After %q: %v asks for %v; want %v", c.status, c.header, err, got, c.want)
		}
	}
}

func TestAWriteWithoutATagIsNotBelieved(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in")) })
	_, err := s.Create(t.Context(), "head", []byte("one"))
	wantRefusal(t, err, object.ErrUnavailable, "no ETag")
	_, err = s.Replace(t.Context(), "head", `"tag"`, []byte("one"))
	wantRefusal(t, err, object.ErrUnavailable, "no ETag")
}
