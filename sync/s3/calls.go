package s3

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/burgeehq/burgee/sync/object"
)

// Get reads the object at key.
func (s *Store) Get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	got, err := s.get(ctx, key, have, limit)
	if err != nil {
		return object.Object{}, fmt.Errorf("get %s: %w", s.at(key), err)
	}
	return got, nil
}

func (s *Store) get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	if err := object.CheckKey(key); err != nil {
		return object.Object{}, err
	}
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: s.key(key)}
	if have != "" {
		in.IfNoneMatch = &have
	}
	var out *s3.GetObjectOutput
	err := s.send(ctx, meaning{missing: object.ErrNotFound}, func() (err error) {
		out, err = s.client.GetObject(ctx, in, s.clock.sign)
		return err
	})
	if err != nil {
		return object.Object{}, err
	}
	defer out.Body.Close()
	size := int64(-1)
	if out.ContentLength != nil {
		size = *out.ContentLength
	}
	body, err := object.ReadLimited(out.Body, size, limit)
	if err != nil {
		return object.Object{}, broken(ctx, err)
	}
	return object.Object{Body: body, Tag: aws.ToString(out.ETag)}, nil
}

// Create writes the object at key unless there is one.
func (s *Store) Create(ctx context.Context, key string, body []byte) (string, error) {
	in := &s3.PutObjectInput{IfNoneMatch: aws.String("*")}
	tag, err := s.put(ctx, key, body, in, meaning{failed: object.ErrExists})
	if err != nil {
		return "", fmt.Errorf("create %s: %w", s.at(key), err)
	}
	return tag, nil
}

// Replace writes the object at key if its present tag is have.
func (s *Store) Replace(ctx context.Context, key, have string, body []byte) (string, error) {
	in := &s3.PutObjectInput{IfMatch: &have}
	tag, err := s.put(ctx, key, body, in, meaning{missing: object.ErrConflict, failed: object.ErrConflict})
	if err != nil {
		return "", fmt.Errorf("replace %s: %w", s.at(key), err)
	}
	return tag, nil
}

// put sends the body under the condition that in has.
func (s *Store) put(ctx context.Context, key string, body []byte, in *s3.PutObjectInput, m meaning) (string, error) {
	if err := object.CheckKey(key); err != nil {
		return "", err
	}
	if in.IfMatch != nil && *in.IfMatch == "" {
		return "", fmt.Errorf("%w: no tag was given", object.ErrConflict) // sent as it is, it would be no condition at all
	}
	in.Bucket, in.Key = &s.bucket, s.key(key)
	var out *s3.PutObjectOutput
	err := s.send(ctx, m, func() (err error) {
		in.Body = bytes.NewReader(body)
		out, err = s.client.PutObject(ctx, in, s.clock.sign)
		return err
	})
	if err != nil {
		return "", err
	}
	if aws.ToString(out.ETag) == "" {
		return "", fmt.Errorf("%w: the answer to a write had no ETag: it may come from a proxy in the server's place", object.ErrUnavailable)
	}
	return *out.ETag, nil
}

// List gives the keys that begin with prefix and come after another one.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	keys, err := s.list(ctx, prefix, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", s.at(prefix), err)
	}
	return keys, nil
}

func (s *Store) list(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	if err := object.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: s.key(prefix)}
	if after != "" {
		in.StartAfter = s.key(after)
	}
	pages := s3.NewListObjectsV2Paginator(s.client, in,
		func(o *s3.ListObjectsV2PaginatorOptions) { o.Limit = int32(min(s.page, max(limit, 1))) })
	var keys []string
	for len(keys) < limit && pages.HasMorePages() {
		var page *s3.ListObjectsV2Output
		err := s.send(ctx, meaning{}, func() (err error) {
			page, err = pages.NextPage(ctx, s.clock.sign)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, found := range page.Contents {
			key := strings.TrimPrefix(aws.ToString(found.Key), s.prefix)
			if object.CheckKey(key) == nil { // not what consoles make of folders, nor anything else that Get would refuse
				keys = append(keys, key)
			}
		}
	}
	return keys[:min(max(limit, 0), len(keys))], nil
}

// send makes a call, says what its error means, and lets the next call make use of it. Where it was refused for the clock that signed
// it, nothing was done; then whoever asks more than once asks again by the other clock.
func (s *Store) send(ctx context.Context, m meaning, call func() error) error {
	for again := s.attempts > 1; ; again = false {
		err := call()
		if err == nil {
			return nil
		}
		err = m.of(ctx, err)
		s.machine.learn(err)
		if !s.clock.learn(err) || !again {
			return err
		}
	}
}

func (s *Store) key(key string) *string { return aws.String(s.prefix + key) }
