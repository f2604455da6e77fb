package settings

import (
	"fmt"
	"io"
	"strings"
)

// helpWidth is that of a terminal which nobody has made wider.
const helpWidth = 80

// Help writes how the program is called: what it is, and every setting with its default and its variable, in groups.
func Help(out io.Writer, program, description string, all []Setting) error {
	var text strings.Builder
	fmt.Fprintf(&text, "Usage: %s [flags]\n\n%s\n\n", program, description)
	rows(&text, "About", [][2]string{{"-h, --help", "Show this help."}, {"    --version", "Print the version and stop."}})
	for len(all) > 0 {
		end := 1
		for end < len(all) && all[end].Group == all[0].Group {
			end++
		}
		var lines [][2]string
		for i := range all[:end] {
			s := &all[i]
			lines = append(lines, [2]string{s.usage(), strings.TrimSuffix(s.Help, ".") + " ($" + s.Variable + ")."})
		}
		text.WriteByte('\n')
		rows(&text, all[0].Group, lines)
		all = all[end:]
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// usage is the flag with what it takes.
func (s *Setting) usage() string {
	switch {
	case s.isSwitch():
		return "--" + s.Name
	case s.isList():
		return "--" + s.Name + "=" + s.Placeholder + ",..."
	case s.Placeholder != "":
		return "--" + s.Name + "=" + s.Placeholder
	}
	return "--" + s.Name + "=" + s.Default
}

// rows writes a group in two columns, the second wrapped.
func rows(text *strings.Builder, title string, lines [][2]string) {
	fmt.Fprintln(text, title)
	width := 0
	for _, line := range lines {
		width = max(width, len(line[0]))
	}
	for _, line := range lines {
		left := line[0]
		for _, right := range wrapped(line[1], helpWidth-width-6) {
			fmt.Fprintf(text, "  %-*s    %s\n", width, left, right)
			left = ""
		}
	}
}

// wrapped breaks a text into lines between its words.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
