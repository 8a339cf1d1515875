//! Renders of charts: whole processes beside `helm3` and `helm4` where these are installed (in `PATH`, or named by `HELM3`
//! and `HELM4`), renders within one process, and a thousand applications of which one changed. Charts of the caller's, in
//! folders that `CHARTS` names with colons between, are measured too.

mod applications;
mod charts;
pub(crate) mod memory;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use windlass_chart::{Capabilities, Chart, Limits, Profile, ReleaseInfo, Value, load_from_files};

use super::report::{Better, Report};
use charts::{Files, charts};

/// Runs of each program; they take turns, and the median counts.
const ROUNDS: usize = 11;
const KUBE_VERSION: &str = "1.33.0";

pub(crate) fn run(report: &mut Report) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|it| it.to_string())?;
    let windlass = own.with_file_name("windlass");
    let mut programs = vec![("windlass", windlass, vec!["helm", "template"])];
    for (name, variable) in [("helm3", "HELM3"), ("helm4", "HELM4")] {
        let program = std::env::var_os(variable).map_or_else(|| PathBuf::from(name), PathBuf::from);
        if Command::new(&program)
            .arg("version")
            .stdout(Stdio::null())
            .status()
            .is_ok()
        {
            programs.push((name, program, vec!["template"]));
        } else {
            report.say(&format!("{name} is not installed: no figures beside it"));
        }
    }
    let folder = tempfile::tempdir().map_err(|it| it.to_string())?;
    for (name, files) in charts() {
        let place = folder.path().join(name);
        write(&place, &files).map_err(|it| format!("{}: {it}", place.display()))?;
        processes(report, name, &place, &programs)?;
        memory_of(report, name, &place, &programs)?;
        warm(report, name, files)?;
    }
    let mut given: Vec<PathBuf> = Vec::new();
    if let Some(list) = std::env::var_os("CHARTS") {
        given.extend(std::env::split_paths(&list));
    }
    for place in given {
        let name = place
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        processes(report, &name, &place, &programs)?;
        memory_of(report, &name, &place, &programs)?;
        let mut files = Files::new();
        applications::read(&place, "", &mut files).map_err(|it| format!("{}: {it}", place.display()))?;
        warm(report, &name, files)?;
    }
    applications::run(report, &folder.path().join("applications"))
}

fn write(place: &Path, files: &Files) -> std::io::Result<()> {
    for (name, data) in files {
        let file = place.join(name);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(file, data)?;
    }
    Ok(())
}

type Program = (&'static str, PathBuf, Vec<&'static str>);

fn processes(report: &mut Report, case: &str, chart: &Path, programs: &[Program]) -> Result<(), String> {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); programs.len()];
    let mut outputs = Vec::new();
    for round in 0..ROUNDS {
        for (at, program) in programs.iter().enumerate() {
            let name = program.0;
            let mut command = command(program, chart);
            let start = Instant::now();
            let output = command.output().map_err(|it| format!("{name}: {it}"))?;
            times[at].push(start.elapsed().as_secs_f64() * 1_000.0);
            if !output.status.success() {
                return Err(format!(
                    "{name} fails on {case}: {}",
                    String::from_utf8_lossy(&output.stderr)
                ));
            }
            if round == 0 {
                outputs.push((name, output.stdout));
            }
        }
    }
    let ours = &outputs[0].1;
    let helm4 = programs.iter().zip(&outputs).find(|it| it.0.0 == "helm4");
    if let Some((helm4, (_, theirs))) = helm4
        && theirs != ours
    {
        let again = command(helm4, chart).output().map_err(|it| it.to_string())?;
        if again.stdout == *theirs {
            return Err(format!("{case}: our bytes are not helm4's"));
        }
        report.say(&format!("{case} is random: its bytes are not compared"));
    }
    let medians: Vec<f64> = times.into_iter().map(median).collect();
    let metric = ("process_ms", "ms", Better::Lower);
    if programs.len() == 1 {
        report.add(case, metric, medians[0], None);
    }
    for (at, (name, ..)) in programs.iter().enumerate().skip(1) {
        report.add(case, metric, medians[0], Some((name, medians[at])));
    }
    Ok(())
}

fn command((_, program, arguments): &Program, chart: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg("release")
        .arg(chart)
        .args(["--kube-version", KUBE_VERSION]);
    command
}

/// Peak memory of a whole process.
fn memory_of(report: &mut Report, case: &str, chart: &Path, programs: &[Program]) -> Result<(), String> {
    let chart = chart.to_string_lossy();
    let mut peaks = Vec::new();
    for (_, program, arguments) in programs {
        let more = ["release", &*chart, "--kube-version", KUBE_VERSION];
        let all: Vec<&str> = arguments.iter().copied().chain(more).collect();
        peaks.push(memory::peak_mib(program, &all)?);
    }
    let metric = ("peak_mib", "MiB", Better::Lower);
    if programs.len() == 1 {
        report.add(case, metric, peaks[0], None);
    }
    for (at, (name, ..)) in programs.iter().enumerate().skip(1) {
        report.add(case, metric, peaks[0], Some((name, peaks[at])));
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

fn release(name: &str) -> ReleaseInfo {
    ReleaseInfo {
        name: name.to_owned(),
        namespace: "default".to_owned(),
        revision: 1,
        is_upgrade: false,
        service: "Helm".to_owned(),
    }
}

fn load(files: Files) -> Result<Chart, String> {
    load_from_files(files, &Limits::default()).map_err(|it| it.to_string())
}

/// Renders of a loaded chart, again and again for about a second.
fn warm(report: &mut Report, case: &str, files: Files) -> Result<(), String> {
    let chart = load(files)?;
    let (release, capabilities) = (release("release"), Capabilities::default());
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed().as_secs_f64() < 1.0 {
        windlass_chart::render(
            &chart,
            Value::empty_map(),
            &release,
            &capabilities,
            Profile::Helm4,
        )
        .map_err(|it| it.to_string())?;
        count += 1;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    report.add(case, ("warm_renders", "1/s", Better::Higher), rate, None);
    Ok(())
}
