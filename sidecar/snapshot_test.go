package sidecar

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// snapshotAnswer is what POST /v1/snapshot answers.
type snapshotAnswer struct {
	Revision int64  `json:"revision"`
	Pin      string `json:"pin"`
	Token    string `json:"token"`
	CacheKey string `json:"cacheKey"`
	Flags    []struct {
		Key     string `json:"key"`
		Value   any    `json:"value"`
		Variant string `json:"variant"`
		Code    string `json:"errorCode"`
	} `json:"flags"`
	Metadata map[string]any `json:"metadata"`
}

func snap(t *testing.T, r handler, body string, headers ...string) snapshotAnswer {
	t.Helper()
	got := call(r, "POST", snapshotPath, body, headers...)
	text := bodyOf(t, got)
	var s snapshotAnswer
	if err := json.Unmarshal(text, &s); err != nil || got.Response.StatusCode() != http.StatusOK {
		t.Fatalf("%d %s: %v", got.Response.StatusCode(), text, err)
	}
	return s
}

const snapshotFlags = `{"metadata":{"team":"shop"},"flags":{
	"a":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"},
	"b":{"state":"ENABLED","variants":{"x":1,"y":2},"defaultVariant":"x","targeting":{"if":[{"==":[{"var":"plan"},"pro"]},"y",null]}},
	"c":{"state":"DISABLED","variants":{"on":true},"defaultVariant":"on"},
	"pin":{"state":"ENABLED","variants":{"seen":1,"unseen":0},"defaultVariant":"unseen","targeting":{"if":[{"!!":[{"var":"burgee-snapshot"}]},"seen",null]}}}}`

func TestSnapshot(t *testing.T) {
	answer := develop(t, snapshotFlags).evaluation()
	all := snap(t, answer, `{"context":{"plan":"pro"}}`)
	if len(all.Flags) != 4 || all.Flags[1].Variant != "y" || all.Revision != 1 || !strings.HasPrefix(all.Token, "u1.1.") || all.Metadata["team"] != "shop" || all.Pin != "" {
		t.Errorf("all: %+v", all)
	}
	named := snap(t, answer, `{"flags":["b","none","a","b"]}`)
	var keys []string
	for _, f := range named.Flags {
		keys = append(keys, f.Key+f.Code)
	}
	if want := []string{"b", "noneFLAG_NOT_FOUND", "a"}; !slices.Equal(keys, want) {
		t.Errorf("named: %v; want %v", keys, want)
	}
	if none := snap(t, answer, `{"flags":[]}`); len(none.Flags) != 0 || none.Token != all.Token {
		t.Errorf("none: %+v", none)
	}
	if empty := snap(t, answer, ""); len(empty.Flags) != 4 {
		t.Errorf("no body: %+v", empty)
	}
	for _, body := range []string{`{"flags":"a"}`, `{"flags":[1]}`, `{"flags":["a",null]}`, `[]`, `{"flags":[`} {
		got := &call(answer, "POST", snapshotPath, body).Response
		if got.StatusCode() != http.StatusBadRequest || !strings.Contains(string(got.Body()), `"errorCode":"INVALID_CONTEXT"`) {
			t.Errorf("%s: %d %s", body, got.StatusCode(), got.Body())
		}
	}
	if got := &call(answer, "GET", snapshotPath, "").Response; got.StatusCode() != http.StatusMethodNotAllowed || string(got.Header.Peek("Allow")) != "POST" {
		t.Errorf("GET: %d %s", got.StatusCode(), got.Body())
	}
}

// The key is that of flags and variants: neither their order, nor the context, nor the revision, nor a pin is in it; anything else changes it.
func TestCacheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		one := `{"flags":{"revision":{"state":"ENABLED","variants":{"a":1,"b":2},"defaultVariant":%q,"targeting":{"if":[{"==":[{"var":"plan"},"pro"]},"a",null]}}}}`
		h.publish(fmt.Sprintf(one, "a"))
		r := h.follow()
		first := snap(t, r.answer, "")
		if other := snap(t, r.answer, `{"context":{"plan":"pro","burgee-snapshot":"`+h.tokens[1]+`"},"flags":["revision"]}`); other.CacheKey != first.CacheKey {
			t.Error("another context that comes to the same variants has another key")
		}
		if both := snap(t, r.answer, `{"flags":["revision","none"]}`); both.CacheKey == first.CacheKey {
			t.Error("one more flag has the same key")
		}
		if snap(t, r.answer, `{"flags":["none","revision"]}`).CacheKey != snap(t, r.answer, `{"flags":["revision","none"]}`).CacheKey {
			t.Error("another order has another key")
		}
		h.publish(fmt.Sprintf(one, "b"))
		time.Sleep(time.Minute)
		if snap(t, r.answer, "").CacheKey == first.CacheKey {
			t.Error("another variant has the same key")
		}
		if pinned := snap(t, r.answer, "", "Burgee-Snapshot", h.tokens[1]); pinned.CacheKey != first.CacheKey || pinned.Revision != 1 || pinned.Token != h.tokens[1] {
			t.Errorf("pinned: %+v; want revision 1 with its key", pinned)
		}
		if pro := snap(t, r.answer, `{"context":{"plan":"pro"}}`); pro.CacheKey != first.CacheKey || pro.Revision != 2 {
			t.Errorf("%+v; want the same key at revision 2", pro)
		}
		if missed := snap(t, r.answer, "", "Burgee-Snapshot", h.ahead(9)); missed.Pin != "missed" || missed.Revision != 2 {
			t.Errorf("%+v; want the mark", missed)
		}
	})
}

// Names and variants cannot be put together so that another choice has the same key.
func TestCacheKeysAreApart(t *testing.T) {
	seen := map[string]string{}
	for _, choices := range [][]choice{
		{},
		{{"a", "b", false}},
		{{"a", "", false}},
		{{"a", "", true}},
		{{"ab", "", false}},
		{{"a\"=\"b", "", true}},
		{{"a", "b", false}, {"c", "", true}},
		{{"a", "b\"\n\"c", false}},
		{{"a=b", "", true}},
		{{"a", "b", false}, {"a", "b", false}},
	} {
		key := string(cacheKey(slices.Clone(choices)))
		if other, ok := seen[key]; ok {
			t.Errorf("%v and %s have one key", choices, other)
		}
		seen[key] = fmt.Sprint(choices)
	}
}

// A pin in the context is no part of it: no rule sees it, and it changes neither an answer nor its tag.
func TestThePinIsNoAttribute(t *testing.T) {
	s := develop(t, snapshotFlags)
	answer := s.evaluation()
	token := snap(t, answer, "").Token
	plain := &call(answer, "POST", flagsPath, `{"context":{"plan":"pro"}}`).Response
	for _, body := range []string{
		`{"context":{"burgee-snapshot":"` + token + `","plan":"pro"}}`, `{"context":{"plan":"pro","burgee-snapshot":"nothing"}}`,
		`{"context":{"plan":"pro","burgee\u002dsnapshot":{"x":[1,2]}}}`,
	} {
		pinned := &call(answer, "POST", flagsPath, body).Response
		if string(pinned.Header.Peek("ETag")) != string(plain.Header.Peek("ETag")) {
			t.Errorf("%s: tag %s; want %s", body, pinned.Header.Peek("ETag"), plain.Header.Peek("ETag"))
		}
		if got := snap(t, answer, body); got.Flags[3].Variant != "unseen" {
			t.Errorf("%s: the rule saw it", body)
		}
	}
}

// As many flags as a request has room for are answered, and one more than there may be is refused.
func TestManyNamedFlags(t *testing.T) {
	answer := develop(t, snapshotFlags).evaluation()
	names := strings.Repeat(`"n",`, 9998) + `"a","b"`
	if got := snap(t, answer, `{"flags":[`+names+`]}`); len(got.Flags) != 3 {
		t.Errorf("%d flags; want three: each once", len(got.Flags))
	}
	if got := &call(answer, "POST", snapshotPath, `{"flags":["a",`+names+`]}`).Response; got.StatusCode() != http.StatusBadRequest {
		t.Errorf("10,001 names: %d %s", got.StatusCode(), got.Body())
	}
}
