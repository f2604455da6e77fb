// Package object says what Burgee asks of a store: whole objects under string keys, read with a validator and a size limit, created
// once, and replaced only by whoever knows what it replaces. It holds words and errors; the stores themselves are dir and s3, and
// both are held to the suite in objecttest. It does no I/O.
package object

import (
	"context"
	"errors"
)

// Store is one environment's place in an object store. Keys are as CheckKey has them. Every method is safe for concurrent use, honours
// ctx, and wraps one of this package's errors where one fits. After a write, ErrUnavailable, the end of ctx and any error that is not
// this package's mean that the outcome is unknown: it may have been done. A store that tries again may be told ErrExists or ErrConflict
// about its own first try, so a writer settles those by reading back. Every other error means that nothing was written.
type Store interface {
	// Get reads the object at key. Where have is not empty and is the object's present tag, the error is ErrNotModified. An object
	// of more than limit bytes is ErrTooLarge, and at most limit+1 of its bytes are read.
	Get(ctx context.Context, key, have string, limit int64) (Object, error)

	// Create writes the object at key unless there is one: ErrExists; or ErrConflict, where somebody else is writing there this moment.
	Create(ctx context.Context, key string, body []byte) (tag string, err error)

	// Replace writes the object at key if its present tag is have; else, where there is none, and where have is empty, ErrConflict.
	Replace(ctx context.Context, key, have string, body []byte) (tag string, err error)

	// List gives the keys that begin with prefix and come after the key after, in order, at most limit of them. Every key comes after "".
	List(ctx context.Context, prefix, after string, limit int) ([]string, error)

	// String is the store's URL as a person may see it: without credentials.
	String() string
}

// Object is one object as it was read.
type Object struct {
	Body []byte // owned by the caller
	Tag  string // opaque validator for Get and Replace; says nothing about the content
}

// What a store says no with. A store wraps them with the key and its own words; callers ask errors.Is.
var (
	ErrNotFound    = errors.New("no such object")
	ErrNotModified = errors.New("not modified")
	ErrTooLarge    = errors.New("object larger than its limit")
	ErrExists      = errors.New("object exists")
	ErrConflict    = errors.New("object changed meanwhile")
	ErrKey         = errors.New("not a key")
	ErrForbidden   = errors.New("access denied") // never to be read as "empty": S3 answers so for missing keys too
	ErrNoStore     = errors.New("no such bucket or folder")
	ErrUnavailable = errors.New("store unavailable") // 5xx, refused or broken connections, deadlines: trying again may help

	// Beside ErrUnavailable, where it is known that nothing reached the store:
	ErrCredentials = errors.New("no credentials")
	ErrInsecure    = errors.New("no trusted connection") // TLS failed

	ErrClock = errors.New("clocks disagree") // the store takes no request that was signed at this time
)
