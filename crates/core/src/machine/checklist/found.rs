//! What the machine can see of each item of the checklist by itself.

use super::{Found, Status, Subject};
use crate::machine::analysis::Verdict;
use crate::machine::state::{Phase, Purpose, Tested, Track};

impl Found {
    pub(super) fn done(evidence: impl Into<String>) -> Self {
        Self {
            status: Status::Done,
            evidence: evidence.into(),
        }
    }

    pub(super) fn open(evidence: impl Into<String>) -> Self {
        Self {
            status: Status::Open,
            evidence: evidence.into(),
        }
    }

    fn failed(evidence: impl Into<String>) -> Self {
        Self {
            status: Status::Failed,
            evidence: evidence.into(),
        }
    }
}

/// Tests against the preview, here or in the environment before.
pub(super) fn tests_pass(subject: &Subject<'_>) -> Found {
    if subject.failed_in(Phase::Verify) {
        return Found::failed("the tests against the preview failed");
    }
    if let Some(tested) = tested(subject) {
        let by = &tested.actor;
        return match tested.failed.first() {
            Some(_) => Found::failed(format!(
                "windlass ci by {by}: {} failed",
                tested.failed.join(", ")
            )),
            None => Found::done(format!(
                "windlass ci by {by}: {} passed",
                tested.passed.join(", ")
            )),
        };
    }
    if !subject.lane.settings().verify.is_empty() && subject.passed(Phase::Verify) {
        return Found::done("the tests against the preview passed here");
    }
    match before(subject) {
        Some((name, true)) => Found::done(format!("the tests against the preview passed in {name}")),
        _ => Found::open("no result of `windlass ci` is known for this commit"),
    }
}

/// How the steps of `ci` ended for the release's commit.
fn tested<'a>(subject: &Subject<'a>) -> Option<&'a Tested> {
    let known = subject.state.releases.get(&subject.rollout.release)?;
    subject.state.tested.get(&known.release.commit)
}

/// The environment before, if the release served well there, and whether it has tests of its own.
fn before<'a>(subject: &Subject<'a>) -> Option<(&'a str, bool)> {
    let from = subject.lane.settings().promote_from.as_ref()?;
    let lane = subject.state.lane(from)?;
    lane.vouches_for(&subject.rollout.release)?;
    Some((from, !lane.config.verify.is_empty()))
}

pub(super) fn scans(subject: &Subject<'_>) -> Found {
    let Some(plan) = &subject.rollout.plan else {
        return no_plan(subject);
    };
    let blocking = plan.findings.iter().filter(|finding| finding.blocks).count();
    match (blocking, plan.findings.len()) {
        (0, 0) => Found::done("objects and images were judged: nothing was found"),
        (0, some) => Found::done(format!(
            "objects and images were judged: {some} findings, none blocks"
        )),
        (blocking, _) => Found::failed(format!("{blocking} findings block")),
    }
}

fn no_plan(subject: &Subject<'_>) -> Found {
    match subject.rollout.purpose {
        Purpose::Back(_) => Found::done("a rollback: it was judged when it served first"),
        Purpose::Sync | Purpose::Asked(_) => Found::open("the plan is not made yet"),
    }
}

/// Traffic in the environment before.
pub(super) fn load(subject: &Subject<'_>) -> Found {
    match before(subject) {
        Some((name, _)) => Found::done(format!("errors and latency stayed within bounds in {name}")),
        None => Found::open("it served no traffic in an environment before"),
    }
}

pub(super) fn migrations(subject: &Subject<'_>) -> Found {
    if subject.failed_in(Phase::Migrate) {
        return Found::failed("migrations failed");
    }
    if subject.passed(Phase::Migrate) {
        return Found::done("migrations ran before the first instance started");
    }
    let Some(plan) = &subject.rollout.plan else {
        return no_plan(subject);
    };
    let unsafe_one = plan
        .findings
        .iter()
        .find(|finding| finding.blocks && finding.rule.contains("migration"));
    match (unsafe_one, before(subject)) {
        (Some(finding), _) => Found::failed(finding.message.clone()),
        (None, Some((name, _))) => Found::done(format!("the same migrations ran in {name}")),
        (None, None) => Found::done("judged with the plan; they run before the first instance starts"),
    }
}

pub(super) fn rollback(subject: &Subject<'_>) -> Found {
    let old = subject.rollout.old.as_ref();
    let Some(old) = old else {
        return Found::done("a first release: there is nothing to go back to");
    };
    if subject.rollout.in_place() {
        return Found::done(format!(
            "{} is started again from its stored objects",
            old.release
        ));
    }
    let minutes = subject.lane.settings().watch_ms / 60_000;
    Found::done(format!(
        "{} stays warm for the watch of {minutes} minutes; going back is one swap",
        old.release
    ))
}

pub(super) fn alerts(subject: &Subject<'_>) -> Found {
    let analysis = &subject.lane.settings().analysis;
    let mut watched = vec![format!("errors above {} %", 100.0 * analysis.errors_max)];
    if let Some(limit) = analysis.latency_p99_ms_max {
        watched.push(format!("p99 above {limit} ms"));
    }
    watched.extend(analysis.business.keys().cloned());
    Found::done(format!(
        "measured every {} ms during the watch: {}",
        analysis.every_ms,
        watched.join(", ")
    ))
}

fn track<'a>(subject: &Subject<'a>) -> Option<&'a Track> {
    let track = subject.lane.tracks.get(&subject.rollout.track)?;
    Some(track).filter(|track| track.release == subject.rollout.release)
}

pub(super) fn health(subject: &Subject<'_>) -> Found {
    if subject.failed_in(Phase::Ready) {
        return Found::failed("not all instances became ready");
    }
    match track(subject) {
        Some(track) if track.ready < track.desired => Found::failed(format!(
            "{} of {} instances are ready: {}",
            track.ready, track.desired, track.trouble
        )),
        Some(track) if track.proven => Found::done(format!("{} instances are ready", track.ready)),
        Some(_) | None => Found::open("its instances are not ready yet"),
    }
}

/// What the watch says so far.
fn verdict(subject: &Subject<'_>, fine: &str) -> Found {
    let watch = subject.rollout.watch.as_ref();
    match watch.and_then(|watch| watch.verdict.as_ref()) {
        Some(Verdict::Bad { because }) => Found::failed(because.clone()),
        Some(Verdict::Good) => Found::done(fine),
        Some(Verdict::Inconclusive { because }) => Found::open(format!("not enough traffic: {because}")),
        None => Found::open("nothing is measured yet"),
    }
}

pub(super) fn metrics(subject: &Subject<'_>) -> Found {
    verdict(subject, "the sequential analysis of all metrics finds nothing")
}

pub(super) fn errors(subject: &Subject<'_>) -> Found {
    let watch = subject.rollout.watch.as_ref();
    let samples = watch.and_then(|watch| Some((watch.since.as_ref()?, watch.before.as_ref()?)));
    let fine = samples.map_or_else(String::new, |(since, now)| {
        format!(
            "{} of {} requests failed since the switch",
            now.errors.saturating_sub(since.errors),
            now.requests.saturating_sub(since.requests)
        )
    });
    verdict(subject, &fine)
}

pub(super) fn database(subject: &Subject<'_>) -> Found {
    if subject.failed_in(Phase::Ready) {
        return Found::failed("not all instances became ready");
    }
    if subject.passed(Phase::Ready) {
        Found::done("every instance is ready, which it is only with its database")
    } else {
        Found::open("its instances are not ready yet")
    }
}

pub(super) fn entry(subject: &Subject<'_>) -> Found {
    let share = subject.lane.weights.get(&subject.rollout.track).copied();
    match share.filter(|_| subject.passed(Phase::Ready)) {
        Some(share) if track(subject).is_some() => Found::done(format!(
            "the proxy sends {share} % of customers to ready instances"
        )),
        Some(_) | None => Found::open("the proxy sends no customers to it yet"),
    }
}

pub(super) fn business(subject: &Subject<'_>) -> Found {
    let names: Vec<&str> = subject
        .lane
        .config
        .analysis
        .business
        .keys()
        .map(String::as_str)
        .collect();
    if names.is_empty() {
        return Found::open("no business metric is configured");
    }
    verdict(subject, &format!("as before: {}", names.join(", ")))
}

pub(super) fn trial(_: &Subject<'_>) -> Found {
    Found::open("a person tries it and says so")
}

pub(super) fn benchmark(subject: &Subject<'_>) -> Found {
    if subject.rollout.old.is_none() {
        return Found::open("a first release: there is nothing to compare with");
    }
    verdict(subject, "latency is not worse than that of the release before")
}

pub(super) fn posture(subject: &Subject<'_>) -> Found {
    let Some(plan) = &subject.rollout.plan else {
        return no_plan(subject);
    };
    let blocking = plan.findings.iter().filter(|finding| finding.blocks).count();
    if blocking > 0 {
        return Found::failed(format!("{blocking} findings block"));
    }
    Found::done(format!(
        "{} findings; not enforced by this runtime: {}",
        plan.findings.len(),
        plan.not_enforced.len()
    ))
}

pub(super) fn documentation(_: &Subject<'_>) -> Found {
    Found::open("somebody who knows says so")
}

pub(super) fn notified(subject: &Subject<'_>) -> Found {
    let told = subject.lane.told.iter().rev();
    let receipt = told
        .into_iter()
        .find(|(rollout, _)| *rollout == subject.rollout.id);
    match receipt {
        None => Found::open("nobody was told yet"),
        Some((_, receipt)) if receipt.is_empty() => {
            Found::open("nobody is told: `notify` in windlass.yaml lists no address")
        }
        Some((_, receipt)) => Found::done(receipt.clone()),
    }
}
