//! Counters, gauges and histograms, written as Prometheus text. A small registry of our own: three shapes, no macros.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Upper bounds in seconds of the buckets of every histogram.
const BUCKETS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Most sets of label values of one metric; further ones are counted under `other`, so that no caller can fill memory.
const SERIES_MAX: usize = 512;

/// All metrics of a service; a clone is the same registry.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    families: Arc<RwLock<BTreeMap<&'static str, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    help: &'static str,
    family: AnyFamily,
}

#[derive(Debug, Clone)]
enum AnyFamily {
    Counter(Family<Counter>),
    Gauge(Family<Gauge>),
    Histogram(Family<Histogram>),
}

/// A number that only grows.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// One more.
    pub fn inc(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// What it counts now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Sets it.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Changes it by so much.
    pub fn add(&self, more: i64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// What it is now.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long things take.
#[derive(Debug, Clone, Default)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug, Default)]
struct Buckets {
    counts: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    /// One more took so long.
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        if let Some(bucket) = BUCKETS.iter().position(|bound| seconds <= *bound) {
            self.0.counts[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.0.count.fetch_add(1, Ordering::Relaxed);
        self.0.micros.fetch_add(
            u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }
}

/// One metric with labels: a value for each set of label values.
#[derive(Debug, Clone)]
pub struct Family<T> {
    labels: &'static [&'static str],
    series: Arc<RwLock<Series<T>>>,
}

/// Values by the hash of their labels, so that one is found without making the labels' owned form for each request.
#[derive(Debug)]
struct Series<T> {
    by_hash: HashMap<u64, Vec<(Vec<String>, T)>>,
    hasher: RandomState,
    count: usize,
}

impl<T> Default for Series<T> {
    fn default() -> Self {
        Self {
            by_hash: HashMap::new(),
            hasher: RandomState::new(),
            count: 0,
        }
    }
}

impl<T: Clone + Default> Series<T> {
    fn find(&self, values: &[&str]) -> Option<T> {
        let same = self.by_hash.get(&self.hasher.hash_one(values))?;
        let found = same
            .iter()
            .find(|(known, _)| known.iter().eq(values.iter().copied()));
        found.map(|(_, value)| value.clone())
    }

    fn add(&mut self, values: &[&str]) -> T {
        // Another thread may have been faster.
        if let Some(found) = self.find(values) {
            return found;
        }
        let value = T::default();
        let owned = values.iter().map(|value| (*value).to_owned()).collect();
        self.by_hash
            .entry(self.hasher.hash_one(values))
            .or_default()
            .push((owned, value.clone()));
        self.count += 1;
        value
    }
}

impl<T: Clone + Default> Family<T> {
    fn new(labels: &'static [&'static str]) -> Self {
        let family = Self {
            labels,
            series: Arc::default(),
        };
        if labels.is_empty() {
            // Without labels it exists from the start, as zero.
            let _ = family.with(&[]);
        }
        family
    }

    /// The one with these label values, in the order of the labels.
    pub fn with(&self, values: &[&str]) -> T {
        debug_assert_eq!(values.len(), self.labels.len(), "one value for each label");
        let known = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.find(values) {
            return found;
        }
        drop(known);
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if series.count >= SERIES_MAX {
            return series.add(&vec!["other"; values.len()]);
        }
        series.add(values)
    }
}

impl Metrics {
    /// A counter with labels. The same name gives the same counter.
    pub fn counter(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Family<Counter> {
        let made = self.family(name, help, || AnyFamily::Counter(Family::new(labels)));
        if let AnyFamily::Counter(family) = made {
            family
        } else {
            Family::new(labels)
        }
    }

    /// A gauge with labels.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Family<Gauge> {
        let made = self.family(name, help, || AnyFamily::Gauge(Family::new(labels)));
        if let AnyFamily::Gauge(family) = made {
            family
        } else {
            Family::new(labels)
        }
    }

    /// A histogram of seconds with labels.
    pub fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Family<Histogram> {
        let made = self.family(name, help, || AnyFamily::Histogram(Family::new(labels)));
        if let AnyFamily::Histogram(family) = made {
            family
        } else {
            Family::new(labels)
        }
    }

    fn family(&self, name: &'static str, help: &'static str, make: impl FnOnce() -> AnyFamily) -> AnyFamily {
        let mut families = self.families.write().unwrap_or_else(PoisonError::into_inner);
        families
            .entry(name)
            .or_insert_with(|| Entry { help, family: make() })
            .family
            .clone()
    }

    /// All of them in the Prometheus text format, version 0.0.4.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (name, entry) in self
            .families
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            let kind = match entry.family {
                AnyFamily::Counter(_) => "counter",
                AnyFamily::Gauge(_) => "gauge",
                AnyFamily::Histogram(_) => "histogram",
            };
            let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", entry.help);
            match &entry.family {
                AnyFamily::Counter(family) => family.write(|labels, counter| {
                    let _ = writeln!(out, "{name}{labels} {}", counter.get());
                }),
                AnyFamily::Gauge(family) => family.write(|labels, gauge| {
                    let _ = writeln!(out, "{name}{labels} {}", gauge.get());
                }),
                AnyFamily::Histogram(family) => {
                    family.write(|labels, histogram| write_histogram(&mut out, name, labels, histogram));
                }
            }
        }
        out
    }
}

impl<T> Family<T> {
    fn write(&self, mut line: impl FnMut(&str, &T)) {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = series.by_hash.values().flatten().collect();
        sorted.sort_by_key(|(values, _)| values);
        for (values, value) in sorted {
            line(&labels_text(self.labels, values), value);
        }
    }
}

fn labels_text(labels: &[&str], values: &[String]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels
        .iter()
        .zip(values)
        .map(|(label, value)| {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            format!("{label}=\"{value}\"")
        })
        .collect();
    format!("{{{}}}", pairs.join(","))
}

fn write_histogram(out: &mut String, name: &str, labels: &str, histogram: &Histogram) {
    let inner = labels.trim_start_matches('{').trim_end_matches('}');
    let comma = if inner.is_empty() { "" } else { "," };
    let mut below = 0;
    for (bound, count) in BUCKETS.iter().zip(&histogram.0.counts) {
        below += count.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}_bucket{{{inner}{comma}le=\"{bound}\"}} {below}");
    }
    let count = histogram.0.count.load(Ordering::Relaxed).max(below);
    let micros = histogram.0.micros.load(Ordering::Relaxed);
    let _ = writeln!(out, "{name}_bucket{{{inner}{comma}le=\"+Inf\"}} {count}");
    let _ = writeln!(
        out,
        "{name}_sum{labels} {}.{:06}",
        micros / 1_000_000,
        micros % 1_000_000
    );
    let _ = writeln!(out, "{name}_count{labels} {count}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.counter("b_total", "Twos.", &["a"]).with(&["x\"y"]).add(2);
        metrics.gauge("a", "Ones.", &[]).with(&[]).set(-1);
        metrics
            .histogram("c_seconds", "Times.", &["r"])
            .with(&["/"])
            .observe(Duration::from_millis(30));
        let text = metrics.text();
        let kept: Vec<&str> = text
            .lines()
            .filter(|line| !line.contains("_bucket") || line.contains("0.05"))
            .collect();
        assert_eq!(
            kept.join("\n"),
            "# HELP a Ones.\n# TYPE a gauge\na -1\n\
             # HELP b_total Twos.\n# TYPE b_total counter\nb_total{a=\"x\\\"y\"} 2\n\
             # HELP c_seconds Times.\n# TYPE c_seconds histogram\n\
             c_seconds_bucket{r=\"/\",le=\"0.05\"} 1\n\
             c_seconds_sum{r=\"/\"} 0.030000\nc_seconds_count{r=\"/\"} 1"
        );
    }

    #[test]
    fn callers_cannot_fill_memory_with_labels() {
        let family = Metrics::default().counter("n_total", "N.", &["id"]);
        for n in 0..SERIES_MAX + 100 {
            family.with(&[&n.to_string()]).inc();
        }
        assert_eq!(family.with(&["other"]).get(), 100);
    }
}
