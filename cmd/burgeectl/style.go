package main

import (
	"bytes"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// style is how a terminal is told to show a line; the zero value is as it comes.
type style string

const (
	red    style = "\x1b[31m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
	dim    style = "\x1b[2m"

	plain = "\x1b[0m"
)

// styles says how lines are shown, by what they begin with. Verbs print plain text and know nothing of it. Text from a store or a person
// never begins a line, nor holds a line break (oneLine), so it cannot borrow a style; and no line of JSON begins like one of these.
var styles = []struct {
	prefix string
	style  style
}{
	{"+ ", green},
	{"- ", red},
	{"~ ", yellow}, // a difference
	{"  added ", green},
	{"  removed ", red},
	{"  changed ", yellow}, // what a revision changes
	{"burgeectl: ", red},
	{"hint: ", dim},
}

// styleOf gives the style of a line.
func styleOf(line []byte) style {
	for _, s := range styles {
		if bytes.HasPrefix(line, []byte(s.prefix)) {
			return s.style
		}
	}
	return ""
}

// painter shows each line in its style. It holds back a line until that is whole, so that writers may write in pieces.
type painter struct {
	out  io.Writer
	rest []byte
}

func (p *painter) Write(text []byte) (int, error) {
	p.rest = append(p.rest, text...)
	for {
		line, after, whole := bytes.Cut(p.rest, []byte{'\n'})
		if !whole {
			return len(text), nil
		}
		if err := p.line(line, "\n"); err != nil {
			return 0, err
		}
		p.rest = after
	}
}

func (p *painter) line(line []byte, end string) error {
	text := string(line) + end
	if s := styleOf(line); s != "" {
		text = string(s) + string(line) + plain + end
	}
	_, err := io.WriteString(p.out, text)
	return err
}

// finish shows what was written without a line's end.
func (p *painter) finish() {
	if len(p.rest) > 0 {
		_ = p.line(p.rest, "") // whoever wrote it was told long ago that it is good
		p.rest = nil
	}
}

// painted gives a stream its styles where a person looks at it on a terminal that knows them, and does not mind. The function comes last.
func painted(out io.Writer, getenv func(string) string) (io.Writer, func()) {
	if !isTerminal(out) || getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return out, func() {}
	}
	p := &painter{out: out}
	return p, p.finish
}

// unpainted is the stream behind the styles, for what is no line.
func unpainted(out io.Writer) io.Writer {
	if p, ok := out.(*painter); ok {
		return p.out
	}
	return out
}

func (p *painter) columns() int { return columns(p.out) }

// isTerminal tells whether a person sees at once what is written there.
func isTerminal(out io.Writer) bool { return columns(out) > 0 }

// columns is how wide the terminal is that out writes to; 0 where it is none. A test's own writer may say so itself.
func columns(out io.Writer) int {
	switch out := out.(type) {
	case interface{ columns() int }:
		return out.columns()
	case *os.File:
		size, err := unix.IoctlGetWinsize(int(out.Fd()), unix.TIOCGWINSZ)
		if err != nil {
			return 0
		}
		if size.Col == 0 { // as on a serial line
			return 80
		}
		return int(size.Col)
	}
	return 0
}

// shorten keeps text to a width by leaving out what stands in its middle.
func shorten(text string, width int) string {
	letters := []rune(text)
	if len(letters) <= width {
		return text
	}
	half := max(0, width-1) / 2
	return strings.TrimSpace(string(letters[:half])) + "…" + string(letters[len(letters)-(max(0, width-1)-half):])
}
