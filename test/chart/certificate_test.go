package chart

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

// The certificate that Helm makes is one that the API server takes for as long as the documents say: signed by the authority in the webhook's
// configuration, with its own name, and with the key beside it.
func TestTheChartsCertificate(t *testing.T) {
	t.Parallel()
	eachHelm(t, func(t *testing.T, helm string) {
		all := objectsOf(t, rendered(t, helm, good()...))
		served, authority := find(t, all, "Secret", "burgee-inject-tls"), find(t, all, "Secret", "burgee-inject-ca")
		if _, err := tls.X509KeyPair(decoded(t, at(served, "data", "tls.crt")), decoded(t, at(served, "data", "tls.key"))); err != nil {
			t.Errorf("the server's: %v", err)
		}
		if _, err := tls.X509KeyPair(decoded(t, at(authority, "data", "tls.crt")), decoded(t, at(authority, "data", "tls.key"))); err != nil {
			t.Errorf("the authority's: %v", err)
		}
		trusted := x509.NewCertPool()
		if !trusted.AppendCertsFromPEM(decoded(t, at(find(t, all, "MutatingWebhookConfiguration", "burgee-inject"), "webhooks", 0, "clientConfig", "caBundle"))) {
			t.Fatal("the caBundle holds no certificate")
		}
		certificate := parsed(t, at(served, "data", "tls.crt"))
		for _, now := range []time.Time{time.Now(), time.Now().AddDate(9, 11, 0)} {
			if _, err := certificate.Verify(x509.VerifyOptions{Roots: trusted, DNSName: "burgee-inject.burgee-system.svc", CurrentTime: now}); err != nil {
				t.Errorf("at %s: %v", now, err)
			}
		}
		if end := parsed(t, at(authority, "data", "tls.crt")).NotAfter; end.Before(time.Now().AddDate(19, 11, 0)) {
			t.Errorf("the authority ends at %s; want what it signs in ten years to have ten more", end)
		}
	})
}

// X.509 has room for 64 bytes in a common name. A release's name may have 53, and its namespace 63.
func TestCommonNamesFit(t *testing.T) {
	t.Parallel()
	long := append(good(), "--set", "fullnameOverride="+strings.Repeat("a", 60), "--namespace", strings.Repeat("n", 63))
	all := objectsOf(t, rendered(t, program(t, "helm"), long...))
	name := strings.Repeat("a", 50) + "-inject"
	for _, secret := range []string{name + "-tls", name + "-ca"} {
		if got := parsed(t, at(find(t, all, "Secret", secret), "data", "tls.crt")).Subject.CommonName; got == "" || len(got) > 64 {
			t.Errorf("%s: the common name %q has %d bytes", secret, got, len(got))
		}
	}
	all = objectsOf(t, rendered(t, program(t, "helm"), append(long, "--set", "webhook.certificate.from=cert-manager")...))
	if got, _ := at(find(t, all, "Certificate", name+"-managed-ca"), "spec", "commonName").(string); got == "" || len(got) > 64 {
		t.Errorf("cert-manager is asked for the common name %q of %d bytes", got, len(got))
	}
}

// The authority's key would make certificates for whoever has it, so no pod mounts it.
func TestNoPodHasTheAuthoritysKey(t *testing.T) {
	t.Parallel()
	deployment := find(t, objectsOf(t, rendered(t, program(t, "helm"), good()...)), "Deployment", "burgee-inject")
	volumes, _ := at(deployment, "spec", "template", "spec", "volumes").([]any)
	var secrets []any
	for _, v := range volumes {
		if name := at(v, "secret", "secretName"); name != nil {
			secrets = append(secrets, name)
		}
	}
	if len(secrets) != 1 || secrets[0] != "burgee-inject-tls" {
		t.Errorf("the webhook's pods mount the Secrets %v; want burgee-inject-tls alone", secrets)
	}
}

func decoded(t testing.TB, value any) []byte {
	t.Helper()
	text, _ := value.(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 {
		t.Fatalf("%q: %v", text, err)
	}
	return raw
}

func parsed(t testing.TB, value any) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(decoded(t, value))
	if block == nil {
		t.Fatal("no PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
