package main

import (
	"testing"

	"github.com/hashicorp/go-hclog"
)

// Whoever wants no listener for probes says so; whatever else is given is one.
func TestTheWebhooksAdminListener(t *testing.T) {
	for given, want := range map[string]string{"off": "", ":8014": ":8014"} {
		s := injectSettings{Config: "../../sidecar/inject/testdata/injection.json", TlsCert: "tls.crt", TlsKey: "tls.key", Listen: ":8443", Admin: given}
		if c, err := s.config(hclog.NewNullLogger()); err != nil || c.Admin != want {
			t.Errorf("--admin %s: listens on %q, error %v; want %q", given, c.Admin, err, want)
		}
	}
}
