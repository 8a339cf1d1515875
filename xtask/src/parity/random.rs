//! Charts made at random: values of all kinds and templates that do everything with them. They are written into a folder,
//! where they are rendered and compared as any charts; the same number gives the same chart.

mod expression;
mod values;

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::fuzz::Random;
use expression::Expressions;

/// Lines of one template; few enough that an error does not hide much.
const LINES: usize = 24;

/// Writes charts with the numbers `first..first + count` below a folder.
pub(super) fn write(folder: &Path, first: u64, count: u64) -> io::Result<()> {
    for number in first..first + count {
        let mut random = Random::new(number + 1);
        // The first numbers of neighbours are alike.
        for _ in 0..8 {
            random.below(2);
        }
        let chart = folder.join(format!("random-{number}"));
        std::fs::create_dir_all(chart.join("templates"))?;
        let about = "apiVersion: v2\nname: random\nversion: 0.1.0\n";
        std::fs::write(chart.join("Chart.yaml"), about)?;
        std::fs::write(chart.join("values.yaml"), values::file(&mut random))?;
        std::fs::write(chart.join("values-more.yaml"), values::more(&mut random))?;
        std::fs::write(chart.join("templates/all.yaml"), template(&mut random))?;
        std::fs::write(chart.join("templates/_parts.tpl"), PARTS)?;
    }
    Ok(())
}

const PARTS: &str = r#"{{- define "shown" }}<{{ . }}>{{ end -}}
{{- define "kind" -}}{{ kindOf . }}{{- end -}}
{{- define "yaml" }}
{{ toYaml . }}
{{- end -}}
{{- define "depth" -}}
{{- if kindIs "map" . }}{{ range $k, $v := . }}{{ $k }}({{ include "depth" $v }}){{ end }}{{ else }}{{ printf "%v" . }}{{ end -}}
{{- end -}}
"#;

fn template(random: &mut Random) -> String {
    let mut out = String::new();
    for line in 0..LINES {
        let mut all = Expressions::new(random);
        let _ = match all.random.below(9) {
            0 => writeln!(out, "l{line}: {{{{ {} | toJson }}}}", all.any(3)),
            1 => writeln!(out, "l{line}: {{{{ printf \"%v\" ({}) | toJson }}}}", all.any(3)),
            2 => writeln!(
                out,
                "l{line}:\n  it:{{{{ include \"yaml\" ({}) | nindent 4 }}}}",
                all.any(3)
            ),
            3 => {
                let (over, inner) = (all.collection(2), all.text_of("$v", 2));
                writeln!(
                    out,
                    "l{line}:\n{{{{- range $i, $v := {over} }}}}\n  - {{{{ printf \"%v\" $i | toJson }}}}\n  - {{{{ {inner} | toJson }}}}\n{{{{- else }}}}\n  - none\n{{{{- end }}}}"
                )
            }
            4 => {
                let (condition, yes, no) = (all.any(2), all.any(2), all.any(2));
                writeln!(
                    out,
                    "l{line}: {{{{ if {condition} }}}}{{{{ {yes} | toJson }}}}{{{{ else }}}}{{{{ {no} | toJson }}}}{{{{ end }}}}"
                )
            }
            5 => {
                let (with, inner) = (all.any(2), all.text_of(".", 2));
                writeln!(
                    out,
                    "l{line}: {{{{ with {with} }}}}{{{{ {inner} | toJson }}}}{{{{ else }}}}\"\"{{{{ end }}}}"
                )
            }
            6 => writeln!(
                out,
                "l{line}: {{{{ include \"depth\" ({}) | toJson }}}}",
                all.any(3)
            ),
            7 => writeln!(
                out,
                "l{line}: {{{{ include \"shown\" ({}) | toJson }}}}",
                all.any(3)
            ),
            _ => writeln!(
                out,
                "l{line}: |-\n  {{{{- {} | toPrettyJson | nindent 2 }}}}",
                all.any(3)
            ),
        };
    }
    out
}
