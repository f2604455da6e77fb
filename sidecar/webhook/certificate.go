package webhook

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	maxPEM    = 1 << 20     // bytes of a certificate's file, or of a key's: what a Secret may hold
	lookEvery = time.Second // at most so often are the files looked at
	lookTries = 3           // before files that change meanwhile are taken as they are
)

// pair is a certificate with its key, kept as its two files are. Nothing runs by itself: whoever wants the certificate has the files looked
// at, once a second at most.
type pair struct {
	certificate, key string                            // files
	readFile         func(name string) ([]byte, error) // readFile, unless a test has another
	log              hclog.Logger

	looking sync.Mutex
	looked  time.Time
	seen    [sha256.Size]byte // of what the files held at the last look
	newest  *loaded           // of these, where they can be served
	wrong   error             // else

	current atomic.Pointer[loaded]
	problem atomic.Pointer[string] // why the files are not served as they are; nil where they are
}

// loaded is a certificate with its key.
type loaded struct {
	certificate tls.Certificate
	from, until time.Time
}

func (l *loaded) valid(now time.Time) bool { return !now.Before(l.from) && !now.After(l.until) }

func (l *loaded) period() string {
	return fmt.Sprintf("valid from %s to %s", l.from.UTC().Format(time.RFC3339), l.until.UTC().Format(time.RFC3339))
}

// newPair wants files that can be served, if perhaps not at this time.
func newPair(certificate, key string, log hclog.Logger) (*pair, error) {
	p := &pair{certificate: certificate, key: key, readFile: readFile, log: log}
	p.look(time.Now())
	if p.current.Load() == nil {
		return nil, p.wrong
	}
	return p, nil
}

// get is asked at each handshake.
func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return &p.now().certificate, nil
}

// now looks at the files unless that was done within the last second, or somebody does it.
func (p *pair) now() *loaded {
	if p.looking.TryLock() {
		if now := time.Now(); now.Sub(p.looked) >= lookEvery {
			p.look(now)
		}
		p.looking.Unlock()
	}
	return p.current.Load()
}

// look reads the files and serves what they hold, unless that is broken, or not valid now where the one before is.
func (p *pair) look(now time.Time) {
	p.looked = now
	certificate, key, err := p.read()
	seen := sha256.Sum256(fmt.Append(nil, len(certificate), string(certificate), string(key), err))
	fresh := seen != p.seen
	if fresh {
		p.seen = seen
		p.newest, p.wrong = load(certificate, key, err)
	}
	before, why := p.current.Load(), p.wrong
	switch {
	case why != nil:
	case before != nil && before.valid(now) && !p.newest.valid(now):
		why = errors.New("it is " + p.newest.period() + ", which is not now")
	default:
		p.problem.Store(nil)
		if p.current.Swap(p.newest); before != nil && before != p.newest {
			p.log.Info("certificate changed", "until", p.newest.until)
		}
		if fresh && !p.newest.valid(now) {
			p.log.Warn("certificate not valid now, so that the API server takes no answer", "from", p.newest.from, "until", p.newest.until)
		}
		return
	}
	why = fmt.Errorf("certificate %s with key %s: %w", p.certificate, p.key, why)
	text := why.Error()
	p.problem.Store(&text)
	if before == nil {
		p.wrong = why
	} else if fresh {
		p.log.Warn("certificate not taken, the one before goes on", "error", why, "until", before.until)
	}
}

// read gives both files of one moment: kubelet swaps a whole folder, and removes the old one, which may happen between the two.
func (p *pair) read() (certificate, key []byte, err error) {
	for range lookTries {
		var again []byte
		certificate, err = p.readFile(p.certificate)
		if err == nil {
			key, err = p.readFile(p.key)
		}
		if err == nil {
			again, err = p.readFile(p.certificate)
		}
		if err == nil && bytes.Equal(again, certificate) {
			break
		}
	}
	return certificate, key, err
}

// load makes what can be served of two texts, unless they could not be read.
func load(certificate, key []byte, err error) (*loaded, error) {
	if err != nil {
		return nil, err
	}
	parsed, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	return &loaded{parsed, parsed.Leaf.NotBefore, parsed.Leaf.NotAfter}, nil
}

// readFile reads a regular file of a bounded size. It follows symlinks, for that is how a Secret is mounted.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	opened, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(opened, maxPEM+1))
	if err == nil && len(text) > maxPEM {
		err = fmt.Errorf("%s: more than %d bytes", name, maxPEM)
	}
	return text, err
}
