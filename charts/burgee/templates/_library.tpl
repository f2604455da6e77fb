{{/*
For charts that put the sidecar into their pods themselves: with this one as a dependency (injection.mode: none), include these with
.Subcharts.burgee. Parameters for one workload are merged into it:

    include "burgee.container" (merge (dict "Parameters" (dict "store" "s3://flags/pay/prod")) .Subcharts.burgee)
*/}}

{{/* The sidecar, an item of initContainers; put it first. */}}
{{- define "burgee.container" -}}
{{ list (include "burgee.included" . | fromYaml).container | toYaml }}
{{- end -}}

{{/* Items of the pod's volumes. */}}
{{- define "burgee.volumes" -}}
{{ (include "burgee.included" . | fromYaml).volumes | toYaml }}
{{- end -}}

{{/* Items of env, for each container that evaluates flags. */}}
{{- define "burgee.env" -}}
{{ (include "burgee.included" . | fromYaml).application.env | toYaml }}
{{- end -}}

{{/* Items of volumeMounts, for each container that evaluates flags. */}}
{{- define "burgee.volumeMounts" -}}
{{ (include "burgee.included" . | fromYaml).application.volumeMounts | toYaml }}
{{- end -}}

{{/* The pod's annotations, by which Prometheus finds the sidecar. */}}
{{- define "burgee.annotations" -}}
{{ with (include "burgee.included" . | fromYaml).annotations }}{{ toYaml . }}{{ end }}
{{- end -}}

{{- define "burgee.included" -}}
{{- $given := .Parameters | default dict -}}
{{- $with := dict -}}
{{- $parameters := include "burgee.parameters" . | fromYaml -}}
{{- range $name := keys $given | sortAlpha -}}
{{- if not (hasKey $parameters $name) }}{{ fail (printf "parameter %s is not known; there are %s" $name (keys $parameters | sortAlpha | join ", ")) }}{{ end -}}
{{- end -}}
{{- range $name, $parameter := $parameters -}}
{{- /* As with a pod's annotations, one that is given counts although it is empty: so a pod has no limit where others have one. */ -}}
{{- $value := hasKey $given $name | ternary (get $given $name) $parameter.default -}}
{{- if and $parameter.required (not $value) -}}
{{- fail (printf "no %s: give the chart burgee the value %s, or the parameter %s where its templates are included" $name $name $name) -}}
{{- end -}}
{{- $_ := set $with $name $value -}}
{{- end -}}
{{- range $name := include "burgee.parameters.order" . | fromYamlArray -}}
{{- with include "burgee.wrong" (dict "parameters" $parameters "values" $with "name" $name) -}}
{{- fail (printf "parameter %s: %s" $name .) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $with "socketFolder" (dir $with.socket) -}}
{{- include "burgee.definition" (dict "chart" . "with" $with) -}}
{{- end -}}
