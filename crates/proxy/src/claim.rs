//! Which target a request gets, and the count that keeps this target alive for it. No I/O.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use http::{HeaderMap, StatusCode};

use crate::live::{Live, LiveService, LiveTrack, Route, Slot, TargetState, TrackState};
use crate::random;
use crate::table::Audience;

/// Name of the cookie that keeps a customer on a side while two tracks share the customers.
pub(crate) const COOKIE: &str = "windlass-share";
/// Values of the cookie: 0 to 9,999, hundredths of a percent. It says where in the line of all customers this one stands
/// and not which track it has, so that a growing weight moves only as many as it must.
const SHARES: u64 = 10_000;

/// A target for one request. Counted as in flight until it is dropped.
pub(crate) struct Claim {
    pub(crate) service: Arc<LiveService>,
    pub(crate) track: usize,
    pub(crate) target: Option<Arc<TargetState>>,
    pub(crate) flight: Flight,
    /// A value for the cookie, to be set.
    pub(crate) cookie: Option<u64>,
}

impl Claim {
    pub(crate) fn track(&self) -> &LiveTrack {
        &self.service.tracks[self.track]
    }
}

/// Why there is no claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unclaimed {
    /// The listener is no longer in the table.
    NoRoute,
    /// No track of the service has a weight.
    NoTrack(String),
    /// Requests are held; wait and ask again.
    Paused,
}

/// Claims a target of the table in force. Targets in `tried` are left out.
pub(crate) fn claim(
    slot: &Slot,
    listener: &str,
    headers: &HeaderMap,
    begun: Instant,
    tried: &[SocketAddr],
) -> Result<Claim, Unclaimed> {
    loop {
        if let Some(claim) = claim_of(slot, &slot.live(), listener, headers, begun, tried)? {
            return Ok(claim);
        }
    }
}

/// Claims a target of one table; none if the table was replaced, or requests were held, before the claim was counted.
fn claim_of(
    slot: &Slot,
    live: &Arc<Live>,
    listener: &str,
    headers: &HeaderMap,
    begun: Instant,
    tried: &[SocketAddr],
) -> Result<Option<Claim>, Unclaimed> {
    let route = live.route(listener).ok_or(Unclaimed::NoRoute)?;
    let held = || route.audience == Audience::Customers && slot.pause.is_on();
    if held() {
        return Err(Unclaimed::Paused);
    }
    let (track, cookie) =
        choose_track(route, headers).ok_or_else(|| Unclaimed::NoTrack(route.service.name.clone()))?;
    let entry = &route.service.tracks[track];
    let target = choose_target(entry, route.service.limits.in_flight, tried);
    let flight = Flight::begin(&entry.state, target, route.audience, begun);
    if !slot.is_live(live) || held() {
        flight.undo();
        return Ok(None);
    }
    Ok(Some(Claim {
        service: Arc::clone(&route.service),
        track,
        target: target.cloned(),
        flight,
        cookie,
    }))
}

fn choose_track(route: &Route, headers: &HeaderMap) -> Option<(usize, Option<u64>)> {
    if let Some(track) = route.track {
        return Some((track, None));
    }
    let tracks = &route.service.tracks;
    if let Some(header) = &route.override_header
        && let Some(wanted) = headers.get(header)
        && let Some(track) = tracks.iter().position(|track| track.label == *wanted)
    {
        return Some((track, None));
    }
    let weighted = |track: &LiveTrack| track.weight > 0;
    let first = tracks.iter().position(weighted)?;
    if tracks.iter().filter(|track| weighted(track)).count() == 1 {
        return Some((first, None));
    }
    if route.audience != Audience::Customers {
        return Some((at_share(&route.service, random::below(SHARES)), None));
    }
    let known = share_of(headers);
    let share = known.unwrap_or_else(|| random::below(SHARES));
    let set = known.is_none().then_some(share);
    Some((at_share(&route.service, share), set))
}

/// The track of a share: tracks stand in the order of their names, each as wide as its weight.
fn at_share(service: &LiveService, share: u64) -> usize {
    let mut order: Vec<usize> = (0..service.tracks.len()).collect();
    order.sort_by(|one, other| service.tracks[*one].name.cmp(&service.tracks[*other].name));
    let mut end = 0;
    for index in &order {
        end += u64::from(service.tracks[*index].weight) * SHARES;
        if share * service.weight < end {
            return *index;
        }
    }
    order.last().copied().unwrap_or(0)
}

fn share_of(headers: &HeaderMap) -> Option<u64> {
    headers
        .get_all(http::header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, value)| value.parse().ok())
        .filter(|share| *share < SHARES)
}

/// The less busy one of two healthy targets; two of the unprobed ones if none is healthy.
fn choose_target<'a>(
    track: &'a LiveTrack,
    in_flight_max: u32,
    tried: &[SocketAddr],
) -> Option<&'a Arc<TargetState>> {
    let may = |target: &TargetState| {
        !tried.contains(&target.spec.address) && target.in_flight.load(Ordering::Relaxed) < in_flight_max
    };
    less_busy(&track.targets, |target| target.is_healthy() && may(target))
        .or_else(|| less_busy(&track.targets, |target| target.is_unknown() && may(target)))
}

fn less_busy(targets: &[Arc<TargetState>], fits: impl Fn(&TargetState) -> bool) -> Option<&Arc<TargetState>> {
    let from = |start: usize| {
        (0..targets.len())
            .map(move |step| (start + step) % targets.len())
            .find(|index| fits(&targets[*index]))
    };
    let count = targets.len() as u64;
    match count {
        0 => None,
        1 => targets.first().filter(|target| fits(target)),
        _ => {
            let pick = || usize::try_from(random::below(count)).unwrap_or(0);
            let one = from(pick())?;
            let other = from((one + 1 + pick()) % targets.len())?;
            let busy = |index: usize| targets[index].in_flight.load(Ordering::Relaxed);
            targets.get(if busy(other) < busy(one) { other } else { one })
        }
    }
}

/// One request in flight on a track and, if it has one, a target.
pub(crate) struct Flight {
    track: Arc<TrackState>,
    target: Option<Arc<TargetState>>,
    audience: Audience,
    begun: Instant,
    /// Whether its outcome is counted.
    counted: bool,
}

impl Flight {
    fn begin(
        track: &Arc<TrackState>,
        target: Option<&Arc<TargetState>>,
        audience: Audience,
        begun: Instant,
    ) -> Self {
        track.enter();
        if let Some(target) = target {
            target.in_flight.fetch_add(1, Ordering::Relaxed);
        }
        Self {
            track: Arc::clone(track),
            target: target.cloned(),
            audience,
            begun,
            counted: false,
        }
    }

    /// Counts an answer.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.counted = true;
        self.track
            .counters(self.audience)
            .answered(status, self.begun.elapsed());
    }

    /// Counts that the answer broke off.
    pub(crate) fn broken(&self) {
        self.track.counters(self.audience).broken();
    }

    /// Ends without a trace, for another claim.
    pub(crate) fn undo(mut self) {
        self.counted = true;
    }

    /// Ends for an attempt with another target.
    pub(crate) fn retry(mut self) {
        self.counted = true;
        self.track.counters(self.audience).retried();
    }

    pub(crate) fn audience(&self) -> Audience {
        self.audience
    }

    pub(crate) fn state(&self) -> &Arc<TrackState> {
        &self.track
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.counted {
            self.track.counters(self.audience).given_up();
        }
        if let Some(target) = &self.target {
            target.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        self.track.exit();
    }
}

#[cfg(test)]
mod tests;
