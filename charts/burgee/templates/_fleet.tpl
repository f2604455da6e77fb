{{/*
A headless Service whose name resolves to the addresses of all pods with a sidecar, also of those that are not ready: they are the ones to look
at. It is for looking at them all, such as each one's /status; nothing connects to it otherwise. Charts that include the sidecar themselves
give the parameters namespace, name and selector where theirs differ.
*/}}
{{- define "burgee.fleetService" -}}
{{- $given := .Parameters | default dict -}}
{{- $selector := $given.selector | default .Values.injection.objectSelector.matchLabels -}}
{{- if not $selector }}{{ fail "a Service selects pods by labels alone: give injection.objectSelector.matchLabels some, or leave fleet.namespaces empty" }}{{ end -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $given.name | default (printf "%s-fleet" (include "burgee.fullname" .)) }}
  namespace: {{ $given.namespace | default .Release.Namespace }}
  labels: {{- include "burgee.labels" . | nindent 4 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {{- toYaml $selector | nindent 4 }}
  ports:
    # By number: not every version of Kubernetes looks for a port's name among sidecars.
    - {name: burgee-admin, port: {{ .Values.sidecar.ports.admin }}, targetPort: {{ .Values.sidecar.ports.admin }}, protocol: TCP}
{{- end -}}
