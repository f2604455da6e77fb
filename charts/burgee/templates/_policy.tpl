{{/*
What both policies have in common: which pods they are for, and why a pod is refused. The conditions under which it is not are the
matchConditions of policy.yaml, which therefore leaves refused pods alone, and the validations of refusals.yaml, which speaks to the user:
a mutating policy has no words of its own. The same words stand in sidecar/inject/refusal.go for the webhook.

matchConditions know no variables, so the conditions here have none either; [x].all(name, …) gives x a name.
*/}}

{{- define "burgee.policy.name" -}}
{{ include "burgee.fullname" . }}-injection
{{- end -}}

{{- define "burgee.policy.constraints" -}}
resourceRules:
  - {apiGroups: [""], apiVersions: [v1], resources: [pods], operations: [CREATE], scope: Namespaced}
namespaceSelector:
  {{- include "burgee.namespaceSelector" . | nindent 2 }}
objectSelector:
  {{- toYaml .Values.injection.objectSelector | nindent 2 }}
{{- end -}}

{{/* A parameter's value for the pod in question: an annotation that is there counts, even where it is empty. Takes the parameter. */}}
{{- define "burgee.policy.parameter" -}}
object.metadata.?annotations[?{{ toRawJson .annotation }}].orValue({{ toRawJson .default }})
{{- end -}}

{{/* Whether the sidecar is there, put in by whatever way. */}}
{{- define "burgee.policy.injected" -}}
object.spec.?initContainers.orValue([]).exists(c, {{ include "burgee.policy.sidecar" . }})
{{- end -}}

{{- define "burgee.policy.sidecar" -}}
c.name == "burgee" && c.?restartPolicy.orValue("") == "Always"
{{- end -}}

{{/* All containers but the sidecar: those of the application first, as messages name the first that is wrong. */}}
{{- define "burgee.policy.others" -}}
(object.spec.containers + object.spec.?initContainers.orValue([]).filter(c, !({{ include "burgee.policy.sidecar" . }})))
{{- end -}}

{{/* Names as a sentence has them: takes a list. */}}
{{- define "burgee.listed" -}}
{{- if eq (len .) 1 }}{{ first . }}{{ else }}{{ join ", " (initial . | toStrings) }} and {{ last . }}{{ end -}}
{{- end -}}

{{/*
The refusals in their order, of which a user reads the first that applies. Each has "unless", a condition that is true for pods that are
not refused so, and "says": the message's expression, in which there are variables; or "message", where it is the same for all pods or
where the expression's is too long for Kubernetes, or has several lines.
*/}}
{{- define "burgee.policy.refusals" -}}
{{- $parameters := include "burgee.parameters" . | fromYaml -}}
{{- $definition := include "burgee.definition" (dict "chart" . "with" (include "burgee.markers" . | fromYaml)) | fromYaml -}}
{{- $known := list -}}
{{- range $parameters }}{{ $known = append $known .annotation }}{{ end -}}
{{- $known = sortAlpha $known -}}
{{- $ports := list (int .Values.sidecar.ports.admin) -}}
{{- with int .Values.sidecar.ports.evaluation }}{{ $ports = append $ports . | uniq }}{{ end -}}
{{- if eq (len $ports) 2 }}{{ $ports = list (min (first $ports) (last $ports)) (max (first $ports) (last $ports)) }}{{ end -}}
{{- $volumes := list -}}
{{- range $definition.volumes }}{{ $volumes = append $volumes .name }}{{ end -}}
{{- $mount := first $definition.application.volumeMounts -}}
{{- $others := include "burgee.policy.others" . -}}
- name: annotations-number
  unless: |-
    size(object.metadata.?annotations.orValue({})) <= 1000
  says: |-
    "burgee: the pod has " + string(size(object.metadata.annotations)) + " annotations; with a sidecar it may have at most 1000"
  message: "burgee: the pod has too many annotations; with a sidecar it may have at most 1000"
- name: annotations
  unless: |-
    size(object.metadata.?annotations.orValue({})) > 1000 || object.metadata.?annotations.orValue({}).all(name,
      !name.startsWith("burgee.dev/") || name in [
        {{- range $known }}
        {{ toRawJson . }},
        {{- end }}
      ])
  says: |-
    "burgee: annotation " + object.metadata.annotations.filter(name,
      name.startsWith("burgee.dev/") && !(name in {{ toRawJson $known }})).min() +
    {{ printf " is not known; there are %s" (include "burgee.listed" $known) | toRawJson }}
  message: {{ printf "burgee: an annotation is not known; there are %s" (include "burgee.listed" $known) | toRawJson }}
- name: system
  unless: |-
    object.spec.?os.?name.orValue("") != "windows"
  message: "burgee: the pod runs on Windows, for which there is no sidecar: take off the label that asks for one"
- name: network
  unless: |-
    !object.spec.?hostNetwork.orValue(false)
  message: {{ printf "burgee: the pod uses the network of its node, where port%s %s would be the node's: take off the label that asks for a sidecar, or include the sidecar by the chart's named templates with ports of its own" (ternary "" "s" (eq (len $ports) 1)) (include "burgee.listed" $ports) | toRawJson }}
{{- range list "store" "environment" }}
{{- $parameter := get $parameters . }}
- name: {{ . }}
  unless: |-
    {{ include "burgee.policy.parameter" $parameter }} != ""
  message: {{ printf "burgee: no %s: give the pod the annotation %s, or the chart the value %s" . $parameter.annotation . | toRawJson }}
{{- end }}
{{- $order := include "burgee.parameters.order" . | fromYamlArray }}
{{- range $name := $order }}
{{- $its := get $parameters $name }}
- name: {{ trimPrefix "burgee.dev/" $its.annotation }}-pattern
  unless: |-
    [{{ include "burgee.policy.parameter" $its }}].all(value,
      {{ if not $its.required }}value == "" || {{ end }}size(value) <= {{ $its.longest }} && value.matches({{ toRawJson $its.pattern }})
      {{- with $its.not }} && !value.matches({{ toRawJson . }}){{ end }})
  says: |-
    {{ printf "burgee: annotation %s: \"" $its.annotation | toRawJson }} + (variables.{{ $name }}.contains("@") ? "…" : variables.{{ $name }}) +
    {{ printf "\" is no %s; want such as %s" $its.what $its.example | toRawJson }}
  message: {{ printf "burgee: annotation %s is no %s; want such as %s" $its.annotation $its.what $its.example | toRawJson }}
{{- end }}
{{- range $name := $order }}
{{- $its := get $parameters $name }}
{{- with $its.least }}
{{- $other := hasPrefix "<" . | ternary (trimAll "<>" .) "" }}
- name: {{ trimPrefix "burgee.dev/" $its.annotation }}-least
  unless: |-
    [[
      {{ include "burgee.policy.parameter" $its }},
      {{ if $other }}{{ include "burgee.policy.parameter" (get $parameters $other) }}{{ else }}{{ toRawJson . }}{{ end }}
    ]].all(two,
      two.exists(one, size(one) > 64 || !isQuantity(one)) || !quantity(two[0]).isLessThan(quantity(two[1])))
  says: |-
    {{ printf "burgee: annotation %s: \"" $its.annotation | toRawJson }} + variables.{{ $name }} + "\" is too little; want " +
    {{ if $other }}variables.{{ $other }}{{ else }}{{ toRawJson . }}{{ end }} + {{ printf " or more: %s" $its.why | toRawJson }}
  message: {{ printf "burgee: annotation %s is too little: %s" $its.annotation $its.why | toRawJson }}
{{- end }}
{{- end }}
- name: container-name
  unless: |-
    {{ $others }}.all(c, c.name != "burgee")
  message: "burgee: container burgee has the sidecar's name: call it otherwise"
- name: volume-name
  unless: |-
    {{ include "burgee.policy.injected" . }} ||
    object.spec.?volumes.orValue([]).all(v, !(v.name in {{ toRawJson $volumes }}))
  says: |-
    "burgee: the pod has a volume " + {{ toRawJson $volumes }}.filter(name, object.spec.volumes.exists(v, v.name == name))[0] +
    " of its own: call it otherwise"
  message: "burgee: the pod has a volume of the sidecar's: call it otherwise"
- name: mount-early
  unless: |-
    {{ include "burgee.policy.injected" . }} ||
    {{ $others }}.all(c, c.?volumeMounts.orValue([]).all(m, !(m.name in {{ toRawJson $volumes }})))
  says: |-
    variables.others.map(c,
      c.?volumeMounts.orValue([]).filter(m, m.name in {{ toRawJson $volumes }}).map(m,
        "burgee: container " + c.name + " mounts " + m.name + ", which is not there before the sidecar is: leave the mount out")
    ).flatten()[0]
  message: "burgee: a container mounts a volume of the sidecar's, which is not there before the sidecar is: leave the mount out"
- name: mount-path
  unless: |-
    [{{ include "burgee.policy.parameter" $parameters.socket }}]
      .filter(socket, socket.startsWith("/"))
      .map(socket, socket.substring(0, socket.lastIndexOf("/") + 1))
      .all(folder, {{ $others }}.all(c,
        c.?volumeMounts.orValue([]).all(m, !(m.mountPath + "/").startsWith(folder) || m.name == {{ toRawJson $mount.name }})))
  says: |-
    variables.others.map(c,
      c.?volumeMounts.orValue([]).filter(m, (m.mountPath + "/").startsWith(variables.socketFolder + "/") && m.name != {{ toRawJson $mount.name }}).map(m,
        "burgee: container " + c.name + " mounts " + m.name + " at " + m.mountPath +
        {{ printf ", where the socket goes: mount it elsewhere, or give the pod the annotation %s with another path" $parameters.socket.annotation | toRawJson }})
    ).flatten()[0]
  message: {{ printf "burgee: a container mounts a volume where the socket goes: mount it elsewhere, or give the pod the annotation %s with another path" $parameters.socket.annotation | toRawJson }}
- name: ports
  unless: |-
    {{ $others }}.all(c, c.?ports.orValue([]).all(p, !(p.containerPort in {{ toRawJson $ports }})))
  says: |-
    variables.others.map(c,
      c.?ports.orValue([]).filter(p, p.containerPort in {{ toRawJson $ports }}).map(p,
        "burgee: container " + c.name + " has port " + string(p.containerPort) + ", which the sidecar takes in the pod's network")
    ).flatten()[0]
  message: "burgee: a container has a port that the sidecar takes in the pod's network"
{{- end -}}
