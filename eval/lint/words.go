package lint

import (
	"fmt"
	"slices"
	"strings"
)

// quotedLimit is how much of a foreign text a message repeats, in bytes.
const quotedLimit = 60

// quote is a foreign text for a message.
func quote(s string) string {
	if len(s) > quotedLimit {
		s = strings.ToValidUTF8(s[:quotedLimit], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// listedLimit is how many names a message lists.
const listedLimit = 10

// list quotes names for a message.
func list(names []string) string {
	var quoted []string
	for _, name := range names[:min(len(names), listedLimit)] {
		quoted = append(quoted, quote(name))
	}
	text := strings.Join(quoted, ", ")
	if more := len(names) - len(quoted); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// meant suggests known words for one that is none, or lists them all.
func (c *checker) meant(word string, known []string) string {
	if alike := c.alike(word, known); len(alike) > 0 {
		return "did you mean " + strings.Join(alike, " or ") + "?"
	}
	return "give one of " + list(known)
}

// suggestedLimit is how many known words are looked through for one that is alike.
const suggestedLimit = 100

func (c *checker) alike(word string, known []string) []string {
	long := func(s string) bool { return len(s) > quotedLimit }
	if c.Alike == nil || long(word) || len(known) > suggestedLimit || slices.ContainsFunc(known, long) {
		return nil
	}
	return c.Alike(word, known)
}

// shown is a value for a message: a string in quotes, and anything else as it is written.
func (n *node) shown() string {
	switch n.kind {
	case '"':
		return quote(n.text)
	case '[':
		return "a list"
	case '{':
		return "an object"
	default:
		return string(n.json())
	}
}
