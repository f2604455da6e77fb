package versitygw

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// readPolicy lets some accounts read one bucket.
const readPolicy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": %s},
	"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::%s", "arn:aws:s3:::%[2]s/*"]}]}`

// Bucket makes a bucket that belongs to Root.
func (s *Server) Bucket(t testing.TB, name string) {
	t.Helper()
	if _, err := s.client(s.Root).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatalf("create bucket %s: %v", name, err)
	}
}

// Reader makes an account that may read the bucket and list it, and nothing else.
func (s *Server) Reader(t testing.TB, bucket string) Credentials {
	t.Helper()
	reader := s.User(t)
	s.Allow(t, bucket, reader)
	return reader
}

// Allow lets these accounts read the bucket and list it, and nobody else but Root.
func (s *Server) Allow(t testing.TB, bucket string, readers ...Credentials) {
	t.Helper()
	if len(readers) == 0 {
		if _, err := s.client(s.Root).DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: &bucket}); err != nil {
			t.Fatalf("delete policy of bucket %s: %v", bucket, err)
		}
		return
	}
	var names []string
	for _, reader := range readers {
		names = append(names, reader.AccessKey)
	}
	list, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	policy := fmt.Sprintf(readPolicy, list, bucket)
	if _, err := s.client(s.Root).PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}); err != nil {
		t.Fatalf("set policy of bucket %s: %v", bucket, err)
	}
}

// User makes an account that may do nothing.
func (s *Server) User(t testing.TB) Credentials {
	t.Helper()
	user := newCredentials("user")
	s.admin(t, "create-user", "--access", user.AccessKey, "--secret", user.SecretKey, "--role", "user")
	return user
}

// Delete takes an account away.
func (s *Server) Delete(t testing.TB, user Credentials) {
	t.Helper()
	s.admin(t, "delete-user", "--access", user.AccessKey)
}

// admin runs the server's own tool for accounts.
func (s *Server) admin(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.binary, append([]string{
		"admin", "--access", s.Root.AccessKey, "--secret", s.Root.SecretKey, "--endpoint-url", s.Endpoint(), "--region", region,
	}, args...)...)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, output)
	}
}

// client sends each request once: the caller is the one who asks again.
func (s *Server) client(c Credentials) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint()),
		Region:       region,
		UsePathStyle: true,
		Retryer:      aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: c.AccessKey, SecretAccessKey: c.SecretKey}, nil
		}),
	})
}

// Remove takes an object away behind everybody's back.
func (s *Server) Remove(t testing.TB, bucket, key string) {
	t.Helper()
	if _, err := s.client(s.Root).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
}
