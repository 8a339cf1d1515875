//! Seeds: well-formed inputs that use everything once.

pub(super) const TEMPLATES: &[&[u8]] = &[
    b"{{- define \"x\" -}}{{ .a }}{{- end -}}a: {{ include \"x\" (dict \"a\" 1) | quote }}",
    b"{{ range $i, $v := .Values.a.c }}{{ if eq $i 1 }}{{ continue }}{{ else }}{{ $v | default \"d\" }}{{ end }}{{ end }}",
    b"{{ with .Values.a }}{{ toYaml . | nindent 2 }}{{ else with .Values.b }}x{{ end }}",
    b"{{ $x := 1 }}{{ range until 3 }}{{ $x = add $x . }}{{ end }}{{ printf \"%05d %v %q %T\" $x .Values.a \"s\" 1.5 }}",
    b"{{ tpl .Values.text . }}{{ regexReplaceAll \"(a)(b)?\" \"abab\" \"${2}$1\" }}{{ semverCompare \">=1.2 <2\" \"1.3\" }}",
    b"{{ merge (dict \"a\" (dict \"b\" 1)) .Values.a | toJson }}{{ (.Values.nope).x }}{{ .Files.Get \"a\" }}",
    b"{{ block \"y\" . }}{{ template \"y2\" . }}{{ end }}{{ define \"y2\" }}{{ 0x1F }} {{ 'a' }} {{ 1_000 }}{{ end }}{{/* c */}}",
    b"{{ and 1 (or 0 .Values.a) | not }}{{ slice \"abc\" 1 2 }}{{ index .Values.a.c 1 }}{{ len .Values }}{{ date \"2006\" 0 }}",
    b"{{ dig \"a\" \"b\" 0 .Values }}{{ splitList \",\" \"a,b\" | join \"-\" | b64enc | b64dec | sha256sum | trunc 7 }}",
];

pub(super) const YAML: &[&[u8]] = &[
    b"a: 1\nb: [x, 'y', \"z\\n\", {c: d}]\n? complex\n: value\n",
    b"base: &a {x: 1, y: yes}\nderived:\n  <<: *a\n  z: 0777\n---\nsecond: ~\n",
    b"text: |\n  line\n   more\n\nfolded: >-\n  a\n  b\n\n  c\nplain: a b\n  c\n",
    b"- - a\n  - b: c\n    d:\n    - e\n- !!str 5\n- !!float 3\n- 1e21\n- .inf\n- 2020-01-02\n",
    b"%YAML 1.1\n---\nglobal: {a: null}\nchild:\n  global: {b: 1}\n  x: null\n...\n",
    b"\"quoted \\u263A key\": 'it''s'\nlong: aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk llll mmmm nnnn oooo pppp\n",
];

pub(super) const SETS: &[&[u8]] = &[
    b"a.b.c=1,d={x,y},e=null,f=true",
    b"list[0].a=b,list[1][2]=c,x\\.y=z",
    b"a=[1, {\"b\": null}],c={\"d\": 1.5}",
];

/// A packed chart and its parts; gzip with stored blocks, so that pieces survive.
pub(super) const ARCHIVES: &[&[u8]] = &[
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01\x00\x00\xff\xff",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xcf\xb1\x0a\xc2\x30\x14\x85\xe1\xcc\x3e\x45\x9e\xa0\xde\x34\xa9\x9d\xc5\xc9\xcd\x57",
    b"chart/Chart.yaml\x00\x000000644\x000000000\x000000000\x0000000000052\x00",
];
