//go:build linux

package node

import (
	"fmt"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/versitygw"
)

const (
	bucket = "flags"
	store  = "s3://" + bucket + "/shop/prod"
)

// site is a store that pods reach, and whoever publishes to it.
type site struct {
	*versitygw.Server
	shop *kit.Shop
}

func newSite(t *testing.T) *site {
	t.Helper()
	server := versitygw.StartOn(t, gateway)
	server.Bucket(t, bucket)
	return &site{server, kit.New(t).At(store).As(append(server.Env(server.Root), "BURGEE_S3_PATH_STYLE=true"))}
}

// publish publishes flags whose only one answers that number, and 0 where it is killed.
func (s *site) publish(t *testing.T, number int) {
	t.Helper()
	s.shop.Publish(t, fmt.Sprintf(`{"flags":{"pay":{"state":"ENABLED","variants":{"new":%d,"old":0},"defaultVariant":"new",
		"metadata":{"owner":"tests","kind":"kill-switch","description":"Made by a test.","emergencyAction":"Call nobody.","safeVariant":"old"}}}}`, number))
}

// override runs the verb kill or restore for the flag pay.
func (s *site) override(t *testing.T, verb string) {
	t.Helper()
	s.shop.Ctl(verb, "pay", "--store", store, "--environment", kit.Environment, "--key", s.shop.Path("team.key"),
		"--author", "oncall", "--message", "made by a test").Good(t)
}

// profile is a file of credentials as AWS's tools read it.
func profile(c versitygw.Credentials) string {
	return fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", c.AccessKey, c.SecretKey)
}
