//! Renders kept by what went into them: a commit that touches one application renders one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::{Capabilities, Chart, ChartError, Profile, ReleaseInfo, Rendered, Value, render};

/// Renders that are kept; the oldest go first.
const ENTRIES_MAX: usize = 4_096;

type Key = [u8; 32];

/// A cache of renders, for many threads.
#[derive(Debug, Default)]
pub struct Renders(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    renders: BTreeMap<Key, Arc<Rendered>>,
    order: VecDeque<Key>,
}

impl Renders {
    /// As [`render`], but the same chart, values, release and capabilities are rendered once.
    pub fn render(
        &self,
        chart: &Chart,
        values: &Value,
        release: &ReleaseInfo,
        capabilities: &Capabilities,
        profile: Profile,
    ) -> Result<Arc<Rendered>, ChartError> {
        let key = key(chart, values, release, capabilities, profile);
        if let Some(rendered) = self.kept().renders.get(&key) {
            return Ok(rendered.clone());
        }
        let rendered = Arc::new(render(chart, values.clone(), release, capabilities, profile)?);
        let mut kept = self.kept();
        if kept.renders.insert(key, rendered.clone()).is_none() {
            kept.order.push_back(key);
        }
        if kept.order.len() > ENTRIES_MAX
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.renders.remove(&oldest);
        }
        Ok(rendered)
    }

    /// How many renders are kept.
    pub fn len(&self) -> usize {
        self.kept().renders.len()
    }

    /// Whether nothing has been rendered yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(
    chart: &Chart,
    values: &Value,
    release: &ReleaseInfo,
    capabilities: &Capabilities,
    profile: Profile,
) -> Key {
    let mut hash = Sha256::new();
    hash.update(chart.digest());
    // Debug output tells integers from floats, which JSON does not, and templates see the difference.
    hash.update(format!("{values:?}\n{release:?}\n{capabilities:?}\n{profile:?}"));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, load_from_files};

    #[test]
    fn only_what_changed_is_rendered() {
        let load = |text: &str| {
            let files = [
                ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
                ("templates/a.yaml", text),
            ];
            let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
            load_from_files(files.into(), &Limits::default()).unwrap()
        };
        let release = ReleaseInfo {
            name: "r".to_owned(),
            namespace: "n".to_owned(),
            revision: 1,
            is_upgrade: false,
            service: "Helm".to_owned(),
        };
        let cache = Renders::default();
        let one = |chart: &Chart, values: &Value| {
            let capabilities = Capabilities::default();
            cache
                .render(chart, values, &release, &capabilities, Profile::Helm4)
                .unwrap()
        };
        let (chart, changed) = (load("a: {{ .Values.x }}"), load("b: {{ .Values.x }}"));
        let values = |x: i64| Value::Map([("x".to_owned(), Value::Int(x))].into());
        let first = one(&chart, &values(1));
        assert!(Arc::ptr_eq(&first, &one(&load("a: {{ .Values.x }}"), &values(1))));
        assert_eq!(one(&chart, &values(2)).manifests[0].text, "a: 2");
        assert_eq!(one(&changed, &values(1)).manifests[0].text, "b: 1");
        assert_eq!(cache.len(), 3);
    }
}
