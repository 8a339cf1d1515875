{{/* The parts of a pod that Deployments and migration Jobs share. All take a dict of root, name and service. */}}

{{- define "ecommerce.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ int .root.Values.runAsUser }}
runAsGroup: {{ int .root.Values.runAsUser }}
fsGroup: {{ int .root.Values.runAsUser }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "ecommerce.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "ecommerce.environment" -}}
- name: APP_VERSION
  value: {{ include "ecommerce.version" .root | quote }}
{{- if include "ecommerce.embedded" . }}
- name: DATA_DIR
  value: /data
{{- end }}
{{- with index .root.Values.faults .name }}
- name: SHOP_FAULT
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "ecommerce.environmentSources" -}}
- configMapRef:
    name: {{ .name }}
- secretRef:
    name: {{ .name }}
{{- end -}}

{{- define "ecommerce.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if include "ecommerce.embedded" . }}
- name: data
  mountPath: /data
{{- end }}
{{- if include "ecommerce.certificates" . }}
- name: certificates
  mountPath: /etc/stores
  readOnly: true
{{- end }}
{{- end -}}

{{- define "ecommerce.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- if include "ecommerce.embedded" . }}
- name: data
  persistentVolumeClaim:
    claimName: {{ .name }}-data
{{- end }}
{{- if include "ecommerce.certificates" . }}
- name: certificates
  configMap:
    name: {{ .root.Values.stores.certificates }}
{{- end }}
{{- end -}}

{{/* The volume of a file is written by one node at a time: a pod elsewhere, of a migration too, would wait for it for ever. */}}
{{- define "ecommerce.together" -}}
podAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          keeps-data: {{ .name }}
{{- end -}}

{{- define "ecommerce.placement" -}}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- $together := include "ecommerce.embedded" . }}
{{- if or $together .root.Values.preferredNodeLabels }}
affinity:
  {{- with .root.Values.preferredNodeLabels }}
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      {{- range $label, $value := . }}
      - weight: 50
        preference:
          matchExpressions:
            - key: {{ $label }}
              operator: In
              values: [{{ $value | quote }}]
      {{- end }}
  {{- end }}
  {{- if $together }}
  {{- include "ecommerce.together" . | trim | nindent 2 }}
  {{- end }}
{{- end }}
topologySpreadConstraints:
  {{- range $topology := eq $together "yes" | ternary (list "topology.kubernetes.io/zone") (list "topology.kubernetes.io/zone" "kubernetes.io/hostname") }}
  - maxSkew: 1
    topologyKey: {{ $topology }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "ecommerce.selector" $ | nindent 8 }}
  {{- end }}
{{- end -}}
