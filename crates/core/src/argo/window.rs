//! Sync windows of an `AppProject`: times in which its Applications may be synced, and times in which they may not. A window
//! that denies counts more than one that allows; where windows allow, nothing is allowed outside of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Wrong;
use super::application::Destination;
use super::duration::duration_ms;
use super::fields::Part;
use super::glob::matches;
use crate::calendar::{Cron, zone};

/// Changes of windows that are looked at to find out when one opens.
const EDGES_MAX: usize = 2_000;

/// The windows of an Application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SyncWindows(Vec<SyncWindow>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncWindow {
    /// What it does to syncs.
    kind: Kind,
    /// As it is written.
    text: String,
    schedule: Cron,
    duration_ms: i64,
    /// Patterns.
    applications: Vec<String>,
    namespaces: Vec<String>,
    clusters: Vec<String>,
    /// A person may sync all the same.
    manual: bool,
    /// Of the schedule.
    zone: String,
    /// Applications, clusters and namespaces must all fit, not one of them.
    all: bool,
    /// What began before it may go on.
    overrun: bool,
    description: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Allow,
    Deny,
}

/// Who wants a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// It comes by itself.
    Automatic,
    /// A person asked for it.
    Manual,
}

impl SyncWindows {
    /// Reads `syncWindows` of a project. Zones that are not known are UTC, and a warning.
    pub(super) fn read(part: &Part<'_>, warnings: &mut Vec<String>) -> Result<Self, Wrong> {
        let windows = part.list()?;
        let windows = windows.iter().map(|it| SyncWindow::read(it, warnings));
        windows.collect::<Result<_, _>>().map(Self)
    }

    /// Reads `syncWindows` as a project has them, with warnings.
    pub fn parse(place: &str, windows: &Value) -> Result<(Self, Vec<String>), Wrong> {
        let mut warnings = Vec::new();
        let read = Self::read(&Part::root(place, windows), &mut warnings)?;
        Ok((read, warnings))
    }

    /// Those that are for an Application.
    #[must_use]
    pub fn of(&self, application: &str, destination: &Destination) -> Self {
        let fits = |it: &&SyncWindow| it.fits(application, destination);
        Self(self.0.iter().filter(fits).cloned().collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &SyncWindow> {
        self.0.iter()
    }

    /// Whether a sync may begin at `now_ms`, milliseconds since the epoch; with `since_ms`, whether one that began then may
    /// go on.
    pub fn may_sync(&self, trigger: Trigger, now_ms: i64, since_ms: Option<i64>) -> bool {
        let barring = self.barring(now_ms);
        if barring.is_empty() {
            return true;
        }
        let all = |what: fn(&SyncWindow) -> bool| barring.iter().all(|it| what(it));
        if trigger == Trigger::Manual && all(|it| it.manual) {
            return true;
        }
        since_ms.is_some_and(|since_ms| all(|it| it.overrun) && self.may_sync(trigger, since_ms, None))
    }

    /// The windows that keep a sync out at this moment: those that deny, else all that would allow at another time.
    pub fn barring(&self, now_ms: i64) -> Vec<&SyncWindow> {
        let (active, idle): (Vec<&SyncWindow>, Vec<&SyncWindow>) =
            self.0.iter().partition(|it| it.is_active(now_ms));
        let denying: Vec<&SyncWindow> = active
            .iter()
            .copied()
            .filter(|it| it.kind == Kind::Deny)
            .collect();
        if !denying.is_empty() {
            return denying;
        }
        if active.iter().any(|it| it.kind == Kind::Allow) {
            return Vec::new();
        }
        idle.into_iter().filter(|it| it.kind == Kind::Allow).collect()
    }

    /// When a sync may begin that may not at `now_ms`; `None` where no such time is in sight.
    pub fn opens_at(&self, trigger: Trigger, now_ms: i64) -> Option<i64> {
        let mut at_ms = now_ms;
        for _ in 0..EDGES_MAX {
            at_ms = self.0.iter().filter_map(|it| it.changes_after(at_ms)).min()?;
            if self.may_sync(trigger, at_ms, None) {
                return Some(at_ms);
            }
        }
        None
    }
}

impl SyncWindow {
    fn read(part: &Part<'_>, warnings: &mut Vec<String>) -> Result<Self, Wrong> {
        for other in part.others(&[
            "kind",
            "schedule",
            "duration",
            "applications",
            "namespaces",
            "clusters",
            "manualSync",
            "timeZone",
            "andOperator",
            "syncOverrun",
            "description",
        ])? {
            warnings.push(format!("{} does nothing here", other.place()));
        }
        let kind = match part.get("kind").word()?.as_str() {
            "allow" => Kind::Allow,
            "deny" => Kind::Deny,
            other => {
                return Err(part.get("kind").wrong(
                    format!("`{other}` is no kind of window"),
                    "a window has `kind: allow` or `kind: deny`",
                ));
            }
        };
        let (schedule, duration) = (part.get("schedule").word()?, part.get("duration").word()?);
        let zone = part.get("timeZone").word()?;
        let zone = if zone::at(&zone, 0).is_none() {
            let place = part.get("timeZone");
            warnings.push(format!(
                "{}: no zone is called `{zone}`: it is taken as UTC",
                place.place()
            ));
            String::new()
        } else {
            zone
        };
        Ok(Self {
            kind,
            schedule: Cron::parse(&schedule).map_err(|it| {
                part.get("schedule")
                    .wrong(it, "it is a schedule of cron: `0 22 * * *`")
            })?,
            duration_ms: duration_ms(&duration).filter(|it| *it > 0).ok_or_else(|| {
                part.get("duration").wrong(
                    format!("`{duration}` is no duration"),
                    "it is one as Go writes it: `1h30m`",
                )
            })?,
            text: format!("{schedule} for {duration}"),
            applications: part.get("applications").words()?,
            namespaces: part.get("namespaces").words()?,
            clusters: part.get("clusters").words()?,
            manual: part.get("manualSync").flag(false)?,
            zone,
            all: part.get("andOperator").flag(false)?,
            overrun: part.get("syncOverrun").flag(false)?,
            description: part.get("description").word()?,
        })
    }

    /// Whether it is open, or in force, at this moment.
    pub fn is_active(&self, now_ms: i64) -> bool {
        let wall_ms = now_ms + self.offset_ms(now_ms);
        let next = self.schedule.next(wall_ms - self.duration_ms);
        next.is_some_and(|start_ms| start_ms <= wall_ms)
    }

    /// Whether it is for an Application. One that names nothing is for none.
    pub fn fits(&self, application: &str, destination: &Destination) -> bool {
        let any = |patterns: &[String], text: &str| patterns.iter().any(|it| matches(it, text));
        let cluster = |text: &Option<String>| {
            let filled = text.as_deref().filter(|it| !it.is_empty());
            filled.is_some_and(|it| any(&self.clusters, it))
        };
        let found = [
            (&self.applications, any(&self.applications, application)),
            (
                &self.clusters,
                cluster(&destination.name) || cluster(&destination.server),
            ),
            (&self.namespaces, any(&self.namespaces, &destination.namespace)),
        ];
        let mut named = found.iter().filter(|it| !it.0.is_empty()).map(|it| it.1);
        if self.all {
            let named: Vec<bool> = named.collect();
            return !named.is_empty() && named.into_iter().all(|it| it);
        }
        named.any(|it| it)
    }

    /// When it begins or ends next.
    fn changes_after(&self, now_ms: i64) -> Option<i64> {
        let offset_ms = self.offset_ms(now_ms);
        let wall_ms = now_ms + offset_ms;
        let start_ms = self.schedule.next(wall_ms);
        let end_ms = self.schedule.next(wall_ms - self.duration_ms);
        let end_ms = end_ms.filter(|it| *it <= wall_ms).map(|it| it + self.duration_ms);
        start_ms.into_iter().chain(end_ms).min().map(|it| it - offset_ms)
    }

    fn offset_ms(&self, now_ms: i64) -> i64 {
        let offset = zone::at(&self.zone, now_ms.div_euclid(1_000)).map_or(0, |it| it.0);
        i64::from(offset) * 1_000
    }
}

impl std::fmt::Display for SyncWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (denies, allows) = ("a sync window denies", "a sync window allows only");
        let kind = if self.kind == Kind::Deny { denies } else { allows };
        write!(f, "{kind} `{}`", self.text)?;
        if !self.zone.is_empty() {
            write!(f, " ({})", self.zone)?;
        }
        if !self.description.is_empty() {
            write!(f, ": {}", self.description)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::calendar::days;

    const HOUR_MS: i64 = 3_600_000;

    /// An hour of 2026-07-06, a Monday, in UTC.
    fn hour(hour: i64) -> i64 {
        days(2026, 7, 6) * 24 * HOUR_MS + hour * HOUR_MS
    }

    fn windows(all: &Value) -> SyncWindows {
        let mut warnings = Vec::new();
        let read = SyncWindows::read(&Part::root("project.yaml", all), &mut warnings).unwrap();
        assert_eq!(warnings, Vec::<String>::new());
        read
    }

    fn window(kind: &str, schedule: &str, duration: &str, more: &Value) -> Value {
        let mut window = json!({ "kind": kind, "schedule": schedule, "duration": duration });
        let fields = window.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        window
    }

    #[test]
    fn a_window_is_open_from_its_schedule_on_in_its_zone() {
        let open = |zone: &str, now_ms: i64| {
            let one = window("allow", "0 10 * * 1-5", "2h", &json!({ "timeZone": zone }));
            windows(&json!([one])).0[0].is_active(now_ms)
        };
        for (zone, from) in [
            ("", 10),
            ("UTC", 10),
            ("Europe/Berlin", 8),
            ("America/New_York", 14),
        ] {
            assert!(!open(zone, hour(from) - 1), "{zone}");
            assert!(open(zone, hour(from)) && open(zone, hour(from + 2) - 1), "{zone}");
            assert!(!open(zone, hour(from + 2)), "{zone}");
            assert!(!open(zone, hour(from) - 24 * HOUR_MS), "{zone}: it was a Sunday");
        }
    }

    #[test]
    fn deny_counts_more_than_allow_and_allow_closes_the_rest() {
        let none = json!({});
        let day = window("allow", "0 8 * * *", "10h", &none);
        let lunch = window("deny", "0 12 * * *", "1h", &json!({ "manualSync": true }));
        let may = |all: Value, at: i64, trigger| windows(&all).may_sync(trigger, hour(at), None);
        let both = || json!([day.clone(), lunch.clone()]);
        for (at, automatic, manual) in [
            (7, false, false),
            (9, true, true),
            (12, false, true),
            (13, true, true),
            (18, false, false),
        ] {
            assert_eq!(may(both(), at, Trigger::Automatic), automatic, "{at}");
            assert_eq!(may(both(), at, Trigger::Manual), manual, "{at}");
        }
        assert!(may(json!([lunch.clone()]), 7, Trigger::Automatic));
        assert!(may(json!([]), 7, Trigger::Automatic));
        let opens = |all: Value, at: i64, trigger| windows(&all).opens_at(trigger, hour(at));
        assert_eq!(opens(both(), 7, Trigger::Automatic), Some(hour(8)));
        assert_eq!(opens(both(), 12, Trigger::Automatic), Some(hour(13)));
        assert_eq!(opens(both(), 18, Trigger::Manual), Some(hour(32)));
        let never = window("deny", "* * * * *", "1h", &none);
        assert_eq!(opens(json!([never]), 7, Trigger::Manual), None);
    }

    #[test]
    fn what_began_may_go_on_where_all_windows_in_the_way_say_so() {
        let deny = |overrun: bool| window("deny", "0 12 * * *", "1h", &json!({ "syncOverrun": overrun }));
        let goes_on =
            |all: Value, since: i64| windows(&all).may_sync(Trigger::Automatic, hour(12) + 1, Some(since));
        assert!(goes_on(json!([deny(true)]), hour(11)));
        assert!(!goes_on(json!([deny(true), deny(false)]), hour(11)));
        assert!(!goes_on(json!([deny(true)]), hour(12)));
    }

    #[test]
    fn windows_are_for_those_whom_they_name() {
        let destination = Destination {
            server: None,
            name: Some("eu-1".to_owned()),
            namespace: "shop".to_owned(),
        };
        let fits = |more: Value| {
            let one = window("deny", "* * * * *", "1h", &more);
            !windows(&json!([one])).of("web-shop", &destination).is_empty()
        };
        assert!(fits(json!({ "applications": ["web-*"] })) && fits(json!({ "clusters": ["eu-?"] })));
        assert!(fits(json!({ "applications": ["api"], "namespaces": ["shop"] })));
        assert!(!fits(json!({})) && !fits(json!({ "andOperator": true })));
        assert!(!fits(json!({ "clusters": ["us-*"] })));
        let all = |clusters: &str| {
            fits(
                json!({ "andOperator": true, "applications": ["*"], "clusters": [clusters], "namespaces": ["shop"] }),
            )
        };
        assert!(all("eu-1") && !all("us-1"));
    }

    #[test]
    fn what_is_wrong_with_a_window_is_named() {
        for (one, place) in [
            (window("block", "* * * * *", "1h", &json!({})), "kind"),
            (window("deny", "* * * * 7", "1h", &json!({})), "schedule"),
            (window("deny", "* * * * *", "2a", &json!({})), "duration"),
        ] {
            let all = json!({ "w": [one] });
            let part = Part::root("project.yaml", &all).get("w");
            let wrong = SyncWindows::read(&part, &mut Vec::new()).unwrap_err();
            assert_eq!(wrong.place, format!("project.yaml: w[0].{place}"));
        }
        let mut warnings = Vec::new();
        let all = json!([window(
            "deny",
            "0 1 * * *",
            "1h",
            &json!({ "timeZone": "Mars/Base" })
        )]);
        SyncWindows::read(&Part::root("project.yaml", &all), &mut warnings).unwrap();
        assert!(warnings[0].contains("Mars/Base"), "{warnings:?}");
    }
}
