//! `cargo xtask tables --helm DIR --sprig DIR --yaml DIR --argo DIR`: the table tests of Helm, sprig, the YAML library and Argo
//! CD, run against ours from checkouts of them. Test files are read as Go and walked; the code that they test is ours.

#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::single_match_else,
    clippy::format_push_string,
    reason = "Go has dozens of kinds of words and expressions, and each place cares for a few; speed is no matter"
)]

mod lex;
mod parse;
mod run;
mod suite;
mod syntax;
mod value;
mod yaml;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use run::{Outcome, Runner};
use suite::Suite;

const USAGE: &str = "usage: cargo xtask tables [--helm CHECKOUT] [--sprig CHECKOUT] [--yaml CHECKOUT] [--argo CHECKOUT] [--all]

Checkouts are those of helm v4.2.4, sprig v3.3.0, go-yaml v2.4.2 and argo-cd. --all lists what is left out, too.";

/// Cases that fit, of a hundred.
const SHARE_MIN: f64 = 98.0;
/// The same of Argo CD's, which does some things otherwise on purpose.
const SHARE_ARGO_MIN: f64 = 95.0;

/// What became of one package's tests.
struct Tally {
    name: String,
    cases: usize,
    bad: Vec<String>,
    /// Tests that are not run, and why.
    left_out: Vec<String>,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let tallies = match tallies(arguments) {
        Ok(tallies) => tallies,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let (mut cases, mut bad) = (0, 0);
    for tally in &tallies {
        cases += tally.cases;
        bad += tally.bad.len();
        println!(
            "{:<22} {:>5} of {:>5}",
            tally.name,
            tally.cases - tally.bad.len(),
            tally.cases
        );
        for line in &tally.bad {
            println!("    {line}");
        }
        if arguments.iter().any(|it| it == "--all") {
            for line in &tally.left_out {
                println!("    left out: {line}");
            }
        }
    }
    let share = share(cases, bad);
    let left_out: usize = tallies.iter().map(|it| it.left_out.len()).sum();
    println!(
        "{:<22} {:>5} of {cases:>5}: {share:.2} %; {left_out} left out",
        "all",
        cases - bad
    );
    let only_argo = arguments
        .iter()
        .filter(|it| it.starts_with("--"))
        .all(|it| it == "--argo" || it == "--all");
    let share_min = if only_argo { SHARE_ARGO_MIN } else { SHARE_MIN };
    if share >= share_min {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand cases")]
fn share(cases: usize, bad: usize) -> f64 {
    if cases == 0 {
        return 0.0;
    }
    (cases - bad) as f64 * 100.0 / cases as f64
}

fn tallies(arguments: &[String]) -> Result<Vec<Tally>, String> {
    let mut found = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--all" {
            continue;
        }
        let folder = words
            .next()
            .ok_or_else(|| format!("{word}: a folder is missing"))?;
        let folder = Path::new(folder);
        match word.as_str() {
            "--helm" => found.extend(suites(suite::HELM, folder)?),
            "--sprig" => found.extend(suites(suite::SPRIG, folder)?),
            "--argo" => found.extend(suites(suite::ARGO, folder)?),
            "--yaml" => found.push(yaml::tally(folder)?),
            other => return Err(format!("{other}: unknown")),
        }
    }
    if found.is_empty() {
        return Err("no checkout is named".to_owned());
    }
    Ok(found)
}

fn suites(all: &[&Suite], checkout: &Path) -> Result<Vec<Tally>, String> {
    all.iter()
        .map(|it| suite(it, &checkout.join(it.folder)))
        .collect()
}

fn suite(suite: &Suite, folder: &Path) -> Result<Tally, String> {
    let mut files = Vec::new();
    if !suite.prelude.is_empty() {
        files.push(parse::parse(suite.prelude)?);
    }
    for name in suite.files {
        files.push(read(&folder.join(name))?);
    }
    let mut runner = Runner::new(suite, PathBuf::from(folder), &files);
    let mut left_out = Vec::new();
    for (name, _) in files.iter().flat_map(|it| &it.functions) {
        if !name.starts_with("Test") || !name.contains(suite.only) {
            continue;
        }
        match suite.left_out.iter().find(|it| it.0 == name) {
            Some((name, why)) => left_out.push(format!("{name}: {why}")),
            None => runner.run(name),
        }
    }
    let problem = |it: &Outcome| {
        let problem = it.problem.as_ref()?;
        let why = suite.explained.iter().find(|why| why.0 == it.test);
        let why = why.map_or(String::new(), |it| format!("\n        explained: {}", it.1));
        Some(format!(
            "{} (line {}): {}{why}",
            it.test,
            it.line,
            problem.replace('\n', "\n        ")
        ))
    };
    Ok(Tally {
        name: suite.name.to_owned(),
        cases: runner.outcomes.len(),
        bad: runner.outcomes.iter().filter_map(problem).collect(),
        left_out,
    })
}

fn read(path: &Path) -> Result<syntax::File, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|it| format!("{shown}: {it}"))?;
    parse::parse(&text).map_err(|it| format!("{shown}: {it}"))
}
