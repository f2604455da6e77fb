// Package versitygw runs a real S3 server for tests: the gateway of that name over a folder of the test's own. It is for tests only.
package versitygw

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
)

// Binary is the environment variable with the path of the server's binary.
const Binary = "BURGEE_TEST_VERSITYGW"

const (
	region   = "us-east-1"
	loopback = "127.0.0.1"
)

// Credentials are those of one account.
type Credentials struct{ AccessKey, SecretKey string }

// Server is one server with its data. Root may do everything on it.
type Server struct {
	Root Credentials

	binary  string
	folder  string // of data, accounts and log
	host    string // where it listens
	address string // host:PORT, the same after a Stop
	process *process
	iam     *iam // nil where accounts are kept in a folder
}

// Start gives a running server without buckets, and stops it at the end of the test. Without a binary it skips the test.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartOn(t, loopback)
}

// StartOn is Start for a server that listens on another of this machine's addresses than loopback's.
func StartOn(t testing.TB, host string) *Server {
	t.Helper()
	s := prepare(t)
	s.host = host
	t.Cleanup(s.Stop)
	s.startAnywhere(t)
	return s
}

// prepare makes the server's folder, and its root account.
func prepare(t testing.TB) *Server {
	t.Helper()
	binary := os.Getenv(Binary)
	if binary == "" {
		kit.Skip(t, Binary+" is not set to a versitygw binary; run: make s3-test")
	}
	s := &Server{Root: newCredentials("root"), binary: binary, folder: t.TempDir(), host: loopback}
	for _, sub := range []string{"data", "iam"} {
		if err := os.Mkdir(filepath.Join(s.folder, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// accounts says where the server finds them.
func (s *Server) accounts() []string {
	if s.iam != nil {
		return []string{"--iam-standalone-endpoint", s.iam.private}
	}
	return []string{"--iam-dir", filepath.Join(s.folder, "iam")}
}

// newCredentials are never those of another server, so an answer to them comes from the right one.
func newCredentials(name string) Credentials {
	return Credentials{AccessKey: name + "-" + rand.Text(), SecretKey: rand.Text()}
}

// Endpoint is the URL that S3 clients take.
func (s *Server) Endpoint() string { return "http://" + s.address }

// Env is what makes any AWS client use this server as c, whatever else the machine is set up for: for the environment of a child
// process, after os.Environ().
func (s *Server) Env(c Credentials) []string {
	var env []string
	for name, value := range s.settings(c) {
		env = append(env, name+"="+value)
	}
	return env
}

// Setenv does for the rest of the test what Env does for a child.
func (s *Server) Setenv(t testing.TB, c Credentials) {
	t.Helper()
	for name, value := range s.settings(c) {
		t.Setenv(name, value)
	}
}

func (s *Server) settings(c Credentials) map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID":           c.AccessKey,
		"AWS_SECRET_ACCESS_KEY":       c.SecretKey,
		"AWS_SESSION_TOKEN":           "",
		"AWS_REGION":                  region,
		"AWS_ENDPOINT_URL_S3":         s.Endpoint(),
		"AWS_CA_BUNDLE":               "",
		"AWS_PROFILE":                 "",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED":   "true",
	}
}
