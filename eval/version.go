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
	digits  string    // as it is written, without the v
	text    string    // as the semver package wants it; empty for a plain one that nobody asked it of
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
	into.digits = s
	if s != "" && (s[0] == 'v' || s[0] == 'V') {
		into.digits = s[1:]
	}
	if into.plain = readPlain(&into.numbers, into.digits); into.plain {
		return true
	}
	return c.spendBytes(len(s)) && semver.IsValid(c.canonical(into))
}

// canonical gives the version as the semver package wants it.
func (c *Context) canonical(v *version) string {
	if v.text == "" {
		v.text = viewText(append(append(c.temp.bytes.take(len(v.digits) + 1)[:0], 'v'), v.digits...))
	}
	return v.text
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

func (c *Context) compareVersions(a, b *version) int {
	if !a.plain || !b.plain {
		return semver.Compare(c.canonical(a), c.canonical(b))
	}
	for i := range a.numbers {
		if order := cmp.Compare(a.numbers[i], b.numbers[i]); order != 0 {
			return order
		}
	}
	return 0
}

// sameVersion tells whether the first numbers, one or two of them, are equal.
func (c *Context) sameVersion(a, b *version, count int) bool {
	switch {
	case a.plain && b.plain:
		return a.numbers[0] == b.numbers[0] && (count == 1 || a.numbers[1] == b.numbers[1])
	case count == 1:
		return semver.Major(c.canonical(a)) == semver.Major(c.canonical(b))
	default:
		return semver.MajorMinor(c.canonical(a)) == semver.MajorMinor(c.canonical(b))
	}
}
