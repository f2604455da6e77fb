package versitygw

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/burgeehq/burgee/test/kit"
)

// iam is the server's service for identities: users whose policies are AWS's, in its grammar and with its rules.
type iam struct {
	api, private string // sockets: for whoever manages users, and for the S3 server
	client       *http.Client
}

// StartWithIAM is Start with such a service beside the server; its users are made by Identity.
func StartWithIAM(t testing.TB) *Server {
	t.Helper()
	s := prepare(t)
	folder, err := os.MkdirTemp("", "iam") // a test's own folder has too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) }) // what stays is in the system's folder for such things
	s.iam = &iam{api: filepath.Join(folder, "api"), private: filepath.Join(folder, "private")}
	s.iam.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", s.iam.api)
	}}}
	s.startIAM(t)
	t.Cleanup(s.Stop)
	s.startAnywhere(t)
	return s
}

func (s *Server) startIAM(t testing.TB) {
	t.Helper()
	cmd := exec.Command(s.binary, "--port", s.iam.api, "iam", "--quiet", "--dir", filepath.Join(s.folder, "iam"), "--private-ports", s.iam.private)
	cmd.Env = []string{"ROOT_ACCESS_KEY=" + s.Root.AccessKey, "ROOT_SECRET_KEY=" + s.Root.SecretKey}
	kit.EndWithParent(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start versitygw iam: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails only where it has ended by itself
		_ = cmd.Wait()         // killed, as a rule
	})
	look, patience := time.NewTicker(lookEvery), time.After(readyWithin)
	defer look.Stop()
	for {
		if connection, err := net.Dial("unix", s.iam.private); err == nil {
			_ = connection.Close() // nothing was said
			return
		}
		select {
		case <-look.C:
		case <-patience:
			t.Fatalf("versitygw iam does not listen within %v", readyWithin)
		}
	}
}

// Identity makes a user who has that policy and no other right.
func (s *Server) Identity(t testing.TB, name, policy string) Credentials {
	t.Helper()
	var made struct {
		Key struct {
			AccessKeyID     string `xml:"AccessKeyId"`
			SecretAccessKey string `xml:"SecretAccessKey"`
		} `xml:"CreateAccessKeyResult>AccessKey"`
	}
	s.manage(t, nil, "CreateUser", "UserName", name)
	s.manage(t, nil, "PutUserPolicy", "UserName", name, "PolicyName", name, "PolicyDocument", policy)
	s.manage(t, &made, "CreateAccessKey", "UserName", name)
	return Credentials{made.Key.AccessKeyID, made.Key.SecretAccessKey}
}

// manage asks the service for identities for something, as root.
func (s *Server) manage(t testing.TB, answer any, action string, pairs ...string) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	body := form.Encode()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://iam.local/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	digest := sha256.Sum256([]byte(body))
	root := aws.Credentials{AccessKeyID: s.Root.AccessKey, SecretAccessKey: s.Root.SecretKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), root, request, hex.EncodeToString(digest[:]), "iam", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	got, err := s.iam.client.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err == nil && got.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", got.Status, text)
	}
	if err == nil && answer != nil {
		err = xml.Unmarshal(text, answer)
	}
	if err != nil {
		t.Fatalf("%s: %v", action, err)
	}
}

// Policy gives a bucket that policy, and says why the server does not take it.
func (s *Server) Policy(ctx context.Context, bucket, policy string) error {
	_, err := s.client(s.Root).PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})
	return err
}

// Client is an S3 client of an account, for requests that no program of ours makes.
func (s *Server) Client(c Credentials) *s3.Client { return s.client(c) }
