package s3

import (
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
)

// Whoever may only read can verify the whole past of a bucket, a rollback is followed as any other revision, and what is taken away from
// the bucket is named.
func TestThePastOfABucket(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	trust := []string{"--store", store, "--trust-key", site.reader.Path("team.pub")}
	ctl := func(shop *kit.Shop, args ...string) kit.Printed { return shop.Ctl(append(args, trust...)...) }
	for number := 1; number <= 3; number++ {
		site.publisher.Publish(t, kit.Flags(number, 0))
	}
	site.publisher.Publish(t, kit.Flags(4, 0), "--start-at", "9")
	burgee := site.reader.Start(t, soon...)
	burgee.WillServe(t, 4, 9)

	writing := []string{"--environment", kit.Environment, "--key", site.publisher.Path("team.key"), "--author", "test", "--message", "back"}
	ctl(site.publisher, append([]string{"rollback", "--to", "2"}, writing...)...).Good(t)
	burgee.WillServe(t, 2, 10)
	ctl(site.publisher, append([]string{"renew", "--valid-for", "24h", "--allow-earlier"}, writing...)...).Good(t)
	burgee.WillServe(t, 2, 11)

	verified := ctl(site.reader, "verify", "--at-least", "11").Good(t)
	if !strings.Contains(verified.Stdout, "looked at    6 revisions from 1 on, 4 bundles") || !strings.Contains(verified.Stdout, "store        good") {
		t.Errorf("verify prints %s", verified)
	}
	told := ctl(site.reader, "history", kit.Number).Good(t)
	if strings.Count(told.Stdout, "\n    variants.it") != 4 || !strings.Contains(told.Stdout, "variants.it: 4 -> 2") {
		t.Errorf("history prints %s", told)
	}
	ctl(site.reader, "export", site.reader.Path("flat")).Good(t)
	ctl(site.reader, "verify", "--at-least", "12").Refused(t, 3, "manifest.json: the newest revision is 11, and the store had 12")

	site.Remove(t, bucket, "shop/prod/revisions/00000003.json")
	ctl(site.reader, "verify").Refused(t, 3, "revisions/00000003.json: missing", "1 object damaged")
	ctl(site.publisher, append([]string{"rollback", "--to", "3"}, writing...)...).Refused(t, 3, "revisions/00000003.json: missing")
}
