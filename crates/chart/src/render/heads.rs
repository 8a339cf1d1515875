//! What templates wrote, read as YAML by a second thread while the first one executes the next template.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::any::Str;
use crate::manifest::{self, Documents};
use crate::{Limits, Profile};

/// Bytes that take longer to read than a thread takes to start.
const WORTHWHILE_BYTES: usize = 24 << 10;
/// Bytes of stack: collections within collections are calls within calls.
const STACK_BYTES: usize = 16 << 20;

/// A file's path and what its template wrote.
type Text = (String, Str);

/// Files on their way to the second thread, which starts with the first that make it worthwhile.
pub(super) struct Heads<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    profile: Profile,
    limits: &'s Limits,
    queue: &'s Mutex<Receiver<Text>>,
    sender: Sender<Text>,
    bytes: usize,
    thread: Option<ScopedJoinHandle<'s, Vec<Documents>>>,
}

/// The way from one thread to the other.
pub(super) fn way() -> (Sender<Text>, Mutex<Receiver<Text>>) {
    let (sender, receiver) = mpsc::channel();
    (sender, Mutex::new(receiver))
}

impl<'s, 'e> Heads<'s, 'e> {
    pub(super) fn new(
        scope: &'s Scope<'s, 'e>,
        (sender, queue): (Sender<Text>, &'s Mutex<Receiver<Text>>),
        profile: Profile,
        limits: &'s Limits,
    ) -> Self {
        Self {
            scope,
            profile,
            limits,
            queue,
            sender,
            bytes: 0,
            thread: None,
        }
    }

    /// A template has been executed.
    pub(super) fn add(&mut self, path: &str, text: &Str) {
        self.bytes += text.len();
        // The receiver lives as long as this.
        let _ = self.sender.send((path.to_owned(), text.clone()));
        if self.thread.is_none() && self.bytes > WORTHWHILE_BYTES {
            let (queue, profile, limits) = (self.queue, self.profile, self.limits);
            let read = move || {
                super::reserve();
                all(queue, profile, limits)
            };
            self.thread = Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(self.scope, read)
                .ok();
        }
    }

    /// The documents of all files; this thread reads what is left.
    pub(super) fn finish(self) -> Vec<Documents> {
        drop(self.sender);
        let mut files = all(self.queue, self.profile, self.limits);
        if let Some(thread) = self.thread {
            match thread.join() {
                Ok(more) => files.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        files
    }
}

/// Reads files until no more come.
fn all(queue: &Mutex<Receiver<Text>>, profile: Profile, limits: &Limits) -> Vec<Documents> {
    // A statement of its own, so that the queue is free while a file is read.
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let mut files = Vec::new();
    while let Ok((path, text)) = next() {
        files.push(manifest::documents(path, &text, profile, limits));
    }
    files
}
