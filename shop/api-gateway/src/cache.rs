//! Public answers, kept for as long as their service says: fresh ones are given at once, stale ones too while one request
//! fetches a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use packing::{Coding, Effort, WORTH_BYTES, is_text};
use service_kit::metrics::{Counter, Metrics};

/// Longest answer that is kept.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// What an entry costs beside its body.
const ENTRY_BYTES: usize = 1024;

/// A kept answer of status 200, in the forms that clients take, each ready to be sent.
#[derive(Debug)]
pub(crate) struct Kept {
    plain: Form,
    fresh_until: Instant,
    stale_until: Instant,
    /// Made when they are first wanted: most answers that are asked for once are never asked for again.
    brotli: OnceLock<Form>,
    gzip: OnceLock<Form>,
}

/// Headers and body of a kept answer in one coding.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Kept {
    /// In this coding, or plain where that is not worth it.
    pub(crate) fn form(&self, coding: Option<Coding>) -> &Form {
        let Some(coding) = coding.filter(|_| self.plain.is_worth_packing()) else {
            return &self.plain;
        };
        let made = match coding {
            Coding::Brotli => &self.brotli,
            Coding::Gzip => &self.gzip,
        };
        made.get_or_init(|| self.plain.packed(coding))
    }

    fn size(&self, key: &str) -> usize {
        // Packed twice it is at most as much again.
        self.plain.body.len() * 2 + key.len() + ENTRY_BYTES
    }
}

impl Form {
    fn is_worth_packing(&self) -> bool {
        let kind = self.headers.get(header::CONTENT_TYPE);
        self.body.len() >= WORTH_BYTES
            && kind.is_some_and(|kind| kind.to_str().is_ok_and(is_text))
            && !self.headers.contains_key(header::CONTENT_ENCODING)
    }

    fn packed(&self, coding: Coding) -> Self {
        let mut headers = self.headers.clone();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        weaken(&mut headers);
        Self {
            headers,
            body: coding.pack(&self.body, Effort::EachTime).into(),
        }
    }
}

/// A strong tag is of bytes, and these are others.
fn weaken(headers: &mut HeaderMap) {
    let weak = headers
        .get(header::ETAG)
        .and_then(|tag| tag.to_str().ok())
        .filter(|tag| !tag.starts_with("W/"))
        .and_then(|tag| HeaderValue::try_from(format!("W/{tag}")).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
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

impl Entries {
    fn make_room(&mut self, size: usize, bytes_max: usize, now: Instant) {
        self.map.retain(|_, kept| kept.stale_until > now);
        self.bytes = self.map.iter().map(|(key, kept)| kept.size(key)).sum();
        if self.bytes + size > bytes_max {
            self.map.clear();
            self.bytes = 0;
        }
    }
}

/// An answer of a service.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
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

    /// Keeps an answer if it may be kept. `age` is how long ago it was given.
    pub(crate) fn keep(
        &self,
        key: &str,
        generation: u64,
        answer: &Answer,
        age: Duration,
        now: Instant,
    ) -> Option<Duration> {
        let Answer {
            status,
            headers,
            body,
        } = answer;
        self.fetching
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
        let (fresh, stale) = lifetimes(headers)?;
        if *status != StatusCode::OK
            || body.len() > ANSWER_BYTES_MAX
            || headers.contains_key(header::SET_COOKIE)
        {
            return None;
        }
        let mut plain = Form {
            headers: headers.clone(),
            body: body.clone(),
        };
        let vary = HeaderValue::from_static("accept-encoding");
        plain.headers.insert(header::VARY, vary);
        let kept = Kept {
            plain,
            fresh_until: now + fresh.saturating_sub(age),
            stale_until: now + (fresh + stale).saturating_sub(age),
            brotli: OnceLock::new(),
            gzip: OnceLock::new(),
        };
        let size = kept.size(key);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.generation != generation {
            return None;
        }
        if entries.bytes + size > self.bytes_max {
            entries.make_room(size, self.bytes_max, now);
        }
        entries.bytes += size;
        if let Some(before) = entries.map.insert(key.to_owned(), Arc::new(kept)) {
            entries.bytes -= before.size(key);
        }
        Some(fresh + stale)
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

    fn answer(status: u16, cache_control: &'static str, body: &'static [u8]) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers(cache_control),
            body: Bytes::from_static(body),
        }
    }

    #[test]
    fn answers_age_and_one_request_fetches_the_next() {
        let cache = Cache::new(1 << 20, &Metrics::default());
        let start = Instant::now();
        let may = "public, max-age=15, stale-while-revalidate=60";
        let none = Duration::ZERO;
        let kept = cache.keep("k", 0, &answer(200, may, b"1"), none, start);
        assert_eq!(kept, Some(Duration::from_secs(75)));
        assert_eq!(
            kinds(&cache, &[0, 14, 16, 17, 76], start),
            ["fresh", "fresh", "stale, fetch", "stale", "nothing"]
        );

        cache.purge();
        cache.keep("k", 0, &answer(200, may, b"asked before the purge"), none, start);
        assert_eq!(kinds(&cache, &[0], start), ["nothing"]);
        for private in ["private, max-age=15", "no-store", "max-age=15", "public"] {
            cache.keep("k", 1, &answer(200, private, b""), none, start);
        }
        cache.keep("k", 1, &answer(404, may, b""), none, start);
        assert_eq!(kinds(&cache, &[0], start), ["nothing"]);
        // Another instance asked for it ten seconds ago.
        cache.keep("k", 1, &answer(200, may, b"1"), Duration::from_secs(10), start);
        assert_eq!(kinds(&cache, &[4, 6], start), ["fresh", "stale, fetch"]);
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let cache = Cache::new(10 * (ENTRY_BYTES + 200), &Metrics::default());
        let start = Instant::now();
        for n in 0..1000 {
            let body = answer(200, "public, max-age=15", &[0; 90]);
            cache.keep(&n.to_string(), 0, &body, Duration::ZERO, start);
            let entries = cache.entries.read().unwrap();
            assert!(entries.bytes <= cache.bytes_max && entries.map.len() <= 10);
        }
    }

    #[test]
    fn a_long_text_is_packed_once() {
        let cache = Cache::new(1 << 20, &Metrics::default());
        let start = Instant::now();
        let mut long = answer(200, "public, max-age=15", &[b'a'; 4000]);
        let json = http::HeaderValue::from_static("application/json");
        long.headers.insert(header::CONTENT_TYPE, json);
        let tag = http::HeaderValue::from_static("\"1\"");
        long.headers.insert(header::ETAG, tag);
        cache.keep("k", 0, &long, Duration::ZERO, start);
        let Found::Fresh(kept) = cache.find("k", start) else {
            panic!("it was kept");
        };
        let (one, other) = (kept.form(Some(Coding::Brotli)), kept.form(Some(Coding::Brotli)));
        assert!(one.body.len() < 100 && std::ptr::eq(one, other));
        assert_eq!(one.headers[header::CONTENT_ENCODING], "br");
        assert_eq!(one.headers[header::ETAG], "W/\"1\"");
        assert_eq!(kept.form(None).headers[header::ETAG], "\"1\"");
        let short = answer(200, "public, max-age=15", b"{}");
        cache.keep("s", 0, &short, Duration::ZERO, start);
        let Found::Fresh(kept) = cache.find("s", start) else {
            panic!("it was kept");
        };
        assert_eq!(kept.form(Some(Coding::Gzip)).body, "{}");
    }
}
