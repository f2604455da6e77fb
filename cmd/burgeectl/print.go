package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/sync/bundle"
)

// printJSON writes value as one indented document.
func printJSON(out io.Writer, value any) error {
	raw, err := json.Marshal(value, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	_, err = fmt.Fprintf(out, "%s\n", raw)
	return err
}

// table prints rows of a name and a value, and leaves out those without a value.
type table [][2]string

func (t table) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range t {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
	}
	return w.Flush()
}

// plural counts things: "1 flag", "2 flags".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// overrideText is one override in a line.
func overrideText(o bundle.Override) string {
	whom := "everyone"
	if o.Segment != "" {
		whom = "segment " + o.Segment
	}
	return fmt.Sprintf("%s = %s for %s, by %s at %s: %q", o.Flag, o.Variant, whom, o.Author, moment(o.At), o.Message)
}
