package client_test

import (
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
)

const values = `{"revision":42,"token":"u1.42.5f1d","cacheKey":"0123456789abcdef0123456789abcdef","flags":[
	{"key":"b","value":9007199254740993,"variant":"big","reason":"STATIC","metadata":{"id":9007199254740993,"weight":0.5,"burgee.override":true}},
	{"key":"a","errorCode":"FLAG_NOT_FOUND","errorDetails":"no","metadata":{}}],"metadata":{"flagSetId":"shop","n":1}`

func TestValues(t *testing.T) {
	stand := &sidecar{says: values + "}"}
	c := connect(t, clienttest.Serve(t, stand.ServeHTTP))
	got, err := c.Values(carrying(t, theirs), map[string]any{"country": "DE"}, "b", "a")
	if err != nil {
		t.Fatal(err)
	}
	want := client.Values{
		Revision: 42, Snapshot: client.Parse(theirs + "~u1.42.5f1d"), CacheKey: "0123456789abcdef0123456789abcdef",
		Metadata: map[string]any{"flagSetId": "shop", "n": int64(1)},
		Flags: []client.Flag{
			{
				Key: "b", Value: []byte("9007199254740993"), Variant: "big", Reason: "STATIC",
				Metadata: map[string]any{"id": int64(9007199254740993), "weight": 0.5, "burgee.override": true},
			},
			{Key: "a", ErrorCode: "FLAG_NOT_FOUND", ErrorDetails: "no", Metadata: map[string]any{}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got.Flags[0].Err() != nil || got.Flags[1].Err() == nil {
		t.Errorf("errors %v and %v; want one of the second alone", got.Flags[0].Err(), got.Flags[1].Err())
	}
	if want := `{"context":{"country":"DE"},"flags":["b","a"]}`; stand.body != want {
		t.Errorf("asked %s; want %s", stand.body, want)
	}
	if _, err := c.Values(t.Context(), nil); err != nil || stand.body != `{}` {
		t.Errorf("all flags: asked %s, error %v; want {}", stand.body, err)
	}
}

func TestValuesOfAnotherState(t *testing.T) {
	stand := &sidecar{says: values + `,"pin":"missed"}`}
	got, err := connect(t, clienttest.Serve(t, stand.ServeHTTP)).Values(carrying(t, older), nil)
	if err != nil || !got.PinMissed || got.Snapshot.String() != older {
		t.Errorf("got %+v, error %v; want it said, and what was carried kept", got, err)
	}
}

func TestOverTCP(t *testing.T) {
	server := httptest.NewServer(&sidecar{})
	t.Cleanup(server.Close)
	c := configure(t, client.Config{Address: server.Listener.Addr().String(), Timeout: clienttest.Patience})
	if s, err := c.Open(t.Context()); err != nil || s.String() != ours {
		t.Errorf("opened %q, error %v; want %q", s, err, ours)
	}
}
