package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
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

// steers are the characters that no line of text holds: controls, breaks of lines and of paragraphs, and marks that turn the direction of
// writing. They make a terminal show something else than is there.
const steers = `\p{Cc}\p{Zl}\p{Zp}\x{61C}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}`

var steering = regexp.MustCompile(` *[` + steers + `][ ` + steers + `]*`)

// oneLine keeps text to its line, and what a store, a publisher or a sidecar wrote into it from steering the terminal. Whatever is
// printed as text, and is not our own, goes through it; JSON has escapes of its own.
func oneLine(text string) string {
	return strings.TrimSpace(steering.ReplaceAllString(strings.ToValidUTF8(text, "\uFFFD"), " "))
}

// table prints rows of a name and a value, and leaves out those without a value.
type table [][2]string

func (t table) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range t {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", oneLine(row[0]), oneLine(row[1]))
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
	variant := o.Variant
	if variant == "" {
		variant = "its safe variant"
	}
	return oneLine(fmt.Sprintf("%s = %s for %s, by %s at %s: %q", o.Flag, variant, whom, o.Author, moment(o.At), o.Message))
}
