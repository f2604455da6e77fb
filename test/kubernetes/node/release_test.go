//go:build linux

package node

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

const (
	chart = "../../../charts/burgee"
	poll  = 2 * time.Second
)

// helm runs a verb of Helm on the release burgee, of the chart in this tree.
func (n *node) helm(t *testing.T, verb string, values ...string) {
	t.Helper()
	folder, err := filepath.Abs(chart)
	must(t, err)
	repository, tag, _ := strings.Cut(burgeeImage, ":")
	n.Helm(t, slices.Concat([]string{verb, "burgee", folder, "--namespace", system}, []string{
		"--set", "store=" + store, "--set", "environment=" + kit.Environment, "--set-file", "trustKeys.team=" + n.shop.Path("team.pub"),
		"--set", "image.repository=" + repository, "--set", "image.tag=" + tag,
		"--set", "s3.region=us-east-1", "--set", "s3.endpoint=" + n.Endpoint(), "--set", "s3.pathStyle=true",
		"--set", "s3.credentials.from=secret", "--set", "s3.credentials.secret=" + credentials,
		"--set", "sidecar.settings.poll=" + poll.String(), "--set", "sidecar.settings.logFormat=json",
	}, values)...)
}

// inForce waits until a pod with the label would get a sidecar: the server takes up to a second to take up what it is told.
func (n *node) inForce(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		made := n.TryKubectl(podManifest("nobody"), "create", "--dry-run=server", "--output=jsonpath={.spec.initContainers[*].name}", "-f", "-")
		if made.Code != 0 || made.Stdout != "burgee migrate" {
			return errors.New(made.String())
		}
		return nil
	})
}
