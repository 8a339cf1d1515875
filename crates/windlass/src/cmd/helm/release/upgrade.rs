//! `windlass helm upgrade`: a later revision of a release, or with `--install` its first.

use windlass_chart::release::{Record, Status};
use windlass_kube::Address;

use super::super::flags::{COMMON, Flag, Flags, SOURCE, Takes, VALUES};
use super::super::{Stop, print as write, profile};
use super::deploy::{Target, Ways};
use super::print::Form;
use super::revisions::Revisions;
use super::{APPLY, CHANGE, DryRun, OUTPUT, Session, chart, history_max, install, warn};

const OWN: &[Flag] = &[
    ("install", Some('i'), Takes::Switch),
    ("reset-values", None, Takes::Switch),
    ("reset-then-reuse-values", None, Takes::Switch),
    ("reuse-values", None, Takes::Switch),
];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let groups = [COMMON, VALUES, SOURCE, CHANGE, APPLY, OUTPUT, install::MAKE, OWN];
    let flags = Flags::read(words, &groups)?;
    let form = Form::of(&flags)?;
    let [name, chart] = flags.arguments.as_slice() else {
        return Err(Stop::Usage(
            "\"helm upgrade\" requires 2 arguments: the release and the chart".to_owned(),
        ));
    };
    super::super::template::check_name(name)?;
    let session = Session::open(&flags)?;
    let all = session.wait(session.revisions(name))?;
    let says = |text: String| {
        if form == Form::Table {
            write(text.as_bytes());
        }
    };
    let is_new = all.last().is_none_or(|it| it.status == Status::Uninstalled);
    let record = if flags.is_on("install") && is_new {
        says(format!("Release \"{name}\" does not exist. Installing it now.\n"));
        install::installed(&flags, name, chart)?
    } else {
        let record = upgraded(&flags, &session, &all, name, chart).map_err(prefixed)?;
        says(format!("Release \"{name}\" has been upgraded. Happy Helming!\n"));
        record
    };
    write(install::shown(&flags, form, &record).as_bytes());
    Ok(())
}

fn prefixed(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(why) => Stop::Failed(format!("UPGRADE FAILED: {why}")),
        stop @ Stop::Usage(_) => stop,
    }
}

fn upgraded(
    flags: &Flags,
    session: &Session,
    all: &Revisions,
    name: &str,
    chart: &str,
) -> Result<Record, Stop> {
    let (dry, profile, ways) = (DryRun::of(flags)?, profile(flags)?, Ways::of(flags)?);
    if flags.is_on("hide-secret") && dry == DryRun::No {
        return Err(Stop::Failed(
            "hiding Kubernetes secrets requires a dry-run mode".to_owned(),
        ));
    }
    let keep = history_max(flags)?;
    let base = all.base(name)?;
    let last = all.last().unwrap_or(base);
    let source = chart::on_top_of(flags, chart, profile, base)?;
    let mut release = chart::release(name, &base.namespace, last.revision + 1);
    release.is_upgrade = true;
    let rendered = source.render(flags, &release, profile, Some(session))?;
    let mut record = install::draft(flags, &source, &rendered, name, &base.namespace)?;
    record.revision = last.revision + 1;
    record.status = Status::PendingUpgrade;
    "Preparing upgrade".clone_into(&mut record.description);
    record.first_deployed.clone_from(&base.first_deployed);
    let mut labels = last.labels.clone();
    labels.append(&mut record.labels);
    labels.retain(|_, value| value != "null");
    record.labels = labels;
    let work = Work {
        all,
        base,
        ways,
        keep,
        description: flags.one("description"),
        dry: dry != DryRun::No,
    };
    session.wait(session.upgrade(record, work))
}

struct Work<'w> {
    all: &'w Revisions,
    /// What it starts from.
    base: &'w Record,
    ways: Ways,
    keep: usize,
    description: Option<&'w str>,
    dry: bool,
}

impl Session {
    async fn upgrade(&self, mut record: Record, work: Work<'_>) -> Result<Record, String> {
        let ways = work.ways;
        let before = self.addresses(work.base).await?;
        let targets = self.targets(&record).await?;
        let checked = self.check_owners(&targets, &before, &record, ways).await;
        checked.map_err(|it| format!("unable to continue with update: {it}"))?;
        self.validate(&targets, ways).await?;
        if work.dry {
            work.description
                .unwrap_or("Dry run complete")
                .clone_into(&mut record.description);
            return Ok(record);
        }
        self.begin(&record, work.all, work.keep).await?;
        let mut made = Vec::new();
        let performed = tokio::select! {
            performed = self.perform_upgrade(&mut record, &targets, &before, ways, &mut made) => performed,
            _ = tokio::signal::ctrl_c() => Err("context canceled".to_owned()),
        };
        if let Err(why) = performed {
            return Err(self.upgrade_failed(record, why, ways, &made).await);
        }
        let mut base = work.base.clone();
        base.status = Status::Superseded;
        self.update(&base).await?;
        record.status = Status::Deployed;
        work.description
            .unwrap_or("Upgrade complete")
            .clone_into(&mut record.description);
        self.update(&record).await?;
        Ok(record)
    }

    async fn perform_upgrade(
        &self,
        record: &mut Record,
        targets: &[Target],
        before: &[Address],
        ways: Ways,
        made: &mut Vec<Address>,
    ) -> Result<(), String> {
        let timeout = ways.waiting.timeout;
        if ways.hooks {
            let ran = self.hooks(record, "pre-upgrade", timeout).await;
            ran.map_err(|it| format!("pre-upgrade hooks failed: {it}"))?;
        }
        self.bring(targets, before, ways, made).await?;
        let addresses: Vec<Address> = targets.iter().map(|it| it.0.clone()).collect();
        self.until_ready(&addresses, ways.waiting).await?;
        if ways.hooks {
            let ran = self.hooks(record, "post-upgrade", timeout).await;
            ran.map_err(|it| format!("post-upgrade hooks failed: {it}"))?;
        }
        Ok(())
    }

    /// Writes down that it failed, and goes back where that is asked for.
    async fn upgrade_failed(&self, mut record: Record, why: String, ways: Ways, made: &[Address]) -> String {
        record.status = Status::Failed;
        record.description = format!("Upgrade \"{}\" failed: {why}", record.name);
        if let Err(error) = self.update(&record).await {
            warn(&error);
        }
        self.clean_up(made, ways).await;
        if !ways.undo {
            return why;
        }
        match self.undo(&record.name, ways).await {
            Ok(()) => format!(
                "release {} failed, and has been rolled back due to rollback-on-failure being set: {why}",
                record.name
            ),
            Err(error) => format!(
                "an error occurred while rolling back the release. original upgrade error: {why}: {error}"
            ),
        }
    }

    /// Back to the last revision that was good.
    async fn undo(&self, name: &str, ways: Ways) -> Result<(), String> {
        let all = self.revisions(name).await?;
        let good = all
            .last_good()
            .ok_or("unable to find a previously successful release")?;
        self.rollback(&all, good.revision, ways.back(), 0).await
    }
}
