//! Every order of events, completely to a depth from each state of a rollout that goes well: outcomes good and bad,
//! measurements, deaths of instances and of the controller, commands and a newer release, in one environment. What the
//! seeds find by luck this finds by looking everywhere.

mod node;

use std::collections::BTreeSet;
use std::fmt;

use windlass_core::machine::event::Wish;

use node::Node;

/// Steps within which every state must come to rest when all goes well.
const REST_MAX: usize = 60;
/// Every so many states, one is followed until it comes to rest.
const FOLLOWED: usize = 16;

/// An environment that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// What is special about it.
    pub name: &'static str,
    /// As in windlass.yaml.
    settings: &'static str,
}

/// The environments.
pub const SETUPS: [Setup; 5] = [
    Setup {
        name: "blue-green",
        settings: "deploy: auto, strategy: blue-green",
    },
    Setup {
        name: "canary",
        settings: "deploy: auto, strategy: { canary: { steps: [{ weight: 10 }, { pause: 1s }, { weight: 50 }] } }",
    },
    Setup {
        name: "recreate",
        settings: "deploy: auto, strategy: recreate",
    },
    Setup {
        name: "rolling",
        settings: "deploy: auto, strategy: { rolling: {} }",
    },
    Setup {
        name: "approval",
        settings: "deploy: { approvals: 1 }, strategy: blue-green",
    },
];

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explored {
    /// Different states.
    pub states: usize,
    /// Events tried.
    pub events: usize,
    /// States of a rollout that goes well, from which the search begins.
    pub starts: usize,
    /// All that can happen in so many events after any of them was tried.
    pub depth: usize,
}

impl fmt::Display for Explored {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            states,
            events,
            starts,
            depth,
        } = self;
        write!(
            out,
            "complete to depth {depth} from each of {starts} starts: {states} states, {events} events"
        )
    }
}

/// Something that can happen in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Move {
    /// The action at this place succeeds.
    Done(usize),
    /// It fails.
    Failed(usize),
    /// Traffic is measured, and found good or bad.
    Measured(usize, bool),
    /// The controller dies after the action at this place was done and before that was written; it is done again.
    Crash(usize),
    /// All instances of the new or of the old track die.
    Dies(bool),
    /// A person asks.
    Asks(Wish),
    /// A newer release is there.
    Newer,
}

/// Tries everything to a depth, or until so many states are known. An error is the way to a state that must not be, and
/// what is wrong with it.
pub fn explore(setup: &Setup, depth_max: usize, states_max: usize) -> Result<Explored, String> {
    let mut explored = Explored::default();
    let mut seen = BTreeSet::new();
    let mut open = Vec::new();
    // From each state of a rollout that goes well, so that late phases are looked at as closely as early ones.
    let (mut node, mut way) = (Node::start(setup)?, Vec::new());
    while let Some(one) = node.well() {
        if seen.insert(node.fingerprint()) {
            open.push((node.clone(), way.clone()));
        }
        node = node.after(&one)?;
        way.push(one);
    }
    explored.starts = open.len();
    while explored.depth < depth_max && !open.is_empty() {
        let mut farther = Vec::new();
        for (node, way) in &open {
            for one in node.moves() {
                explored.events += 1;
                let found = next(node, &one, &mut seen);
                let mut way = way.clone();
                way.push(one);
                match found {
                    Ok(Some(next)) => farther.push((next, way)),
                    Ok(None) => {}
                    Err(what) => return Err(format!("{}: {what}\nby {way:#?}", setup.name)),
                }
            }
            explored.states = seen.len();
            if seen.len() >= states_max {
                return Ok(explored);
            }
        }
        open = farther;
        explored.depth += 1;
    }
    Ok(explored)
}

/// The state after something happened, if it was not known.
fn next(node: &Node, one: &Move, seen: &mut BTreeSet<u64>) -> Result<Option<Node>, String> {
    let next = node.after(one)?;
    if !seen.insert(next.fingerprint()) {
        return Ok(None);
    }
    next.check()?;
    if seen.len().is_multiple_of(FOLLOWED) {
        next.reads_back()?;
        rests(&next)?;
    }
    Ok(Some(next))
}

/// When nothing goes wrong any more, a state comes to rest.
fn rests(node: &Node) -> Result<(), String> {
    let mut node = node.clone();
    for _ in 0..REST_MAX {
        let Some(one) = node.well() else {
            return node.settled();
        };
        node = node.after(&one)?;
    }
    node.settled()
}
