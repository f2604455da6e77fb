package client

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The hook is told each time, the log once a minute, with how many requests it was.
func TestTheLogIsToldOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		told := 0
		r := reporter{log: slog.New(slog.NewTextHandler(&text, nil)), hook: func(error) { told++ }}
		for range 3 {
			for range 10 {
				r.report(t.Context(), errors.New("away"))
			}
			time.Sleep(reportEvery)
		}
		if told != 30 {
			t.Errorf("the hook was told %d times; want 30", told)
		}
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], "requests=1") || !strings.Contains(lines[2], "requests=10") {
			t.Errorf("the log says:\n%s\nwant one line a minute, with all since the last", text.String())
		}
	})
}
