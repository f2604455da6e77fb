// Package s3 is a prefix of an S3 bucket as an object store: s3://bucket/prefix. Region, endpoint and credentials come the way every
// AWS tool has them. The store must know conditional writes (If-Match and If-None-Match on PUT); it is never listed to read.
package s3

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/burgeehq/burgee/sync/object"
)

// PublishAttempts is how often a publisher sends one request: what the SDK does where nobody says otherwise.
const PublishAttempts = 3

// Config says which objects, and how to reach them.
type Config struct {
	Bucket    string // required
	Prefix    string // of every key, without the "/" between the two; empty means the whole bucket
	PathStyle bool   // http://host/bucket/key, for servers without a name for each bucket
	Attempts  int    // how often one request is sent; 0 means 1, for callers who ask again anyway, such as a poll
}

// Store is one prefix of a bucket.
type Store struct {
	client  *s3.Client
	machine *machine
	clock   clock
	bucket  string
	prefix  string // empty or with a "/" at the end
	page    int    // how many keys are listed at once

	attempts int
}

var _ object.Store = (*Store)(nil)

// bucketName is wider than AWS has it for new buckets, since old ones and other servers are.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$`)

// maxPage is the most that S3 lists at once.
const maxPage = 1000

// Open reads the AWS settings of the environment and its files. It does not touch the network: the store may be away, and credentials
// are fetched when they are first needed, again when they run out, and again from the start when the store refuses them.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	client, machine, err := newClient(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &Store{client: client, machine: machine, bucket: cfg.Bucket, page: maxPage, attempts: cfg.Attempts}
	if cfg.Prefix != "" {
		s.prefix = cfg.Prefix + "/"
	}
	return s, nil
}

func (c Config) check() error {
	if !bucketName.MatchString(c.Bucket) {
		return fmt.Errorf("bucket %q: want 3 to 255 letters, digits, dots, hyphens or underscores", c.Bucket)
	}
	if c.Attempts < 0 {
		return errors.New("attempts: less than 0; give how often a request is sent at most")
	}
	if c.Prefix == "" {
		return nil
	}
	if err := object.CheckKey(c.Prefix); err != nil {
		return fmt.Errorf("prefix %q: a prefix must be made as a key is: %w", c.Prefix, err)
	}
	return nil
}

// String is the store's URL.
func (s *Store) String() string { return strings.TrimSuffix(s.at(""), "/") }

// at names the object at key in an error.
func (s *Store) at(key string) string { return "s3://" + s.bucket + "/" + s.prefix + key }
