{{/* What values.schema.json cannot say, or could not say without repeating a secret. It renders nothing. */}}
{{- define "burgee.check" -}}
{{- $values := .Values -}}
{{- $parameters := include "burgee.parameters" . | fromYaml -}}
{{- $defaults := dict -}}
{{- range $name, $its := $parameters }}{{ $_ := set $defaults $name $its.default }}{{ end -}}
{{- range $name := include "burgee.parameters.order" . | fromYamlArray -}}
{{- $its := get $parameters $name -}}
{{- /* Where the chart has none, each pod must have its own. */ -}}
{{- if or $its.default (not (has $name (list "store" "environment"))) -}}
{{- with include "burgee.wrong" (dict "parameters" $parameters "values" $defaults "name" $name) -}}
{{- fail (printf "%s: %s" $its.value .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $key := $values.trustKeys -}}
{{- if contains "PRIVATE KEY" $key -}}
{{- fail (printf "trustKeys.%s is a private key: give the public one (NAME.pub of burgeectl keygen). Helm keeps what it is given in the cluster: if this key was ever installed, make another" $name) -}}
{{- end -}}
{{- end -}}
{{- if and $values.allowUnsigned $values.trustKeys -}}
{{- fail "trustKeys and allowUnsigned contradict each other: give one of them" -}}
{{- end -}}
{{- $threshold := $values.sidecar.settings.trustThreshold | default 1 | int -}}
{{- if and $values.trustKeys (gt $threshold (len $values.trustKeys)) -}}
{{- fail (printf "sidecar.settings.trustThreshold is %d, more than there are trustKeys (%d): no flags could be trusted" $threshold (len $values.trustKeys)) -}}
{{- end -}}
{{- with $values.sidecar.ports -}}
{{- if eq (int .evaluation) (int .admin) -}}
{{- fail (printf "sidecar.ports.evaluation and sidecar.ports.admin are both %d: give each its own" (int .admin)) -}}
{{- end -}}
{{- end -}}
{{- /* Whatever the names' values are, so that pods which set theirs by annotation are checked too. */ -}}
{{- $set := include "burgee.settings" (dict "chart" . "with" (include "burgee.markers" . | fromYaml)) | fromYaml -}}
{{- range $index, $variable := $values.sidecar.env -}}
{{- if or (hasKey $set $variable.name) (hasPrefix "BURGEE_" $variable.name) -}}
{{- fail (printf "sidecar.env[%d]: %s is what other values set: %s" $index $variable.name (ternary "give sidecar.settings the setting in camel case, such as poll, or the value that it belongs to" "give s3 the value that it belongs to" (hasPrefix "BURGEE_" $variable.name))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The parameters in the order in which they are looked at; sidecar/inject has the same. */}}
{{- define "burgee.parameters.order" -}}
[store, environment, socket, memory, cpuRequest, cpuLimit]
{{- end -}}

{{/* What is wrong with the value of a parameter, in the words that pods are refused with, or nothing. Takes a dict: "parameters", "values", "name". */}}
{{- define "burgee.wrong" -}}
{{- $its := get .parameters .name -}}
{{- $value := get .values .name | toString -}}
{{- $shown := contains "@" $value | ternary "…" $value -}}
{{- if or $its.required $value -}}
{{- if or (gt (len (splitList "" $value)) (int $its.longest)) (not (regexMatch $its.pattern $value)) (and $its.not (regexMatch ($its.not | default "^$") $value)) -}}
{{- printf "\"%s\" is no %s; want such as %s" $shown $its.what $its.example -}}
{{- else if $its.least -}}
{{- $least := $its.least -}}
{{- if hasPrefix "<" $least }}{{ $least = get .values (trimAll "<>" $least) | toString }}{{ end -}}
{{- if and $least (lt (include "burgee.amount" $value | float64) (include "burgee.amount" $least | float64)) -}}
{{- printf "\"%s\" is too little; want %s or more: %s" $value $least $its.why -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* An amount in thousandths, as a number. */}}
{{- define "burgee.amount" -}}
{{- $factors := dict "" 1e3 "m" 1 "k" 1e6 "M" 1e9 "G" 1e12 "Ki" 1024e3 "Mi" 1048576e3 "Gi" 1073741824e3 -}}
{{- mulf (regexFind "^[0-9.]+" . | float64) (get $factors (regexFind "[A-Za-z]*$" .)) -}}
{{- end -}}
