package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
	"github.com/burgeehq/burgee/sidecar/client/provider"
)

const flagFile = `{"flags":{"greeting":{"state":"ENABLED","variants":{"old":"hello","new":"welcome"},"defaultVariant":%q}}}`

// service is one application with a sidecar of its own.
type service struct {
	burgee *clienttest.Burgee
	client *client.Client
	flags  *openfeature.Client
}

func newService(t *testing.T, name string) *service {
	t.Helper()
	s := &service{burgee: clienttest.Start(t, fmt.Sprintf(flagFile, "old"))}
	var err error
	if s.client, err = client.New(client.Config{Socket: s.burgee.Socket, Timeout: clienttest.Patience, Logger: silent}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	ctx, cancel := context.WithTimeout(t.Context(), clienttest.Patience)
	defer cancel()
	if err := openfeature.SetNamedProviderWithContextAndWait(ctx, t.Name()+name, provider.New(s.client)); err != nil {
		t.Fatal(err)
	}
	s.flags = openfeature.NewClient(t.Name() + name)
	return s
}

func (s *service) greeting(ctx context.Context) string {
	return s.flags.String(ctx, "greeting", "code", openfeature.EvaluationContext{})
}

// change publishes other flags, and waits until whoever brings no snapshot gets them.
func (s *service) change(t *testing.T, variant, want string) {
	s.burgee.Write(t, fmt.Sprintf(flagFile, variant))
	clienttest.Eventually(t, func() error {
		if got := s.greeting(context.Background()); got != want {
			return fmt.Errorf("greeting is %q; want %q", got, want)
		}
		return nil
	})
}

// said is what a chain of services said in one request.
type said struct{ Begin, End, Behind string }

// One request, one snapshot: flags change while a request is under way, and it sees the ones it began with, in both services, until its end.
func TestARequestThroughTwoServices(t *testing.T) {
	front, back := newService(t, "front"), newService(t, "back")
	inner := httptest.NewServer(client.Middleware{
		Client: back.client, TrustIncoming: func(*http.Request) bool { return true },
	}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, back.greeting(r.Context()))
	})))
	t.Cleanup(inner.Close)
	caller := &http.Client{Transport: &client.Transport{}}
	t.Cleanup(caller.CloseIdleConnections)

	var during func()
	outer := httptest.NewServer(client.Middleware{Client: front.client}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, found := client.From(r.Context()); !found {
			t.Error("the request has no snapshot")
		}
		s := said{Begin: front.greeting(r.Context())}
		during()
		s.End = front.greeting(r.Context())
		text, err := get(r.Context(), caller, inner.URL)
		if err != nil {
			t.Error(err)
		}
		s.Behind = text
		_ = json.NewEncoder(w).Encode(s)
	})))
	t.Cleanup(outer.Close)

	request := func(meanwhile func()) (s said) {
		t.Helper()
		during = meanwhile
		text, err := get(t.Context(), outer.Client(), outer.URL)
		if err := errors.Join(err, json.Unmarshal([]byte(text), &s)); err != nil {
			t.Fatal(err)
		}
		return s
	}
	changed := request(func() {
		front.change(t, "new", "welcome")
		back.change(t, "new", "welcome")
	})
	if want := (said{"hello", "hello", "hello"}); changed != want {
		t.Errorf("a request under way while flags changed saw %+v; want %+v", changed, want)
	}
	if got, want := request(func() {}), (said{"welcome", "welcome", "welcome"}); got != want {
		t.Errorf("the next request saw %+v; want %+v", got, want)
	}
}

func get(ctx context.Context, caller *http.Client, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := caller.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}
