{{/* Name look-ups, which everything needs. Takes the root. */}}
{{- define "ecommerce.egressToNames" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end -}}

{{/* The stores of a service, when these are outside. Takes root, name and service. */}}
{{- define "ecommerce.egressToStore" -}}
{{- if and .service.store (not (include "ecommerce.embedded" .)) }}
{{- if eq .service.store.kind "postgresql" }}
- to:
    - podSelector:
        matchLabels:
          app: pgbouncer
  ports:
    - {protocol: TCP, port: {{ .root.Values.pgbouncer.port }}}
{{- end }}
- to:
    - ipBlock:
        cidr: {{ .root.Values.networkPolicies.storesCIDR }}
  ports:
    {{- /* PostgreSQL itself too, for whoever gives a migration an address that is not PgBouncer's. */}}
    - {protocol: TCP, port: {{ get (dict "postgresql" 5432 "mongodb" 27017 "redis" 6379) .service.store.kind }}}
{{- end }}
{{- if and .service.shares (eq .root.Values.stores.mode "external") }}
- to:
    - ipBlock:
        cidr: {{ .root.Values.networkPolicies.storesCIDR }}
  ports:
    - {protocol: TCP, port: 6379}
{{- end }}
{{- end -}}
