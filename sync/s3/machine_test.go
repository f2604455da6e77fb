package s3

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/burgeehq/burgee/sync/object"
)

// signer answers with 403 to every key but one, and tells the keys that asked.
func signer(t *testing.T, good *string) (s *Store, asked *[]string, file string) {
	t.Helper()
	asked = new([]string)
	s = fake(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		key, _, _ = strings.Cut(key, "/")
		if *asked = append(*asked, key); key != *good {
			answer(w, 403, "InvalidAccessKeyId")
			return
		}
		answer(w, 404, "NoSuchKey")
	})
	file = filepath.Join(t.TempDir(), "credentials")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	return s, asked, file
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCredentialsAreReadAgainOnceTheyAreRefused(t *testing.T) {
	good := "OLD"
	s, asked, file := signer(t, &good)
	keys := func(name string) string {
		return "[default]\naws_access_key_id = " + name + "\naws_secret_access_key = secret\n"
	}
	get := func(want error) {
		t.Helper()
		_, err := s.Get(t.Context(), "head", "", plenty)
		wantRefusal(t, err, want)
	}
	writeFile(t, file, keys("OLD"))
	s = open(t, Config{Bucket: s.bucket, PathStyle: true})
	get(object.ErrNotFound)
	writeFile(t, file, keys("NEW")) // not looked at while the old ones do
	get(object.ErrNotFound)
	good = "NEW"
	get(object.ErrForbidden)
	get(object.ErrNotFound)

	good = "NEWEST"
	get(object.ErrForbidden)
	writeFile(t, file, "[default]\n") // none for a moment
	get(object.ErrCredentials)
	writeFile(t, file, "[default\n") // and then a file that says nothing
	get(object.ErrCredentials)
	writeFile(t, file, keys("NEWEST"))
	get(object.ErrNotFound)
	if got := strings.Join(*asked, " "); got != "OLD OLD OLD NEW NEW NEWEST" {
		t.Errorf("requests were signed by %s", got)
	}
}

// A session that the store refuses is given up at once, and the next one not before a while: a fleet without rights must not flood
// whoever issues sessions. Keys that nobody issues are read again at every refusal.
func TestSessionsAreNotGivenUpTooOften(t *testing.T) {
	for _, session := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			loads := 0
			load := func(context.Context) (aws.Config, error) {
				loads++
				return aws.Config{Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "KEY", SecretAccessKey: "secret", CanExpire: session}, nil
				})}, nil
			}
			first, _ := load(t.Context())
			m := newMachine(load, first)
			for range 60 { // an hour of refusals
				if _, err := m.Retrieve(t.Context()); err != nil {
					t.Fatal(err)
				}
				m.learn(object.ErrForbidden)
				time.Sleep(time.Minute)
			}
			if want := map[bool]int{true: 1 + 12, false: 60}[session]; loads != want {
				t.Errorf("session %t: settings were read %d times in an hour of refusals; want %d", session, loads, want)
			}
		})
	}
}

func TestAuthoritiesAreReadAgainOnceTheServerIsNotTrusted(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 404, "NoSuchKey") }))
	defer server.Close()
	server.Config.ErrorLog = nil
	setenv(t, server.URL)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	t.Setenv("AWS_CA_BUNDLE", bundle)
	writeFile(t, bundle, otherAuthority)
	s := open(t, Config{Bucket: bucket, PathStyle: true})
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrInsecure, "certificate", "AWS_CA_BUNDLE", strings.TrimPrefix(server.URL, "https://"))
	wantRefusal(t, err, object.ErrUnavailable)
	writeFile(t, bundle, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	_, err = s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrNotFound)
}

// otherAuthority is the certificate of somebody who signed nothing here.
const otherAuthority = `-----BEGIN CERTIFICATE-----
MIIBjjCCATWgAwIBAgIUMOoljSlLi8in1jiLeXReYL7svqcwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRYW5vdGhlciBhdXRob3JpdHkwIBcNMjYxMTI1MjIxNTQzWhgP
MjEyNjExMDEyMjE1NDNaMBwxGjAYBgNVBAMMEWFub3RoZXIgYXV0aG9yaXR5MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEc3JAcNucxIcvvQe4pU83/k99UfS4GXlQ
zn3V0gTkXqDea87RTtbtuDOZesQreBho8vF1mm0csJyI96Di6LmOpaNTMFEwHQYD
VR0OBBYEFCpbqbWErWWROHlnl8hxKBs1l2THMB8GA1UdIwQYMBaAFCpbqbWErWWR
OHlnl8hxKBs1l2THMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIg
LJY4AnlE7fgQ8oh2MgMW/P2u4WkLYjTLP0gbro9RoqgCIFKEODYF0efjalaSXNC7
RpMO9fxY0S5Rr/4OQ2qFU4DN
-----END CERTIFICATE-----
`
