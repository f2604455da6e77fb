// Package store opens the object store that a URL names. It knows the schemes and nothing of what lies behind them.
package store

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/burgeehq/burgee/sync/dir"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/s3"
)

// PublishAttempts is what Options.Attempts is for whoever writes.
const PublishAttempts = s3.PublishAttempts

// Options are what a URL does not say.
type Options struct {
	S3PathStyle bool // http://host/bucket/key, for servers without a name for each bucket
	Attempts    int  // how often one request is sent; 0 means 1, for callers who ask again anyway, such as a poll
}

// scheme is one kind of store.
type scheme struct {
	shape string // as a person writes it
	open  func(ctx context.Context, u *url.URL, opts Options) (object.Store, error)
}

// schemes are all the kinds there are; a new one is a line here.
var schemes = []scheme{
	{"file:///folder", openFile},
	{"s3://bucket/prefix", openS3},
}

// Open gives the store at rawURL. It touches no network, and the store need not be there yet. A URL may hold credentials by mistake:
// no error repeats them.
func Open(ctx context.Context, rawURL string, opts Options) (object.Store, error) {
	u, found, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("store %q: %w; stores are %s", printable(rawURL), err, shapes())
	}
	s, err := found.open(ctx, u, opts)
	if err != nil {
		return nil, fmt.Errorf("store %q: %w; stores are %s", printable(rawURL), err, shapes())
	}
	return s, nil
}

func openFile(_ context.Context, u *url.URL, _ Options) (object.Store, error) {
	if u.Host != "" {
		return nil, fmt.Errorf("a folder has no host, and %q stands where one would; a path begins with a third slash", u.Host)
	}
	return dir.Open(u.Path)
}

func openS3(ctx context.Context, u *url.URL, opts Options) (object.Store, error) {
	return s3.Open(ctx, s3.Config{
		Bucket:    u.Host,
		Prefix:    strings.Trim(u.Path, "/"),
		PathStyle: opts.S3PathStyle,
		Attempts:  opts.Attempts,
	})
}

// shapes lists the schemes for a person.
func shapes() string {
	var all []string
	for _, s := range schemes {
		all = append(all, s.shape)
	}
	return strings.Join(all, " and ")
}
