package s3

import (
	"bytes"
	"context"
	"net"
	"net/http"
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

func TestListingWithoutEnd(t *testing.T) {
	s := fake(t, Config{}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<ListBucketResult>"))
		endless(w)
	})
	if keys, err := s.List(t.Context(), "", 10); err == nil {
		t.Errorf("got %q from a listing that never ended", keys)
	}
}
