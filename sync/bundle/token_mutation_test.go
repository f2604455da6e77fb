package bundle

import (
	"flag"
	"testing"
)

var mutations = flag.Int("mutations", 20_000, "how many changes of a byte to try on tokens")

// primeStep is no factor of the number of changes to one token, so that its multiples meet each of them once before any a second time.
const primeStep = 7919

// Every byte of a token changed to every other value: what is still read is another token, and no trusted key signed it. The first
// changes are spread over one token; each further token gets all of its own, 33,405 for a signed one.
func TestNoChangedTokenVerifies(t *testing.T) {
	t.Parallel()
	fail := few(t)
	trust := policyFor(t, "shop/prod", alice, bob).Trust
	each := len(minted(nil, alice)) * 255
	inParts(*mutations, func(from, to int) {
		var original Token
		var text []byte
		for i := from; i < to; i++ {
			if i == from || i%each == 0 {
				text = []byte(atRevision(int64(42+i/each), alice))
				var err error
				if original, err = ParseToken(text); err != nil || !trust.VerifyToken(original) {
					fail("%s: not good before it is changed (%v)", text, err)
				}
			}
			change := i % each * primeStep % each
			at, with := change/255, byte(change%255+1)
			text[at] ^= with
			token, err := ParseToken(text)
			switch {
			case err == nil && token == original:
				fail("%q: a second spelling of %s", text, original)
			case err == nil && trust.VerifyToken(token):
				fail("%q: verifies, changed from %s", text, original)
			}
			text[at] ^= with
		}
	})
}

// An unsigned token is believed by what it names alone: there is no second spelling of it.
func TestNoChangedUnsignedTokenIsTheSame(t *testing.T) {
	t.Parallel()
	fail := few(t)
	text := []byte(minted(nil))
	original, err := ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	for at := range text {
		for with := 1; with < 256; with++ {
			text[at] ^= byte(with)
			if token, err := ParseToken(text); err == nil && token == original {
				fail("%q: a second spelling of %s", text, original)
			}
			text[at] ^= byte(with)
		}
	}
}

func BenchmarkParseToken(b *testing.B) {
	for _, c := range []struct{ name, token string }{
		{"signed", minted(nil, alice)}, {"unsigned", minted(nil)}, {"malformed", minted(nil, alice)[:130] + "="},
	} {
		b.Run(c.name, func(b *testing.B) {
			text := []byte(c.token)
			b.ReportAllocs()
			for b.Loop() {
				token, err := ParseToken(text)
				sink = err == nil && token.Signed()
			}
		})
	}
}

func BenchmarkTokenOf(b *testing.B) {
	token := benchmarkToken(b)
	b.ReportAllocs()
	for b.Loop() {
		sink = token.Of("shop/prod")
	}
}

func BenchmarkTokenNames(b *testing.B) {
	token, content := benchmarkToken(b), Sum([]byte(testDocument))
	b.ReportAllocs()
	for b.Loop() {
		sink = token.Names(content)
	}
}

func BenchmarkVerifyToken(b *testing.B) {
	token, trust := benchmarkToken(b), policyFor(b, "shop/prod", alice).Trust
	b.ReportAllocs()
	for b.Loop() {
		sink = trust.VerifyToken(token)
	}
}

func benchmarkToken(b *testing.B) Token {
	b.Helper()
	token, err := ParseToken([]byte(minted(nil, alice)))
	if err != nil {
		b.Fatal(err)
	}
	return token
}
