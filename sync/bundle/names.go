package bundle

import "fmt"

// HeadKey is where the head stands: the only object of a store that is ever overwritten.
const HeadKey = "manifest.json"

// RevisionsPrefix begins the keys of all the copies of heads.
const RevisionsPrefix = "revisions/"

// RevisionKey is where the copy of a revision's head stands.
func RevisionKey(revision int64) string {
	return fmt.Sprintf("%s%08d.json", RevisionsPrefix, revision)
}

// Key is where a bundle of that digest stands.
func Key(d Digest) string { return "bundles/" + FileName(d) }

// LedgerKey is where a ledger of that digest stands.
func LedgerKey(d Digest) string { return "ledgers/" + FileName(d) }

// FileName is the name of a bundle in a flat folder, such as one that a ConfigMap makes for --bootstrap.
func FileName(d Digest) string { return d.Hex() + ".json.gz" }
