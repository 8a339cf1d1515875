//! Label selectors: `matchLabels` and `matchExpressions`.

use crate::argo::Wrong;
use crate::argo::fields::Part;

/// What is asked of labels; all of it must hold.
#[derive(Debug, Default)]
pub(super) struct Selector {
    terms: Vec<(String, Asks)>,
}

#[derive(Debug)]
enum Asks {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
}

pub(super) fn read(part: &Part<'_>) -> Result<Selector, Wrong> {
    part.only(&["matchLabels", "matchExpressions"])?;
    let labels = part.get("matchLabels").texts()?;
    let mut terms: Vec<(String, Asks)> = labels
        .into_iter()
        .map(|(key, value)| (key, Asks::In(vec![value])))
        .collect();
    for one in part.get("matchExpressions").list()? {
        let values = one.get("values").words()?;
        let asks = match one.get("operator").word()?.as_str() {
            "In" => Asks::In(values),
            "NotIn" => Asks::NotIn(values),
            "Exists" => Asks::Exists,
            "DoesNotExist" => Asks::DoesNotExist,
            other => {
                return Err(one.get("operator").wrong(
                    format!("`{other}` is no operator"),
                    "it is In, NotIn, Exists or DoesNotExist",
                ));
            }
        };
        terms.push((one.get("key").word()?, asks));
    }
    Ok(Selector { terms })
}

impl Selector {
    /// Whether it asks for nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub(super) fn takes(&self, label: &dyn Fn(&str) -> Option<String>) -> bool {
        self.terms.iter().all(|(key, asks)| {
            let value = label(key);
            match asks {
                Asks::In(values) => value.is_some_and(|it| values.contains(&it)),
                Asks::NotIn(values) => value.is_none_or(|it| !values.contains(&it)),
                Asks::Exists => value.is_some(),
                Asks::DoesNotExist => value.is_none(),
            }
        })
    }
}
