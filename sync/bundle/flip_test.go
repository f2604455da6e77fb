package bundle

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// flipSamples is how many damages of a large bundle are tried; all of them would take a day.
var flipSamples = flag.Int("flips", 300, "how many random damages of a bundle of 1 MiB to try")

// inParts calls try for each number below n, on every processor.
func inParts(n int, try func(from, to int)) {
	var group sync.WaitGroup
	parts := runtime.GOMAXPROCS(0)
	for part := range parts {
		group.Go(func() { try(n*part/parts, n*(part+1)/parts) })
	}
	group.Wait()
}

// few fails the test, and says so a few times: a check that is gone lets through a hundred thousand damages.
func few(t *testing.T) func(format string, args ...any) {
	var said atomic.Int64
	return func(format string, args ...any) {
		if said.Add(1) <= 10 {
			t.Errorf(format, args...)
		}
	}
}

// flips calls try with every copy of data that differs in one bit. It calls it from several goroutines.
func flips(data []byte, try func(bit int, flipped []byte)) {
	inParts(len(data)*8, func(from, to int) {
		flipped := bytes.Clone(data)
		for bit := from; bit < to; bit++ {
			flipped[bit/8] ^= 1 << (bit % 8)
			try(bit, flipped)
			flipped[bit/8] ^= 1 << (bit % 8)
		}
	})
}

// cuts calls try with every beginning of data, likewise.
func cuts(data []byte, try func(n int, cut []byte)) {
	inParts(len(data), func(from, to int) {
		for n := from; n < to; n++ {
			try(n, data[:n])
		}
	})
}

// sized is a revision whose stored bundle has at least that many bytes.
func sized(t *testing.T, size int) (manifest, stored []byte) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var values []string
	for grow := size / 22; len(stored) < size; grow = 1 + size/500 {
		for range grow {
			values = append(values, fmt.Sprintf(`"v%d":"%016x%016x"`, len(values), random.Uint64(), random.Uint64()))
		}
		document := strings.Replace(testDocument, `"on":true`, `"on":{`+strings.Join(values, ",")+`}`, 1)
		m, _ := good()
		var err error
		if stored, m.Bundle, err = Pack([]byte(document)); err != nil {
			t.Fatal(err)
		}
		m.Bundle.Flags = 1
		manifest = mustSeal(m, alice)
	}
	return manifest, stored
}

// Every single bit flip and every truncation of a stored bundle of 16 KiB is refused, by the path that every bundle takes.
func TestEveryDamageOfABundleIsRefused(t *testing.T) {
	t.Parallel()
	fail := few(t)
	manifest, stored := sized(t, 16<<10)
	head, err := policyFor(t, "shop/prod", alice).Open(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := head.Open(stored); err != nil {
		t.Fatal(err)
	}
	flips(stored, func(bit int, flipped []byte) {
		if _, err := head.Open(flipped); ReasonOf(err) != ReasonDigest {
			fail("bit %d flipped: %v", bit, err)
		}
	})
	cuts(stored, func(n int, cut []byte) {
		if _, err := head.Open(cut); ReasonOf(err) != ReasonDigest {
			fail("cut to %d bytes: %v", n, err)
		}
	})
	t.Logf("%d flips and %d truncations of %d bytes", len(stored)*8, len(stored), len(stored))
}

// The key id is a hint outside of the signature, as DSSE has it: a flip there changes nothing that anybody acts on. Every other flip
// is refused.
func TestEveryDamageOfAManifestIsRefusedOrWithoutEffect(t *testing.T) {
	t.Parallel()
	fail := few(t)
	m, _ := good()
	raw, policy := mustSeal(m, alice), policyFor(t, "shop/prod", alice)
	whole, err := policy.Open(raw)
	if err != nil {
		t.Fatal(err)
	}
	id := []byte(whole.Signers()[0])
	start := bytes.Index(raw, id)
	flips(raw, func(bit int, flipped []byte) {
		head, err := policy.Open(flipped)
		inID := bit/8 >= start && bit/8 < start+len(id)
		switch {
		case err != nil && ReasonOf(err) == "":
			fail("bit %d flipped: no reason: %v", bit, err)
		case err == nil && !inID:
			fail("bit %d flipped: opened", bit)
		case err == nil && (head.Payload() != whole.Payload() || !slices.Equal(head.Signers(), whole.Signers())):
			fail("bit %d flipped: another payload or signer", bit)
		}
	})
	cuts(raw, func(n int, cut []byte) {
		if _, err := policy.Open(cut); ReasonOf(err) != ReasonEnvelope {
			fail("cut to %d bytes: %v", n, err)
		}
	})
	t.Logf("%d flips and %d truncations of %d bytes", len(raw)*8, len(raw), len(raw))
}

// A large bundle is damaged here and there: one bit, a run of zeros, an end that is missing, two blocks that changed places.
func TestDamagesOfALargeBundleAreRefused(t *testing.T) {
	t.Parallel()
	fail := few(t)
	manifest, stored := sized(t, 1<<20)
	head, err := policyFor(t, "shop/prod", alice).Open(manifest)
	if err != nil {
		t.Fatal(err)
	}
	inParts(*flipSamples, func(from, to int) {
		for seed := from; seed < to; seed++ {
			random := rand.New(rand.NewPCG(uint64(seed), 3))
			damaged := bytes.Clone(stored)
			at := random.IntN(len(damaged) - 8192)
			switch random.IntN(4) {
			case 0:
				damaged[at] ^= 1 << random.IntN(8)
			case 1:
				clear(damaged[at : at+1+random.IntN(4096)])
			case 2:
				damaged = damaged[:at]
			default:
				copy(damaged[at:], stored[at+4096:at+8192])
				copy(damaged[at+4096:], stored[at:at+4096])
			}
			if _, err := head.Open(damaged); ReasonOf(err) != ReasonDigest {
				fail("seed %d, at byte %d: %v", seed, at, err)
			}
		}
	})
}
