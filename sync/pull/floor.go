package pull

import "github.com/burgeehq/burgee/sync/bundle"

// floor is the highest revision accepted so far, below which nothing is taken.
type floor struct {
	min      int64 // what the operator says a fresh process may start from
	revision int64 // 0 while nothing was accepted
	payload  bundle.Digest
}

func (f *floor) admit(head bundle.Head) error {
	switch revision := head.Manifest().Revision; {
	case revision < f.min:
		return bundle.Refuse(bundle.ReasonOlder, "head is at revision %d, below --min-revision %d", revision, f.min)
	case revision < f.revision:
		return bundle.Refuse(bundle.ReasonOlder, "head is at revision %d, and %d was accepted before: publish again with --start-at %d or more", revision, f.revision, f.revision+1)
	case revision == f.revision && head.Payload() != f.payload:
		return bundle.Refuse(bundle.ReasonFork, "head is another revision %d (%s) than the one accepted before (%s)", revision, head.Payload(), f.payload)
	case f.revision > 0 && revision > f.revision+bundle.MaxJump:
		return bundle.Refuse(bundle.ReasonJump, "head is at revision %d, more than %d past revision %d", revision, bundle.MaxJump, f.revision)
	}
	return nil
}

// raise notes an admitted head and tells whether it was news.
func (f *floor) raise(head bundle.Head) bool {
	revision := head.Manifest().Revision
	news := revision > f.revision
	f.revision, f.payload = revision, head.Payload()
	return news
}
