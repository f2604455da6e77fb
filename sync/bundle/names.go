package bundle

import (
	"fmt"
	"strconv"
	"strings"
)

// HeadKey is where the head stands: the only object of a store that is ever overwritten.
const HeadKey = "manifest.json"

// RevisionsPrefix begins the keys of all the copies of heads.
const RevisionsPrefix = "revisions/"

// RevisionKey is where the copy of a revision's head stands.
func RevisionKey(revision int64) string {
	return fmt.Sprintf("%s%08d.json", RevisionsPrefix, revision)
}

// RevisionOf reads the number out of the key of a copy. It takes no other spelling than RevisionKey's.
func RevisionOf(key string) (revision int64, ok bool) {
	name := strings.TrimSuffix(strings.TrimPrefix(key, RevisionsPrefix), ".json")
	revision, err := strconv.ParseInt(name, 10, 64)
	return revision, err == nil && revision > 0 && RevisionKey(revision) == key
}

// BundlesPrefix and LedgersPrefix begin the keys of all bundles, and of all ledgers.
const (
	BundlesPrefix = "bundles/"
	LedgersPrefix = "ledgers/"
)

// Key is where a bundle of that digest stands.
func Key(d Digest) string { return BundlesPrefix + FileName(d) }

// LedgerKey is where a ledger of that digest stands.
func LedgerKey(d Digest) string { return LedgersPrefix + FileName(d) }

// FileName is the name of a bundle in a flat folder, such as one that a ConfigMap makes for --bootstrap.
func FileName(d Digest) string { return d.Hex() + ".json.gz" }

// DigestOf reads the digest out of the name that FileName gives. It takes no other spelling.
func DigestOf(name string) (d Digest, ok bool) {
	d = Digest(digestPrefix + strings.TrimSuffix(name, ".json.gz"))
	return d, d.valid() && FileName(d) == name
}
