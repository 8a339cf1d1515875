//! What a benchmark found: a table for people, or one JSON object per line and nothing else on standard output.

use serde_json::json;

/// Which of two figures is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// All figures of one run.
pub(crate) struct Report {
    bench: &'static str,
    json: bool,
    figures: Vec<Figure>,
}

struct Figure {
    case: String,
    metric: &'static str,
    unit: &'static str,
    ours: f64,
    peer: Option<(String, f64)>,
    better: Better,
}

impl Report {
    pub(crate) fn new(bench: &'static str, json: bool) -> Self {
        Self {
            bench,
            json,
            figures: Vec::new(),
        }
    }

    /// Adds a figure; `peer` is the name of the other program and its figure from the same run.
    pub(crate) fn add(
        &mut self,
        case: &str,
        (metric, unit, better): (&'static str, &'static str, Better),
        ours: f64,
        peer: Option<(&str, f64)>,
    ) {
        self.figures.push(Figure {
            case: case.to_owned(),
            metric,
            unit,
            ours,
            peer: peer.map(|(name, value)| (name.to_owned(), value)),
            better,
        });
    }

    /// Says something to people while it runs.
    #[expect(
        clippy::print_stderr,
        reason = "progress is for people, standard output for figures"
    )]
    pub(crate) fn say(&self, line: &str) {
        eprintln!("{}: {line}", self.bench);
    }

    #[expect(clippy::print_stdout, reason = "figures are the output")]
    pub(crate) fn print(&self) {
        if !self.json {
            println!(
                "{:<34} {:<22} {:>14} {:>14}  {:<8} {:>7}",
                "case", "metric", "ours", "peer", "", "ratio"
            );
        }
        for figure in &self.figures {
            println!(
                "{}",
                if self.json {
                    figure.line(self.bench)
                } else {
                    figure.row()
                }
            );
        }
    }
}

impl Figure {
    /// Above 1: ours is better. None where a peer is missing or a zero makes it meaningless.
    fn ratio(&self) -> Option<f64> {
        let peer = self.peer.as_ref()?.1;
        let ratio = match self.better {
            Better::Lower => peer / self.ours,
            Better::Higher => self.ours / peer,
        };
        if (peer - self.ours).abs() < f64::EPSILON {
            Some(1.0)
        } else {
            ratio.is_finite().then_some(ratio)
        }
    }

    fn line(&self, bench: &str) -> String {
        json!({
            "bench": bench,
            "case": self.case,
            "metric": self.metric,
            "unit": self.unit,
            "ours": self.ours,
            "peer": self.peer.as_ref().map(|(name, _)| name),
            "peer_value": self.peer.as_ref().map(|(_, value)| value),
            "ratio": self.ratio(),
        })
        .to_string()
    }

    fn row(&self) -> String {
        let number = |value: f64| format!("{value:.prec$}", prec = if value >= 1_000.0 { 0 } else { 3 });
        let (name, value) = self.peer.as_ref().map_or(("", String::new()), |(name, value)| {
            (name.as_str(), number(*value))
        });
        let ratio = self.ratio().map_or(String::new(), |ratio| format!("{ratio:.2}"));
        format!(
            "{:<34} {:<22} {:>14} {value:>14}  {name:<8} {ratio:>7}",
            self.case,
            format!("{} ({})", self.metric, self.unit),
            number(self.ours),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_above_one_means_ours_is_better() {
        let ratio = |ours, peer, better| {
            Figure {
                case: String::new(),
                metric: "",
                unit: "",
                ours,
                peer: Some(("peer".to_owned(), peer)),
                better,
            }
            .ratio()
        };
        assert_eq!(ratio(2.0, 4.0, Better::Lower), Some(2.0));
        assert_eq!(ratio(2.0, 4.0, Better::Higher), Some(0.5));
        assert_eq!(ratio(0.0, 4.0, Better::Lower), None);
        assert_eq!(ratio(0.0, 0.0, Better::Lower), Some(1.0));
    }
}
