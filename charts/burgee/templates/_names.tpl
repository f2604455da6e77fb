{{/* Names and labels of the release's own objects, as Helm's charts have them. */}}

{{- define "burgee.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "burgee.labels" -}}
app.kubernetes.io/name: burgee
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The image of sidecars and webhook alike. */}}
{{- define "burgee.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The mode that is in force: policy, webhook or none. */}}
{{- define "burgee.mode" -}}
{{- $mode := .Values.injection.mode -}}
{{- $served := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}
{{- if and (eq $mode "policy") (not $served) -}}
{{- fail "injection.mode is policy, but this cluster does not serve MutatingAdmissionPolicy of admissionregistration.k8s.io/v1, which came with Kubernetes 1.36: set injection.mode to auto or webhook (`helm template` knows no cluster: give it --api-versions admissionregistration.k8s.io/v1/MutatingAdmissionPolicy)" -}}
{{- end -}}
{{- if eq $mode "auto" -}}
{{ ternary "policy" "webhook" $served }}
{{- else -}}
{{ $mode }}
{{- end -}}
{{- end -}}

{{/* A file of the chart as it stands. Charts are copied into others' trees, where files that are no templates get lost. */}}
{{- define "burgee.file" -}}
{{- $text := .chart.Files.Get .name -}}
{{- if not $text }}{{ fail (printf "the chart has no %s: it was not packed whole" .name) }}{{ end -}}
{{ trim $text }}
{{- end -}}
