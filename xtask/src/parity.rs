//! `cargo xtask parity --charts DIR`: renders every chart and values file found in DIR with the real helm 3 and helm 4
//! and with ours, and says for each whether the bytes are equal.

mod compare;
mod find;
mod random;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use compare::{Verdict, compare};
use find::{Case, cases};

/// The version of Kubernetes that both sides are told.
const KUBE_VERSION: &str = "1.33.0";

struct Wish {
    charts: PathBuf,
    windlass: PathBuf,
    /// Name of the profile and the program.
    helms: Vec<(&'static str, PathBuf)>,
    only: Option<String>,
    /// Flags of a render that both sides are given besides.
    flags: Vec<String>,
}

const USAGE: &str = "usage: cargo xtask parity --charts DIR [--random COUNT [--first NUMBER]] [--helm3 PROGRAM] [--helm4 PROGRAM] [--windlass PROGRAM] [--only TEXT]
       [-- FLAG...]

--random makes charts at random first, in the folder, which must be there. What follows `--` is given to both sides: --is-upgrade, --set a=b, --api-versions v1, ... Programs are `helm3`, `helm4` and `target/debug/windlass` unless they are named. Install the real ones with
  GOBIN=... go install helm.sh/helm/v3/cmd/helm@v3.21.4
  GOBIN=... go install helm.sh/helm/v4/cmd/helm@v4.2.4";

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to its user"
)]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let wish = match read(arguments) {
        Ok(wish) => wish,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let cases = cases(&wish.charts);
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    let mut bad = 0;
    for case in &cases {
        if wish
            .only
            .as_ref()
            .is_some_and(|it| !case.show(&wish.charts).contains(it.as_str()))
        {
            continue;
        }
        for (profile, helm) in &wish.helms {
            let verdict = one(case, profile, helm, &wish);
            *counts.entry(verdict.word()).or_default() += 1;
            bad += usize::from(!verdict.is_good());
            println!("{profile} {:<14} {}", verdict.word(), case.show(&wish.charts));
            if let Some(difference) = verdict.difference() {
                for line in difference.lines() {
                    println!("    {line}");
                }
            }
        }
    }
    println!();
    for (word, count) in &counts {
        println!("{count:>6} {word}");
    }
    if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn read(arguments: &[String]) -> Result<Wish, String> {
    let (mut charts, mut only) = (None, None);
    let (mut count, mut first) = (0, 0);
    let mut windlass = PathBuf::from("target/debug/windlass");
    let (mut helm3, mut helm4) = (PathBuf::from("helm3"), PathBuf::from("helm4"));
    let (arguments, flags) = match arguments.iter().position(|it| it == "--") {
        Some(at) => (&arguments[..at], arguments[at + 1..].to_vec()),
        None => (arguments, Vec::new()),
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("{word}: a value is missing"))?;
        match word.as_str() {
            "--charts" => charts = Some(PathBuf::from(value)),
            "--helm3" => helm3 = PathBuf::from(value),
            "--helm4" => helm4 = PathBuf::from(value),
            "--windlass" => windlass = PathBuf::from(value),
            "--random" => count = number(word, value)?,
            "--first" => first = number(word, value)?,
            "--only" => only = Some(value.clone()),
            other => return Err(format!("{other}: unknown")),
        }
    }
    let charts = charts.ok_or("--charts is missing")?;
    random::write(&charts, first, count).map_err(|it| format!("{}: {it}", charts.display()))?;
    let installed = |program: &Path| Command::new(program).arg("version").output().is_ok();
    let helms = [("helm3", helm3), ("helm4", helm4)];
    let helms: Vec<_> = helms.into_iter().filter(|it| installed(&it.1)).collect();
    if helms.is_empty() {
        return Err("neither helm3 nor helm4 can be started".to_owned());
    }
    Ok(Wish {
        charts,
        windlass,
        helms,
        only,
        flags,
    })
}

fn number(word: &str, value: &str) -> Result<u64, String> {
    value
        .parse()
        .map_err(|_| format!("{word} {value}: a number is meant"))
}

fn one(case: &Case, profile: &str, helm: &Path, wish: &Wish) -> Verdict {
    let helm = || render(Command::new(helm).arg("template"), case, &wish.flags);
    let ours = render(
        Command::new(&wish.windlass)
            .args(["helm", "template", "--profile", profile, "--links-within"])
            .arg(&wish.charts),
        case,
        &wish.flags,
    );
    match (helm(), ours) {
        (Ok(theirs), Ok(ours)) => compare(&theirs, &ours, || helm().ok()),
        (Err(error), _) | (_, Err(error)) => Verdict::Different(format!("cannot be started: {error}")),
    }
}

fn render(command: &mut Command, case: &Case, flags: &[String]) -> std::io::Result<Output> {
    command.args([
        "release",
        &case.chart.to_string_lossy(),
        "--kube-version",
        KUBE_VERSION,
        "--include-crds",
    ]);
    if let Some(values) = &case.values {
        command.arg("-f").arg(values);
    }
    command.args(flags).output()
}
