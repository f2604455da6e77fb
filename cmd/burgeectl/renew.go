package main

import (
	"context"
	"time"

	"github.com/burgeehq/burgee/sync/publish"
)

// renewal is the verb renew.
type renewal struct {
	writing
	ValidFor     time.Duration `required:"" help:"How long the revision is valid from now on, such as 336h." placeholder:"DURATION"`
	AllowEarlier bool          `help:"The end may be earlier than the one that the newest revision has, or the first that it has."`
}

// Run makes the next revision of what the store holds, with another end. No flags are read.
func (r *renewal) Run(ctx context.Context, w *world, form output) error {
	if r.ValidFor <= 0 {
		return wrongly("give how long the flags are good for, such as 336h", "--valid-for %s is no time to come", r.ValidFor)
	}
	return r.resign(ctx, w, form, publish.Resigning{ValidFor: r.ValidFor, Later: !r.AllowEarlier})
}

func (*renewal) examples() []string {
	return []string{
		`burgeectl renew --valid-for 336h --key ci.key --message nightly`,
	}
}
