package s3

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/object"
)

// within is a deadline that the faults below run into.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func wantQuick(t *testing.T, began time.Time) {
	t.Helper()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestServerThatSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // connections are taken by the kernel, and by nobody else
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	setenv(t, "http://"+l.Addr().String())
	s := open(t, Config{Bucket: bucket, PathStyle: true})

	began := time.Now()
	_, err = s.Get(within(t), "head", "", plenty)
	wantRefusal(t, err, object.ErrUnavailable)
	wantRefusal(t, err, context.DeadlineExceeded)
	_, err = s.Create(within(t), "head", nil)
	wantRefusal(t, err, object.ErrUnavailable)
	wantQuick(t, began)
}

func TestServerThatDrips(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		drop := time.NewTicker(20 * time.Millisecond)
		defer drop.Stop()
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("."))
			_ = http.NewResponseController(w).Flush()
			<-drop.C
		}
	})
	began := time.Now()
	_, err := s.Get(within(t), "head", "", plenty)
	wantRefusal(t, err, object.ErrUnavailable)
	wantRefusal(t, err, context.DeadlineExceeded)
	wantQuick(t, began)
}

func TestObjectThatEndsEarly(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("ten bytes."))
	})
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrUnavailable, "ended early")
}

func TestObjectWithAWrongChecksum(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Checksum-Crc32", "AAAAAA==")
		_, _ = w.Write([]byte("not what was sent"))
	})
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrUnavailable, "checksum")
}

// endless writes blanks until the reader has enough.
func endless(w http.ResponseWriter) {
	block := bytes.Repeat([]byte(" "), 64<<10)
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

func TestObjectWithoutEnd(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) { endless(w) })
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrTooLarge)
}

func TestRefusalWithoutEnd(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		endless(w)
	})
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrUnavailable)
}

// A server that sends its clients in circles is asked a few times, not until the deadline.
func TestRedirectsWithoutEnd(t *testing.T) {
	var asked atomic.Int64
	s := fake(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, r.URL.String(), http.StatusTemporaryRedirect)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := s.Get(ctx, "head", "", plenty)
	if err == nil || ctx.Err() != nil || asked.Load() != maxRedirects+1 {
		t.Errorf("asked %d times, and got %v; want %d", asked.Load(), err, maxRedirects+1)
	}
}

func TestARedirectIsFollowed(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("again") {
			_, _ = w.Write([]byte("here"))
			return
		}
		http.Redirect(w, r, r.URL.String()+"&again=1", http.StatusTemporaryRedirect)
	})
	if got, err := s.Get(t.Context(), "head", "", plenty); err != nil || string(got.Body) != "here" {
		t.Errorf("got %q, error %v", got.Body, err)
	}
}

func TestListingWithoutEnd(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<ListBucketResult>"))
		endless(w)
	})
	if keys, err := s.List(t.Context(), "", "", 10); err == nil {
		t.Errorf("got %q from a listing that never ended", keys)
	}
}
