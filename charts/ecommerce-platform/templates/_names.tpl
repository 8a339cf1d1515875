{{/* Small words: names, labels, addresses. All take a dict of root, name and service unless they say otherwise. */}}

{{- define "ecommerce.version" -}}
{{- .Values.global.version | default .Chart.AppVersion -}}
{{- end -}}

{{- define "ecommerce.selector" -}}
app: {{ .name }}
{{- end -}}

{{- define "ecommerce.labels" -}}
app: {{ .name }}
component: {{ .service.component }}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{- define "ecommerce.image" -}}
{{- $tag := .root.Values.image.tag | default (printf "v%s" .root.Chart.AppVersion) -}}
{{- $built := printf "%s/%s:%s" .root.Values.image.registry .name $tag -}}
{{- index .root.Values.global.images .name | default (index .root.Values.images .name | default $built) -}}
{{- end -}}

{{- define "ecommerce.adminPort" -}}
{{- add .service.port 6000 -}}
{{- end -}}

{{/* The variable by which others find a service: USER_SERVICE_URL. */}}
{{- define "ecommerce.urlVariable" -}}
{{- .service.urlVariable | default (printf "%s_URL" (.name | upper | replace "-" "_")) -}}
{{- end -}}

{{/* yes where the service keeps its data in files of its own volume. */}}
{{- define "ecommerce.embedded" -}}
{{- if and .service.store (or (eq .root.Values.stores.mode "embedded") (eq .service.store.kind "embedded")) -}}yes{{- end -}}
{{- end -}}

{{/* yes where the service is given the authorities of outside databases. */}}
{{- define "ecommerce.certificates" -}}
{{- if and .root.Values.stores.certificates .service.store (not (include "ecommerce.embedded" .)) -}}yes{{- end -}}
{{- end -}}

{{- define "ecommerce.replicas" -}}
{{- .service.replicas | default .root.Values.replicas -}}
{{- end -}}
