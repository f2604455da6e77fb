package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
)

func TestOpenCompletesWhatIsCarried(t *testing.T) {
	answered := func(token, more string) string {
		return fmt.Sprintf(`{"revision":7,"token":%q,"flags":[]%s}`, token, more)
	}
	for _, row := range []struct {
		name    string
		carried []string
		says    string
		want    []string
	}{
		{"nothing carried", nil, answered(ours, ""), []string{ours}},
		{"another environment's", []string{theirs}, answered(ours, ""), []string{theirs, ours}},
		{"this one's, held", []string{theirs, older}, answered(older, ""), []string{theirs, older}},
		{"this one's, which cannot be had", []string{older, theirs}, answered(ours, `,"pin":"missed"`), []string{older, theirs}},
		{"no room", []string{"a", "b", "c", "d"}, answered(ours, ""), []string{"a", "b", "c", "d"}},
		{"the last room", []string{"a", "b", "c"}, answered(ours, ""), []string{"a", "b", "c", ours}},
	} {
		t.Run(row.name, func(t *testing.T) {
			stand := &sidecar{says: row.says}
			c := connect(t, clienttest.Serve(t, stand.ServeHTTP))
			s, err := c.Open(carrying(t, row.carried...))
			if want := strings.Join(row.want, "~"); err != nil || s.String() != want {
				t.Errorf("opened %q, error %v; want %q", s, err, want)
			}
			if got, want := stand.calls(), []string{strings.Join(row.carried, "~")}; !slices.Equal(got, want) {
				t.Errorf("the sidecar was sent %q; want %q", got, want)
			}
			if stand.body != `{"flags":[]}` {
				t.Errorf("the sidecar was asked %s; want no flags", stand.body)
			}
		})
	}
}

// A request that brings the token that the sidecar answered with last is let in unasked; one that brings none gets what is current now.
func TestOpenDoesNotAskWhatItKnows(t *testing.T) {
	stand := &sidecar{}
	c := connect(t, clienttest.Serve(t, stand.ServeHTTP))
	for i, row := range []struct {
		carried []string
		asked   int // so far
	}{
		{[]string{ours}, 1},
		{[]string{theirs, ours}, 1},
		{[]string{older}, 2},
		{nil, 3},
		{nil, 4},
	} {
		if _, err := c.Open(carrying(t, row.carried...)); err != nil {
			t.Fatal(err)
		}
		if n := len(stand.calls()); n != row.asked {
			t.Errorf("after call %d the sidecar was asked %d times; want %d", i, n, row.asked)
		}
	}
}

func TestATokenThatIsNoneOpensNothing(t *testing.T) {
	for _, token := range []string{"two~tokens", "a b", strings.Repeat("x", 141)} {
		stand := &sidecar{says: fmt.Sprintf(`{"revision":7,"token":%q,"flags":[]}`, token)}
		s, err := connect(t, clienttest.Serve(t, stand.ServeHTTP)).Open(t.Context())
		if err == nil || !s.IsZero() {
			t.Errorf("token %q opened %q, error %v; want none", token, s, err)
		}
	}
}

// A state that nothing names is served, but no request can keep to it.
func TestFlagsWithoutAToken(t *testing.T) {
	stand := &sidecar{says: `{"revision":7,"flags":[],"metadata":{},"cacheKey":"0"}`}
	c := connect(t, clienttest.Serve(t, stand.ServeHTTP))
	if s, err := c.Open(t.Context()); !errors.Is(err, client.ErrNoToken) || !s.IsZero() {
		t.Errorf("opened %q, error %v; want ErrNoToken", s, err)
	}
	if values, err := c.Values(carrying(t, theirs), nil); err != nil || values.Revision != 7 || values.Snapshot.String() != theirs {
		t.Errorf("values %+v, error %v; want revision 7, and the snapshot that was carried", values, err)
	}
	if s, _ := client.From(c.Enter(carrying(t, theirs))); s.String() != theirs {
		t.Errorf("a request goes on with %q; want what it carried", s)
	}
}

func TestASidecarThatRefusesSaysWhy(t *testing.T) {
	socket := clienttest.Answer(t, 500, `{"errorCode":"GENERAL","errorDetails":"no verified flags yet","metadata":{}}`)
	if _, err := connect(t, socket).Open(t.Context()); err == nil || !strings.Contains(err.Error(), "no verified flags yet") {
		t.Errorf("error %v; want the sidecar's own words", err)
	}
}

func TestEnterGoesOnWithWhatItHas(t *testing.T) {
	var failures []error
	c := configure(t, client.Config{Socket: nobody(t), Logger: silent, OnFailure: func(err error) { failures = append(failures, err) }})
	if s, found := client.From(c.Enter(t.Context())); found {
		t.Errorf("without a sidecar a request got the snapshot %q", s)
	}
	if s, _ := client.From(c.Enter(carrying(t, theirs))); s.String() != theirs {
		t.Errorf("without a sidecar a request that carried %q goes on with %q", theirs, s)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	c.Enter(gone)
	if len(failures) != 2 {
		t.Errorf("the hook was told of %v; want both, and not of the caller who had left", failures)
	}
}
