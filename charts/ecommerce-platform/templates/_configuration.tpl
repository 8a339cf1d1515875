{{/* What a service is told: its ConfigMap and its Secret. Both take a dict of root, name and service. */}}

{{- define "ecommerce.config" -}}
SHOP_ENV: {{ .root.Values.environment | quote }}
LOG_LEVEL: {{ .root.Values.logLevel | quote }}
SHUTDOWN_GRACE: {{ printf "%ds" (int .root.Values.shutdownGraceSeconds) | quote }}
{{- range $callee := .service.calls }}
{{- $called := index $.root.Values.services $callee }}
{{- if not $called }}
{{- fail (printf "services.%s.calls names %s, which is no service" $.name $callee) }}
{{- end }}
{{- if $called.enabled }}
{{ include "ecommerce.urlVariable" (dict "name" $callee "service" $called) }}: {{ printf "http://%s:%d" $callee (int $called.port) | quote }}
{{- end }}
{{- end }}
{{- range $key, $value := .service.config }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* The keys of a service's Secret as a YAML list: its own, and the addresses of its stores when these are outside. */}}
{{- define "ecommerce.secretKeys" -}}
{{- range .service.secrets }}
- {{ . }}
{{- end }}
{{- if and .service.store (not (include "ecommerce.embedded" .)) }}
- {{ .service.store.variable }}
{{- with .service.store.readVariable }}
- {{ . }}
{{- end }}
{{- end }}
{{- if and .service.shares (eq .root.Values.stores.mode "external") }}
- {{ .service.shares.variable }}
{{- end }}
{{- end -}}

{{/* One value of a Secret, in clear: given, else derived. Takes root, name and key. */}}
{{- define "ecommerce.secretValue" -}}
{{- $given := index .root.Values.secrets.values (printf "%s/%s" .name .key) | default (index .root.Values.secrets.values .key) -}}
{{- if $given -}}
{{- $given -}}
{{- else if eq .root.Values.stores.mode "external" -}}
{{- fail (printf "secrets.values has no %s: with stores.mode external nothing is derived from the seed" .key) -}}
{{- else -}}
{{- printf "%s/%s" .root.Values.secrets.seed .key | sha256sum -}}
{{- end -}}
{{- end -}}
