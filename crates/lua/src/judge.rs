//! Judges objects by the scripts of their kinds. Scripts run on a thread of their own, one object after the other: one that
//! does not end even so (a pattern over a long text asks no clock) is left behind with its thread, and is not run again.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use windlass_core::health::{Health, Script, Scripts, Status, going};
use windlass_core::object::Object;

use crate::run::{Said, ScriptError, TIME_MAX, run};

/// A run that has not ended by then does not look at the clock.
const GIVE_UP: Duration = TIME_MAX.saturating_mul(2);

/// The scripts of an environment, and who runs them.
#[derive(Debug)]
pub struct Judge {
    scripts: Scripts,
    /// One run at a time.
    worker: Mutex<Option<Worker>>,
    /// Places of the scripts that did not end.
    banned: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
struct Worker {
    orders: Sender<Order>,
    answers: Receiver<Result<Said, ScriptError>>,
}

struct Order {
    script: String,
    object: Value,
    now_s: i64,
}

impl Judge {
    /// Judges by these scripts.
    pub fn new(scripts: Scripts) -> Self {
        Self {
            scripts,
            worker: Mutex::default(),
            banned: Mutex::default(),
        }
    }

    /// The health of an object by the script of its kind: `None` where no script is for it, `Some(None)` where its script
    /// says that it has none.
    pub fn health(&self, object: &Object) -> Option<Option<Health>> {
        let script = self.scripts.find(object.group(), object.kind())?;
        if let Some(going) = going(object) {
            return Some(Some(going));
        }
        Some(match self.ask(script, object) {
            Ok(said) => said.status.map(|status| Health::new(status, said.message)),
            Err(reason) => {
                let message = format!("{}: {reason}", script.place);
                Some(Health::new(Status::Unknown, message))
            }
        })
    }

    /// What the script of its kind says of an object, whatever else is known of it; `None` where no script is for it.
    pub fn said(&self, object: &Object) -> Option<Result<Said, ScriptError>> {
        let script = self.scripts.find(object.group(), object.kind())?;
        Some(self.ask(script, object))
    }

    fn ask(&self, script: &Script, object: &Object) -> Result<Said, ScriptError> {
        if self.lock_banned().contains(&script.place) {
            return Err(ScriptError::TooLong);
        }
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        let order = Order {
            script: script.text.clone(),
            object: object.value().clone(),
            now_s: now_s(),
        };
        let told = worker.get_or_insert_with(start);
        let answer = match told.orders.send(order) {
            Ok(()) => told.answers.recv_timeout(GIVE_UP),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        answer.unwrap_or_else(|why| {
            *worker = None;
            match why {
                RecvTimeoutError::Timeout => {
                    tracing::warn!(script = script.place, "a health script does not end");
                    self.lock_banned().insert(script.place.clone());
                    Err(ScriptError::TooLong)
                }
                RecvTimeoutError::Disconnected => Err(ScriptError::Runtime("it broke off".to_owned())),
            }
        })
    }

    fn lock_banned(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.banned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Its thread ends with the sender of its orders.
fn start() -> Worker {
    let (orders, told) = channel::<Order>();
    let (answer, answers) = channel();
    let work = move || {
        for order in told {
            if answer
                .send(run(&order.script, &order.object, order.now_s))
                .is_err()
            {
                return;
            }
        }
    };
    let named = std::thread::Builder::new().name("health-scripts".to_owned());
    if let Err(error) = named.spawn(work) {
        tracing::warn!(%error, "there is no thread for health scripts");
    }
    Worker { orders, answers }
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
