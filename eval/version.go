package eval

import (
	"cmp"
	"fmt"

	"golang.org/x/mod/semver"
)

// version is a semantic version. Nearly all are three plain numbers, which
// compare without being read again; the rest are left to the semver package.
type version struct {
	plain   bool
	numbers [3]uint64 // of a plain one
	text    string    // as the semver package wants it; empty for a plain one
}

// version reads a version from a string, or from a number as it prints, and
// tells whether it is one.
func (c *Context) version(into *version, v *value) bool {
	switch v.kind {
	case text:
		return c.readVersion(into, v.str)
	case number:
		return c.readVersion(into, fmt.Sprint(v.num))
	default:
		return false
	}
}

func (c *Context) readVersion(into *version, s string) bool {
	digits := s
	if s != "" && (s[0] == 'v' || s[0] == 'V') {
		digits = s[1:]
	}
	if into.plain = readPlain(&into.numbers, digits); into.plain {
		return true
	}
	prefixed := append(append(c.temp.bytes.take(len(digits) + 1)[:0], 'v'), digits...)
	into.text = viewText(prefixed)
	return semver.IsValid(into.text)
}

// maxVersionDigits is the longest number that surely fits.
const maxVersionDigits = 18

// readPlain reads one to three numbers. Missing ones stay 0.
func readPlain(into *[3]uint64, s string) bool {
	for part := range into {
		i, n := 0, uint64(0)
		for i < len(s) && isDigit(s[i]) {
			n = n*10 + uint64(s[i]-'0')
			i++
		}
		if i == 0 || i > maxVersionDigits || i > 1 && s[0] == '0' {
			return false
		}
		into[part] = n
		if i == len(s) {
			return true
		}
		if s[i] != '.' {
			return false
		}
		s = s[i+1:]
	}
	return false
}

// canonical is the version as the semver package wants it.
func (v *version) canonical() string {
	if !v.plain {
		return v.text
	}
	return fmt.Sprintf("v%d.%d.%d", v.numbers[0], v.numbers[1], v.numbers[2])
}

func (v *version) compare(other *version) int {
	if !v.plain || !other.plain {
		return semver.Compare(v.canonical(), other.canonical())
	}
	for i := range v.numbers {
		if order := cmp.Compare(v.numbers[i], other.numbers[i]); order != 0 {
			return order
		}
	}
	return 0
}

// same tells whether the first numbers, one or two of them, are equal.
func (v *version) same(other *version, count int) bool {
	switch {
	case v.plain && other.plain:
		return v.numbers[0] == other.numbers[0] && (count == 1 || v.numbers[1] == other.numbers[1])
	case count == 1:
		return semver.Major(v.canonical()) == semver.Major(other.canonical())
	default:
		return semver.MajorMinor(v.canonical()) == semver.MajorMinor(other.canonical())
	}
}
