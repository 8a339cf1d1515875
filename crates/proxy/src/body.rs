//! Bodies in both directions, streamed. Each has a time limit without progress; the request's has a size limit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use crate::claim::Flight;
use crate::connection::Serving;
use crate::live::TargetState;
use crate::upstream::Link;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the body is larger than allowed")]
    TooLarge,
    #[error("the body made no progress in time")]
    TooSlow,
    #[error("the body broke off")]
    Other(#[source] hyper::Error),
}

/// A request's body on its way to a target.
pub(crate) enum Outgoing {
    Empty,
    Stream(Box<Upload>),
}

/// How far an upload is; shared with the one who waits for the answer.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<AtomicU8>);

/// States of [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uploaded {
    /// Nothing was read from the client yet.
    Untouched,
    Partly,
    Fully,
    TooLarge,
    TooSlow,
    /// The client broke it off.
    Broken,
}

impl Progress {
    pub(crate) fn get(&self) -> Uploaded {
        match self.0.load(Ordering::Relaxed) {
            0 => Uploaded::Untouched,
            1 => Uploaded::Partly,
            2 => Uploaded::Fully,
            3 => Uploaded::TooLarge,
            4 => Uploaded::TooSlow,
            _ => Uploaded::Broken,
        }
    }

    fn set(&self, now: Uploaded) {
        self.0.store(now as u8, Ordering::Relaxed);
    }
}

/// The part of a request's body that is still to come.
pub(crate) struct Upload {
    from: Incoming,
    left: u64,
    patience: Patience,
    progress: Progress,
}

impl Outgoing {
    /// The body of a request, and how far it is.
    pub(crate) fn new(from: Incoming, bytes_max: u64, idle: Duration) -> (Self, Option<Progress>) {
        if from.is_end_stream() {
            return (Self::Empty, None);
        }
        let progress = Progress::default();
        let upload = Upload {
            from,
            left: bytes_max,
            patience: Patience::new(idle),
            progress: progress.clone(),
        };
        (Self::Stream(Box::new(upload)), Some(progress))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Stream(upload) => upload.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream(upload) => upload.from.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Stream(upload) => upload.from.size_hint(),
        }
    }
}

impl Upload {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.from).poll_frame(context) else {
            self.progress.set(Uploaded::Partly);
            if self.patience.poll_over(context) {
                self.progress.set(Uploaded::TooSlow);
                return Poll::Ready(Some(Err(Broken::TooSlow)));
            }
            return Poll::Pending;
        };
        self.patience.reset();
        Poll::Ready(match frame {
            None => {
                self.progress.set(Uploaded::Fully);
                None
            }
            Some(Err(error)) => {
                self.progress.set(Uploaded::Broken);
                Some(Err(Broken::Other(error)))
            }
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                if bytes > self.left {
                    self.progress.set(Uploaded::TooLarge);
                    return Poll::Ready(Some(Err(Broken::TooLarge)));
                }
                self.left -= bytes;
                let end = self.from.is_end_stream();
                self.progress
                    .set(if end { Uploaded::Fully } else { Uploaded::Partly });
                Some(Ok(frame))
            }
        })
    }
}

/// An answer's body on its way to a client.
pub(crate) struct Answer {
    content: Content,
    /// The connection counts as busy until the body is dropped.
    _serving: Serving,
}

enum Content {
    Whole(Option<Bytes>),
    Stream(Box<Download>),
}

/// The part of an answer's body that is still to come, with the connection that it comes from.
struct Download {
    from: Incoming,
    link: Option<Link>,
    target: Arc<TargetState>,
    flight: Option<Flight>,
    patience: Patience,
}

impl Answer {
    pub(crate) fn whole(bytes: Bytes, serving: Serving) -> Self {
        Self {
            content: Content::Whole((!bytes.is_empty()).then_some(bytes)),
            _serving: serving,
        }
    }

    /// The body of an answer that begins to come in over `link`.
    pub(crate) fn stream(
        from: Incoming,
        link: Link,
        target: Arc<TargetState>,
        flight: Flight,
        idle: Duration,
        serving: Serving,
    ) -> Self {
        let mut download = Download {
            from,
            link: Some(link),
            target,
            flight: Some(flight),
            patience: Patience::new(idle),
        };
        let content = if download.from.is_end_stream() {
            download.finish();
            Content::Whole(None)
        } else {
            Content::Stream(Box::new(download))
        };
        Self {
            content,
            _serving: serving,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.get_mut().content {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Stream(download) => download.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_none(),
            Content::Stream(download) => download.from.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Content::Stream(download) => download.from.size_hint(),
        }
    }
}

impl Download {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(link) = &mut self.link {
            link.drive(context);
        }
        let Poll::Ready(frame) = Pin::new(&mut self.from).poll_frame(context) else {
            if self.patience.poll_over(context) {
                return Poll::Ready(Some(Err(self.fail(Broken::TooSlow))));
            }
            return Poll::Pending;
        };
        self.patience.reset();
        match frame {
            Some(Err(error)) => Poll::Ready(Some(Err(self.fail(Broken::Other(error))))),
            Some(Ok(frame)) => {
                if self.from.is_end_stream() {
                    self.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            None => {
                self.finish();
                Poll::Ready(None)
            }
        }
    }

    /// All of it has come: the request is no longer in flight, the connection is free.
    fn finish(&mut self) {
        if let Some(link) = self.link.take() {
            self.target.keep(link);
        }
        self.flight = None;
    }

    fn fail(&mut self, why: Broken) -> Broken {
        if let Some(flight) = self.flight.take() {
            flight.broken();
        }
        self.link = None;
        tracing::debug!(target = %self.target.spec.address, %why, "an answer broke off");
        why
    }
}

/// A time limit that is armed only while waiting.
struct Patience {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    fn poll_over(&mut self, context: &mut Context<'_>) -> bool {
        let limit = self.limit;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        timer.as_mut().poll(context).is_ready()
    }

    fn reset(&mut self) {
        if let Some(timer) = &mut self.timer {
            timer.as_mut().reset(Instant::now() + self.limit);
        }
    }
}
