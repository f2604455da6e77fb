package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Documents point to files that are there, and to headings that are in them.
func TestLinksLeadSomewhere(t *testing.T) {
	root := filepath.Join("..", "..")
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "eval/testdata/*/*.md", "sync/bundle/testdata/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	checked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			checked++
			name, heading, _ := strings.Cut(m[1], "#")
			target := page
			if name != "" {
				target = filepath.Join(filepath.Dir(page), name)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			} else if heading != "" && !hasHeading(t, target, heading) {
				t.Errorf("%s links to %s, which has no such heading", page, m[1])
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d links were looked at", checked)
	}
}

// What leaves this repository and leads back, such as an alert's runbook, leads to a heading that is there.
func TestLinksFromOutsideLeadSomewhere(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "charts", "*", "files", "*"))
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`https://` + regexp.QuoteMeta(module) + `/blob/main/([A-Za-z0-9_./-]+)(?:#([a-z0-9_-]+))?`)
	checked := 0
	for _, file := range files {
		for _, m := range link.FindAllStringSubmatch(readText(t, file), -1) {
			checked++
			target := filepath.Join(root, filepath.FromSlash(m[1]))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[0], err)
			} else if m[2] != "" && !hasHeading(t, target, m[2]) {
				t.Errorf("%s links to %s, which has no such heading", file, m[0])
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d links were looked at", checked)
	}
}

var unlinked = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchorOf is what a link calls a heading.
func anchorOf(title string) string {
	return strings.ReplaceAll(unlinked.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
}

// hasHeading finds a heading by the name that a link calls it.
func hasHeading(t *testing.T, page, name string) bool {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		title := strings.TrimLeft(line, "#")
		if title != line && anchorOf(title) == name {
			return true
		}
	}
	return false
}
