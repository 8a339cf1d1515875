//! A canary from its first customers to all of them, and back: who is moved over stays there.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::place::{Place, until};

/// Customers who come back. With 40 % on the canary, both sides having some is as good as certain: 0.6^60 is below 1e-13.
const CUSTOMERS: usize = 60;
const REST: Duration = Duration::from_millis(20);

/// Customers with a browser that keeps cookies, each with what was answered, repetitions left out.
struct Browsers {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Vec<String>>>,
}

impl Browsers {
    fn of(port: u16, path: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut customers = vec![(String::new(), Vec::<String>::new()); CUSTOMERS];
            while !stopped.load(Ordering::Relaxed) {
                for (cookie, seen) in &mut customers {
                    let answer = ask(port, path, cookie).unwrap_or_else(|error| error.to_string());
                    if seen.last() != Some(&answer) {
                        seen.push(answer);
                    }
                }
                std::thread::sleep(REST);
            }
            customers.into_iter().map(|(_, seen)| seen).collect()
        });
        Self { stop, thread }
    }

    fn stop(self) -> BTreeSet<Vec<String>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap().into_iter().collect()
    }
}

/// One request with the customer's cookie, and the cookie that comes back.
fn ask(port: u16, path: &str, cookie: &mut String) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{cookie}\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let set = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        let value = value.split(';').next()?;
        name.eq_ignore_ascii_case("set-cookie")
            .then(|| format!("Cookie: {value}\r\n"))
    };
    if let Some(set) = answer.lines().find_map(set) {
        *cookie = set;
    }
    let status = answer.split_whitespace().nth(1).unwrap_or("no HTTP").to_owned();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(format!("{status} {body}"))
}

fn journeys(ways: &[&[&str]]) -> BTreeSet<Vec<String>> {
    let way = |way: &&[&str]| way.iter().map(|&answer| answer.to_owned()).collect();
    ways.iter().map(way).collect()
}

#[test]
fn a_canary_takes_some_customers_for_good_then_all_and_a_bad_one_gives_them_back() {
    let place = Place::new(
        "    strategy: { canary: { steps: [{ weight: 40 }, { pause: 500ms }, approval] } }\n    watch: 500ms\n    analysis: { every: 100ms, requests: 20 }\n",
    );
    let first = place.commit("one", "");
    let controller = place.serve();
    assert_eq!(controller.ended(&first).outcome, "promoted");

    let customers = Browsers::of(place.port, "/buy");
    let second = place.commit("two", "");
    let waiting = until("a person to be asked whether the canary goes on", || {
        let rollout = controller
            .staging()
            .rollout
            .filter(|rollout| rollout.phase == "canary")?;
        rollout.waiting.filter(|waiting| waiting.person)
    });
    assert!(waiting.remedy.contains("windlass promote staging"), "{waiting:?}");
    // Customers of both sides have come back since.
    let seen = customers.stop();
    let (moved, stayed) = (&journeys(&[&["200 one", "200 two"]]), &journeys(&[&["200 one"]]));
    assert!(seen.is_superset(moved) && seen.is_superset(stayed), "{seen:?}");
    assert_eq!(seen.len(), 2, "nobody goes back and forth: {seen:?}");

    let customers = Browsers::of(place.port, "/buy");
    let promoted = place.run(&["promote", "staging", "--as", "Ada"]);
    assert!(promoted.status.success(), "{promoted:?}");
    assert_eq!(controller.ended(&second).outcome, "promoted");
    let third = place.commit("three", "buy");
    let ended = controller.ended(&third);
    assert_eq!(
        (ended.outcome.as_str(), ended.decided_by.as_str()),
        ("rolled-back", "analysis"),
        "{ended:?}"
    );
    let (mut hit, mut spared) = (0, 0);
    for mut way in customers.stop() {
        way.retain(|answer| answer != "200 one");
        match way.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["200 two"] => spared += 1,
            ["200 two", "500 three", "200 two"] | ["200 two", "500 three"] => hit += 1,
            _ => panic!("lost, or back and forth: {way:?}"),
        }
    }
    assert!(hit > 0 && spared > 0, "{hit} {spared}");
    assert_eq!(super::customers::get(place.port, "/buy"), "200 two");
}
