package store

import (
	"strings"
	"testing"
)

// FuzzURL feeds what people put into --store: it is a URL of one of the schemes or an error, and neither shows what stands before an "@",
// where secrets stand by mistake.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"s3://bucket/prefix", "file:///folder", "s3://key:se/cr@et@bucket/x", "file:///a@b", "s3://b?x=1", "://", "s3:///%zz", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, found, err := parse(raw)
		if (err == nil) != (u != nil && found.open != nil) {
			t.Fatalf("url %v with error %v", u, err)
		}
		shown := printable(raw)
		if err == nil && (u.User != nil || u.RawQuery != "" || u.Fragment != "" || shown != raw) {
			t.Fatalf("%q was taken as %+v, and is shown as %q", raw, u, shown)
		}
		_, rest, scheme := strings.Cut(raw, "://")
		if at := strings.LastIndex(rest, "@"); scheme && at >= 0 && !strings.HasPrefix(rest, "/") {
			if err == nil || strings.Contains(shown, "://"+rest[:at+1]) {
				t.Fatalf("%q is shown as %q (%v)", raw, shown, err)
			}
		}
	})
}
