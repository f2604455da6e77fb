package chart

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// privateKey has no key in it, and still nobody may see what it has.
const privateKey = "-----BEGIN PRIVATE KEY-----\nbm9ib2R5IG1heSBzZWUgdGhpcw==\n-----END PRIVATE KEY-----\n"

// good are values with which everything renders, in mode webhook.
func good() []string {
	return []string{"--values", "testdata/values/webhook.yaml"}
}

func written(t testing.TB, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What cannot work is refused while it costs nothing, with the way out.
func TestRefusedByTheTemplates(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ set, want string }{
		"both trusts":    {"allowUnsigned=true", "trustKeys and allowUnsigned contradict each other: give one of them"},
		"no trust":       {"trustKeys=null", "trustKeys is empty, so no flags could be trusted: give --set-file trustKeys.NAME=NAME.pub (burgeectl keygen makes one), or set allowUnsigned: true"},
		"threshold":      {"sidecar.settings.trustThreshold=2", "sidecar.settings.trustThreshold is 2, more than there are distinct trustKeys (1): no flags could be trusted"},
		"one port":       {"sidecar.ports.evaluation=8014", "sidecar.ports.evaluation and sidecar.ports.admin are both 8014: give each its own"},
		"one port again": {"webhook.port=8014", "webhook.port is 8014, where the webhook has its probes and metrics: give another"},
		"a setting":      {"sidecar.env[0].name=BURGEE_POLL,sidecar.env[0].value=1s", "sidecar.env[0]: BURGEE_POLL is what other values set: give sidecar.settings the setting in camel case, such as poll, or the value that it belongs to"},
		"no region":      {"s3.region=", "s3.region is not set, and without it no sidecar starts: give the bucket's region, such as --set s3.region=eu-central-1 (S3 servers without regions take us-east-1)"},
		"nor any store":  {"s3.region=,store=", "s3.region is not set, and without it no sidecar starts: give the bucket's region, such as --set s3.region=eu-central-1 (S3 servers without regions take us-east-1)"},
		"set twice":      {"s3.region=eu-central-1,sidecar.env[0].name=AWS_REGION", "sidecar.env[0]: AWS_REGION is what other values set: give s3 the value that it belongs to"},
		"a marker":       {"sidecar.env[0].name=X,sidecar.env[0].value=<store>", "sidecar.env[0]: X is <store>, which stands for a pod's own value in what the chart makes: say it otherwise"},
		"a folder's":     {"sidecar.env[0].name=X,sidecar.env[0].valueFrom.secretKeyRef.name=<socketFolder>", "sidecar.env[0]: X is <socketFolder>, which stands for a pod's own value in what the chart makes: say it otherwise"},
		"named twice":    {"sidecar.env[0].name=X,sidecar.env[1].name=Y,sidecar.env[2].name=X", "sidecar.env[2]: X stands twice: take one of them off"},
		"two values":     {"sidecar.env[0].name=X,sidecar.env[0].value=,sidecar.env[0].valueFrom.fieldRef.fieldPath=spec.nodeName", "sidecar.env[0]: X has both value and valueFrom: give it one of them"},
		"no role":        {"s3.credentials.from=irsa", "s3.credentials.roleArn is not set: name the role that the pods' service accounts may assume"},
		"no agent":       {"s3.credentials.from=pod-identity,s3.credentials.agent=", "s3.credentials.agent is not set: give the address of the Pod Identity agent, http://169.254.170.23/v1/credentials, or http://[fd00:ec2::23]/v1/credentials where pods have IPv6 addresses"},
		"no keys":        {"s3.credentials.from=secret", "s3.credentials.secret is not set: name the Secret, in each application's namespace, whose key `credentials` is an AWS credentials file"},
		"unused keys":    {"s3.credentials.secret=flags", "s3.credentials.secret is set, and s3.credentials.from is instance-role, which does not use it: set s3.credentials.from=secret, or leave s3.credentials.secret out"},
		"an unused role": {"s3.credentials.from=pod-identity,s3.credentials.roleArn=arn:aws:iam::123456789012:role/flags", "s3.credentials.roleArn is set, and s3.credentials.from is pod-identity, which does not use it: set s3.credentials.from=irsa, or leave s3.credentials.roleArn out"},
		"no certificate": {"webhook.certificate.from=secret,webhook.certificate.caBundle=", "webhook.certificate.caBundle is not set: give the certificate (PEM) of the authority that signed the webhook's, such as --set-file webhook.certificate.caBundle=ca.crt"},
		"policy of old":  {"injection.mode=policy", "injection.mode is policy, but this cluster does not serve MutatingAdmissionPolicy of admissionregistration.k8s.io/v1, which came with Kubernetes 1.36: set injection.mode to auto or webhook (`helm template` knows no cluster: give it --api-versions " + policies + ")"},
		"no labels":      {"fleet.namespaces={shop},injection.mode=none,injection.objectSelector.matchLabels=null", "a Service selects pods by labels alone: give injection.objectSelector.matchLabels some, or leave fleet.namespaces empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachHelm(t, func(t *testing.T, helm string) {
				text, refused := template(t, helm, append(good(), "--set", row.set)...)
				if !strings.Contains(refused, row.want+"\n") {
					t.Errorf("it says %q and renders %d bytes; want: %s", refused, len(text), row.want)
				}
			})
		})
	}
}

// A private key is named, and not shown: what Helm says ends up in logs.
func TestAPrivateKeyIsRefusedUnseen(t *testing.T) {
	t.Parallel()
	eachHelm(t, func(t *testing.T, helm string) {
		values := append(good(), "--set-file", "trustKeys.prod="+written(t, "prod.key", privateKey))
		text, refused := template(t, helm, values...)
		if !strings.Contains(refused, "trustKeys.prod is a private key: give the public one") {
			t.Errorf("it says %q and renders %d bytes; want to be refused", refused, len(text))
		}
		if strings.Contains(refused, "bm9ib2R5") {
			t.Errorf("it shows the key: %s", refused)
		}
	})
}

// Whoever takes the default label away and gives no other would have the webhook called for each pod there is, and a sidecar in it.
func TestAnEmptySelectorIsRefused(t *testing.T) {
	t.Parallel()
	helm := program(t, "helm")
	const want = "injection.objectSelector is empty, which means every pod of the cluster: give matchLabels another label, or, for all pods of the namespaces in " +
		"injection.namespaceSelector, matchExpressions: [{key: burgee.dev/inject, operator: NotIn, values: [\"false\"]}]\n"
	for name, selector := range map[string]string{
		"label": `{matchLabels: {burgee.dev/inject: null}}`, "labels": `{matchLabels: null}`, "all": `null`, "lists": `{matchLabels: null, matchExpressions: []}`,
	} {
		for mode, how := range map[string][]string{"webhook": nil, "policy": {"--api-versions", policies}} {
			t.Run(mode+" "+name, func(t *testing.T) {
				t.Parallel()
				values := written(t, "values.yaml", "injection: {mode: "+mode+", objectSelector: "+selector+"}\n")
				text, refused := template(t, helm, slices.Concat(good(), how, []string{"--values", values})...)
				if !strings.Contains(refused, want) {
					t.Errorf("it says %q and renders %d bytes; want: %s", refused, len(text), want)
				}
			})
		}
	}
}

// The ways out: another label in the place of the default one, and all pods but those that do not want it.
func TestAnotherSelector(t *testing.T) {
	t.Parallel()
	for selector, want := range map[string]object{
		`{matchLabels: {burgee.dev/inject: null, flags: "on"}}`: {"matchLabels": object{"flags": "on"}},
		`{matchLabels: null, matchExpressions: [{key: burgee.dev/inject, operator: NotIn, values: ["false"]}]}`: {
			"matchExpressions": []any{object{"key": "burgee.dev/inject", "operator": "NotIn", "values": []any{"false"}}},
		},
	} {
		values := written(t, "values.yaml", "injection: {objectSelector: "+selector+"}\n")
		all := objectsOf(t, rendered(t, program(t, "helm"), append(good(), "--values", values)...))
		if got := at(find(t, all, "MutatingWebhookConfiguration", "burgee-inject"), "webhooks", 0, "objectSelector"); !reflect.DeepEqual(got, any(want)) {
			t.Errorf("%s selects %v; want %v", selector, got, want)
		}
	}
}

// One key under two names is one key: the sidecar would not start with a threshold of two.
func TestAThresholdCountsKeysOnce(t *testing.T) {
	t.Parallel()
	const key = "MCowBQYDK2VwAyEAwOptpPXITdrlvMltgyNaGNSWl0DtxUNl94jV8LxhXT0=\n-----END PUBLIC KEY-----"
	for _, text := range []string{"-----BEGIN PUBLIC KEY-----\n" + key, "\n-----BEGIN PUBLIC KEY-----\r\n" + key + "\n\n"} {
		values := append(good(), "--set", "sidecar.settings.trustThreshold=2", "--set-file", "trustKeys.same="+written(t, "same.pub", text))
		text, refused := template(t, program(t, "helm"), values...)
		if want := "sidecar.settings.trustThreshold is 2, more than there are distinct trustKeys (1): no flags could be trusted\n"; !strings.Contains(refused, want) {
			t.Errorf("it says %q and renders %d bytes; want: %s", refused, len(text), want)
		}
	}
}

// The schema refuses what it does not know, and what would only be found out in pods. Each place is named.
func TestRefusedByTheSchema(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ set, place string }{
		"unknown":             {"stor=x", "'stor'"},
		"unknown inside":      {"webhook.certificate.fom=x", "'fom'"},
		"spaces":              {"environment=shop prod", "/environment"},
		"a number as key":     {"trustKeys.prod=1", "/trustKeys/prod"},
		"a digest":            {"image.digest=e3b0c442", "/image/digest"},
		"a pull policy":       {"image.pullPolicy=Sometimes", "/image/pullPolicy"},
		"a way":               {"s3.credentials.from=keys", "/s3/credentials/from"},
		"a role":              {"s3.credentials.roleArn=flags", "/s3/credentials/roleArn"},
		"a ConfigMap":         {"bootstrap.configMap=Flags", "/bootstrap/configMap"},
		"no folder":           {"sidecar.socket=/burgee.sock", "/sidecar/socket"},
		"an agent elsewhere":  {"s3.credentials.agent=http://agent.example/v1/credentials", "/s3/credentials/agent"},
		"a bare address":      {"s3.credentials.agent=http://fd00:ec2::23/v1/credentials", "/s3/credentials/agent"},
		"a port":              {"sidecar.ports.admin=0", "/sidecar/ports/admin"},
		"a port as text":      {"sidecar.ports.evaluation=http", "/sidecar/ports/evaluation"},
		"a quantity":          {"sidecar.resources.memory=64MiB", "/sidecar/resources/memory"},
		"no memory":           {"sidecar.resources.memory=", "/sidecar/resources/memory"},
		"a negative quantity": {"sidecar.resources.cpuLimit=-1", "/sidecar/resources/cpuLimit"},
		"a duration":          {"sidecar.settings.poll=10", "/sidecar/settings/poll"},
		"a variable":          {"sidecar.env[0].name=1X", "/sidecar/env/0/name"},
		"a variable's member": {"sidecar.env[0].name=X,sidecar.env[0].vale=1", "'vale'"},
		"a mode":              {"injection.mode=on", "/injection/mode"},
		"a selector":          {"injection.objectSelector.labels.a=b", "'labels'"},
		"an operator":         {"injection.objectSelector.matchExpressions[0].key=a,injection.objectSelector.matchExpressions[0].operator=Is", "/injection/objectSelector/matchExpressions/0/operator"},
		"no pods":             {"webhook.replicas=0", "/webhook/replicas"},
		"a minute":            {"webhook.timeoutSeconds=60", "/webhook/timeoutSeconds"},
		"a port of root's":    {"webhook.port=443", "/webhook/port"},
		"everybody by chance": {"webhook.networkPolicy.from[0].ipBlocks.cidr=10.0.0.0/8", "'ipBlocks'"},
		"a policy":            {"webhook.failurePolicy=fail", "/webhook/failurePolicy"},
		"a toleration":        {"webhook.tolerations[0].effect=NoStart", "/webhook/tolerations/0/effect"},
		"a resource":          {"webhook.resources.limit.memory=64Mi", "'limit'"},
		"an interval":         {"metrics.podMonitor.interval=15", "/metrics/podMonitor/interval"},
		"a namespace":         {"fleet.namespaces={Shop}", "/fleet/namespaces/0"},
		"a namespace twice":   {"fleet.namespaces={shop,shop}", "/fleet/namespaces"},
		"a label":             {"alerts.labels.a.b=c", "/alerts/labels/a"},
		"a name":              {"fullnameOverride=Burgee", "/fullnameOverride"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, refused := template(t, program(t, "helm"), append(good(), "--set", row.set)...)
			if !strings.Contains(refused, "don't meet the specifications of the schema") || !strings.Contains(refused, row.place) {
				t.Errorf("it says %q and renders %d bytes; want it to refuse %s", refused, len(text), row.place)
			}
		})
	}
}
