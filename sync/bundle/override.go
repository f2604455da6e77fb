package bundle

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// cutMark ends a text that was shortened.
const cutMark = "…"

// Names is how many bytes a manifest spends on what an override is about: texts that cannot be shortened.
func (o Override) Names() int { return encoded(o.Flag) + encoded(o.Variant) + encoded(o.Segment) }

// Shortened is the override with author and message of at most limit bytes each, as a manifest spells them. The ledger has them whole.
func (o Override) Shortened(limit int) Override {
	o.Author, o.Message = cut(o.Author, limit), cut(o.Message, limit)
	return o
}

// Same tells whether two are one override, whose texts a full head may have shortened.
func (o Override) Same(other Override) bool {
	return o.Flag == other.Flag && o.Variant == other.Variant && o.Segment == other.Segment && o.At.Equal(other.At) &&
		sameText(o.Author, other.Author) && sameText(o.Message, other.Message)
}

func sameText(a, b string) bool { return a == b || shortens(a, b) || shortens(b, a) }

// shortens tells whether cut can have made short of whole. What was cut to nothing says nothing.
func shortens(short, whole string) bool {
	beginning, ok := strings.CutSuffix(short, cutMark)
	return short == "" || ok && strings.HasPrefix(whole, beginning)
}

func cut(text string, limit int) string {
	if encoded(text) <= limit {
		return text
	}
	if limit < len(cutMark) {
		return ""
	}
	for encoded(text) > limit-len(cutMark) {
		_, last := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-last]
	}
	return text + cutMark
}

// encoded is how many bytes a text has in JSON, without its quotes.
func encoded(text string) int {
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return len(text) // not UTF-8: no manifest is made of it
	}
	return len(quoted) - len(`""`)
}
