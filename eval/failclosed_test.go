package eval

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestFailClosed(t *testing.T) {
	r := ruleset(t, overridden)
	a := r.Lookup([]byte("a")).FailClosed("stale")
	want := `{"key":"a","value":3,"reason":"DEFAULT","variant":"safe","metadata":{"burgee.failClosed":"stale"}}`
	if !a.FailClosed || string(a.JSON) != want {
		t.Errorf("got %s", a.JSON)
	}
	if a := r.Lookup([]byte("b")).FailClosed("stale"); a.Code != General || a.FailClosed {
		t.Errorf("a flag without a safe variant answers %s", a.JSON)
	}
}

func TestFailsClosed(t *testing.T) {
	for _, tc := range []struct {
		metadata string
		closed   bool
		bound    time.Duration
	}{
		{``, false, 0},
		{`"maxStaleness":"15m"`, false, 0},
		{`"failMode":"last-known-good","maxStaleness":"15m"`, false, 0},
		{`"failMode":"Closed","maxStaleness":"15m"`, false, 0},
		{`"failMode":"closed"`, true, 0},
		{`"failMode":"closed","maxStaleness":"1h30m"`, true, 90 * time.Minute},
		{`"failMode":"closed","maxStaleness":"15"`, true, 0},
		{`"failMode":"closed","maxStaleness":900`, true, 0},
		{`"failMode":"closed","maxStaleness":"-1m"`, true, 0},
		{`"failMode":"closed","maxStaleness":"soon"`, true, 0},
	} {
		f := ruleset(t, `{"flags":{"a":{"variants":{"on":1},"defaultVariant":"on","metadata":{`+tc.metadata+`}}}}`).Flags()[0]
		if bound, closed := f.FailsClosed(); closed != tc.closed || bound != tc.bound {
			t.Errorf("%s: %v, %v", tc.metadata, bound, closed)
		}
	}
}

// closable has a flag of each sort, all of which fail closed.
const closable = `{"$evaluators":{"staff":{"in":["@x",{"var":"email"}]}},"flags":{
	"bare":{"variants":{"on":1},"defaultVariant":"on","metadata":{"failMode":"closed"}},
	"broken":{"variants":{"on":1,"safe":2},"defaultVariant":"gone","metadata":{"failMode":"closed","safeVariant":"safe"}},
	"disabled":{"state":"DISABLED","variants":{"on":1,"safe":2},"defaultVariant":"on","metadata":{"failMode":"closed","safeVariant":"safe"}},
	"open":{"variants":{"on":1,"safe":2},"defaultVariant":"on","metadata":{"failMode":"last-known-good","safeVariant":"safe"}},
	"rule":{"variants":{"on":1,"safe":2},"defaultVariant":"on","targeting":{"if":[{"var":"x"},"on"]},"metadata":{"failMode":"closed","safeVariant":"safe"}},
	"static":{"variants":{"on":1,"safe":2},"defaultVariant":"on","metadata":{"failMode":"closed","safeVariant":"safe"}}}}`

func stale(*Flag) string { return "stale" }

// Override, disabled, failing closed, rule: what comes first decides.
func TestFailingClosedHasItsPlace(t *testing.T) {
	const closed, forced = `"value":2,"reason":"DEFAULT","variant":"safe","metadata":{"burgee.failClosed":"stale"}}`, `"value":1,"reason":"DEFAULT","variant":"on","metadata":{"burgee.override":true}}`
	everyone, staff := Override{Variant: "on"}, Override{Variant: "on", Segment: "staff"}
	for _, tc := range []struct {
		flag, email string
		overrides   []Override
		want        string
		fixed       bool
	}{
		{"static", "", nil, closed, true},
		{"rule", "", nil, closed, true},
		{"open", "", nil, `"value":1,"reason":"STATIC","variant":"on","metadata":{}}`, true},
		{"disabled", "", nil, `{"key":"disabled","reason":"DISABLED","metadata":{}}`, true},
		{"broken", "", nil, `"value":2,"reason":"DEFAULT","variant":"safe","metadata":{"burgee.failClosed":"broken"}}`, true},
		{"bare", "", nil, `"errorCode":"GENERAL","errorDetails":"the flag fails closed (stale) and declares no safe variant","metadata":{}}`, true},
		{"rule", "", []Override{everyone}, forced, true},
		{"rule", "a@x", []Override{staff}, forced, false},
		{"rule", "", []Override{staff}, closed, false},
		{"rule", "a@x", []Override{staff, everyone}, forced, true},
		{"disabled", "", []Override{everyone}, forced, true},
		{"disabled", "", []Override{staff}, `{"key":"disabled","reason":"DISABLED","metadata":{}}`, false},
		{"bare", "", []Override{staff}, `"errorCode":"GENERAL","errorDetails":"the flag fails closed (stale) and declares no safe variant","metadata":{}}`, false},
		{"bare", "a@x", []Override{staff}, forced, false},
	} {
		var named []Override
		for _, o := range tc.overrides {
			o.Flag = tc.flag
			named = append(named, o)
		}
		plain, effectsBefore := ruleset(t, closable).Under(named, nil)
		r, effects := plain.Under(named, stale)
		f := r.Lookup([]byte(tc.flag))
		a := f.Evaluate(subject(t, `{"email":"`+tc.email+`","x":true}`), 0)
		if !strings.HasSuffix(string(a.JSON), tc.want) || a.Overridden != (tc.want == forced) || a.FailClosed != strings.Contains(tc.want, "failClosed") {
			t.Errorf("%s under %v for %q: %+v, %s; want …%s", tc.flag, tc.overrides, tc.email, a, a.JSON, tc.want)
		}
		if first, fixed := f.Fixed(); fixed != tc.fixed || fixed && !sameAnswer(first, a) {
			t.Errorf("%s under %v is fixed, %v, to %s", tc.flag, tc.overrides, fixed, first.JSON)
		}
		if f.Overridden() != (len(named) > 0) {
			t.Errorf("%s under %v is overridden: %v", tc.flag, tc.overrides, f.Overridden())
		}
		if got, want := fmt.Sprint(effects), fmt.Sprint(effectsBefore); got != want {
			t.Errorf("%s under %v: the effects are %s; want %s", tc.flag, tc.overrides, got, want)
		}
	}
}

// Only flags that may fail closed are asked about, and what was in force before does not stay.
func TestClosingIsAskedForWhatCanClose(t *testing.T) {
	var asked []string
	r, _ := ruleset(t, closable).Under([]Override{{Flag: "static", Variant: "on"}}, func(f *Flag) string {
		asked = append(asked, f.Key())
		return "stale"
	})
	if got := strings.Join(asked, " "); got != "bare rule" {
		t.Errorf("asked for %s", got)
	}
	again, _ := r.Under(nil, func(f *Flag) string { return map[string]string{"rule": "expired"}[f.Key()] })
	for i, want := range []string{"", "broken", "", "", "expired", ""} {
		got := ""
		if _, after, found := strings.Cut(string(again.Flags()[i].Evaluate(new(Context), 0).JSON), `"burgee.failClosed":"`); found {
			got, _, _ = strings.Cut(after, `"`)
		}
		if got != want {
			t.Errorf("%s fails closed for %q; want %q", again.Flags()[i].Key(), got, want)
		}
	}
	if recovered, _ := again.Under(nil, nil); recovered.Flags()[4] != again.asPublished().Flags()[4] {
		t.Error("a flag goes on failing")
	}
}
