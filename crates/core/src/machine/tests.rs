//! The machine, driven by scripts: one line is an event with the actions that must follow, or a question about the view.
//!
//! Events: `push BRANCH COMMIT [CONTAINED...]`, `built COMMIT`, `broken COMMIT`, and for an environment `plan DIGEST [with
//! SETTINGS]`,
//! `bad-plan DIGEST`, `done`, `fail REASON`, `late` (the outcome before the last once more), `sees TRACK READY/DESIRED
//! [TROUBLE]`, measurements `good`, `bad`, `few` (`answers good`:
//! of the time that was asked for); `NAME: WISH ENVIRONMENT [...]`. `+MS` lets time pass; times that were asked
//! for come. Questions: `? ENVIRONMENT KEY VALUE`.

mod canary;
mod clock;
mod command;
mod gates;
mod in_place;
mod property;
mod release;
mod settings;

use std::collections::BTreeMap;

use super::action::{Action, Retire};
use super::analysis::Sample;
use super::event::{Color, Event, Step, Wish};
use super::release::{Finding, Plan, Release, id_of};
use super::{Ask, Refusal, State, ask, step, view};
use crate::config::{Config, Environment};
use crate::view::EnvironmentView;

/// Two environments as the guide has them.
pub(super) const GUIDE: &str = "
platform: shop
services: { gateway: { build: { cargo: gateway } } }
chart: chart
edge: gateway
environments:
  staging: { runtime: local, source: { branch: develop }, port: 3100, deploy: auto, strategy: blue-green, watch: 3s, analysis: { requests: 10 } }
  production: { runtime: local, source: { branch: main }, port: 3200, deploy: { approvals: 1 }, strategy: blue-green, watch: 10s, promote-from: staging, analysis: { requests: 10 } }
";

/// A platform with one environment `test` on `main` with these settings.
pub(super) fn one(settings: &str) -> String {
    format!(
        "
platform: shop
services: {{ gateway: {{ build: {{ cargo: gateway }} }} }}
chart: chart
edge: gateway
environments:
  test: {{ runtime: local, source: {{ branch: main }}, port: 3100, {settings} }}
"
    )
}

/// The start of all scripts: it is a Monday, noon.
pub(super) const START_MS: i64 = 1_767_614_400_000;

/// Runs a script; panics at the first line that is not so.
pub(super) fn check(config: &str, script: &str) {
    let mut play = Play::new(config);
    for (number, line) in script.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("line {}: {line}", number + 1);
        if let Some(question) = line.strip_prefix("? ") {
            play.answer(question, &place);
        } else {
            let (event, expected) = line.split_once("=>").unwrap_or((line, ""));
            let found = play.happens(event.trim(), &place);
            assert_eq!(found, expected.trim(), "\n{place}\n{}", play.shown());
        }
    }
}

pub(super) struct Play {
    pub(super) state: State,
    pub(super) now_ms: i64,
    /// The last actions with a turn of each environment, oldest first.
    sent: BTreeMap<String, Vec<Action>>,
    wakes: Vec<(String, u64, i64)>,
    /// The time for which the last measurement was asked.
    measure_ms: Option<i64>,
    requests: u64,
}

impl Play {
    pub(super) fn new(config: &str) -> Self {
        Self::of(&Config::parse("windlass.yaml", config).unwrap())
    }

    pub(super) fn of(config: &Config) -> Self {
        let configured = Event::Configured {
            environments: config.environments.clone(),
        };
        let (state, actions) = step(&State::default(), &configured, START_MS);
        assert!(actions.is_empty());
        Self {
            state,
            now_ms: START_MS,
            sent: BTreeMap::new(),
            wakes: Vec::new(),
            measure_ms: None,
            requests: 0,
        }
    }

    fn shown(&self) -> String {
        view(&self.state, self.now_ms)
            .environments
            .iter()
            .map(|environment| format!("{}: {}", environment.name, environment.summary))
            .collect::<Vec<_>>()
            .join("\n")
    }

    pub(super) fn environment(&self, name: &str) -> EnvironmentView {
        let view = view(&self.state, self.now_ms);
        let found = view.environments.into_iter().find(|one| one.name == name);
        found.unwrap_or_else(|| panic!("no environment {name}"))
    }

    /// Everything goes through the ledger's JSON, as in life.
    fn apply(&mut self, event: &Event) -> Vec<Action> {
        let event: Event = stored(event);
        let (state, actions) = step(&self.state, &event, self.now_ms);
        self.state = stored(&state);
        assert_eq!((&self.state, &stored(&actions)), (&state, &actions));
        for action in &actions {
            match action {
                Action::Carry { environment, .. } | Action::Route { environment, .. } => {
                    let sent = self.sent.entry(environment.clone()).or_default();
                    sent.push(action.clone());
                }
                Action::Wake {
                    environment,
                    rollout,
                    at_ms,
                } => self.wakes.push((environment.clone(), *rollout, *at_ms)),
                Action::Measure { at_ms, .. } => self.measure_ms = Some(*at_ms),
                Action::Build { .. } | Action::Notify { .. } | Action::ProposeRevert { .. } => {}
            }
        }
        actions
    }

    /// What follows from the event, in short.
    pub(super) fn happens(&mut self, event: &str, place: &str) -> String {
        let words: Vec<&str> = event.split_whitespace().collect();
        let mut actions = Vec::new();
        if let Some(passed) = event.strip_prefix('+') {
            self.now_ms += passed.parse::<i64>().unwrap();
            let now_ms = self.now_ms;
            let (due, later) = self.wakes.drain(..).partition(|(_, _, at_ms)| *at_ms <= now_ms);
            self.wakes = later;
            for (environment, rollout, at_ms) in due {
                let came = Event::TimeCame {
                    environment,
                    rollout,
                    at_ms,
                };
                actions.extend(self.apply(&came));
            }
        } else if let Some((actor, wish)) = event.split_once(": ").filter(|(actor, _)| !actor.contains(' ')) {
            match self.asks(actor, wish, place) {
                Ok(event) => actions.extend(self.apply(&event)),
                Err(refusal) => {
                    assert!(!refusal.detail.is_empty() && !refusal.hint.is_empty(), "{place}");
                    return format!("refused {}", refusal.status);
                }
            }
        } else {
            let event = self.event(&words, place);
            actions.extend(self.apply(&event));
        }
        let short: Vec<String> = actions.iter().filter_map(|action| self.short(action)).collect();
        short.join(", ")
    }

    fn event(&mut self, words: &[&str], place: &str) -> Event {
        match words {
            ["push", branch, commit, contained @ ..] => Event::SnapshotSeen {
                branch: (*branch).to_owned(),
                commit: (*commit).to_owned(),
                subject: format!("subject of {commit}"),
                author: "Ada".into(),
                contains: contained.iter().map(|one| (*one).to_owned()).collect(),
                rewritten: false,
            },
            ["built", commit] => Event::ReleaseBuilt {
                release: Release {
                    id: id_of(commit),
                    commit: (*commit).to_owned(),
                    subject: format!("subject of {commit}"),
                    version: format!("1.0.0-{commit}"),
                    images: BTreeMap::new(),
                    built_at_ms: self.now_ms,
                },
            },
            ["broken", commit] => Event::BuildFailed {
                commit: (*commit).to_owned(),
                reason: "it does not compile".into(),
            },
            [environment, rest @ ..] => self.of_environment(environment, rest, place),
            [] => panic!("{place}: no event"),
        }
    }

    fn of_environment(&mut self, name: &str, words: &[&str], place: &str) -> Event {
        let environment = name.to_owned();
        let sent = self.sent.get(name).cloned().unwrap_or_default();
        let last = sent.last().and_then(turn);
        let rollout = self.environment(name).rollout.map_or(0, |rollout| rollout.id);
        match words {
            ["plan" | "bad-plan", digest, own @ ..] => {
                let (rollout, turn, step) = last.unwrap();
                assert_eq!(step, Step::Prepare, "{place}");
                let plan = plan(digest, words[0] == "bad-plan");
                Event::Prepared {
                    environment,
                    rollout,
                    turn,
                    plan,
                    settings: own_settings(own),
                }
            }
            ["done" | "late"] => {
                let before = sent.len().checked_sub(2).and_then(|at| turn(&sent[at]));
                let (rollout, turn, step) = if words[0] == "done" { last } else { before }.unwrap();
                Event::Done {
                    environment,
                    rollout,
                    turn,
                    step,
                    took_ms: 7,
                }
            }
            ["told", receipt @ ..] => Event::Notified {
                environment,
                rollout,
                receipt: receipt.join(" "),
            },
            ["fail", ..] => {
                let (rollout, turn, step) = last.unwrap();
                Event::Failed {
                    environment,
                    rollout,
                    turn,
                    step,
                    reason: words[1..].join(" "),
                }
            }
            ["sees", track, counts, trouble @ ..] => {
                let (ready, desired) = counts.split_once('/').unwrap();
                Event::Observed {
                    environment,
                    track: if *track == "blue" {
                        Color::Blue
                    } else {
                        Color::Green
                    },
                    ready: ready.parse().unwrap(),
                    desired: desired.parse().unwrap(),
                    trouble: trouble.join(" "),
                }
            }
            ["good" | "bad" | "few"] => self.measured(environment, rollout, words[0], None),
            ["answers", kind] => self.measured(environment, rollout, kind, self.measure_ms),
            other => panic!("{place}: what is {other:?}?"),
        }
    }

    fn measured(&mut self, environment: String, rollout: u64, kind: &str, at_ms: Option<i64>) -> Event {
        let (new, old) = self.samples(kind);
        Event::Measured {
            environment,
            rollout,
            new,
            old,
            at_ms,
        }
    }

    fn samples(&mut self, kind: &str) -> (Sample, Sample) {
        if kind != "few" {
            self.requests += 100;
        }
        let errors = if kind == "bad" { self.requests / 2 } else { 0 };
        let sample = |errors| Sample {
            requests: self.requests,
            errors,
            ..Sample::default()
        };
        (sample(errors), sample(0))
    }

    /// An action in few words.
    fn short(&self, action: &Action) -> Option<String> {
        let name = |step: Step| format!("{step:?}").to_lowercase();
        Some(match action {
            Action::Build { commit, .. } => format!("build {commit}"),
            Action::Carry {
                release, track, step, ..
            } => {
                let release = release.trim_start_matches("sha-");
                format!("{} {release}@{}", name(*step), track.name())
            }
            Action::Route {
                weights,
                retire,
                step,
                ..
            } => {
                let shares: Vec<String> = weights
                    .iter()
                    .map(|(track, share)| format!("{}={share}", track.name()))
                    .collect();
                assert_eq!(*retire == Retire::AtOnce, *step == Step::Return);
                format!("{} {}", name(*step), shares.join("+"))
            }
            Action::Measure { at_ms, .. } => format!("measure +{}", at_ms - self.now_ms),
            Action::Wake { at_ms, .. } => format!("wake +{}", at_ms - self.now_ms),
            Action::Notify { .. } => return None,
            Action::ProposeRevert { commit, back_to, .. } => {
                let to = back_to.as_ref().map(|to| format!(" to {to}"));
                format!("revert {commit}{}", to.unwrap_or_default())
            }
        })
    }

    /// A person asks: `approve ENVIRONMENT [PLAN]`, `approve! ...` in an emergency, and the other commands by name.
    fn asks(&self, actor: &str, wish: &str, place: &str) -> Result<Event, Refusal> {
        let words: Vec<&str> = wish.split_whitespace().collect();
        let (command, name, rest) = (words[0], words[1], words.get(2).map(|word| (*word).to_owned()));
        let rollout = view(&self.state, self.now_ms)
            .environments
            .into_iter()
            .find_map(|one| (one.name == name).then_some(one.rollout)?);
        let shown = rollout.and_then(|rollout| rollout.plan).map(|plan| plan.digest);
        let plan = rest.clone().or(shown).unwrap_or_default();
        let release = rest.clone().map(|commit| id_of(&commit));
        let named = release.clone().unwrap_or_default();
        let wish = match command {
            "approve" | "approve!" => Wish::Approve {
                plan,
                break_glass: command == "approve!",
            },
            "reject" => Wish::Reject { plan },
            "promote" => Wish::Promote { release },
            "rollback" => Wish::Rollback { to: release },
            "hold" => Wish::Hold { release: named },
            "clear-hold" => Wish::ClearHold { release: named },
            "pause" => Wish::Pause,
            "resume" => Wish::Resume,
            "abort" => Wish::Abort,
            "retry" => Wish::Retry,
            "attest" => Wish::Attest {
                item: rest.unwrap_or_default(),
            },
            // `tested ENVIRONMENT COMMIT:PASSED:FAILED`, with commas between names.
            "tested" => {
                let text = rest.unwrap_or_default();
                let mut parts = text.split(':');
                let commit = parts.next().unwrap_or_default().to_owned();
                let mut names = || {
                    let part = parts.next().unwrap_or_default();
                    part.split(',')
                        .filter(|name| !name.is_empty())
                        .map(str::to_owned)
                        .collect()
                };
                let (passed, failed) = (names(), names());
                Wish::Tested {
                    commit,
                    passed,
                    failed,
                }
            }
            other => panic!("{place}: what is {other}?"),
        };
        let asked = Ask {
            environment: name.to_owned(),
            actor: actor.to_owned(),
            comment: "because".to_owned(),
            wish,
        };
        ask(&self.state, asked, self.now_ms)
    }

    fn answer(&self, question: &str, place: &str) {
        let mut words = question.splitn(3, ' ');
        let (name, key) = (words.next().unwrap(), words.next().unwrap());
        let expected = words.next().unwrap_or_default();
        let seen = self.environment(name);
        let rollout = seen.rollout.as_ref();
        let waiting = rollout.and_then(|rollout| rollout.waiting.as_ref());
        let list = |words: &mut dyn Iterator<Item = String>| words.collect::<Vec<_>>().join(" ");
        let found = match key {
            "live" => seen.live.map(|live| live.release).unwrap_or_default(),
            "previous" => {
                let warm = |warm| if warm { "warm" } else { "stopped" };
                seen.previous
                    .map(|one| format!("{} {}", one.release, warm(one.warm)))
                    .unwrap_or_default()
            }
            "phase" => rollout.map(|rollout| rollout.phase.clone()).unwrap_or_default(),
            "strip" => list(
                &mut rollout
                    .map(|rollout| rollout.phases.clone())
                    .unwrap_or_default()
                    .into_iter()
                    .map(|phase| format!("{}:{}", phase.name, phase.state)),
            ),
            "holds" => list(
                &mut seen
                    .holds
                    .iter()
                    .map(|hold| format!("{}/{}", hold.release, hold.by)),
            ),
            "outcome" => seen
                .history
                .first()
                .map(|ended| format!("{} {} {}", ended.release, ended.outcome, ended.decided_by))
                .unwrap_or_default(),
            "waiting" => waiting.map(|waiting| waiting.what.clone()).unwrap_or_default(),
            "remedy" => waiting.map(|waiting| waiting.remedy.clone()).unwrap_or_default(),
            "person" => seen.waits_for_person.to_string(),
            "settled" => seen.settled.to_string(),
            "commands" => seen.commands.join(" "),
            "summary" => seen.summary,
            "next" => seen
                .next
                .map(|next| format!("{} -> {}", next.what, next.remedy))
                .unwrap_or_default(),
            "tracks" => list(&mut seen.tracks.iter().map(|track| {
                format!(
                    "{}:{}:{}:{}",
                    track.track.name(),
                    track.release,
                    track.state,
                    track.weight
                )
            })),
            "team-notification-sent" => {
                let mut items = seen.checklist.iter();
                items
                    .find(|one| one.item == key)
                    .map(|one| format!("{}: {}", one.state, one.evidence))
                    .unwrap_or_default()
            }
            "verdict" => rollout
                .and_then(|rollout| rollout.watch.as_ref())
                .map(|watch| watch.verdict.clone())
                .unwrap_or_default(),
            gate => rollout
                .and_then(|rollout| rollout.gates.iter().find(|one| one.name == gate))
                .map(|gate| format!("{}: {}", gate.answer, gate.reason))
                .unwrap_or_default(),
        };
        assert_eq!(found, expected, "\n{place}");
    }
}

/// What the release's own windlass.yaml says: `with SETTINGS`.
fn own_settings(words: &[&str]) -> Option<Box<Environment>> {
    let (_, settings) = words.split_first()?;
    let config = Config::parse("windlass.yaml", &one(&settings.join(" "))).unwrap();
    config.environment("test").cloned().map(Box::new)
}

/// Rollout, turn and step of an action that has them.
fn turn(action: &Action) -> Option<(u64, u64, Step)> {
    match action {
        Action::Carry {
            rollout, turn, step, ..
        }
        | Action::Route {
            rollout, turn, step, ..
        } => Some((*rollout, *turn, *step)),
        Action::Build { .. }
        | Action::Measure { .. }
        | Action::Wake { .. }
        | Action::Notify { .. }
        | Action::ProposeRevert { .. } => None,
    }
}

fn stored<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// A plan with a change, and a blocking finding if wanted.
pub(super) fn plan(digest: &str, bad: bool) -> Plan {
    let finding = Finding {
        rule: "root-user".into(),
        message: "gateway runs as root".into(),
        remedy: "set runAsNonRoot".into(),
        blocks: true,
    };
    Plan {
        digest: digest.to_owned(),
        objects: format!("objects of {digest}"),
        changes: vec!["gateway: image changes".into()],
        findings: if bad { vec![finding] } else { Vec::new() },
        ..Plan::default()
    }
}
