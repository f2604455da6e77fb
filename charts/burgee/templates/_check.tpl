{{/* What values.schema.json cannot say, or could not say without repeating a secret. It renders nothing. */}}
{{- define "burgee.check" -}}
{{- $values := .Values -}}
{{- range $name, $key := $values.trustKeys -}}
{{- if contains "PRIVATE KEY" $key -}}
{{- fail (printf "trustKeys.%s is a private key: give the public one (NAME.pub of burgeectl keygen). Helm keeps what it is given in the cluster: if this key was ever installed, make another" $name) -}}
{{- end -}}
{{- end -}}
{{- if and $values.allowUnsigned $values.trustKeys -}}
{{- fail "trustKeys and allowUnsigned contradict each other: give one of them" -}}
{{- end -}}
{{- $threshold := $values.sidecar.settings.trustThreshold | default 1 | int -}}
{{- /* The sidecar counts a key once, however often it has it; how the lines of a PEM text are broken is no difference. */ -}}
{{- $keys := list -}}
{{- range $values.trustKeys }}{{ $keys = append $keys (nospace .) }}{{ end -}}
{{- $distinct := uniq $keys | len -}}
{{- if and $keys (gt $threshold $distinct) -}}
{{- fail (printf "sidecar.settings.trustThreshold is %d, more than there are distinct trustKeys (%d): no flags could be trusted" $threshold $distinct) -}}
{{- end -}}
{{- with $values.sidecar.ports -}}
{{- if eq (int .evaluation) (int .admin) -}}
{{- fail (printf "sidecar.ports.evaluation and sidecar.ports.admin are both %d: give each its own" (int .admin)) -}}
{{- end -}}
{{- end -}}
{{- if eq (int $values.webhook.port) 8014 -}}
{{- fail "webhook.port is 8014, where the webhook has its probes and metrics: give another" -}}
{{- end -}}
{{- $selector := $values.injection.objectSelector | default dict -}}
{{- if not (or (eq $values.injection.mode "none") $selector.matchLabels $selector.matchExpressions) -}}
{{- fail "injection.objectSelector is empty, which means every pod of the cluster: give matchLabels another label, or, for all pods of the namespaces in injection.namespaceSelector, matchExpressions: [{key: burgee.dev/inject, operator: NotIn, values: [\"false\"]}]" -}}
{{- end -}}
{{- /* Whatever the names' values are, so that pods which set theirs by annotation are checked too. */ -}}
{{- $markers := include "burgee.markers" . | fromYaml -}}
{{- $set := include "burgee.settings" (dict "chart" . "with" $markers) | fromYaml -}}
{{- $from := $values.s3.credentials.from -}}
{{- $names := dict -}}
{{- range $index, $variable := $values.sidecar.env -}}
{{- if hasKey $names $variable.name -}}
{{- fail (printf "sidecar.env[%d]: %s stands twice: take one of them off" $index $variable.name) -}}
{{- end -}}
{{- $_ := set $names $variable.name true -}}
{{- if and (hasKey $variable "value") (hasKey $variable "valueFrom") -}}
{{- fail (printf "sidecar.env[%d]: %s has both value and valueFrom: give it one of them" $index $variable.name) -}}
{{- end -}}
{{- $text := toRawJson $variable -}}
{{- range $marker := $markers -}}
{{- /* As JSON, wherever in valueFrom it stands. A text that only holds a marker is none. */ -}}
{{- if contains (toRawJson $marker) $text -}}
{{- fail (printf "sidecar.env[%d]: %s is %s, which stands for a pod's own value in what the chart makes: say it otherwise" $index $variable.name $marker) -}}
{{- end -}}
{{- end -}}
{{- if or (hasKey $set $variable.name) (hasPrefix "BURGEE_" $variable.name) -}}
{{- fail (printf "sidecar.env[%d]: %s is what other values set: %s" $index $variable.name (ternary "give sidecar.settings the setting in camel case, such as poll, or the value that it belongs to" "give s3 the value that it belongs to" (hasPrefix "BURGEE_" $variable.name))) -}}
{{- end -}}
{{- if and (ne $from "instance-role") (include "burgee.check.credential" (dict "name" $variable.name "from" $from)) -}}
{{- fail (printf "sidecar.env[%d]: %s would decide which credentials the sidecar has, and not s3.credentials.from (%s): take it off, or set s3.credentials.from to instance-role" $index $variable.name $from) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Says yes to variables by which AWS's SDK finds credentials. A file of credentials may have profiles, of which AWS_PROFILE names one. */}}
{{- define "burgee.check.credential" -}}
{{- $all := list "AWS_ACCESS_KEY_ID" "AWS_ACCESS_KEY" "AWS_SECRET_ACCESS_KEY" "AWS_SECRET_KEY" "AWS_SESSION_TOKEN" "AWS_ROLE_ARN" "AWS_WEB_IDENTITY_TOKEN_FILE"
  "AWS_CONTAINER_CREDENTIALS_FULL_URI" "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" "AWS_CONTAINER_AUTHORIZATION_TOKEN" "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
  "AWS_SHARED_CREDENTIALS_FILE" "AWS_CONFIG_FILE" -}}
{{- if or (has .name $all) (and (ne .from "secret") (has .name (list "AWS_PROFILE" "AWS_DEFAULT_PROFILE"))) }}yes{{ end -}}
{{- end -}}
