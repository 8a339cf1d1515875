//! Every order of events, up to a number of states: outcomes good and bad, measurements, deaths, commands and a newer
//! release, in one environment with two tracks. What the seeds find by luck this finds by looking everywhere.

mod node;

use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use windlass_core::machine::event::Wish;

use node::Node;

/// Steps within which every state must come to rest when all goes well.
const REST_MAX: usize = 40;
/// Every so many states, one is followed until it comes to rest.
const FOLLOWED: usize = 16;

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explored {
    /// Different states.
    pub states: usize,
    /// Events tried.
    pub events: usize,
    /// States of a rollout that goes well, from which the search begins.
    pub starts: usize,
    /// Events from the first of them to the farthest state.
    pub depth: usize,
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
    /// The last outcome arrives once more.
    Again,
    /// All instances of the new or of the old track die.
    Dies(bool),
    /// A person asks.
    Asks(Wish),
    /// A newer release is there.
    Newer,
}

/// Tries everything, breadth first, until `states_max` different states are known. An error is the way to a state that must
/// not be, and what is wrong with it.
pub fn explore(states_max: usize) -> Result<Explored, String> {
    let mut explored = Explored::default();
    let mut seen = BTreeSet::new();
    let mut open = VecDeque::new();
    // From each state of a rollout that goes well, so that late phases are looked at as closely as early ones.
    let (mut node, mut way) = (Node::start()?, Vec::new());
    while let Some(one) = node.well() {
        seen.insert(fingerprint(&node));
        open.push_back((node.clone(), way.clone()));
        node = node.after(&one)?;
        way.push(one);
    }
    explored.starts = open.len();
    while let Some((node, way)) = open.pop_front() {
        explored.depth = explored.depth.max(way.len());
        for one in node.moves() {
            explored.events += 1;
            let mut way = way.clone();
            way.push(one.clone());
            let wrong = |what: String| format!("{what}\nby {way:#?}");
            let next = node.after(&one).map_err(wrong)?;
            if !seen.insert(fingerprint(&next)) {
                continue;
            }
            if seen.len().is_multiple_of(FOLLOWED) {
                rests(&next).map_err(wrong)?;
            }
            if seen.len() < states_max {
                open.push_back((next, way));
            } else {
                explored.states = seen.len();
                return Ok(explored);
            }
        }
    }
    explored.states = seen.len();
    Ok(explored)
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

fn fingerprint(node: &Node) -> u64 {
    let mut hasher = DefaultHasher::new();
    node.text().hash(&mut hasher);
    hasher.finish()
}
