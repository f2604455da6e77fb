{{/*
What people give by mistake, refused in words that say the way out: values.schema.json would show a regular expression, or a secret. Each
template here looks at one subject and renders nothing.
*/}}
{{- define "burgee.inputs" -}}
{{- include "burgee.inputs.region" . -}}
{{- end -}}

{{/* Every store is in a bucket, also those that pods name themselves, and no sidecar starts without a region: nor would the application then. */}}
{{- define "burgee.inputs.region" -}}
{{- $own := list -}}
{{- range .Values.sidecar.env }}{{ $own = append $own .name }}{{ end -}}
{{- if not (or .Values.s3.region (has "AWS_REGION" $own) (has "AWS_DEFAULT_REGION" $own) (has "AWS_CONFIG_FILE" $own)) -}}
{{- fail "s3.region is not set, and without it no sidecar starts: give the bucket's region, such as --set s3.region=eu-central-1 (S3 servers without regions take us-east-1)" -}}
{{- end -}}
{{- end -}}
