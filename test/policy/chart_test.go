package policy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/burgeehq/burgee/sidecar/inject"
)

// helmBinary names the program that renders the chart: make policy-test sets it.
const helmBinary = "BURGEE_TEST_HELM"

const trustKey = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAwOptpPXITdrlvMltgyNaGNSWl0DtxUNl94jV8LxhXT0=\n-----END PUBLIC KEY-----"

// chart is what the chart makes of some values: the policies, and the definition that the webhook would read.
type chart struct {
	mutating          *admissionregistration.MutatingAdmissionPolicy
	mutatingBinding   *admissionregistration.MutatingAdmissionPolicyBinding
	validating        *admissionregistration.ValidatingAdmissionPolicy
	validatingBinding *admissionregistration.ValidatingAdmissionPolicyBinding
	definition        *inject.Definition
}

// newChart renders the chart with those values (--set, each), in the mode policy and again in the mode webhook.
func newChart(t testing.TB, set ...string) *chart {
	t.Helper()
	c := &chart{}
	for _, object := range render(t, "policy", set) {
		switch object := object.(type) {
		case *admissionregistration.MutatingAdmissionPolicy:
			c.mutating = object
		case *admissionregistration.MutatingAdmissionPolicyBinding:
			c.mutatingBinding = object
		case *admissionregistration.ValidatingAdmissionPolicy:
			c.validating = object
		case *admissionregistration.ValidatingAdmissionPolicyBinding:
			c.validatingBinding = object
		}
	}
	for _, object := range render(t, "webhook", set) {
		if config, is := object.(*core.ConfigMap); is && config.Data["injection.json"] != "" {
			definition, err := inject.Parse([]byte(config.Data["injection.json"]))
			if err != nil {
				t.Fatal(err)
			}
			c.definition = definition
		}
	}
	if c.mutating == nil || c.mutatingBinding == nil || c.validating == nil || c.validatingBinding == nil || c.definition == nil {
		t.Fatalf("the chart lacks an object: %+v", c)
	}
	return c
}

func render(t testing.TB, mode string, set []string) []runtime.Object {
	t.Helper()
	helm := os.Getenv(helmBinary)
	if helm == "" {
		t.Fatalf("%s is not set to the path of helm; run: make policy-test", helmBinary)
	}
	args := []string{
		"template", "burgee", "../../charts/burgee", "--namespace", "burgee-system", "--set-string", "trustKeys.prod=" + trustKey,
		"--api-versions", "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy", "--set", "injection.mode=" + mode, "--set", "s3.region=eu-central-1",
	}
	for _, s := range set {
		args = append(args, "--set", s)
	}
	cmd := exec.Command(helm, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	var all []runtime.Object
	for documents := yaml.NewYAMLReader(bufio.NewReader(&stdout)); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
		if runtime.IsMissingKind(err) || runtime.IsNotRegisteredError(err) { // comments alone, or another's object
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, object)
	}
}
