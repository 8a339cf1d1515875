{{- define "windlass.selector" -}}
app.kubernetes.io/name: windlass
{{- end }}
{{- define "windlass.labels" -}}
{{ include "windlass.selector" . }}
app.kubernetes.io/part-of: windlass
{{- end }}
{{- define "windlass.metadata" -}}
name: windlass
namespace: {{ .Release.Namespace }}
labels: {{- include "windlass.labels" . | nindent 2 }}
{{- end }}
