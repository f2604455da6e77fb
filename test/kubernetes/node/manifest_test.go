//go:build linux

package node

import "fmt"

const (
	applications = "till"          // their namespace
	system       = "burgee-system" // the release's
	credentials  = "store"         // the Secret of each application's namespace
)

// podSpec is that of an application, of another user than the sidecar's, with an init container that reads flags too. It has the arguments
// of both, and further fields.
const podSpec = `{
  securityContext: {runAsUser: 1234, runAsGroup: 1234, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}},
  initContainers: [{name: migrate, image: ` + askerImage + `, args: [-for, 500ms], securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}],
  containers: [{name: app, image: ` + askerImage + `, args: [%s], securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}],
  %s
}`

const labelled = `labels: {burgee.dev/inject: "true"}`

// podManifest is an application that runs until it is told to end.
func podManifest(name string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: %s, %s}, spec: %s}", name, applications, labelled, fmt.Sprintf(podSpec, "", ""))
}

// podWithout is that of a pod whose store holds nothing.
func podWithout(name string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: %s, %s, annotations: {burgee.dev/store: \"s3://%s/nothing\"}}, spec: {%s}}",
		name, applications, labelled, bucket, `
  securityContext: {runAsUser: 1234, runAsGroup: 1234, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}},
  containers: [{name: app, image: `+askerImage+`, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]`)
}

// jobSpec is work that ends by itself.
func jobSpec() string {
	return fmt.Sprintf("{backoffLimit: 0, template: {metadata: {%s}, spec: %s}}", labelled, fmt.Sprintf(podSpec, "-for, 2s", "restartPolicy: Never"))
}

func jobManifest(name string) string {
	return fmt.Sprintf("{apiVersion: batch/v1, kind: Job, metadata: {name: %s, namespace: %s}, spec: %s}", name, applications, jobSpec())
}

func cronJobManifest(name string) string {
	return fmt.Sprintf(`{apiVersion: batch/v1, kind: CronJob, metadata: {name: %s, namespace: %s}, spec: {schedule: "* * * * *", concurrencyPolicy: Forbid, jobTemplate: {spec: %s}}}`,
		name, applications, jobSpec())
}

// secretManifest is the Secret with an AWS credentials file.
func secretManifest(text string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: %s, namespace: %s}, stringData: {credentials: %q}}", credentials, applications, text)
}
