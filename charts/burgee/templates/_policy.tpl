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
  message: "burgee: the pod runs on Windows, for which there is no sidecar: take the label burgee.dev/inject off"
- name: network
  unless: |-
    !object.spec.?hostNetwork.orValue(false)
  message: {{ printf "burgee: the pod uses the network of its node, where port%s %s would be the node's: take the label burgee.dev/inject off, or include the sidecar by the chart's named templates with ports of its own" (ternary "" "s" (eq (len $ports) 1)) (include "burgee.listed" $ports) | toRawJson }}
{{- range list "store" "environment" }}
{{- $parameter := get $parameters . }}
- name: {{ . }}
  unless: |-
    {{ include "burgee.policy.parameter" $parameter }} != ""
  message: {{ printf "burgee: no %s: give the pod the annotation %s, or the chart the value %s" . $parameter.annotation . | toRawJson }}
{{- end }}
{{- with $parameters.socket }}
- name: socket
  unless: |-
    [{{ include "burgee.policy.parameter" . }}].all(socket,
      size(socket) <= 107 && size(bytes(socket)) <= 107 &&
      socket.matches("^(/[^/:]+){2,}$") && !socket.matches("/[.][.]?(/|$)"))
  says: |-
    {{ printf "burgee: annotation %s: \"" .annotation | toRawJson }} + variables.socket + "\" is no absolute path of a file in a folder, of at most 107 bytes"
  message: {{ printf "burgee: annotation %s is no absolute path of a file in a folder, of at most 107 bytes" .annotation | toRawJson }}
{{- end }}
{{- range list (dict "name" "memory" "example" "64Mi") (dict "name" "cpuRequest" "example" "100m") (dict "name" "cpuLimit" "example" "100m") }}
{{- $parameter := get $parameters .name }}
- name: {{ trimPrefix "burgee.dev/" $parameter.annotation }}
  unless: |-
    [{{ include "burgee.policy.parameter" $parameter }}].all(quantity,
      {{ if not $parameter.required }}quantity == "" || {{ end }}size(quantity) <= 64 && quantity.matches({{ include "burgee.policy.quantity" $ | toRawJson }}))
  says: |-
    {{ printf "burgee: annotation %s: \"" $parameter.annotation | toRawJson }} + variables.{{ .name }} + {{ printf "\" is no quantity; want such as %s" .example | toRawJson }}
  message: {{ printf "burgee: annotation %s is no quantity; want such as %s" $parameter.annotation .example | toRawJson }}
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
- name: mount-path
  unless: |-
    [{{ include "burgee.policy.parameter" $parameters.socket }}]
      .filter(socket, socket.startsWith("/"))
      .map(socket, socket.substring(0, socket.lastIndexOf("/")))
      .all(folder, {{ $others }}.all(c,
        c.?volumeMounts.orValue([]).all(m, m.mountPath != folder || m.name == {{ toRawJson $mount.name }})))
  says: |-
    variables.others.map(c,
      c.?volumeMounts.orValue([]).filter(m, m.mountPath == variables.socketFolder && m.name != {{ toRawJson $mount.name }}).map(m,
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

{{/* What is a quantity that may be requested; sidecar/inject asks the same. */}}
{{- define "burgee.policy.quantity" -}}
^([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,2})?$
{{- end -}}
