//! The charts that are rendered, made here: one as `helm create` makes it, one of the size of a database's, one with
//! hundreds of templates, and one that renders its values as templates, which is slow in Helm.

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub(super) type Files = BTreeMap<String, Vec<u8>>;

pub(super) fn charts() -> Vec<(&'static str, Files)> {
    vec![
        ("small", chart(4, 8, 0)),
        ("medium", chart(24, 60, 2)),
        ("large", chart(300, 120, 0)),
        ("tpl", chart(12, 200, 150)),
    ]
}

const HELPERS: &str = r#"{{- define "bench.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "bench.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "bench.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- define "bench.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "bench.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "bench.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bench.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
"#;

const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "bench.fullname" . }}-NUMBER
  labels:
    {{- include "bench.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "bench.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      annotations:
        checksum/values: {{ toYaml .Values.items | sha256sum }}
      labels:
        {{- include "bench.selectorLabels" . | nindent 8 }}
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          env:
            {{- range $key, $value := .Values.items }}
            - name: {{ $key | upper | replace "-" "_" }}
              value: {{ $value.text | quote }}
            {{- end }}
          {{- with .Values.resources }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
"#;

/// `templates` deployments over `items` values, of which `rendered` are templates themselves.
fn chart(templates: usize, items: usize, rendered: usize) -> Files {
    let mut values = String::from(
        "replicaCount: 1\nnameOverride: \"\"\nfullnameOverride: \"\"\nautoscaling: {enabled: false}\n\
         image: {repository: nginx, tag: \"\"}\n\
         resources:\n  limits: {cpu: 100m, memory: 128Mi}\n  requests: {cpu: 50m, memory: 64Mi}\nitems:\n",
    );
    for at in 0..items {
        let _ = writeln!(
            values,
            "  item-{at}:\n    text: \"a value of some length, number {at}\"\n    port: {}",
            8000 + at
        );
    }
    values.push_str("texts:\n");
    for at in 0..rendered {
        let _ = writeln!(values, "  - \"{{{{ include \\\"bench.fullname\\\" . }}}}-{at}\"");
    }
    let mut files = Files::new();
    let mut put = |name: String, text: String| files.insert(name, text.into_bytes());
    put(
        "Chart.yaml".to_owned(),
        "apiVersion: v2\nname: bench\nversion: 0.1.0\nappVersion: \"1.16.0\"\n".to_owned(),
    );
    put("values.yaml".to_owned(), values);
    put("templates/_helpers.tpl".to_owned(), HELPERS.to_owned());
    for at in 0..templates {
        put(
            format!("templates/deployment-{at}.yaml"),
            DEPLOYMENT.replace("NUMBER", &at.to_string()),
        );
    }
    if rendered > 0 {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include \"bench.fullname\" . }}-texts\ndata:\n\
                    {{- range $at, $text := .Values.texts }}\n  text-{{ $at }}: {{ tpl $text $ | quote }}\n{{- end }}\n";
        put("templates/texts.yaml".to_owned(), text.to_owned());
    }
    files
}
