//! A second controller on the same ledger: it read it at some moment, does the actions that it found there, and tries to
//! write what came of them. Whichever of the two missed what the other one wrote is refused, and starts over.

use windlass_core::machine::State;
use windlass_core::machine::event::Event;

use super::{Effect, Job, Key, Sabotage, World};
use crate::check::Failure;

/// What a controller has in its memory.
#[derive(Debug)]
pub(super) struct Controller {
    state: State,
    /// Events in the ledger when it read or wrote it last.
    head: usize,
    jobs: Vec<Job>,
}

impl World {
    /// It is started: it reads the ledger, and finds its actions.
    pub(super) fn second_starts(&mut self) {
        let jobs = self.ledger.unanswered().into_iter().map(|(key, action)| Job {
            key,
            action,
            due_ms: self.tick_ms,
        });
        self.second = Some(Controller {
            state: self.ledger.replay(),
            head: self.ledger.len(),
            jobs: jobs.collect(),
        });
    }

    /// It does something, however long ago it read the ledger.
    pub(super) fn second_acts(&mut self) -> Result<(), Failure> {
        let Some(mut second) = self.second.take() else {
            self.second_starts();
            return Ok(());
        };
        let place = self.seed.place(second.jobs.len());
        if second.jobs.is_empty() {
            return Ok(());
        }
        let job = second.jobs.remove(place);
        std::mem::swap(&mut self.state, &mut second.state);
        let outcome = self.act(&job.action);
        std::mem::swap(&mut self.state, &mut second.state);
        match outcome {
            None => {
                self.ledger.answered(job.key);
                self.second = Some(second);
                Ok(())
            }
            Some(event) => self.second_writes(second, &event, job.key),
        }
    }

    fn second_writes(&mut self, second: Controller, event: &Event, answers: Key) -> Result<(), Failure> {
        let fresh = second.head == self.ledger.len();
        if !fresh && !self.has(Sabotage::Unfenced) {
            // The ledger refuses it; it ends.
            return Ok(());
        }
        self.effects.push(Effect::Wrote {
            missed: self.ledger.len() - second.head,
        });
        // It steers from now on; the first one goes on with what it knows, until it is refused.
        let first = Controller {
            state: std::mem::replace(&mut self.state, second.state),
            head: self.head,
            jobs: std::mem::replace(&mut self.jobs, second.jobs),
        };
        self.second = Some(first);
        self.head = self.ledger.len();
        self.append(event, Some(answers))
    }
}
