{{/*
What people give by mistake, refused in words that say the way out: values.schema.json would show a regular expression, or a secret. Each
template here looks at one subject and renders nothing.
*/}}
{{- define "burgee.inputs" -}}
{{- include "burgee.inputs.keys" . -}}
{{- include "burgee.inputs.words" . -}}
{{- include "burgee.inputs.authority" . -}}
{{- include "burgee.inputs.credentials" . -}}
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

{{/* What the sidecar takes as a key (sync/bundle.ParsePublicKey): an Ed25519 key in PEM is always these characters and 43 others. A private key is left to burgee.check. */}}
{{- define "burgee.inputs.keys" -}}
{{- $keys := .Values.trustKeys -}}
{{- if kindIs "string" $keys -}}
{{- if contains "PRIVATE KEY" $keys -}}
{{- fail "trustKeys is a private key: give the public one, with a name, such as --set-file trustKeys.prod=prod.pub. Helm keeps what it is given in the cluster: if this key was ever installed, make another" -}}
{{- end -}}
{{- fail "trustKeys is one text: give each key a name, such as --set-file trustKeys.prod=prod.pub" -}}
{{- end -}}
{{- range $name, $key := $keys -}}
{{- if not (contains "PRIVATE KEY" $key) -}}
{{- if include "burgee.inputs.file" $key -}}
{{- fail (printf "trustKeys.%s is the text %q and no key: use --set-file trustKeys.%s=%s" $name $key $name $key) -}}
{{- end -}}
{{- $count := len (regexFindAll "-----BEGIN" $key -1) -}}
{{- if gt $count 1 -}}
{{- fail (printf "trustKeys.%s holds %d keys: give each a name of its own, such as trustKeys.old and trustKeys.new" $name $count) -}}
{{- end -}}
{{- if not (regexMatch "^\\s*-----BEGIN PUBLIC KEY-----[ \\t]*\\r?\\nMCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=[ \\t]*\\r?\\n-----END PUBLIC KEY-----\\s*$" $key) -}}
{{- fail (printf "trustKeys.%s is no Ed25519 public key; burgeectl keygen makes one: --set-file trustKeys.%s=NAME.pub" $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Says something of a text that is the name of a file and may be shown: a secret in base64 has no dot. */}}
{{- define "burgee.inputs.file" -}}
{{- if and (le (len .) 100) (regexMatch "^[^\\s-][^\\s]*\\.[A-Za-z]+$" .) -}}yes{{- end -}}
{{- end -}}

{{/* The likely slips, where a schema would show a regular expression. */}}
{{- define "burgee.inputs.words" -}}
{{- $values := .Values -}}
{{- if not (regexMatch "^(s3://[^/@?#\\s]+(/[^?#\\s]*)?)?$" $values.store) -}}
{{- fail (printf "store: %q is no store; want such as s3://bucket/prefix" (contains "@" $values.store | ternary "…" $values.store)) -}}
{{- end -}}
{{- with $values.s3.endpoint -}}
{{- if not (regexMatch "^https?://\\S+$" .) -}}
{{- $host := regexMatch "^[A-Za-z0-9.-]+(:[0-9]+)?$" . | ternary . "s3.example.com" -}}
{{- fail (printf "s3.endpoint: %q is no URL; want such as https://%s, or http://%s" (contains "@" . | ternary "…" .) $host $host) -}}
{{- end -}}
{{- end -}}
{{- /* As in values.schema.json, which says what each takes; test/chart compares them. */ -}}
{{- $known := list "answerContract" "logFormat" "logLevel" "minRevision" "pinMaxAge" "pinWait" "poll" "retain" "staleAfter" "trustThreshold" -}}
{{- range $name := keys $values.sidecar.settings | sortAlpha -}}
{{- if not (has $name $known) -}}
{{- fail (printf "sidecar.settings.%s is not known; there are %s. Other values set the rest" $name (join ", " $known)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "burgee.inputs.authority" -}}
{{- with .Values.webhook.certificate.caBundle -}}
{{- if contains "PRIVATE KEY" . -}}
{{- fail "webhook.certificate.caBundle holds a private key: give the authority's certificate alone. Helm keeps what it is given in the cluster: if this key was ever installed, make another" -}}
{{- end -}}
{{- if include "burgee.inputs.file" . -}}
{{- fail (printf "webhook.certificate.caBundle is the text %q and no certificate: use --set-file webhook.certificate.caBundle=%s" . .) -}}
{{- end -}}
{{- if not (regexMatch (include "burgee.inputs.certificates" .) .) -}}
{{- fail "webhook.certificate.caBundle is no certificate (PEM): give that of the authority that signed the webhook's, such as --set-file webhook.certificate.caBundle=ca.crt" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "burgee.inputs.certificates" -}}
^(\s*-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$
{{- end -}}

{{/* The authority that Helm made before, as its Secret has it: Helm could not sign with one that somebody damaged, and would not say which. */}}
{{- define "burgee.inputs.kept" -}}
{{- $key := index .data "tls.key" | b64dec -}}
{{- if not (and (regexMatch (include "burgee.inputs.certificates" .) (index .data "tls.crt" | b64dec)) (regexMatch "^\\s*-----BEGIN [A-Z ]*PRIVATE KEY-----\\s[A-Za-z0-9+/=\\s]+-----END [A-Z ]*PRIVATE KEY-----\\s*$" $key)) -}}
{{- fail (printf "the Secret %s in namespace %s, with the authority of the webhook's certificate, is damaged: kubectl -n %s delete secret %s, and upgrade again for another" .name .namespace .namespace .name) -}}
{{- end -}}
{{- end -}}

{{/* What is given for one way and not used by the one that is in force: the sidecar would go without credentials. */}}
{{- define "burgee.inputs.credentials" -}}
{{- $credentials := .Values.s3.credentials -}}
{{- range $name, $from := dict "roleArn" "irsa" "secret" "secret" -}}
{{- if and (get $credentials $name) (ne $credentials.from $from) -}}
{{- fail (printf "s3.credentials.%s is set, and s3.credentials.from is %s, which does not use it: set s3.credentials.from=%s, or leave s3.credentials.%s out" $name $credentials.from $from $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
