//! What a table must fulfil before anything of it is done. Pure: whether an address can be bound is found out later.

use std::collections::BTreeSet;

use super::{Service, Table, Track};

/// Listeners, services, tracks of a service and targets of a track: more of them is a mistake of whoever made the table.
const ENTRIES_MAX: usize = 1_000;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// Longest health path, in bytes.
const PATH_BYTES_MAX: usize = 1_024;

/// Why a table is refused, as a sentence that names the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table {table}: {what}")]
pub struct Flaw {
    /// The table.
    pub table: String,
    /// Place and reason.
    pub what: String,
}

impl Table {
    /// Finds the first flaw.
    pub fn check(&self) -> Result<(), Flaw> {
        self.flaw().map_or(Ok(()), |what| {
            Err(Flaw {
                table: self.name.clone(),
                what,
            })
        })
    }

    /// A service by its name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    fn flaw(&self) -> Option<String> {
        file_flaw(&self.name)
            .or_else(|| too_many("listeners", self.listeners.len()))
            .or_else(|| too_many("services", self.services.len()))
            .or_else(|| {
                twice(
                    "listener",
                    self.listeners.iter().map(|listener| listener.name.as_str()),
                )
            })
            .or_else(|| {
                twice(
                    "service",
                    self.services.iter().map(|service| service.name.as_str()),
                )
            })
            .or_else(|| self.services.iter().find_map(service_flaw))
            .or_else(|| self.listener_flaw())
    }

    fn listener_flaw(&self) -> Option<String> {
        let mut bound = BTreeSet::new();
        self.listeners.iter().find_map(|listener| {
            let name = &listener.name;
            let Some(service) = self.service(&listener.service) else {
                return Some(format!(
                    "listener {name} leads to service {}, which is not there",
                    listener.service
                ));
            };
            if let Some(track) = &listener.track
                && !service.tracks.iter().any(|known| known.name == *track)
            {
                return Some(format!(
                    "listener {name} leads to track {track}, which {} does not have",
                    service.name
                ));
            }
            if let Some(header) = &listener.override_header
                && http::HeaderName::from_bytes(header.as_bytes()).is_err()
            {
                return Some(format!("listener {name}: {header:?} is no name of a header"));
            }
            (listener.bind.port() != 0 && !bound.insert(listener.bind))
                .then(|| format!("listener {name} binds {}, as another one does", listener.bind))
        })
    }
}

fn service_flaw(service: &Service) -> Option<String> {
    let name = &service.name;
    let times = &service.timeouts;
    let zero = [
        ("timeouts.head_ms", times.head_ms),
        ("timeouts.keep_alive_ms", times.keep_alive_ms),
        ("timeouts.idle_ms", times.idle_ms),
        ("timeouts.connect_ms", times.connect_ms),
        ("timeouts.response_ms", times.response_ms),
        ("limits.in_flight", u64::from(service.limits.in_flight)),
        ("limits.connections", u64::from(service.limits.connections)),
        ("probe.interval_ms", service.probe.interval_ms),
        ("probe.timeout_ms", service.probe.timeout_ms),
        ("probe.failures", u64::from(service.probe.failures)),
    ]
    .into_iter()
    .find(|(_, value)| *value == 0);
    if let Some((field, _)) = zero {
        return Some(format!(
            "service {name}: {field} is 0, which would let nothing pass"
        ));
    }
    twice(
        &format!("service {name}: track"),
        service.tracks.iter().map(|track| track.name.as_str()),
    )
    .or_else(|| too_many("tracks", service.tracks.len()))
    .or_else(|| service.tracks.iter().find_map(|track| track_flaw(name, track)))
}

fn track_flaw(service: &str, track: &Track) -> Option<String> {
    let place = format!("service {service}, track {}", track.name);
    if track.targets.len() > ENTRIES_MAX {
        return Some(format!("{place}: more than {ENTRIES_MAX} targets"));
    }
    let mut seen = BTreeSet::new();
    track.targets.iter().find_map(|target| {
        if target.address.port() == 0 {
            return Some(format!("{place}: target {} has no port", target.address));
        }
        if !seen.insert(target.address) {
            return Some(format!("{place}: target {} is there twice", target.address));
        }
        let path = target.health_path.as_deref()?;
        let fine = path.starts_with('/')
            && path.len() <= PATH_BYTES_MAX
            && path.parse::<http::uri::PathAndQuery>().is_ok();
        (!fine).then(|| format!("{place}: {path:?} is no path"))
    })
}

fn twice<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if let Some(flaw) = name_flaw(what, name) {
            return Some(flaw);
        }
        if !seen.insert(name) {
            return Some(format!("{what} {name} is there twice"));
        }
    }
    None
}

fn too_many(what: &str, number: usize) -> Option<String> {
    (number > ENTRIES_MAX).then(|| format!("{number} {what}, more than {ENTRIES_MAX}"))
}

/// Names of tables become names of files.
fn file_flaw(name: &str) -> Option<String> {
    let fine = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (!fine).then(|| {
        format!(
            "its name {name:?} is not 1 to {NAME_BYTES_MAX} letters, digits, dots, dashes and underscores"
        )
    })
}

/// Other names become labels of metrics and headers.
fn name_flaw(what: &str, name: &str) -> Option<String> {
    let fine = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    (!fine).then(|| {
        format!(
            "{what} {name:?} is not 1 to {NAME_BYTES_MAX} printable characters of ASCII without blanks, quotes and backslashes"
        )
    })
}
