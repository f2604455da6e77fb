package s3

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/burgeehq/burgee/sync/object"
)

// machine is what this machine's settings say about credentials and authorities. The SDK reads both files once, and a sidecar lives
// longer than keys and certificates do: so they are read again whenever the store did not take what was read before.
type machine struct {
	load func(ctx context.Context) (aws.Config, error)

	mu          sync.Mutex
	credentials aws.CredentialsProvider
	client      aws.HTTPClient
	doubts      doubts
	session     bool      // the credentials were issued for a time, by a service that may be everybody's
	renewed     time.Time // when the credentials were last read again
}

// renewal is how often a session is given up before its time. A fleet that is locked out must not turn on whoever issues sessions.
const renewal = 5 * time.Minute

// doubts are the parts to read again before the next request.
type doubts struct{ credentials, client bool }

func newMachine(load func(context.Context) (aws.Config, error), read aws.Config) *machine {
	return &machine{load: load, credentials: read.Credentials, client: read.HTTPClient}
}

// Retrieve asks the providers that are set up, and tells a failure to find credentials from one of the store.
func (m *machine) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := m.provider(ctx).Retrieve(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.session = err == nil && got.CanExpire
	if err != nil {
		return got, credentialsError{err}
	}
	return got, nil
}

// credentialsError marks that no request was made, because there was nothing to sign it with.
type credentialsError struct{ error }

func (m *machine) provider(ctx context.Context) aws.CredentialsProvider {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.session && time.Since(m.renewed) < renewal {
		m.doubts.credentials = false // it is renewed when it ends, or after another refusal
	}
	if m.doubts != (doubts{}) {
		m.again(ctx)
	}
	return m.credentials
}

// again replaces what is in doubt. Files that cannot be read now, say because somebody is writing them, change nothing.
func (m *machine) again(ctx context.Context) {
	read, err := m.load(ctx)
	if err != nil {
		return
	}
	if m.doubts.credentials {
		m.credentials, m.renewed = read.Credentials, time.Now()
	}
	if m.doubts.client {
		m.client = read.HTTPClient
	}
	m.doubts = doubts{}
}

// Do sends req.
func (m *machine) Do(req *http.Request) (*http.Response, error) {
	m.mu.Lock()
	client := m.client
	m.mu.Unlock()
	return client.Do(req)
}

// learn looks at an error for what to read again.
func (m *machine) learn(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if errors.Is(err, object.ErrForbidden) || errors.Is(err, object.ErrCredentials) {
		m.doubts.credentials = true
	}
	if errors.Is(err, object.ErrInsecure) {
		m.doubts.client = true
	}
}
