//! Templates read by a second thread while the first one is busy with values and schemas. It ends with the render.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, Scope};

use crate::any::Str;
use crate::template::parse::Parsed;
use crate::{Chart, Profile};

/// Bytes of templates that take longer to read than a thread takes to start.
const WORTHWHILE_BYTES: usize = 48 << 10;
/// Bytes of stack: blocks within blocks are calls within calls.
const STACK_BYTES: usize = 64 << 20;

type Outcome = Result<Arc<Parsed>, String>;

/// The templates of one render. Whoever comes first to one of them reads it.
pub(super) struct Ahead<'a> {
    chart: &'a Chart,
    profile: Profile,
    files: BTreeMap<Str, (Str, OnceLock<Outcome>)>,
    over: AtomicBool,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(chart: &'a Chart, profile: Profile, files: BTreeMap<Str, Str>) -> Self {
        Self {
            chart,
            profile,
            files: files
                .into_iter()
                .map(|it| (it.0, (it.1, OnceLock::new())))
                .collect(),
            over: AtomicBool::new(false),
        }
    }

    /// Starts the second thread, unless there is too little to do.
    pub(super) fn start<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        let unread = self
            .files
            .iter()
            .filter(|it| !self.chart.has_parsed(it.0, self.profile));
        let bytes: usize = unread.map(|it| it.1.0.len()).sum();
        if bytes < WORTHWHILE_BYTES {
            return;
        }
        let read = move || {
            super::reserve();
            for name in self.files.keys() {
                if self.over.load(Ordering::Relaxed) {
                    break;
                }
                let _ = self.read(name);
            }
        };
        // Without a second thread, the first one reads all.
        let _ = Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, read);
    }

    /// What nobody has read yet, from the other end.
    pub(super) fn rest(&self) {
        for name in self.files.keys().rev() {
            let _ = self.read(name);
        }
    }

    /// Nothing more is asked for.
    pub(super) fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// The templates of one file.
    pub(super) fn read(&self, name: &Str) -> Outcome {
        let Some((text, outcome)) = self.files.get(name) else {
            return Err(format!("template: {}: no such file", name.text()));
        };
        outcome
            .get_or_init(|| self.chart.parse(name, text, self.profile))
            .clone()
    }
}
