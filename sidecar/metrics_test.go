package sidecar

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

// Whoever watches a fleet tells its environments apart, and sees the end of the flags before it is there.
func TestMetricsTellTheEnvironmentAndTheEnd(t *testing.T) {
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, row := range []struct {
		name   string
		change func(*bundle.Manifest)
		want   float64
	}{
		{"flags with an end", func(m *bundle.Manifest) { m.ValidUntil = end.UTC() }, float64(end.Unix())},
		{"flags without", func(*bundle.Manifest) {}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			maker, source := bundletest.New(t), bundletest.NewSource()
			source.Publish(maker.Make(1, numbered(1), 1, row.change))
			r := newRig(t, maker, source)
			r.start(t)
			defer r.stop()
			r.until(t, func(st Status) bool { return st.Active.Revision == 1 })
			page := string(call(r.admin(), "GET", "/metrics", "").Response.Body())
			for _, want := range []string{
				fmt.Sprintf(`burgee_environment_info{burgee_environment=%q} 1`, bundletest.Environment),
				fmt.Sprintf("burgee_valid_until_timestamp_seconds %v", row.want),
			} {
				if !strings.Contains(page, want+"\n") {
					t.Errorf("/metrics lacks %s", want)
				}
			}
		})
	}
}
