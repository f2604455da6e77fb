package chart

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
)

// Whoever gives the region as a variable needs no value for it.
func TestTheRegionMayBeAVariable(t *testing.T) {
	for _, variable := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE"} {
		text := rendered(t, program(t, "helm"), append(good(), "--set", "s3.region=,sidecar.env[0].name="+variable+",sidecar.env[0].value=eu-west-1")...)
		if !strings.Contains(text, `"name": "`+variable+`"`) {
			t.Errorf("%s is not in what is rendered", variable)
		}
	}
}

const (
	publicKey = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAwOptpPXITdrlvMltgyNaGNSWl0DtxUNl94jV8LxhXT0=\n-----END PUBLIC KEY-----\n"
	noKey     = "trustKeys.prod is no Ed25519 public key; burgeectl keygen makes one: --set-file trustKeys.prod=NAME.pub"
)

// spki is a public key of Go's in PEM.
func spki(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// The chart takes as keys what the sidecar takes, and says of all else what to do.
func TestTrustKeys(t *testing.T) {
	helm := program(t, "helm")
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	own, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ key, want string }{
		"ed25519":      {spki(t, own), ""},
		"line ends":    {"\r\n" + strings.ReplaceAll(publicKey, "\n", "\r\n") + "\n", ""},
		"P-256":        {spki(t, curve.Public()), noKey},
		"RSA":          {spki(t, big.Public()), noKey},
		"cut":          {strings.Replace(publicKey, "XT0=", "XQ==", 1), noKey},
		"damaged":      {strings.Replace(publicKey, "wOpt", "w*pt", 1), noKey},
		"on one line":  {strings.ReplaceAll(publicKey, "\n", " "), noKey},
		"no PEM":       {"MCowBQYDK2VwAyEAwOptpPXITdrlvMltgyNaGNSWl0DtxUNl94jV8LxhXT0=", noKey},
		"nothing":      {"", noKey},
		"two":          {publicKey + publicKey, "trustKeys.prod holds 2 keys: give each a name of its own, such as trustKeys.old and trustKeys.new"},
		"a file":       {"prod.pub", `trustKeys.prod is the text "prod.pub" and no key: use --set-file trustKeys.prod=prod.pub`},
		"a file's way": {"/home/ana/keys/prod.pub", `trustKeys.prod is the text "/home/ana/keys/prod.pub" and no key: use --set-file trustKeys.prod=/home/ana/keys/prod.pub`},
	} {
		t.Run(name, func(t *testing.T) {
			_, refused := template(t, helm, append(good(), "--set-file", "trustKeys.prod="+written(t, "key", row.key))...)
			if !strings.Contains(refused, row.want) || (row.want == "") != (refused == "") {
				t.Errorf("it says %q; want %q", refused, row.want)
			}
			if _, err := bundle.ParsePublicKey([]byte(strings.TrimSpace(row.key))); (err == nil) != (row.want == "") && name != "two" {
				t.Errorf("the sidecar says: %v", err)
			}
		})
	}
}

// A key without a name is the likeliest slip of all. What is private is not shown.
func TestTrustKeysWithoutAName(t *testing.T) {
	eachHelm(t, func(t *testing.T, helm string) {
		for key, want := range map[string]string{
			publicKey:  "trustKeys is one text: give each key a name, such as --set-file trustKeys.prod=prod.pub",
			privateKey: "trustKeys is a private key: give the public one, with a name, such as --set-file trustKeys.prod=prod.pub",
		} {
			_, refused := template(t, helm, "--set", "s3.region=eu-central-1", "--set-file", "trustKeys="+written(t, "key", key))
			if !strings.Contains(refused, want) || strings.Contains(refused, "bm9ib2R5") {
				t.Errorf("it says %q; want %q", refused, want)
			}
		}
	})
}

// Where a slip is likely, words are said and no regular expression is shown. Whatever may be a password is not repeated.
func TestLikelySlipsAreRefusedInWords(t *testing.T) {
	properties, _ := at(schema(t), "properties", "sidecar", "properties", "settings", "properties").(object)
	known := " is not known; there are " + strings.Join(slices.Sorted(maps.Keys(properties)), ", ") + ". Other values set the rest"
	for set, want := range map[string]string{
		"store=flags/shop/prod":          `store: "flags/shop/prod" is no store; want such as s3://bucket/prefix`,
		"store=file:///flags":            `store: "file:///flags" is no store; want such as s3://bucket/prefix`,
		"store=s3://key:hush@flags/shop": `store: "…" is no store; want such as s3://bucket/prefix`,
		"s3.endpoint=minio:9000":         `s3.endpoint: "minio:9000" is no URL; want such as https://minio:9000, or http://minio:9000`,
		"s3.endpoint=ftp://s3 example":   `s3.endpoint: "ftp://s3 example" is no URL; want such as https://s3.example.com, or http://s3.example.com`,
		"s3.endpoint=ana:hush@minio":     `s3.endpoint: "…" is no URL; want such as https://s3.example.com, or http://s3.example.com`,
		"sidecar.settings.pol=1s":        "sidecar.settings.pol" + known,
		"sidecar.settings.stateDir=/x":   "sidecar.settings.stateDir" + known,
	} {
		t.Run(set, func(t *testing.T) {
			eachHelm(t, func(t *testing.T, helm string) {
				_, refused := template(t, helm, append(good(), "--set", set)...)
				if !strings.Contains(refused, want) || strings.Contains(refused, "hush") {
					t.Errorf("it says %q; want %q", refused, want)
				}
			})
		})
	}
}

// An authority's key is likely to lie beside its certificate, and nobody may see it.
func TestTheAuthority(t *testing.T) {
	const certificate = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"
	eachHelm(t, func(t *testing.T, helm string) {
		for given, want := range map[string]string{
			"":                               "",
			certificate:                      "",
			certificate + "\n" + certificate: "",
			privateKey:                       "webhook.certificate.caBundle holds a private key: give the authority's certificate alone.",
			certificate + privateKey:         "webhook.certificate.caBundle holds a private key: give the authority's certificate alone.",
			"ca.crt":                         `webhook.certificate.caBundle is the text "ca.crt" and no certificate: use --set-file webhook.certificate.caBundle=ca.crt`,
			"bm9ib2R5":                       "webhook.certificate.caBundle is no certificate (PEM): give that of the authority that signed the webhook's",
		} {
			_, refused := template(t, helm, append(good(), "--set-file", "webhook.certificate.caBundle="+written(t, "ca", given))...)
			if !strings.Contains(refused, want) || (want == "") != (refused == "") || strings.Contains(refused, "bm9ib2R5") {
				t.Errorf("of %q it says %q; want %q", given, refused, want)
			}
		}
	})
}
