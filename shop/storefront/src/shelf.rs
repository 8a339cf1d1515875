//! The catalogue's answers, kept for a few seconds: many customers look at the same pages at the same time.
//!
//! Prices that are charged never come from here.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use service_kit::client::Upstream;

use crate::backend::{Trouble, read};

/// Answers that are kept.
const KEPT_MAX: usize = 1_000;
/// For how long; the catalogue itself allows fifteen seconds.
const FRESH: Duration = Duration::from_secs(5);
/// An older one is still shown, for so long, when the catalogue does not answer.
const STALE: Duration = Duration::from_mins(1);

/// The catalogue.
pub(crate) struct Shelf {
    catalog: Upstream,
    kept: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    at: Instant,
    answer: Arc<dyn Any + Send + Sync>,
}

impl Shelf {
    pub(crate) fn new(catalog: Upstream) -> Self {
        Self {
            catalog,
            kept: Mutex::default(),
        }
    }

    /// `GET path`, or what that answered a moment ago.
    pub(crate) async fn get<T>(&self, path: &str) -> Result<T, Trouble>
    where
        T: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        if let Some(answer) = self.find(path, FRESH) {
            return Ok(answer);
        }
        match read::<T>(self.catalog.get(path)).await {
            Ok(answer) => {
                self.keep(path, answer.clone());
                Ok(answer)
            }
            Err(Trouble::Call(cause)) => self.find(path, STALE).ok_or(Trouble::Call(cause)),
            Err(refused) => Err(refused),
        }
    }

    fn find<T: Clone + 'static>(&self, path: &str, within: Duration) -> Option<T> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(path).filter(|kept| kept.at.elapsed() < within)?;
        found.answer.downcast_ref::<T>().cloned()
    }

    fn keep<T: Send + Sync + 'static>(&self, path: &str, answer: T) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, kept| kept.at.elapsed() < FRESH);
        }
        if kept.len() < KEPT_MAX {
            let (at, answer) = (Instant::now(), Arc::new(answer));
            kept.insert(path.to_owned(), Kept { at, answer });
        }
    }
}
