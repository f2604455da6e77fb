{{/* What the webhook's objects have in common: their name, the labels by which they find each other, and the name in its certificate. */}}

{{/*
Whether there is a webhook, as text or nothing: in its mode, and beside the policy in the upgrade that brings that. The API server takes up to a
second to act by a new policy, and forgets a webhook at once: pods made in between would be without a sidecar. The next upgrade finds the
policy and takes the webhook away. Where both are asked a pod gets one sidecar all the same.
*/}}
{{- define "burgee.webhook.stands" -}}
{{- $mode := include "burgee.mode" . -}}
{{- $api := "admissionregistration.k8s.io/v1" -}}
{{- if eq $mode "webhook" -}}
mode webhook
{{- else if eq $mode "policy" -}}
{{- if and (lookup $api "MutatingWebhookConfiguration" "" (include "burgee.webhook.name" .)) (not (lookup $api "MutatingAdmissionPolicy" "" (include "burgee.policy.name" .))) -}}
until the next upgrade
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "burgee.webhook.name" -}}
{{ include "burgee.fullname" . }}-inject
{{- end -}}

{{- define "burgee.webhook.selector" -}}
app.kubernetes.io/name: burgee
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: inject
{{- end -}}

{{- define "burgee.webhook.labels" -}}
{{ include "burgee.labels" . }}
app.kubernetes.io/component: inject
{{- end -}}

{{/* Of its pods. The definition is read once, so that another makes other pods; certificates are read whenever they change. */}}
{{- define "burgee.webhook.annotations" -}}
checksum/injection: {{ include "burgee.injection" . | sha256sum }}
{{- if .Values.metrics.annotations }}
prometheus.io/scrape: "true"
prometheus.io/port: "8014"
prometheus.io/path: /metrics
{{- end }}
{{- end -}}

{{- define "burgee.webhook.host" -}}
{{ include "burgee.webhook.name" . }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{/* The Secret that holds the server's certificate and key, whoever made it. */}}
{{- define "burgee.webhook.secret" -}}
{{- with .Values.webhook.certificate -}}
{{- if eq .from "secret" -}}
{{ required "webhook.certificate.secret is not set: name the Secret, of type kubernetes.io/tls and in the release's namespace, that holds the webhook's certificate" .secret }}
{{- else -}}
{{- /* Each has a name of its own: whoever changes from one to the other has the old certificate until the new one is there. */ -}}
{{ include "burgee.webhook.name" $ }}-{{ ternary "tls" "managed-tls" (eq .from "chart") }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Where the release's own pods are, nothing is injected: a webhook that is away must not be what its own pods wait for. */}}
{{- define "burgee.namespaceSelector" -}}
{{- $given := .Values.injection.namespaceSelector | default dict -}}
{{- $own := dict "key" "kubernetes.io/metadata.name" "operator" "NotIn" "values" (list .Release.Namespace) -}}
{{- $expressions := append ($given.matchExpressions | default list) $own -}}
{{- merge (dict "matchExpressions" $expressions) $given | toYaml -}}
{{- end -}}
