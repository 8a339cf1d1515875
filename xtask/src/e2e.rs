//! `cargo xtask e2e-cluster`: the shop on a Kubernetes whose node runs pods, released by Windlass and switched and rolled back
//! while customers buy. Beside it, in the same run, the bare `kubectl patch` of the guide.

mod customers;
mod platform;

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use windlass_cluster::{Client, Cluster};

use crate::cluster::{self, shop};
use customers::{Customers, Summary};
use platform::{NAMESPACE, Platform};

const USAGE: &str = "usage: cargo xtask e2e-cluster [--switches 20] [--rollbacks 5] [--rate 60]

Needs root, containerd and more (testing/cluster/README.md). Ends with 1 where a request was lost, or customers stayed with a
bad version for two seconds or longer.";

/// How long a rollback may leave anybody with the bad version.
const LEAVES_WITHIN_MS: u64 = 2_000;
/// How long a bad version has customers before it is rolled back.
const MEETS: Duration = Duration::from_secs(3);
/// How long the bare patch is watched: clients that keep connections end them only when they like.
const BARE: Duration = Duration::from_secs(10);
/// After the last change, so that whoever is in the shop finishes.
const SETTLE: Duration = Duration::from_secs(2);

struct Wish {
    switches: u32,
    rollbacks: u32,
    rate: u32,
}

/// A version that customers were taken from, and when, in milliseconds since 1970.
struct Left {
    release: String,
    told_ms: u64,
}

/// `cargo xtask e2e-cluster`.
#[expect(clippy::print_stderr, reason = "a command line tool speaks to its user")]
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let Some(wish) = Wish::of(arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match play(&wish) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Wish {
    fn of(arguments: &[String]) -> Option<Self> {
        let mut wish = Self {
            switches: 20,
            rollbacks: 5,
            rate: 60,
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return None };
            let place = match name.as_str() {
                "--switches" => &mut wish.switches,
                "--rollbacks" => &mut wish.rollbacks,
                "--rate" => &mut wish.rate,
                _ => return None,
            };
            *place = value.parse().ok()?;
        }
        Some(wish)
    }
}

fn play(wish: &Wish) -> Result<bool, String> {
    say("building the shop's images and the cluster's program, where they are not yet");
    let built = shop::build()?;
    cluster::build().map_err(|error| error.to_string())?;
    let running = Cluster::start_real().map_err(|error| error.to_string())?;
    say(&format!(
        "Kubernetes healthy after {} ms",
        running.report().ready_ms
    ));
    let images = platform::images(&built);
    running
        .load(&shop::layout(), &images)
        .map_err(|error| error.to_string())?;

    let mut platform = Platform::new(&built, running.kubeconfig())?;
    platform.commit("the first", "1s")?;
    let first = platform.ended()?;
    expect(&first, "promoted")?;
    let edge = edge(running.client())?;
    say(&format!("the shop is open at http://{edge}"));
    let mut customers = Customers::start(&edge, wish.rate, &platform.folder().join("acknowledged"))?;

    customers.mark("switches");
    for number in 1..=wish.switches {
        platform.commit(&format!("switch {number}"), "1s")?;
        let ended = platform.ended()?;
        expect(&ended, "promoted")?;
        say(&format!("switch {number} of {}", wish.switches));
    }
    customers.mark("rollbacks");
    let mut left = Vec::new();
    for number in 1..=wish.rollbacks {
        let bad = platform.watched(&format!("rollback {number}"))?;
        std::thread::sleep(MEETS);
        let told_ms = now_ms();
        platform.rollback()?;
        expect(&platform.ended()?, "rolled-back")?;
        say(&format!("rollback {number} of {}", wish.rollbacks));
        left.push(Left {
            release: bad,
            told_ms,
        });
    }
    customers.mark("bare patch");
    let bare = bare_patch(&mut platform, running.client())?;
    std::thread::sleep(SETTLE);
    let summary = customers.end()?;
    let violations = customers::verify(
        running.client(),
        NAMESPACE,
        &platform.folder().join("acknowledged"),
    )?;
    Ok(tell(wish, &summary, &left, &bare, &violations))
}

/// What the guide does: the selector is patched, by nobody who ends connections. The controller is not there to see it, and
/// puts things right when it comes back.
fn bare_patch(platform: &mut Platform, client: &Client) -> Result<Left, String> {
    let bad = platform.watched("bare patch")?;
    std::thread::sleep(MEETS);
    platform.leave();
    let path = format!("/api/v1/namespaces/{NAMESPACE}/services/{}", platform::EDGE);
    let service = client.get(&path).map_err(|error| error.to_string())?;
    let back = match service["spec"]["selector"]["version"].as_str() {
        Some("blue") => "green",
        _ => "blue",
    };
    let told_ms = now_ms();
    let patch = serde_json::json!({ "spec": { "selector": { "version": back } } });
    client
        .merge(&format!("{path}?fieldManager=kubectl-patch"), &patch)
        .map_err(|error| error.to_string())?;
    std::thread::sleep(BARE);
    platform.come_back()?;
    expect(&platform.ended()?, "rolled-back")?;
    Ok(Left {
        release: bad,
        told_ms,
    })
}

fn edge(client: &Client) -> Result<String, String> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/services/{}", platform::EDGE);
    let service = client.get(&path).map_err(|error| error.to_string())?;
    let address = service["spec"]["clusterIP"].as_str().unwrap_or_default();
    Ok(format!("{address}:{}", service["spec"]["ports"][0]["port"]))
}

/// Prints the figures; false where a bar was missed.
fn tell(wish: &Wish, summary: &Summary, left: &[Left], bare: &Left, violations: &str) -> bool {
    let stay = |one: &Left| {
        let seen = summary.versions.get(&one.release);
        let since = |at: Option<u64>| at.map_or(0, |at| at.saturating_sub(one.told_ms));
        seen.map_or((0, 0), |seen| (since(seen.last_new_ms), since(seen.last_kept_ms)))
    };
    let mut good = true;
    say(&format!(
        "{} switches and {} rollbacks under load: {} requests, {} lost (bar 0)",
        wish.switches, wish.rollbacks, summary.sent, summary.lost
    ));
    good &= summary.lost == 0;
    for loss in &summary.losses {
        say(&format!("  lost: {loss}"));
    }
    for (number, one) in left.iter().enumerate() {
        let (new, kept) = stay(one);
        say(&format!(
            "rollback {}: last answer of the bad version {} ms after the command (new connections {new} ms, kept ones {kept} ms; bar {LEAVES_WITHIN_MS} ms)",
            number + 1,
            new.max(kept),
        ));
        good &= new.max(kept) < LEAVES_WITHIN_MS;
    }
    let (new, kept) = stay(bare);
    say(&format!(
        "kubectl patch alone: new connections {new} ms, kept ones {kept} ms (watched for {} s, then Windlass ended them)",
        BARE.as_secs()
    ));
    say(&format!("shopload verify: {violations}"));
    good
}

fn expect(ended: &(String, String), outcome: &str) -> Result<(), String> {
    if ended.0 == outcome {
        Ok(())
    } else {
        Err(format!(
            "the rollout is {} instead of {outcome}: {}",
            ended.0, ended.1
        ))
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::print_stdout, reason = "its lines are its result")]
fn say(line: &str) {
    println!("{line}");
}
