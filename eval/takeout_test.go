package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

const pinName = "burgee-snapshot"

func TestTakeOut(t *testing.T) {
	long := strings.Repeat("p", 50)
	cases := []struct {
		name, context string
		content       string
		isText, found bool
		left          string // the context without it
	}{
		{"an empty context", `{}`, "", false, false, `{}`},
		{"others only", `{"a":1,"burgee":{"burgee-snapshot":"x"},"burgee-snapshots":"y"}`, "", false, false, `{"a":1,"burgee":{"burgee-snapshot":"x"},"burgee-snapshots":"y"}`},
		{"alone", `{"burgee-snapshot":"x"}`, "x", true, true, `{}`},
		{"the first", `{"burgee-snapshot":"x","a":{"b":[1,2]},"c":3}`, "x", true, true, `{"a":{"b":[1,2]},"c":3}`},
		{"in the middle", `{"a":[{"z":1}],"burgee-snapshot":"x","b":{"c":[1,{"d":2}]}}`, "x", true, true, `{"a":[{"z":1}],"b":{"c":[1,{"d":2}]}}`},
		{"the last", `{"a":{"b":1}, "burgee-snapshot" : "x" }`, "x", true, true, `{"a":{"b":1}}`},
		{"no text", `{"a":1,"burgee-snapshot":{"a":["x",{"b":1}]},"b":2}`, "", false, true, `{"a":1,"b":2}`},
		{"null", `{"burgee-snapshot":null,"b":2}`, "", false, true, `{"b":2}`},
		{"empty text", `{"burgee-snapshot":"","b":2}`, "", true, true, `{"b":2}`},
		{"of equal names the last", `{"burgee-snapshot":"x","a":1,"burgee-snapshot":[1],"burgee-snapshot":"y","b":2}`, "y", true, true, `{"a":1,"b":2}`},
		{"of equal names the last, which is no text", `{"burgee-snapshot":"x","a":1,"burgee-snapshot":7}`, "", false, true, `{"a":1}`},
		{"an escaped name", `{"a":1,"burgee\u002dsnapshot":"x","b":{"c":2}}`, "x", true, true, `{"a":1,"b":{"c":2}}`},
		{"an escaped text", `{"burgee-snapshot":"\u0078\n` + long + `","b":"\u0079"}`, "x\n" + long, true, true, `{"b":"y"}`},
		{"another escaped name", `{"burgee\u002fsnapshot":"x"}`, "", false, false, `{"burgee/snapshot":"x"}`},
	}
	var c, left Context
	for _, tc := range cases {
		for _, form := range []string{`%s`, `{"x":[1,{"y":2}],"context":%s,"z":{"w":[3]}}`} {
			t.Run(tc.name, func(t *testing.T) {
				parse := c.Parse
				if form != `%s` {
					parse = c.ParseRequest
				}
				if err := parse([]byte(strings.Replace(form, "%s", tc.context, 1))); err != nil {
					t.Fatal(err)
				}
				content, isText, found := c.TakeOut(pinName)
				if content != tc.content || isText != tc.isText || found != tc.found {
					t.Errorf("got %q, %v, %v", content, isText, found)
				}
				if err := left.Parse([]byte(tc.left)); err != nil {
					t.Fatal(err)
				}
				sameContext(t, &c, &left)
				c.held.bytes.take(100) // what is read later must not overwrite it
				if content != tc.content {
					t.Errorf("the text became %q", content)
				}
				if _, _, again := c.TakeOut(pinName); again {
					t.Error("it is still there")
				}
			})
		}
	}
}

// What was read of the context before is read anew, since all has moved.
func TestTakeOutAfterReading(t *testing.T) {
	one, two := onlyFlag(t, `{"var":"burgee-snapshot"}`, "x", "y", ""), onlyFlag(t, `{"cat":[{"var":"b"},{"var":"burgee-snapshot"}]}`, "y", "yx")
	c := subject(t, `{"burgee-snapshot":"x","b":"y"}`)
	if a, b := one.Evaluate(c, 0), two.Evaluate(c, 0); a.Variant != 0 || b.Variant != 1 {
		t.Fatalf("%s, %s", a.JSON, b.JSON)
	}
	c.TakeOut(pinName)
	if a := one.Evaluate(c, 0); a.Reason != Default {
		t.Errorf("rules still see it: %s", a.JSON)
	}
	if a := two.Evaluate(c, 0); a.Variant != 0 {
		t.Errorf("rules still see it: %s", a.JSON)
	}
}

// A context without a body has nothing to take out, nor has one that was reset.
func TestTakeOutOfNothing(t *testing.T) {
	var c Context
	if _, _, found := c.TakeOut(pinName); found {
		t.Error("found in the zero Context")
	}
	if err := c.Parse([]byte(`{"burgee-snapshot":"x"}`)); err != nil {
		t.Fatal(err)
	}
	c.Reset()
	if _, _, found := c.TakeOut(pinName); found {
		t.Error("found after Reset")
	}
}

func TestTakeOutAllocatesNothing(t *testing.T) {
	for _, body := range []string{benchContext, `{"a":1,"burgee\u002dsnapshot":"\u0078","b":[1,2]}`, `{"a":1,"burgee-snapshot":"x","burgee-snapshot":"y","b":[1,2]}`} {
		var c Context
		raw := []byte(body)
		if n := testing.AllocsPerRun(100, func() {
			if c.Parse(raw) == nil {
				c.TakeOut(pinName)
			}
		}); n > 0 {
			t.Errorf("%v allocations for %s", n, body)
		}
	}
}

// Taken out is never sent, for whatever name and body.
func FuzzTakeOut(f *testing.F) {
	f.Add(pinName, `{"a":{"burgee-snapshot":1},"burgee\u002dsnapshot":"\ud83d\ude00x","b":[{"c":2}],"burgee-snapshot":"y"}`)
	f.Add("", `{"":1,"\u0061":2,"":{"":"x"}}`)
	f.Add("😀", `{"\ud83d\ude00":"x","\ud83d":"y"}`)
	f.Fuzz(func(t *testing.T, name, body string) {
		var c, left Context
		if c.Parse([]byte(body)) != nil {
			return
		}
		want, last := without(t, body, name)
		content, isText, found := c.TakeOut(name)
		if wantText := bytes.HasPrefix(last, []byte{'"'}); found != (len(last) > 0) || isText != wantText || wantText && content != plainName(t, last) {
			t.Fatalf("%q, %v, %v of %s", content, isText, found, body)
		}
		if err := left.Parse(want); err != nil {
			t.Fatal(err)
		}
		sameContext(t, &c, &left)
		nested := fmt.Appendf(nil, `{"a":[1],"context":%s,"b":{"c":2}}`, body)
		if c.ParseRequest(nested) == nil {
			c.TakeOut(name)
			sameContext(t, &c, &left)
		}
	})
}

// without gives an object without a member, and the last value that this had, by another reader of JSON.
func without(t *testing.T, body, name string) (left, last []byte) {
	t.Helper()
	d := jsontext.NewDecoder(strings.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		t.Fatal(err)
	}
	var members [][]byte
	for d.PeekKind() == '"' {
		written, err := d.ReadValue()
		if err != nil {
			t.Fatal(err)
		}
		written = bytes.Clone(written)
		value, err := d.ReadValue()
		if err != nil {
			t.Fatal(err)
		}
		value = bytes.Clone(value)
		if plainName(t, written) == name {
			last = value
		} else {
			members = append(members, slicesOf(written, []byte(":"), value))
		}
	}
	return slicesOf([]byte("{"), bytes.Join(members, []byte(",")), []byte("}")), last
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func plainName(t *testing.T, raw []byte) (plain string) {
	t.Helper()
	if err := json.Unmarshal(raw, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

// sameContext wants two contexts to be the same for every rule: as a whole, by
// each name, and in what is charged for reading them.
func sameContext(t *testing.T, a, b *Context) {
	t.Helper()
	if len(a.entries) != int(a.entries[0].next) {
		t.Fatalf("the tape does not end with the request: %v", a.entries)
	}
	if a.root == 0 && len(a.entries) != len(b.entries) {
		t.Fatalf("%d entries on the tape; want %d", len(a.entries), len(b.entries))
	}
	for i := range b.entries {
		got, want := a.entries[int(a.root)+i], b.entries[i]
		if got.kind() != want.kind() || got.count() != want.count() || got.next-uint32(a.root) != want.next {
			t.Fatalf("entry %d is %v; want %v", i, got, want)
		}
	}
	flag := &Flag{program: &program{key: "f"}, table: &attributes{}}
	if got, want := a.evaluate(flag, wholeExpr{rootFrame}, 1), b.evaluate(flag, wholeExpr{rootFrame}, 1); !reflect.DeepEqual(got, want) {
		t.Fatalf("the whole context is %v; want %v", got, want)
	}
	reads := func(name string, missing bool) expr {
		if missing {
			return &missingExpr{frame: rootFrame, args: constant{textValue(name)}}
		}
		return &variableExpr{frame: rootFrame, args: constant{textValue(name)}}
	}
	for _, name := range []string{pinName, "a", "b", "c", "a.b", "b.c.1.d"} {
		for _, missing := range []bool{false, true} {
			if got, want := a.evaluate(flag, reads(name, missing), 1), b.evaluate(flag, reads(name, missing), 1); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s is %v; want %v", name, got, want)
			}
		}
	}
	rules := newNames(pinName, "a", "b", "c", "")
	flag.table = rules
	for slot := range rules.paths {
		read := &attributeExpr{slot: int32(slot)}
		if got, want := a.evaluate(flag, read, 1), b.evaluate(flag, read, 1); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is %v; want %v", rules.paths[slot].written, got, want)
		}
	}
}

// newNames is a table of top-level names.
func newNames(names ...string) *attributes {
	s := newSlots(nil)
	for _, name := range names {
		if name != "" {
			s.slot(name)
		}
	}
	return s.done()
}

func BenchmarkTakeOut(b *testing.B) {
	for _, bench := range []struct{ name, context string }{
		{"Absent", benchContext},
		{"Absent40", `{` + strings.TrimSuffix(strings.Repeat(`"attribute":"x",`, 40), ",") + `}`},
		{"Escaped", `{"targetingKey":"user-4711","\u0065mail":"jane@burgee.dev","plan":"gold","c\u006funtry":"at","version":"2.14.1","age":34}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var c Context
			if err := c.Parse([]byte(bench.context)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				c.TakeOut(pinName)
			}
		})
	}
	for _, bench := range []struct{ name, pin string }{{"Parse", ""}, {"ParseAndTakeOut", `"burgee-snapshot":"r1.` + strings.Repeat("x", 131) + `",`}} {
		b.Run(bench.name, func(b *testing.B) {
			body := []byte(`{"context":{` + bench.pin + benchContext[1:] + `}`)
			var c Context
			b.ReportAllocs()
			for b.Loop() {
				if c.ParseRequest(body) != nil {
					b.Fatal(bench.name)
				}
				if _, _, found := c.TakeOut(pinName); found != (bench.pin != "") {
					b.Fatal(found)
				}
			}
		})
	}
}
