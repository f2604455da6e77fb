{{/*
What is added to a pod, in one place: _policy.tpl makes CEL of it, injection.json hands it to the webhook, and _library.tpl gives it to charts
that include the sidecar themselves. What differs between pods are parameters: in a definition for pods that are
not known yet, the string "<name>" stands for one. A map's entry without a value is left out.

"burgee.definition" takes a dict: "chart", a chart's context, and "with", the parameters' values or markers.
*/}}

{{/* The parameters: the annotation that a pod sets each by, and what holds where it sets none. */}}
{{- define "burgee.parameters" -}}
store: {annotation: burgee.dev/store, default: {{ .Values.store | quote }}, required: true}
environment: {annotation: burgee.dev/environment, default: {{ .Values.environment | quote }}, required: true}
socket: {annotation: burgee.dev/socket, default: {{ .Values.sidecar.socket | quote }}, required: true}
memory: {annotation: burgee.dev/memory, default: {{ .Values.sidecar.resources.memory | quote }}, required: true}
cpuRequest: {annotation: burgee.dev/cpu-request, default: {{ .Values.sidecar.resources.cpuRequest | quote }}}
cpuLimit: {annotation: burgee.dev/cpu-limit, default: {{ .Values.sidecar.resources.cpuLimit | quote }}}
{{- end -}}

{{/* Every parameter's marker; socketFolder is derived from socket wherever a pod is known. */}}
{{- define "burgee.markers" -}}
{{- range keys (include "burgee.parameters" . | fromYaml) | sortAlpha }}
{{ . }}: <{{ . }}>
{{- end }}
socketFolder: <socketFolder>
{{- end -}}

{{- define "burgee.definition" -}}
{{- include "burgee.inputs" .chart -}}
{{- include "burgee.check" .chart -}}
{{- $chart := .chart -}}
{{- $values := .chart.Values -}}
{{- $credentials := $values.s3.credentials -}}
{{- with .with -}}
container:
  name: burgee
  image: {{ include "burgee.image" $chart | quote }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  # Native sidecar: starts before the init containers that come after it, and is stopped after the containers.
  restartPolicy: Always
  env:
    {{- range $name, $value := include "burgee.settings" (dict "chart" $chart "with" .) | fromYaml }}
    - {name: {{ $name }}, value: {{ $value | quote }}}
    {{- end }}
    {{- with $values.sidecar.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - {name: burgee-admin, containerPort: {{ $values.sidecar.ports.admin }}, protocol: TCP}
  # Holds the application back until flags are served, or until the sidecar has waited long enough for them. There is no readiness probe, so
  # that a store that is away takes no pod out of service, and no liveness probe, since a sidecar that ends is started again anyway.
  startupProbe:
    httpGet: {path: /startupz, port: burgee-admin, scheme: HTTP}
    periodSeconds: 1
    timeoutSeconds: 1
    successThreshold: 1
    failureThreshold: {{ add $values.sidecar.startupWaitSeconds 50 }}
  resources:
    requests:
      {{- with .cpuRequest }}
      cpu: {{ . | quote }}
      {{- end }}
      memory: {{ .memory | quote }}
    limits:
      {{- with .cpuLimit }}
      cpu: {{ . | quote }}
      {{- end }}
      memory: {{ .memory | quote }}
  securityContext:
    {{- include "burgee.securityContext" $chart | nindent 4 }}
  volumeMounts:
    - {name: burgee-socket, mountPath: {{ .socketFolder | quote }}}
    - {name: burgee-state, mountPath: /var/lib/burgee}
    # Where Kubernetes would mount the pod's token for its API, which the sidecar has no use for.
    - {name: burgee-socket, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    {{- if has $credentials.from (list "irsa" "pod-identity") }}
    - {name: burgee-token, mountPath: /var/run/secrets/burgee/token, readOnly: true}
    {{- else if eq $credentials.from "secret" }}
    - {name: burgee-s3, mountPath: /var/run/secrets/burgee/s3, readOnly: true}
    {{- end }}
    {{- if $values.bootstrap.configMap }}
    - {name: burgee-bootstrap, mountPath: /etc/burgee/bootstrap, readOnly: true}
    {{- end }}
volumes:
  - name: burgee-socket
    emptyDir: {medium: Memory, sizeLimit: 1Mi}
  - name: burgee-state
    emptyDir: {sizeLimit: {{ $values.sidecar.stateSize | quote }}}
  {{- if has $credentials.from (list "irsa" "pod-identity") }}
  - name: burgee-token
    projected:
      defaultMode: 0444
      sources:
        - serviceAccountToken:
            audience: {{ ternary "sts.amazonaws.com" "pods.eks.amazonaws.com" (eq $credentials.from "irsa") }}
            expirationSeconds: 3600
            path: token
  {{- else if eq $credentials.from "secret" }}
  - name: burgee-s3
    secret: {secretName: {{ required "s3.credentials.secret is not set: name the Secret, in each application's namespace, whose key `credentials` is an AWS credentials file" $credentials.secret | quote }}, defaultMode: 0444}
  {{- end }}
  {{- with $values.bootstrap.configMap }}
  - name: burgee-bootstrap
    configMap: {name: {{ . | quote }}, defaultMode: 0444, optional: true}
  {{- end }}
application:
  env:
    {{- if $values.sidecar.ports.evaluation }}
    - {name: OFREP_ENDPOINT, value: {{ printf "http://127.0.0.1:%v" $values.sidecar.ports.evaluation | quote }}}
    {{- end }}
    - {name: BURGEE_SOCKET, value: {{ .socket | quote }}}
  volumeMounts:
    - {name: burgee-socket, mountPath: {{ .socketFolder | quote }}, readOnly: true}
annotations:
  {{- if $values.metrics.annotations }}
  prometheus.io/scrape: "true"
  prometheus.io/port: {{ $values.sidecar.ports.admin | quote }}
  prometheus.io/path: /metrics
  {{- else }} {}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* The sidecar's environment but for sidecar.env, by name: docs/operations.md explains each BURGEE_ variable. */}}
{{- define "burgee.settings" -}}
{{- $values := .chart.Values -}}
{{- $credentials := $values.s3.credentials -}}
BURGEE_STORE: {{ .with.store | quote }}
BURGEE_ENVIRONMENT: {{ .with.environment | quote }}
{{- if $values.allowUnsigned }}
BURGEE_ALLOW_UNSIGNED: "true"
{{- else }}
BURGEE_TRUST_KEY: {{ include "burgee.trust" .chart | quote }}
{{- end }}
BURGEE_STATE_DIR: /var/lib/burgee
BURGEE_SOCKET: {{ .with.socket | quote }}
# Whoever mounts the volume may connect, whatever user it runs as; nobody else reaches it.
BURGEE_SOCKET_MODE: "0666"
{{- with $values.sidecar.ports.evaluation }}
BURGEE_LISTEN: {{ printf "127.0.0.1:%v" . }}
{{- end }}
BURGEE_ADMIN: {{ printf ":%v" $values.sidecar.ports.admin | quote }}
BURGEE_STARTUP_WAIT: {{ $values.sidecar.startupWaitSeconds }}s
{{- if $values.bootstrap.configMap }}
BURGEE_BOOTSTRAP: /etc/burgee/bootstrap
{{- end }}
{{- range $name, $value := $values.sidecar.settings }}
BURGEE_{{ $name | snakecase | upper }}: {{ kindIs "float64" $value | ternary (int64 $value) $value | quote }}
{{- end }}
{{- with $values.s3.region }}
AWS_REGION: {{ . | quote }}
{{- end }}
{{- with $values.s3.endpoint }}
AWS_ENDPOINT_URL_S3: {{ . | quote }}
{{- end }}
{{- if $values.s3.pathStyle }}
BURGEE_S3_PATH_STYLE: "true"
{{- end }}
{{- if eq $credentials.from "irsa" }}
AWS_ROLE_ARN: {{ required "s3.credentials.roleArn is not set: name the role that the pods' service accounts may assume" $credentials.roleArn | quote }}
AWS_WEB_IDENTITY_TOKEN_FILE: /var/run/secrets/burgee/token/token
{{- else if eq $credentials.from "pod-identity" }}
AWS_CONTAINER_CREDENTIALS_FULL_URI: {{ required "s3.credentials.agent is not set: give the address of the Pod Identity agent, http://169.254.170.23/v1/credentials, or http://[fd00:ec2::23]/v1/credentials where pods have IPv6 addresses" $credentials.agent | quote }}
AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: /var/run/secrets/burgee/token/token
{{- else if eq $credentials.from "secret" }}
# A file and not variables, so that new keys are taken up without a restart.
AWS_SHARED_CREDENTIALS_FILE: /var/run/secrets/burgee/s3/credentials
{{- end }}
{{- end -}}

{{/* The public keys, as one value: PEM has no commas. */}}
{{- define "burgee.trust" -}}
{{- $keys := list -}}
{{- range $name, $key := .Values.trustKeys }}{{ $keys = append $keys (trim $key) }}{{ end -}}
{{- if not $keys }}{{ fail "trustKeys is empty, so no flags could be trusted: give --set-file trustKeys.NAME=NAME.pub (burgeectl keygen makes one), or set allowUnsigned: true" }}{{ end -}}
{{- join "," $keys -}}
{{- end -}}

{{/* What the Pod Security Standard `restricted` wants, and no writable root. */}}
{{- define "burgee.securityContext" -}}
runAsUser: 65532
runAsGroup: 65532
runAsNonRoot: true
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}
