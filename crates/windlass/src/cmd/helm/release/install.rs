//! `windlass helm install`: a chart's first revision.

use windlass_chart::Rendered;
use windlass_chart::release::{Record, Status};
use windlass_kube::Address;

use super::super::flags::{COMMON, Flag, Flags, SOURCE, Takes, VALUES};
use super::super::{Stop, print as write, profile, template};
use super::chart::{self, Source};
use super::deploy::Ways;
use super::manifest::{self, Secrets};
use super::print::{self, Form, Shown};
use super::revisions::Revisions;
use super::{APPLY, CHANGE, DryRun, MANAGER, OUTPUT, Session, hooks, moment, uninstall};
use crate::clock::now_ms;

/// What a release is made from, for `install` and `upgrade`.
pub(super) const MAKE: &[Flag] = &[
    ("create-namespace", None, Takes::Switch),
    ("dependency-update", None, Takes::Switch),
    ("enable-dns", None, Takes::Switch),
    ("hide-notes", None, Takes::Switch),
    ("hide-secret", None, Takes::Switch),
    ("labels", Some('l'), Takes::Many),
    ("post-renderer", None, Takes::Text),
    ("post-renderer-args", None, Takes::Many),
    ("render-subchart-notes", None, Takes::Switch),
    ("seed", None, Takes::Text),
    ("skip-crds", None, Takes::Switch),
    ("skip-schema-validation", None, Takes::Switch),
];

const OWN: &[Flag] = &[
    ("generate-name", Some('g'), Takes::Switch),
    ("name-template", None, Takes::Text),
    ("replace", None, Takes::Switch),
];

pub(super) fn run(words: &[String]) -> Result<(), Stop> {
    let groups = [COMMON, VALUES, SOURCE, CHANGE, APPLY, OUTPUT, MAKE, OWN];
    let flags = Flags::read(words, &groups)?;
    let form = Form::of(&flags)?;
    let (name, chart) = name_and_chart(&flags)?;
    let record = installed(&flags, &name, &chart).map_err(prefixed)?;
    write(shown(&flags, form, &record).as_bytes());
    Ok(())
}

fn prefixed(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(why) => Stop::Failed(format!("INSTALLATION FAILED: {why}")),
        stop @ Stop::Usage(_) => stop,
    }
}

/// The answer of `install` and `upgrade`.
pub(super) fn shown(flags: &Flags, form: Form, record: &Record) -> String {
    let shown = Shown {
        notes: !flags.is_on("hide-notes"),
        all: flags.is_on("debug"),
        chart: false,
    };
    form.text(&print::release(record, true), || {
        print::status(record, shown, None)
    })
}

fn name_and_chart(flags: &Flags) -> Result<(String, String), Stop> {
    match flags.arguments.as_slice() {
        [] => Err(Stop::Usage(
            "\"helm install\" requires at least 1 argument".to_owned(),
        )),
        [chart] if flags.is_on("generate-name") => {
            let base = chart.trim_end_matches('/').rsplit('/').next().unwrap_or(chart);
            let base = base
                .split('.')
                .next()
                .unwrap_or(base)
                .trim_end_matches(|it: char| it.is_ascii_digit() || it == '-' || it == '.');
            let base = if base.is_empty() { "chart" } else { base };
            Ok((format!("{base}-{}", now_ms() / 1_000), chart.clone()))
        }
        [_] if !flags.is_given("name-template") => Err(Stop::Failed(
            "INSTALLATION FAILED: must either provide a name or specify --generate-name".to_owned(),
        )),
        _ => template::name_and_chart(flags),
    }
}

/// Installs; `upgrade --install` does it too.
pub(super) fn installed(flags: &Flags, name: &str, chart: &str) -> Result<Record, Stop> {
    let (dry, profile, ways) = (DryRun::of(flags)?, profile(flags)?, Ways::of(flags)?);
    if flags.is_on("hide-secret") && dry == DryRun::No {
        return Err(Stop::Failed(
            "hiding Kubernetes secrets requires a dry-run mode".to_owned(),
        ));
    }
    let source = chart::given(flags, chart, profile)?;
    if dry == DryRun::Client {
        let namespace = flags.one("namespace").unwrap_or("default");
        let release = chart::release(name, namespace, 1);
        let rendered = source.render(flags, &release, profile, None)?;
        return Ok(dry_run(draft(flags, &source, &rendered, name, namespace)?));
    }
    let session = Session::open(flags)?;
    let all = session.wait(session.revisions(name))?;
    let replaces = flags.is_on("replace") || flags.is_on("install");
    let replaced = free(&all, replaces).map_err(|it| format!("release name check failed: {it}"))?;
    let release = chart::release(name, &session.namespace, 1);
    if !flags.is_on("skip-crds") && dry == DryRun::No {
        session.wait(session.definitions(source.definitions(&release, profile)?, ways))?;
    }
    let rendered = source.render(flags, &release, profile, Some(&session))?;
    let mut record = draft(flags, &source, &rendered, name, &session.namespace)?;
    record.revision = replaced.map_or(1, |it| it.revision + 1);
    if dry == DryRun::Server {
        return session.wait(session.dry_install(record, ways));
    }
    let makes_namespace = flags.is_on("create-namespace");
    let work = Work {
        all: &all,
        ways,
        makes_namespace,
        description: flags.one("description").unwrap_or("Install complete"),
    };
    session.wait(session.install(record, work))
}

/// Whether the name can be had. What is replaced is returned.
fn free(all: &Revisions, replaces: bool) -> Result<Option<&Record>, String> {
    let Some(last) = all.last() else {
        return Ok(None);
    };
    if replaces && matches!(last.status, Status::Uninstalled | Status::Failed) {
        return Ok(Some(last));
    }
    Err(
        "cannot reuse a name that is still in use\nhint: `windlass helm upgrade --install` installs or upgrades, whichever fits"
            .to_owned(),
    )
}

/// A revision that is about to be.
pub(super) fn draft(
    flags: &Flags,
    source: &Source,
    rendered: &Rendered,
    name: &str,
    namespace: &str,
) -> Result<Record, Stop> {
    let secrets = if flags.is_on("hide-secret") {
        Secrets::Hidden
    } else {
        Secrets::Shown
    };
    let manifest = template::post_rendered(flags, manifest::text(rendered, secrets))?;
    let now = moment::rfc3339(now_ms());
    Ok(Record {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        revision: 1,
        status: Status::PendingInstall,
        description: "Initial install underway".to_owned(),
        first_deployed: now.clone(),
        last_deployed: now,
        notes: rendered.notes.clone(),
        config: source.config(),
        manifest,
        hooks: hooks::of(rendered),
        chart: source.chart.to_record(profile(flags)?),
        apply_method: "ssa".to_owned(),
        labels: labels(flags)?,
        ..Record::default()
    })
}

/// The labels that the command line puts on the record.
pub(super) fn labels(flags: &Flags) -> Result<std::collections::BTreeMap<String, String>, Stop> {
    const OWN: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];
    let mut all = std::collections::BTreeMap::new();
    for pair in flags.list("labels") {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Stop::Usage(format!(
                "invalid argument \"{pair}\" for \"--labels\" flag: it must be formatted as key=value"
            )));
        };
        if OWN.contains(&key) {
            return Err(Stop::Failed(format!(
                "user supplied labels contains system reserved label name. System labels: [{}]",
                OWN.join(" ")
            )));
        }
        all.insert(key.to_owned(), value.to_owned());
    }
    Ok(all)
}

fn dry_run(mut record: Record) -> Record {
    "Dry run complete".clone_into(&mut record.description);
    record
}

struct Work<'w> {
    all: &'w Revisions,
    ways: Ways,
    makes_namespace: bool,
    description: &'w str,
}

impl Session {
    /// Makes the chart's definitions of kinds that are not there, before anything is rendered: templates may ask for them.
    async fn definitions(&self, files: Vec<String>, ways: Ways) -> Result<(), String> {
        let mut targets = Vec::new();
        for text in files {
            for object in manifest::objects(&text)? {
                let address = self.cluster.locate(&object, &self.namespace).await;
                let address = address.map_err(|it| it.to_string())?;
                let there = self.cluster.read(&address).await;
                if there.map_err(|it| it.to_string())?.is_none() {
                    targets.push((address, std::sync::Arc::new(object.into_value())));
                }
            }
        }
        if targets.is_empty() {
            return Ok(());
        }
        self.bring(&targets, &[], ways, &mut Vec::new()).await?;
        let addresses: Vec<Address> = targets.into_iter().map(|it| it.0).collect();
        self.until_done(&addresses, ways.waiting.timeout).await?;
        self.cluster.look_again().await.map_err(|it| it.to_string())
    }

    async fn dry_install(&self, record: Record, ways: Ways) -> Result<Record, String> {
        let targets = self.targets(&record).await?;
        let checked = self.check_owners(&targets, &[], &record, ways).await;
        checked.map_err(|it| format!("unable to continue with install: {it}"))?;
        self.validate(&targets, ways).await?;
        Ok(dry_run(record))
    }

    async fn install(&self, mut record: Record, work: Work<'_>) -> Result<Record, String> {
        let ways = work.ways;
        let targets = self.targets(&record).await?;
        let checked = self.check_owners(&targets, &[], &record, ways).await;
        checked.map_err(|it| format!("unable to continue with install: {it}"))?;
        self.validate(&targets, ways).await?;
        if work.makes_namespace {
            let made = self.cluster.create_namespace(MANAGER, &record.namespace).await;
            made.map_err(|it| it.to_string())?;
        }
        if let Some(last) = work.all.last() {
            let mut last = last.clone();
            last.status = Status::Superseded;
            self.update(&last).await?;
        }
        self.begin(&record, work.all, 0).await?;
        let mut made = Vec::new();
        let performed = tokio::select! {
            performed = self.perform_install(&mut record, &targets, ways, &mut made) => performed,
            _ = tokio::signal::ctrl_c() => Err("context canceled".to_owned()),
        };
        if let Err(why) = performed {
            return Err(self.install_failed(record, why, ways).await);
        }
        record.status = Status::Deployed;
        work.description.clone_into(&mut record.description);
        self.update(&record).await?;
        Ok(record)
    }

    async fn perform_install(
        &self,
        record: &mut Record,
        targets: &[super::deploy::Target],
        ways: Ways,
        made: &mut Vec<Address>,
    ) -> Result<(), String> {
        let timeout = ways.waiting.timeout;
        if ways.hooks {
            let ran = self.hooks(record, "pre-install", timeout).await;
            ran.map_err(|it| format!("failed pre-install: {it}"))?;
        }
        self.bring(targets, &[], ways, made).await?;
        let addresses: Vec<Address> = targets.iter().map(|it| it.0.clone()).collect();
        self.until_ready(&addresses, ways.waiting).await?;
        if ways.hooks {
            let ran = self.hooks(record, "post-install", timeout).await;
            ran.map_err(|it| format!("failed post-install: {it}"))?;
        }
        Ok(())
    }

    /// Writes down that it failed, and takes it all away where that is asked for.
    async fn install_failed(&self, mut record: Record, why: String, ways: Ways) -> String {
        record.status = Status::Failed;
        record.description = format!("Release \"{}\" failed: {why}", record.name);
        if let Err(error) = self.update(&record).await {
            super::warn(&error);
        }
        if !ways.undo {
            return why;
        }
        let removal = uninstall::Removal::after_failure(ways);
        match self.uninstall(&record.name, &removal).await {
            Ok(_) => format!(
                "release {} failed, and has been uninstalled due to rollback-on-failure being set: {why}",
                record.name
            ),
            Err(error) => format!(
                "an error occurred while uninstalling the release. original install error: {why}: {error}"
            ),
        }
    }
}
