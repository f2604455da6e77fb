package sidecar

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// FuzzPin feeds pins by all three ways, with raw bytes. Whatever comes, the answer is from a state that is held, under that state's own
// revision; it is marked only where something was sent; and what does not verify makes nobody ask the store: only what is told may.
func FuzzPin(f *testing.F) {
	h := newHistory(f)
	made := h.maker.Make(1, numbered(1), 1)
	second := h.maker.Make(2, numbered(2), 1)
	r := newRig(f, h.maker, h.source)
	r.holder.take(r.flagsOf(f, made))
	r.holder.take(r.flagsOf(f, second))
	f.Cleanup(r.stop)
	held := map[string]string{}
	for revision, raw := range map[string][]byte{"1": made.Head, "2": second.Head} {
		head, err := h.maker.Policy().Open(raw)
		if err != nil {
			f.Fatal(err)
		}
		held[revision] = head.Manifest().Snapshot
	}
	ahead := h.ahead(3)
	f.Add([]byte(held["1"]), []byte(""), []byte(`{"context":{}}`))
	f.Add([]byte(""), []byte("a=b,burgee-snapshot="+held["1"]+";p=1"), []byte(`{"context":{"burgee-snapshot":"`+held["2"]+`"}}`))
	f.Add([]byte("~,"+ahead), []byte("burgee-snapshot=%72%31%2E%zz"), []byte(`{"context":{"burgee-snapshot":"`+held["1"]+`~x"}}`))
	f.Add([]byte("u1.1."+strings.Repeat("0", 64)), []byte("burgee-snapshot="), []byte(`{"context":{"burgee-snapshot":7},"flags":["revision"]}`))
	f.Add([]byte("r1."+strings.Repeat("A", 128)), []byte("\xff,=;%,burgee-snapshot==="), []byte("{\"context\":{\"burgee\\u002dsnapshot\":\"\xff\\ud800\"}}"))
	f.Fuzz(func(t *testing.T, header, baggage, body []byte) {
		for _, path := range []string{flagsPath + "/revision", flagsPath, snapshotPath} {
			r.pins.mu.Lock()
			r.pins.ahead, r.pins.proven = 0, map[string]struct{}{}
			r.pins.mu.Unlock()
			var ctx fasthttp.RequestCtx
			ctx.Init(&fasthttp.Request{}, nil, nil)
			ctx.Request.Header.SetMethod(fasthttp.MethodPost)
			ctx.Request.Header.SetRequestURI(path)
			ctx.Request.Header.AddBytesV("Burgee-Snapshot", header)
			ctx.Request.Header.AddBytesV("Baggage", baggage)
			ctx.Request.Header.AddBytesV("Baggage", header)
			ctx.Request.SetBody(body)
			r.answer(&ctx)
			text := bodyOf(t, &ctx)
			if status := ctx.Response.StatusCode(); !json.Valid(text) || status != fasthttp.StatusOK && status != fasthttp.StatusBadRequest {
				t.Fatalf("%d %q", status, text)
			}
			revision, token := string(ctx.Response.Header.Peek("Burgee-Revision")), string(ctx.Response.Header.Peek("Burgee-Snapshot"))
			missed := strings.Contains(string(text), `"missed"`)
			sent := string(header) + string(baggage) + string(body)
			switch {
			case held[revision] == "" || held[revision] != token:
				t.Fatalf("revision %q with token %q", revision, token)
			case ctx.Response.StatusCode() == fasthttp.StatusOK && strings.Contains(string(text), `"value":`) && !strings.Contains(string(text), `"value":`+revision+","):
				t.Fatalf("revision %s: %s", revision, text)
			case revision != "2" && missed:
				t.Fatalf("marked, and from revision %s", revision)
			}
			r.pins.mu.Lock()
			told, proven := r.pins.ahead, len(r.pins.proven)
			r.pins.mu.Unlock()
			if told != 0 && (told != 3 || !strings.Contains(sent, ahead[3:60])) || proven > 1 {
				t.Fatalf("told of revision %d, with %d tokens believed, by %q", told, proven, sent)
			}
		}
	})
}

// FuzzBaggage feeds baggage headers: one member is found in whatever stands around it, unless that speaks of it too.
func FuzzBaggage(f *testing.F) {
	f.Add([]byte("key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue"), "value")
	f.Add([]byte("serverNode=DF%2028,isProduction=false"), "a b")
	f.Add([]byte(",,=;%,"), "%")
	f.Fuzz(func(t *testing.T, around []byte, value string) {
		var buffer []byte
		if found := baggageMember([][]byte{around}, "pin", &buffer); found != nil && !strings.Contains(string(around), "pin") {
			t.Fatalf("%q in %q", found, around)
		}
		escaped := strings.Map(func(c rune) rune {
			if c > ' ' && c < 127 && !strings.ContainsRune(`",;\%`, c) {
				return c
			}
			return -1
		}, value)
		if escaped == "" || strings.Contains(string(around), "pin") {
			return
		}
		lines := [][]byte{around, []byte("a=b, pin = " + escaped + " ;x=y"), []byte("pin=later")}
		if got := string(baggageMember(lines, "pin", &buffer)); got != escaped {
			t.Fatalf("%q; want %q", got, escaped)
		}
	})
}
