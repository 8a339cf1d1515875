//! Verdicts on numbers: which are bad beyond doubt, and which only look it.

use std::collections::BTreeMap;

use super::{Sample, Verdict, judge};
use crate::config::{Analysis, Config};

fn settings() -> Analysis {
    let text = super::super::tests::one(
        "analysis: { latency-p99: 1s, requests: 50, business: { paid: { service: gateway, good: paid, of: started, drop: 10% } } }",
    );
    let config = Config::parse("windlass.yaml", &text).unwrap();
    config.environments[0].analysis.clone()
}

/// `over_200` and `over_1000` requests took longer than so many milliseconds; business is good of all.
fn sample(requests: u64, errors: u64, [over_200, over_1000]: [u64; 2], business: (u64, u64)) -> Sample {
    let within = [
        (200, requests - over_200),
        (300, requests - over_200),
        (1_000, requests - over_1000),
        (10_000, requests),
    ];
    Sample {
        requests,
        errors,
        within_ms: within.into(),
        business: BTreeMap::from([("paid".to_owned(), business)]),
    }
}

#[test]
fn bad_is_told_from_unlucky() {
    let old = sample(5_000, 5, [100, 0], (190, 200));
    let few_old = sample(10, 0, [0, 0], (0, 0));
    let cases = [
        ("all is well", sample(1_000, 1, [20, 0], (38, 40)), &old, "good"),
        ("no traffic", sample(10, 0, [0, 0], (0, 0)), &old, "inconclusive"),
        (
            "errors",
            sample(300, 15, [0, 0], (38, 40)),
            &old,
            "requests failed",
        ),
        (
            "few errors of many",
            sample(1_000, 8, [0, 0], (38, 40)),
            &old,
            "good",
        ),
        (
            "over the limit in 4 of 100",
            sample(760, 0, [33, 33], (38, 40)),
            &old,
            "longer than 1000 ms",
        ),
        (
            "over the limit in 1 of 200",
            sample(1_000, 0, [30, 5], (38, 40)),
            &old,
            "good",
        ),
        (
            "slower than before",
            sample(1_000, 0, [300, 0], (38, 40)),
            &old,
            "longer than 300 ms",
        ),
        (
            "nothing is known of before",
            sample(1_000, 0, [300, 0], (38, 40)),
            &few_old,
            "good",
        ),
        (
            "customers cannot pay",
            sample(1_000, 0, [0, 0], (12, 33)),
            &old,
            "paid failed",
        ),
        ("one did not pay", sample(1_000, 0, [0, 0], (2, 3)), &old, "good"),
    ];
    for (what, seen, old, expected) in cases {
        let verdict = judge(&settings(), &Sample::default(), &seen, &seen, old);
        let found = match &verdict {
            Verdict::Good => "good",
            Verdict::Inconclusive { .. } => "inconclusive",
            Verdict::Bad { because } => because,
        };
        assert!(found.contains(expected), "{what}: {verdict:?}");
    }
}
