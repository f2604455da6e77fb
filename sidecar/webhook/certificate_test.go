package webhook

import (
	"crypto/tls"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// serial tells which certificate a client is given now.
func serial(t *testing.T, p *pair) int64 {
	t.Helper()
	got, err := p.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	return got.Leaf.SerialNumber.Int64()
}

func (f *fixture) pair(t *testing.T) *pair {
	t.Helper()
	p, err := newPair(f.file("tls.crt"), f.file("tls.key"), f.log.logger())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wants fails unless the certificate of that number is served and the problem begins so; "" is none.
func wants(t *testing.T, p *pair, number int64, problem string) {
	t.Helper()
	got, why := serial(t, p), ""
	if text := p.problem.Load(); text != nil {
		why = *text
	}
	if got != number || !strings.Contains(why, problem) || (problem == "") != (why == "") {
		t.Errorf("certificate %d is served, problem %q; want %d and %q", got, why, number, problem)
	}
}

func TestARotationIsTakenUpWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, now := newFixture(t), time.Now()
		f.rotate(t, 1, now, now.Add(time.Hour))
		p := f.pair(t)
		f.rotate(t, 2, now, now.Add(2*time.Hour))
		time.Sleep(lookEvery - time.Millisecond)
		wants(t, p, 1, "") // the files are not looked at for each handshake
		time.Sleep(time.Millisecond)
		wants(t, p, 2, "")
		if f.log.count("certificate changed") != 1 {
			t.Errorf("the log says\n%s", f.log)
		}
	})
}

// Whatever is wrong with the new files, the old pair goes on, the log says so once, and the next good pair is taken.
func TestABrokenPairIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, now := newFixture(t), time.Now()
		f.rotate(t, 1, now, now.Add(time.Hour))
		p := f.pair(t)
		good, other := f.authority.Issue(t, 2, now, now.Add(time.Hour)), f.authority.Issue(t, 3, now, now.Add(time.Hour))
		for i, row := range []struct{ certificate, key, problem string }{
			{string(good["tls.crt"]), string(other["tls.key"]), "private key does not match public key"},
			{"", string(good["tls.key"]), "failed to find any PEM data in certificate input"},
			{string(good["tls.crt"])[:100], string(good["tls.key"]), "failed to find any PEM data"},
			{string(good["tls.crt"]), strings.Repeat("x", maxPEM+1), "more than 1048576 bytes"},
		} {
			kit.Mount(t, f.folder, map[string][]byte{"tls.crt": []byte(row.certificate), "tls.key": []byte(row.key)})
			for range 3 {
				time.Sleep(lookEvery)
				wants(t, p, 1, row.problem)
			}
			if n := f.log.count("certificate not taken"); n != i+1 {
				t.Errorf("%d lines in the log after %d broken pairs", n, i+1)
			}
		}
		if err := os.Remove(f.file("tls.key")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		wants(t, p, 1, "no such file")
		kit.Mount(t, f.folder, good)
		time.Sleep(lookEvery)
		wants(t, p, 2, "")
	})
}

// A pair that is not valid now does not take the place of one that is, and does so once it is the better one.
func TestAPairOfAnotherTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, now := newFixture(t), time.Now()
		f.rotate(t, 1, now, now.Add(time.Hour))
		p := f.pair(t)
		f.rotate(t, 2, now.Add(time.Minute), now.Add(2*time.Hour))
		time.Sleep(lookEvery)
		wants(t, p, 1, "it is valid from 2000-01-01T00:01:00Z to 2000-01-01T02:00:00Z, which is not now")
		time.Sleep(time.Minute)
		wants(t, p, 2, "")
		f.rotate(t, 3, now.Add(-time.Hour), now)
		time.Sleep(lookEvery)
		wants(t, p, 2, "which is not now")
		time.Sleep(2 * time.Hour)
		wants(t, p, 3, "") // neither is valid: the newest files count
	})
}

// A webhook that nobody will believe starts, since its files may be changed under it, and says so once for each pair.
func TestAPairThatIsNotValidIsToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, now := newFixture(t), time.Now()
		f.rotate(t, 1, now.Add(-2*time.Hour), now.Add(-time.Hour))
		p := f.pair(t)
		time.Sleep(3 * lookEvery)
		wants(t, p, 1, "")
		if said := f.log.String(); strings.Count(said, "[WARN]  certificate not valid now") != 1 || !strings.Contains(said, `until="1999-12-31 23:00:00`) {
			t.Errorf("the log says\n%s", said)
		}
		f.rotate(t, 2, now, now.Add(time.Hour))
		time.Sleep(lookEvery)
		wants(t, p, 2, "")
		if n := f.log.count("not valid now"); n != 1 {
			t.Errorf("%d lines in the log:\n%s", n, f.log)
		}
	})
}

func TestNoPairAtTheStart(t *testing.T) {
	f := newFixture(t)
	if _, err := New(f.config(t)); err == nil || !strings.Contains(err.Error(), "tls.crt with key") || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("without files: error %v", err)
	}
	now := time.Now()
	f.rotate(t, 1, now.Add(-2*time.Hour), now.Add(-time.Hour))
	if _, err := New(f.config(t)); err != nil {
		t.Errorf("with a pair that has expired: %v; want one that is not ready", err)
	}
	c := f.config(t)
	c.Key = f.folder
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("with a folder for a key: error %v", err)
	}
}

// kubelet swaps the whole folder, and removes the old one: whenever that happens once or twice during a look, both files are of one pair.
func TestFilesOfOneMoment(t *testing.T) {
	f, now := newFixture(t), time.Now()
	var versions []map[string][]byte // each other than the two before
	for serial := range int64(3) {
		versions = append(versions, f.authority.Issue(t, serial+1, now, now.Add(time.Hour)))
	}
	kit.Mount(t, f.folder, versions[0])
	p, swaps := f.pair(t), 0
	swap := func() {
		swaps++
		kit.Mount(t, f.folder, versions[swaps%len(versions)])
	}
	const moments = 9 // as many files does a look read
	for first := range moments {
		for second := first; second < moments; second++ { // at the same moment: it happens once
			for _, gone := range []bool{false, true} {
				reads := 0
				p.readFile = func(name string) ([]byte, error) {
					text, err := readFile(name)
					if reads == first || reads == second {
						if swap(); gone {
							err = os.ErrNotExist // the folder went between a link and its file
						}
					}
					reads++
					return text, err
				}
				certificate, key, err := p.read()
				if err == nil {
					_, err = tls.X509KeyPair(certificate, key)
				}
				if err != nil {
					t.Errorf("swapped at the reads %d and %d, the folder being gone: %v: %v", first, second, gone, err)
				}
			}
		}
	}
}
