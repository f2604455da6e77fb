package sidecar

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/valyala/fasthttp"
)

// FuzzRequest feeds whole requests to the evaluation handler. Whatever is asked, the answer is one of the known statuses with a JSON body,
// or 304 with none, and always under the revision that it comes from.
func FuzzRequest(f *testing.F) {
	answer := develop(f, shop).evaluation()
	f.Add("POST", flagsPath+"/on", "", "", `{"context":{"targetingKey":"u"}}`)
	f.Add("POST", flagsPath, "flagConfigEtag=1.1&flagConfigLastModified=Sun, 06 Nov 1994 08:49:37 GMT", `W/"a", "b,c", *`, `{}`)
	f.Add("POST", flagsPath+"/a%2Fb%zz%", "", "", ` {"context" : [1,2] }`)
	f.Add("GET", "http://localhost"+flagsPath, "", `"`, `{"context":{"a":{"b":[1e999,"\ud83d\ude00"]}}`)
	f.Fuzz(func(t *testing.T, method, path, query, match, body string) {
		uri := path
		if query != "" {
			uri += "?" + query
		}
		ctx := call(answer, method, uri, body, fasthttp.HeaderIfNoneMatch, match)
		status := ctx.Response.StatusCode()
		text := bodyOf(t, ctx)
		switch status {
		case 200, 400, 404, 405:
			if !json.Valid(text) {
				t.Fatalf("status %d with %q", status, text)
			}
		case 304:
			if len(text) != 0 {
				t.Fatalf("not modified, and yet %q", text)
			}
		default:
			t.Fatalf("status %d with %q", status, text)
		}
		if got := string(ctx.Response.Header.Peek("Burgee-Revision")); (status == 200 || status == 304) && got != "1" {
			t.Fatalf("status %d of revision %q", status, got)
		}
	})
}

func bodyOf(t *testing.T, ctx *fasthttp.RequestCtx) []byte {
	t.Helper()
	if stream := ctx.Response.BodyStream(); stream != nil {
		text, err := io.ReadAll(stream)
		if err != nil {
			t.Fatal(err)
		}
		if err := ctx.Response.CloseBodyStream(); err != nil {
			t.Fatal(err)
		}
		return text
	}
	return ctx.Response.Body()
}

// FuzzMatch feeds If-None-Match headers: a tag that stands in a list matches, whatever stands around it.
func FuzzMatch(f *testing.F) {
	f.Add(`W/"a", "b,c"`, uint64(7))
	f.Add(`"`, uint64(0))
	f.Add(`*`, uint64(1))
	f.Fuzz(func(t *testing.T, header string, sum uint64) {
		tag := bodyTag(sum)
		before := matches([][]byte{[]byte(header)}, tag[:])
		if bytes.Contains([]byte(header), tag[1:17]) || bytes.Contains([]byte(header), []byte("*")) {
			return
		}
		if before {
			t.Fatalf("%q matches %s", header, tag)
		}
		if !matches([][]byte{[]byte(header), append([]byte("W/"), tag[:]...)}, tag[:]) {
			t.Fatalf("a second header does not match %s", tag)
		}
		if bytes.Count([]byte(header), []byte(`"`))%2 == 0 && !matches([][]byte{append([]byte(header+","), tag[:]...)}, tag[:]) {
			t.Fatalf("%s at the end of %q does not match", tag, header)
		}
	})
}

// FuzzPath feeds request targets: a path is decoded once, and never grows.
func FuzzPath(f *testing.F) {
	f.Add([]byte("/ofrep/v1/evaluate/flags/a%2fb%"))
	f.Add([]byte("http://x/%25%32%35?y#z"))
	f.Add([]byte("://"))
	f.Fuzz(func(t *testing.T, target []byte) {
		path := pathOf(target)
		if got := unescape(nil, path); len(got) > len(path) || !bytes.Contains(path, []byte("%")) && !bytes.Equal(got, path) {
			t.Fatalf("%q decodes to %q", path, got)
		}
		_, _ = parseMoment(string(target))
	})
}
