{{/*
A value of the definition as an expression of Kubernetes' CEL, for policy.yaml. Takes a dict: "value", and "parameters" (burgee.parameters).
A marker "<name>" becomes variables.name, and an entry of a map whose parameter may be empty becomes an optional one.

Literals of lists and maps must be of one type there, so that all but those of plain strings wrap each value in dyn().
*/}}
{{- define "burgee.cel" -}}
{{- $parameters := .parameters -}}
{{- if kindIs "map" .value -}}
  {{- $wrap := ne "plain" (include "burgee.cel.strings" (dict "values" (values .value) "parameters" $parameters)) -}}
  {{- $entries := list -}}
  {{- range $key, $value := .value -}}
    {{- $text := include "burgee.cel" (dict "value" $value "parameters" $parameters) -}}
    {{- if $wrap }}{{ $text = printf "dyn(%s)" $text }}{{ end -}}
    {{- $parameter := get $parameters (include "burgee.cel.marker" (dict "value" $value "parameters" $parameters)) -}}
    {{- if and $parameter (not $parameter.required) -}}
      {{- $entries = append $entries (printf "?%s: optional.ofNonZeroValue(%s)" (toRawJson $key) $text) -}}
    {{- else -}}
      {{- $entries = append $entries (printf "%s: %s" (toRawJson $key) $text) -}}
    {{- end -}}
  {{- end -}}
  {{- include "burgee.cel.aggregate" (dict "open" "{" "parts" $entries "close" "}") -}}
{{- else if kindIs "slice" .value -}}
  {{- $wrap := ne "plain" (include "burgee.cel.strings" (dict "values" .value "parameters" $parameters)) -}}
  {{- $elements := list -}}
  {{- range .value -}}
    {{- $text := include "burgee.cel" (dict "value" . "parameters" $parameters) -}}
    {{- $elements = append $elements (ternary (printf "dyn(%s)" $text) $text $wrap) -}}
  {{- end -}}
  {{- include "burgee.cel.aggregate" (dict "open" "[" "parts" $elements "close" "]") -}}
{{- else if kindIs "string" .value -}}
  {{- with include "burgee.cel.marker" . }}variables.{{ . }}{{ else }}{{ toRawJson .value }}{{ end -}}
{{- else if kindIs "float64" .value -}}
  {{- int64 .value -}}
{{- else -}}
  {{- toRawJson .value -}}{{/* true, false, null */}}
{{- end -}}
{{- end -}}

{{/* The name of the parameter that a value stands for, or nothing. */}}
{{- define "burgee.cel.marker" -}}
{{- if kindIs "string" .value -}}
{{- range append (keys .parameters | sortAlpha) "socketFolder" }}{{ if eq $.value (printf "<%s>" .) }}{{ . }}{{ end }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* "plain" where all values are strings and no markers. */}}
{{- define "burgee.cel.strings" -}}
{{- $plain := true -}}
{{- range .values -}}
{{- if or (not (kindIs "string" .)) (include "burgee.cel.marker" (dict "value" . "parameters" $.parameters)) }}{{ $plain = false }}{{ end -}}
{{- end -}}
{{- ternary "plain" "mixed" $plain -}}
{{- end -}}

{{/* On one line where it is short, else a line for each part. */}}
{{- define "burgee.cel.aggregate" -}}
{{- $line := printf "%s%s%s" .open (join ", " .parts) .close -}}
{{- if and (lt (len $line) 100) (not (contains "\n" $line)) -}}
{{- $line -}}
{{- else -}}
{{- .open }}
{{ join ",\n" .parts | indent 2 }}
{{ .close }}
{{- end -}}
{{- end -}}
