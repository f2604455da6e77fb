// Package s3 does the main job against a real S3 server: burgeectl publishes to a bucket, a burgee that may only read follows it.
package s3

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/versitygw"
)

func TestMain(m *testing.M) { kit.Main(m) }

const (
	bucket = "flags"
	store  = "s3://" + bucket + "/shop/prod"
)

// pathStyle is how the server wants its buckets addressed.
const pathStyle = "BURGEE_S3_PATH_STYLE=true"

// site is a server with a bucket, whoever publishes to it, and whoever may only read it.
type site struct {
	*versitygw.Server
	publisher, reader *kit.Shop
}

func newSite(t *testing.T) *site {
	t.Helper()
	server := versitygw.Start(t)
	server.Bucket(t, bucket)
	shop := kit.New(t).At(store)
	return &site{server, as(shop, server, server.Root), as(shop, server, server.Reader(t, bucket))}
}

// as is the shop for whoever holds those credentials.
func as(shop *kit.Shop, server *versitygw.Server, c versitygw.Credentials) *kit.Shop {
	return shop.As(append(server.Env(c), pathStyle))
}

// soon is a pace at which a test need not wait.
var soon = []string{"--poll", "100ms"}

// hasNoSecret wants neither key nor signed URL in what a sidecar tells the world.
func hasNoSecret(t *testing.T, burgee *kit.Sidecar, c versitygw.Credentials) {
	t.Helper()
	_, status := burgee.Page(t, "/status")
	for where, text := range map[string]string{"the log": burgee.Log(), "/status": status} {
		for _, secret := range []string{c.SecretKey, "X-Amz-", "Signature="} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q:\n%s", where, secret, text)
			}
		}
	}
}

// The main job: publish, follow with read-only credentials, lose the server, restart without it, have it back.
func TestAnswersOutliveTheServer(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	site.publisher.Publish(t, kit.Flags(1, 0))
	burgee := site.reader.Start(t, soon...)
	burgee.WillServe(t, 1, 1)
	if st := burgee.Fresh(t, 1); st.Active.From != "store" || st.Sync.Store != store {
		t.Errorf("status after the first publication: %+v", st)
	}
	site.publisher.Publish(t, kit.Flags(2, 0))
	burgee.WillServe(t, 2, 2)
	burgee.Fresh(t, 2)
	unchanged(t, burgee)

	site.Stop()
	st := burgee.Until(t, "stale for want of a server", func(st kit.Status) bool { return st.Freshness == "stale" && st.ErrorKind() == "unavailable" })
	if st.Sync.Failures == 0 || st.Behind || !strings.Contains(st.Sync.LastError.Message, store+"/manifest.json") {
		t.Errorf("status without a server: %+v, last error %+v", st, st.Sync.LastError)
	}
	burgee.Serves(t, 2, 2)
	burgee.Kill()
	burgee = site.reader.Start(t, soon...)
	burgee.WillServe(t, 2, 2)
	if st := burgee.Status(t); st.Active.From != "disk" {
		t.Errorf("after a restart without a server flags are from %q; want disk", st.Active.From)
	}

	site.Restart(t)
	site.publisher.Publish(t, kit.Flags(3, 0))
	burgee.WillServe(t, 3, 3)
	burgee.Fresh(t, 3)
	hasNoSecret(t, burgee, site.Root)
}

// unchanged waits for polls that the server answered with 304, and for no other kind meanwhile.
func unchanged(t *testing.T, burgee *kit.Sidecar) {
	t.Helper()
	polls := func(result string) float64 {
		return burgee.Metric(t, fmt.Sprintf("burgee_polls_total{result=%q}", result))
	}
	kit.Eventually(t, func() error {
		if n := polls("changed"); n != 2 {
			return fmt.Errorf("%v changed polls; want 2, one for each publication", n)
		}
		return nil
	})
	before := polls("unchanged")
	kit.Eventually(t, func() error {
		if n := polls("unchanged"); n < before+3 {
			return fmt.Errorf("%v unchanged polls after %v; want three more", n, before)
		}
		return nil
	})
	if now := polls("changed"); now != 2 {
		t.Errorf("%v changed polls; want 2, one for each publication", now)
	}
}

// What is wrong with an account or a bucket is named by its kind, and by burgeectl with the way out.
func TestWhatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	site.publisher.Publish(t, kit.Flags(1, 0))
	stranger := versitygw.Credentials{AccessKey: "nobody-at-all", SecretKey: "hunter2hunter2"}
	wrong := versitygw.Credentials{AccessKey: site.Root.AccessKey, SecretKey: "hunter2hunter2"}
	for _, row := range []struct {
		name  string
		shop  *kit.Shop
		kind  string
		words []string // of burgeectl publish
	}{
		{"wrong secret", as(site.publisher, site.Server, wrong), "forbidden", []string{"access denied: 403", "hint: check credentials and permissions"}},
		{"unknown key", as(site.publisher, site.Server, stranger), "forbidden", []string{"access denied: 403", "hint: check credentials and permissions"}},
		{"account without rights", as(site.publisher, site.Server, site.User(t)), "forbidden", []string{"access denied: 403", "hint: check credentials and permissions"}},
		{"missing bucket", site.publisher.At("s3://absent/shop/prod"), "no-store", []string{"no such bucket or folder: 404 NoSuchBucket", "hint: check --store"}},
		{"no credentials", site.publisher.As([]string{
			"AWS_ENDPOINT_URL_S3=" + site.Endpoint(), "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
			"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", pathStyle,
		}), "credentials", []string{"no credentials", "AWS_ACCESS_KEY_ID"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.shop.TryPublish(kit.Flags(9, 0)).Refused(t, 1, row.words...)
			burgee := row.shop.Start(t, append(soon, "--state-dir", "")...)
			st := burgee.Until(t, "a failed poll", func(st kit.Status) bool { return st.Sync.Failures > 0 })
			if st.ErrorKind() != row.kind || st.Freshness != "empty" {
				t.Errorf("status: last error %+v, %s; want kind %s, and empty", st.Sync.LastError, st.Freshness, row.kind)
			}
			hasNoSecret(t, burgee, wrong)
			burgee.Stop(t)
		})
	}
}

// Whoever may only read is told so before anything is written, and reads all the same.
func TestAReaderCannotPublish(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	site.publisher.Publish(t, kit.Flags(1, 0))
	site.reader.TryPublish(kit.Flags(2, 0)).Refused(t, 1, "access denied: 403", "hint: check credentials and permissions")
	shown := site.reader.Ctl("show", "--store", store, "--trust-key", site.reader.Path("team.pub")).Good(t)
	if !strings.Contains(shown.Stdout, "made by a test") {
		t.Errorf("burgeectl show prints\n%s", shown)
	}
	site.publisher.Publish(t, kit.Flags(3, 0)) // revision 2: the reader left nothing in its way
	burgee := site.reader.Start(t, soon...)
	burgee.WillServe(t, 3, 2)
}

const (
	minRounds = 4
	maxRounds = 30 // until somebody loses
)

// Where several publish at once, each revision has one publisher, the others are told who it was, and sidecars see them in order.
func TestPublishersRace(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	site.publisher.Publish(t, kit.Flags(1, 0))
	burgee := site.reader.Start(t, soon...)
	burgee.WillServe(t, 1, 1)
	revision, number, lost := 1, 1, 0
	for round := 0; round < minRounds || lost == 0 && round < maxRounds; round++ {
		var printed [3]kit.Printed
		var group sync.WaitGroup
		for i := range printed {
			group.Go(func() {
				printed[i] = site.publisher.TryPublish(kit.Flags(100*round+10+i, 0), "--author", fmt.Sprint("author", i))
			})
		}
		group.Wait()
		before := revision
		for i, p := range printed {
			switch {
			case p.Code == 0:
				revision++
			case p.Code == 3 && strings.Contains(p.Stderr, "not published: author") && strings.Contains(p.Stderr, "hint: burgeectl show"):
				lost++
			default:
				t.Errorf("round %d, publisher %d: %s\nwant 0, or 3 and who was first", round, i, p)
			}
		}
		number = wantRevisions(t, site, printed[:], round, before, revision)
	}
	if lost == 0 {
		t.Errorf("nobody lost a race in %d rounds", maxRounds)
	}
	t.Logf("%d revisions, %d conflicts", revision, lost)
	burgee.WillServe(t, number, revision)
}

// wantRevisions wants each revision of a round published by exactly one who was told so, and gives the number of the last one.
func wantRevisions(t *testing.T, site *site, printed []kit.Printed, round, before, after int) (number int) {
	t.Helper()
	if after == before {
		t.Fatalf("round %d: nobody published: %v", round, printed)
	}
	for revision := before + 1; revision <= after; revision++ {
		winners := 0
		for i, p := range printed {
			if p.Code == 0 && strings.HasPrefix(p.Stdout, fmt.Sprintf("published revision %d of ", revision)) {
				winners++
				number = 100*round + 10 + i
			}
		}
		if winners != 1 {
			t.Errorf("round %d: revision %d has %d publishers; want 1: %v", round, revision, winners, printed)
		}
		site.publisher.Ctl("show", fmt.Sprint(revision), "--store", store, "--trust-key", site.publisher.Path("team.pub")).Good(t)
	}
	return number
}
