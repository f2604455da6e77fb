package versitygw

import (
	"context"
	"fmt"
	"os/exec"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// readPolicy lets one account read one bucket.
const readPolicy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": [%q]},
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
	policy := fmt.Sprintf(readPolicy, reader.AccessKey, bucket)
	if _, err := s.client(s.Root).PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}); err != nil {
		t.Fatalf("set policy of bucket %s: %v", bucket, err)
	}
	return reader
}

// User makes an account that may do nothing.
func (s *Server) User(t testing.TB) Credentials {
	t.Helper()
	user := newCredentials("user")
	cmd := exec.CommandContext(t.Context(), s.binary, "admin", "--access", s.Root.AccessKey, "--secret", s.Root.SecretKey,
		"--endpoint-url", s.Endpoint(), "--region", region,
		"create-user", "--access", user.AccessKey, "--secret", user.SecretKey, "--role", "user")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("create user: %v\n%s", err, output)
	}
	return user
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
