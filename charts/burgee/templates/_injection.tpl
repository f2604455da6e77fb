{{/* The definition with its parameters, as the webhook reads it (sidecar/inject). */}}
{{- define "burgee.injection" -}}
{{- $markers := include "burgee.markers" . | fromYaml -}}
{{- $definition := include "burgee.definition" (dict "chart" . "with" $markers) | fromYaml -}}
{{- merge (dict "parameters" (include "burgee.parameters" . | fromYaml)) $definition | toPrettyJson -}}
{{- end -}}
