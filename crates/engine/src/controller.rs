//! The loop: events in, one ledger transaction each, actions out. It decides nothing (that is `core::machine`'s) and does
//! nothing in the world (that is `act`'s).

mod message;
mod publish;
mod start;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use windlass_core::machine::action::Action;
use windlass_core::machine::event::{Color, Event};
use windlass_core::machine::{self, Ask, Refusal, State};
use windlass_core::view::View;

use crate::clock::now_ms;
use crate::ledger::{Entry, LedgerError, Record};
use crate::local::{LogLine, WorkloadState};
use crate::world::World;
use crate::{act, heal};

pub use message::Message;
pub use publish::Published;
pub use start::{ControllerError, Options};

/// Messages that wait for the loop.
pub(crate) const INBOX_MAX: usize = 1_024;
/// Events from snapshot to snapshot of the state.
const SNAPSHOT_EVERY: u64 = 64;
/// Waits between tries to write to a ledger that refuses, for example while the disk is full.
const WRITE_AGAIN: Duration = Duration::from_secs(1);
/// From one refresh of what changes without an event (rates, clocks) to the next.
const REFRESH: Duration = Duration::from_secs(1);

/// The controller of one platform. Made by [`Controller::open`]; runs in [`Controller::run`].
pub struct Controller {
    world: Arc<World>,
    state: State,
    inbox: mpsc::Receiver<Message>,
}

/// How others reach a running controller. Clones reach the same one.
#[derive(Clone)]
pub struct Handle {
    world: Arc<World>,
}

impl Controller {
    /// How others reach it.
    pub fn handle(&self) -> Handle {
        Handle {
            world: Arc::clone(&self.world),
        }
    }

    /// Works until `stop` is cancelled. Instances and the proxy go on.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), ControllerError> {
        self.send_again().await?;
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let message = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = refresh.tick() => {
                    self.publish().await;
                    continue;
                }
                message = self.inbox.recv() => message,
            };
            match message {
                None => return Ok(()),
                Some(Message::Happened { event, answers }) => {
                    self.happened(&event, answers).await;
                }
                Some(Message::Asked { ask, reply }) => self.asked(ask, reply).await,
            }
        }
    }

    /// A fact. One that changes nothing is not written; the action that it answers is done all the same.
    async fn happened(&mut self, event: &Event, answers: Option<(u64, u32)>) {
        let at_ms = now_ms();
        let (next, actions) = machine::step(&self.state, event, at_ms);
        if next == self.state && actions.is_empty() {
            if let Some((seq, index)) = answers
                && let Err(error) = self.world.ledger.acknowledge(seq, index).await
            {
                tracing::warn!(%error, "an outcome is not acknowledged and will be sought again");
            }
            return;
        }
        self.take(event, next, actions, answers, at_ms).await;
    }

    /// A person's wish: refused, or written and in the view before the answer.
    async fn asked(&mut self, ask: Ask, reply: oneshot::Sender<Result<u64, Refusal>>) {
        let at_ms = now_ms();
        let answer = match machine::ask(&self.state, ask, at_ms) {
            Ok(event) => {
                let (next, actions) = machine::step(&self.state, &event, at_ms);
                Ok(self.take(&event, next, actions, None, at_ms).await)
            }
            Err(refusal) => Err(refusal),
        };
        // Whoever asked may have gone away.
        let _ = reply.send(answer);
    }

    /// Writes the event with its actions, then shows it, then has the actions done.
    async fn take(
        &mut self,
        event: &Event,
        next: State,
        actions: Vec<Action>,
        answers: Option<(u64, u32)>,
        at_ms: i64,
    ) -> u64 {
        let text = to_json(event);
        let listed: Vec<String> = actions.iter().map(to_json).collect();
        let due = (self.world.ledger.last_seq().await + 1).is_multiple_of(SNAPSHOT_EVERY);
        let state = due.then(|| to_json(&next));
        let entry = Entry {
            at_ms,
            event: &text,
            actions: &listed,
            state: state.as_deref(),
            answers,
        };
        let seq = append(&self.world, &self.state, &entry).await;
        self.state = next;
        self.publish().await;
        self.world.published.tick(seq);
        for (index, action) in (0..).zip(actions) {
            act::dispatch(&self.world, (seq, index), action);
        }
        seq
    }

    /// What was under way when the controller before ended.
    async fn send_again(&mut self) -> Result<(), ControllerError> {
        self.publish().await;
        for pending in self.world.ledger.pending().await? {
            match serde_json::from_str(&pending.action) {
                Ok(action) => act::dispatch(&self.world, (pending.seq, pending.index), action),
                Err(error) => {
                    tracing::warn!(%error, seq = pending.seq, "an action of the outbox is not understood and is left out");
                    self.world.ledger.acknowledge(pending.seq, pending.index).await?;
                }
            }
        }
        Ok(())
    }

    async fn publish(&self) {
        let seq = self.world.ledger.last_seq().await;
        self.world.publish(&self.state, seq);
    }
}

impl Handle {
    /// The platform as it is now.
    pub fn view(&self) -> Arc<View> {
        self.world.published.view()
    }

    /// Ticks with the sequence number of each event, once the view shows it.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.world.published.changes()
    }

    /// Appends a wish. Answers with its sequence number.
    pub async fn ask(&self, ask: Ask) -> Result<u64, Refusal> {
        let (reply, answer) = oneshot::channel();
        let gone = || Refusal {
            status: 503,
            detail: "the controller is ending".to_owned(),
            hint: "try again in a moment; `windlass up` starts a controller".to_owned(),
        };
        self.world
            .inbox
            .send(Message::Asked { ask, reply })
            .await
            .map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Has the sources looked at now: somebody pushed.
    pub fn poke(&self) {
        // One that comes while nobody waits is kept for the next wait.
        self.world.poke.notify_one();
    }

    /// Puts routes and addresses in force again: the proxy was started anew.
    pub async fn proxy_came_back(&self) {
        self.world.router.resume(&self.world.runtime).await;
        heal::heal(&self.world).await;
    }

    /// Up to `limit` records after `seq`, oldest first.
    pub async fn records(&self, seq: u64, limit: u32) -> Result<Vec<Record>, LedgerError> {
        self.world.ledger.after(seq, limit).await
    }

    /// The workloads of every track of an environment with their instances; `None` when the environment is not known.
    pub async fn instances(&self, environment: &str) -> Option<Vec<(Color, WorkloadState)>> {
        self.world.instances(environment).await
    }

    /// The last log lines of a service in an environment, of every track; `None` when the environment is not known.
    pub async fn logs(&self, environment: &str, service: &str, lines: usize) -> Option<Vec<LogLine>> {
        self.world.logs(environment, service, lines).await
    }
}

/// Writes until it is written: an event that happened is not forgotten because the disk is full. Whoever looks meanwhile is
/// told so, beside the state as it was.
async fn append(world: &World, state: &State, entry: &Entry<'_>) -> u64 {
    const ABOUT: &str = "ledger";
    loop {
        match world.ledger.append(entry).await {
            Ok(seq) => {
                world.warn(ABOUT, None);
                return seq;
            }
            Err(error) => {
                world.warn(
                    ABOUT,
                    Some(format!("nothing goes on until this is written: {error}")),
                );
                world.publish(state, world.ledger.last_seq().await);
                tokio::time::sleep(WRITE_AGAIN).await;
            }
        }
    }
}

/// Our own types have string keys only, so that this cannot fail.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
