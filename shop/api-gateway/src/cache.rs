//! Public answers, kept for as long as their service says: fresh ones are given at once, stale ones too while one request
//! fetches a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use service_kit::metrics::{Counter, Metrics};

/// Longest answer that is kept.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// What an entry costs beside its body.
const ENTRY_BYTES: usize = 1024;

/// A kept answer.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    fresh_until: Instant,
    stale_until: Instant,
}

/// What is known for a request.
#[derive(Debug)]
pub(crate) enum Found {
    Fresh(Arc<Kept>),
    /// Usable; the first one who gets `true` fetches a new one.
    Stale(Arc<Kept>, bool),
    Nothing,
}

pub(crate) struct Cache {
    entries: RwLock<Entries>,
    /// Keys that somebody is fetching.
    fetching: Mutex<HashMap<String, Instant>>,
    bytes_max: usize,
    pub(crate) hits: Counter,
    pub(crate) stale: Counter,
    pub(crate) misses: Counter,
}

#[derive(Default)]
struct Entries {
    map: HashMap<String, Arc<Kept>>,
    bytes: usize,
    /// Grows with each purge; an answer that was asked for before one is not kept after it.
    generation: u64,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize, metrics: &Metrics) -> Self {
        let results = metrics.counter(
            "shop_cache_total",
            "Public answers by where they came from.",
            &["result"],
        );
        Self {
            entries: RwLock::default(),
            fetching: Mutex::default(),
            bytes_max,
            hits: results.with(&["hit"]),
            stale: results.with(&["stale"]),
            misses: results.with(&["miss"]),
        }
    }

    pub(crate) fn find(&self, key: &str, now: Instant) -> Found {
        let kept = self
            .entries
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .map
            .get(key)
            .cloned();
        match kept {
            Some(kept) if now < kept.fresh_until => Found::Fresh(kept),
            Some(kept) if now < kept.stale_until => {
                let first = self.begin(key, now);
                Found::Stale(kept, first)
            }
            Some(_) | None => Found::Nothing,
        }
    }

    fn begin(&self, key: &str, now: Instant) -> bool {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        let other = fetching
            .get(key)
            .is_some_and(|since| now.duration_since(*since) < Duration::from_secs(5));
        if !other {
            fetching.insert(key.to_owned(), now);
        }
        !other
    }

    /// To be remembered before an answer is asked for, and given to [`Cache::keep`] with it.
    pub(crate) fn generation(&self) -> u64 {
        self.entries
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .generation
    }

    /// Keeps an answer if it may be kept.
    pub(crate) fn keep(
        &self,
        key: &str,
        generation: u64,
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
        now: Instant,
    ) {
        self.fetching
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
        let Some((fresh, stale)) = lifetimes(headers) else {
            return;
        };
        if status != StatusCode::OK
            || body.len() > ANSWER_BYTES_MAX
            || headers.contains_key(header::SET_COOKIE)
        {
            return;
        }
        let size = body.len() + key.len() + ENTRY_BYTES;
        let kept = Kept {
            status,
            headers: headers.clone(),
            body,
            fresh_until: now + fresh,
            stale_until: now + fresh + stale,
        };
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.generation != generation {
            return;
        }
        if entries.bytes + size > self.bytes_max {
            entries.map.retain(|_, kept| kept.stale_until > now);
            entries.bytes = entries
                .map
                .iter()
                .map(|(key, kept)| kept.body.len() + key.len() + ENTRY_BYTES)
                .sum();
            if entries.bytes + size > self.bytes_max {
                entries.map.clear();
                entries.bytes = 0;
            }
        }
        entries.bytes += size;
        if let Some(before) = entries.map.insert(key.to_owned(), Arc::new(kept)) {
            entries.bytes -= before.body.len() + key.len() + ENTRY_BYTES;
        }
    }

    /// Forgets everything: lists hold many products, so one that changed may be in any of them.
    pub(crate) fn purge(&self) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.map.clear();
        entries.bytes = 0;
        entries.generation += 1;
    }
}

/// `max-age` and `stale-while-revalidate` of a public answer.
fn lifetimes(headers: &HeaderMap) -> Option<(Duration, Duration)> {
    let text = headers.get(header::CACHE_CONTROL)?.to_str().ok()?;
    let directives: Vec<&str> = text.split(',').map(str::trim).collect();
    if !directives.contains(&"public")
        || directives
            .iter()
            .any(|word| matches!(*word, "no-store" | "private"))
    {
        return None;
    }
    let seconds = |name: &str| {
        let value = directives
            .iter()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value
            .and_then(|value| value.parse().ok())
            .map(Duration::from_secs)
    };
    Some((
        seconds("max-age")?,
        seconds("stale-while-revalidate").unwrap_or_default(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cache_control: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CACHE_CONTROL, cache_control.parse().unwrap())])
    }

    fn kinds(cache: &Cache, times: &[u64], start: Instant) -> Vec<&'static str> {
        let kind = |seconds: &u64| match cache.find("k", start + Duration::from_secs(*seconds)) {
            Found::Fresh(_) => "fresh",
            Found::Stale(_, true) => "stale, fetch",
            Found::Stale(_, false) => "stale",
            Found::Nothing => "nothing",
        };
        times.iter().map(kind).collect()
    }

    #[test]
    fn answers_age_and_one_request_fetches_the_next() {
        let cache = Cache::new(1 << 20, &Metrics::default());
        let start = Instant::now();
        let may = headers("public, max-age=15, stale-while-revalidate=60");
        cache.keep("k", 0, StatusCode::OK, &may, Bytes::from_static(b"1"), start);
        assert_eq!(
            kinds(&cache, &[0, 14, 16, 17, 76], start),
            ["fresh", "fresh", "stale, fetch", "stale", "nothing"]
        );

        cache.purge();
        cache.keep(
            "k",
            0,
            StatusCode::OK,
            &may,
            Bytes::from_static(b"asked before the purge"),
            start,
        );
        assert_eq!(kinds(&cache, &[0], start), ["nothing"]);
        for private in ["private, max-age=15", "no-store", "max-age=15", "public"] {
            cache.keep("k", 1, StatusCode::OK, &headers(private), Bytes::new(), start);
        }
        cache.keep("k", 1, StatusCode::NOT_FOUND, &may, Bytes::new(), start);
        assert_eq!(kinds(&cache, &[0], start), ["nothing"]);
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let cache = Cache::new(10 * (ENTRY_BYTES + 100), &Metrics::default());
        let start = Instant::now();
        for n in 0..1000 {
            let body = Bytes::from(vec![0; 90]);
            cache.keep(
                &n.to_string(),
                0,
                StatusCode::OK,
                &headers("public, max-age=15"),
                body,
                start,
            );
            let entries = cache.entries.read().unwrap();
            assert!(entries.bytes <= cache.bytes_max && entries.map.len() <= 10);
        }
    }
}
