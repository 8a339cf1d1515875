//! The configuration: what is read, and how each mistake is shown.

#![expect(clippy::too_many_lines, reason = "tables of cases")]

use super::*;

const GOOD: &str = include_str!("tests/full.yaml");

/// Lines of a small configuration that the cases below change.
const SMALL: &str = "\
platform: shop
services:
  cart:    { build: { cargo: cart } }
  gateway: { build: { cargo: gateway }, needs: [cart] }
chart: charts/shop
edge: gateway
environments:
  staging:    { source: { branch: develop }, port: 3100 }
  production: { source: { branch: main }, port: 3200, deploy: manual, promote-from: staging }
";

fn small() -> Config {
    Config::parse("windlass.yaml", SMALL).unwrap()
}

/// Replaces one piece of the small configuration and expects the whole message.
fn mistake(from: &str, to: &str, expected: &str) {
    assert_eq!(SMALL.matches(from).count(), 1, "{from:?} must be there once");
    let error = Config::parse("windlass.yaml", &SMALL.replace(from, to))
        .unwrap_err()
        .to_string();
    assert_eq!(error.trim(), expected.trim(), "\n{error}\n");
}

/// Replaces one piece of the small configuration and expects place and cause.
fn refused(from: &str, to: &str, expected: &str) {
    assert_eq!(SMALL.matches(from).count(), 1, "{from:?} must be there once");
    let error = Config::parse("windlass.yaml", &SMALL.replace(from, to)).unwrap_err();
    let marked: String = error
        .source_line
        .chars()
        .skip(error.column - 1)
        .take(error.length)
        .collect();
    let found = format!("{} `{marked}` {}", error.line, error.cause);
    assert_eq!(found, expected, "\n{error}\n");
    assert!(!error.hint.is_empty());
}

#[test]
fn defaults_are_filled_in() {
    let config = small();
    let production = config.environment("production").unwrap();
    assert_eq!(production.runtime, Runtime::Local);
    assert_eq!(production.strategy, Strategy::BlueGreen);
    assert_eq!(production.watch_ms, 1_800_000);
    assert_eq!(production.values.files(), ["charts/shop/values.production.yaml"]);
    assert_eq!(
        production.deploy,
        Deploy::Approvals {
            count: 1,
            expires_ms: 86_400_000,
            people: Vec::new()
        }
    );
    assert_eq!(production.gates.severity, Severity::High);
    assert_eq!(
        (production.analysis.alpha, production.analysis.requests_min),
        (0.01, 100)
    );
    assert!(production.has_tracks());
    assert_eq!(config.registry, None);
    assert_eq!(
        config
            .environments
            .iter()
            .map(|e| e.name.as_str())
            .collect::<Vec<_>>(),
        ["staging", "production"]
    );
    assert_eq!(config.followers("develop"), ["staging"]);
    assert!(config.followers("main").is_empty(), "a person deploys production");
    assert_eq!(config.start_order(), ["cart", "gateway"]);
}

#[test]
fn every_key_is_read() {
    let config = Config::parse("windlass.yaml", GOOD).unwrap();
    assert_eq!(config.registry.as_deref(), Some("ghcr.io/company"));
    let shop = &config.services["storefront"];
    assert_eq!(
        shop.build,
        Build::Cargo {
            package: "storefront".into(),
            features: vec!["faults".into()],
            assets: vec!["shop/assets".into()]
        }
    );
    assert_eq!(
        config.services["legacy"].build,
        Build::Dockerfile {
            dockerfile: "legacy/Dockerfile".into(),
            context: "legacy".into()
        }
    );
    assert_eq!(config.services["cache"].build, Build::Image("redis:7".into()));
    assert_eq!(config.ci[1].run, ["cargo", "test"]);
    assert_eq!(
        (config.ci[0].timeout_ms, config.ci[1].timeout_ms),
        (900_000, 1_200_000)
    );
    let development = config.environment("development").unwrap();
    assert_eq!(
        (&development.source, &development.strategy),
        (&Source::Worktree(".".into()), &Strategy::Recreate)
    );
    let staging = config.environment("staging").unwrap();
    assert_eq!(
        staging.strategy,
        Strategy::Rolling {
            max_surge: Amount::Percent(25),
            max_unavailable: Amount::Count(0)
        }
    );
    assert_eq!(staging.verify[0].name, "integration");
    let production = config.environment("production").unwrap();
    assert_eq!(
        production.runtime,
        Runtime::Kubernetes {
            context: Some("eks".into()),
            namespace: "production".into(),
            impersonate: Some(Impersonate {
                user: "system:serviceaccount:production:deployer".into(),
                groups: Vec::new(),
            }),
        }
    );
    assert_eq!(
        production.strategy,
        Strategy::Canary {
            steps: vec![
                CanaryStep::Weight(10),
                CanaryStep::Pause(300_000),
                CanaryStep::Approval,
                CanaryStep::Weight(50)
            ]
        }
    );
    assert_eq!(
        production.deploy,
        Deploy::Approvals {
            count: 2,
            expires_ms: 14_400_000,
            people: vec!["ann".into(), "bo".into(), "cy".into()]
        }
    );
    assert_eq!(production.break_glass, ["dee"]);
    assert_eq!(
        production.values,
        Values::Named(vec!["a.yaml".into(), "b.yaml".into()])
    );
    assert_eq!(
        (
            production.gates.soak_ms,
            production.gates.severity,
            production.gates.signed
        ),
        (3_600_000, Severity::Critical, true)
    );
    let business = &production.analysis.business["conversion"];
    assert_eq!(
        (business.good.as_str(), business.min, business.drop),
        ("shop_orders_paid_total", Some(0.6), 0.1)
    );
    assert_eq!(production.analysis.inconclusive, Inconclusive::Wait);
    assert_eq!(production.freeze.len(), 2);
    let json = serde_json::to_value(&config).unwrap();
    assert_eq!(
        serde_json::from_value::<Config>(json).unwrap(),
        config,
        "the typed form survives JSON"
    );
}

#[test]
fn a_mistake_is_shown_at_its_place() {
    mistake(
        "port: 3100",
        "prot: 3100",
        "
windlass.yaml:8:46: unknown key `prot` in an environment
  |
8 |   staging:    { source: { branch: develop }, prot: 3100 }
  |                                              ^^^^
hint: did you mean `port`?",
    );
    mistake(
        "edge: gateway",
        "edge: gatewya",
        "
windlass.yaml:6:7: the edge names the service `gatewya`, which is not listed
  |
6 | edge: gatewya
  |       ^^^^^^^
hint: did you mean `gateway`?",
    );
    mistake(
        "platform: shop",
        "platform: 5",
        "
windlass.yaml:1:11: expected a name of lower-case letters, digits and `-`, found the number 5
  |
1 | platform: 5
  |           ^
hint: put it in quotes to make it text",
    );
    mistake(
        "deploy: manual",
        "deploy: manuel",
        "
windlass.yaml:9:63: `manuel` is not one of `auto`, `manual`
  |
9 |   production: { source: { branch: main }, port: 3200, deploy: manuel, promote-from: staging }
  |                                                               ^^^^^^
hint: did you mean `manual`?",
    );
}

#[test]
fn wrong_types_are_refused() {
    for (from, to, expected) in [
        (
            "port: 3100",
            "port: '3100'",
            "8 `'3100'` expected a whole number from 1 to 65535, found the text `3100`",
        ),
        (
            "port: 3100",
            "port: 70000",
            "8 `70000` expected a whole number from 1 to 65535, found the number 70000",
        ),
        (
            "port: 3100",
            "port: 3100, watch: 30",
            "8 `30` expected a time such as `90s` or `30m`, found the number 30",
        ),
        (
            "port: 3100",
            "port: 3100, watch: 5x",
            "8 `5x` expected a time such as `90s` or `30m`, found the text `5x`",
        ),
        (
            "needs: [cart]",
            "needs: cart",
            "4 `cart` expected a list, each entry a name of lower-case letters, digits and `-`, found the text `cart`",
        ),
        (
            "chart: charts/shop",
            "chart: ../shop",
            "5 `../shop` expected a path inside the repository, found the text `../shop`",
        ),
        (
            "chart: charts/shop",
            "chart: /etc",
            "5 `/etc` expected a path inside the repository, found the text `/etc`",
        ),
        (
            "edge: gateway",
            "edge:",
            "6 `:` expected a name of lower-case letters, digits and `-`, found nothing",
        ),
        (
            "  cart:  ",
            "  Cart:  ",
            "3 `Cart` `Cart` is not a name of lower-case letters, digits and `-`",
        ),
        (
            "{ cargo: cart }",
            "cart",
            "3 `cart` expected a map that describes a build, found the text `cart`",
        ),
        (
            "deploy: manual",
            "deploy: { approvals: 0 }",
            "9 `0` expected a whole number from 1 to 20, found the number 0",
        ),
        (
            "port: 3100",
            "port: 3100, strategy: canary",
            "8 `canary` `canary` alone does not say enough",
        ),
        (
            "port: 3100",
            "port: 3100, strategy: { recreate: {} }",
            "8 `recreate` `recreate` has nothing more to say",
        ),
        (
            "port: 3100",
            "port: 3100, runtime: { kubernetes: {} }",
            "8 `{` a cluster has no `namespace`",
        ),
        (
            "port: 3100",
            "port: 3100, analysis: { errors: 3 }",
            "8 `3` expected a share such as `1%` or `0.01`, found the number 3",
        ),
    ] {
        refused(from, to, expected);
    }
}

#[test]
fn contradictions_are_refused() {
    for (from, to, expected) in [
        (
            "port: 3200",
            "port: 3100",
            "9 `3100` port 3100 is already the port of `staging`",
        ),
        (
            ", port: 3100",
            "",
            "8 `{` the local environment `staging` has no `port`",
        ),
        (
            "needs: [cart]",
            "needs: [card]",
            "4 `card` `gateway` names the service `card`, which is not listed",
        ),
        (
            "{ build: { cargo: cart } }",
            "{ build: { cargo: cart }, needs: [gateway] }",
            "3 `[` services need each other in a circle: cart -> gateway -> cart",
        ),
        (
            "needs: [cart]",
            "needs: [gateway]",
            "4 `[` services need each other in a circle: gateway -> gateway",
        ),
        (
            "promote-from: staging",
            "promote-from: stagign",
            "9 `stagign` there is no environment `stagign` to promote from",
        ),
        (
            "promote-from: staging",
            "promote-from: production",
            "9 `production` `production` is promoted from itself in a circle",
        ),
        (
            "port: 3100",
            "port: 3100, gates: { soak: 5m }",
            "8 `5m` `soak` needs an environment to soak in",
        ),
        (
            "{ branch: develop }",
            "{}",
            "8 `{` a source has neither `branch` nor `worktree`",
        ),
        (
            "{ branch: develop }",
            "{ branch: develop, worktree: . }",
            "8 `develop` a source has both `worktree` and `branch`",
        ),
        (
            "{ build: { cargo: cart } }",
            "{}",
            "3 `{` a service has neither `build` nor `image`",
        ),
        (
            "{ cargo: cart }",
            "{ cargo: cart, dockerfile: D }",
            "3 `D` a build has both `cargo` and `dockerfile`",
        ),
        (
            "port: 3100",
            "port: 3100, strategy: { rolling: { max-surge: 0 } }",
            "8 `{` `max-surge` and `max-unavailable` are both 0: nothing could ever be replaced",
        ),
        (
            "port: 3100",
            "port: 3100, strategy: { canary: { steps: [{ pause: 5m }] } }",
            "8 `[` a canary without a `weight` moves nobody",
        ),
        (
            "port: 3100",
            "port: 3100, strategy: { canary: { steps: [{ weight: 50 }, { weight: 10 }] } }",
            "8 `[` the weights of a canary go down",
        ),
        (
            "port: 3100",
            "port: 3100, verify: [{ name: a, run: [] }]",
            "8 `[` the step `a` runs nothing",
        ),
        (
            "port: 3100",
            "port: 3100, analysis: { business: { c: { service: cat, good: a, of: b } } }",
            "8 `cat` the metric `c` names the service `cat`, which is not listed",
        ),
        (
            "port: 3100",
            "port: 3100, freeze: [{ reason: x }]",
            "8 `{` a freeze does not say when it is",
        ),
        (
            "port: 3100",
            "port: 3100, freeze: [{ reason: x, days: [fri], from: '25:00' }]",
            "8 `'25:00'` `from` of a freeze is no time that can be read",
        ),
        (
            "port: 3100",
            "port: 3100, freeze: [{ reason: x, start: 2026-02-30T00:00:00Z, end: 2026-03-01T00:00:00Z }]",
            "8 `2026-02-30T00:00:00Z` `start` of a freeze is no time that can be read",
        ),
    ] {
        refused(from, to, expected);
    }
}

#[test]
fn what_is_not_one_document_of_yaml_is_refused() {
    refused(
        "platform: shop",
        "platform: shop\nplatform: other",
        "2 `platform` `platform` is given twice; the first is on line 1",
    );
    refused(
        "edge: gateway",
        "edge: gateway\n---\na: b",
        "7 `---` a second document starts here",
    );
    let error = Config::parse("windlass.yaml", "a: [1\nb: 2\n").unwrap_err();
    assert!(error.cause.starts_with("this is not YAML: "), "{error}");
    let error = Config::parse("windlass.yaml", "").unwrap_err();
    assert_eq!(error.cause, "the platform has no `platform`");
    let bomb = format!("x: &x [{}]\ny: [{}]\n", "a,".repeat(1000), "*x,".repeat(1000));
    let error = Config::parse("windlass.yaml", &bomb).unwrap_err();
    assert_eq!(error.cause, "more than 20000 values");
    let deep = format!("x: {}{}", "[".repeat(60), "]".repeat(60));
    let error = Config::parse("windlass.yaml", &deep).unwrap_err();
    assert_eq!(error.cause, "nested deeper than 24 levels");
    let error = Config::parse("windlass.yaml", &" ".repeat((1 << 20) + 1)).unwrap_err();
    assert!(error.cause.starts_with("the file has 1048577 bytes"), "{error}");
}

#[test]
fn times_are_read() {
    for (text, expected) in [
        ("90s", Some(90_000)),
        ("1h30m", Some(5_400_000)),
        ("500ms", Some(500)),
        ("7d", Some(604_800_000)),
        ("", None),
        ("5", None),
        ("m", None),
        ("5 m", None),
        ("-5m", None),
        ("99999999999999999999s", None),
        ("4000d", None),
    ] {
        assert_eq!(shape::duration_ms(text), expected, "{text}");
    }
    assert_eq!(
        freeze::instant_ms("2026-11-24T16:30:05Z"),
        Some(1_795_537_805_000)
    );
    assert_eq!(
        freeze::instant_ms("2024-02-29T00:00:00+02:00"),
        Some(1_709_157_600_000)
    );
    assert_eq!(freeze::instant_ms("1969-12-31T23:59:59Z"), Some(-1_000));
    for bad in [
        "2026-11-24",
        "2026-11-24T16:30Z",
        "2025-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-24T16:30:05",
        "2026-11-24T16:30:60Z",
    ] {
        assert_eq!(freeze::instant_ms(bad), None, "{bad}");
    }
}

#[test]
fn a_freeze_says_until_when_it_holds() {
    let at = |text| freeze::instant_ms(text).unwrap();
    // Friday 16:00 to Monday 08:00 in Berlin's summer, that is from 14:00 UTC.
    let window = Window::Weekly {
        days: vec![4],
        from_min: 16 * 60,
        length_ms: 64 * 3_600_000,
        offset_min: 120,
    };
    let weekend = Freeze {
        reason: "weekend".into(),
        window,
    };
    let monday = Some(at("2026-07-27T06:00:00Z"));
    for (now, expected) in [
        ("2026-07-24T13:59:59Z", None),
        ("2026-07-24T14:00:00Z", monday),
        ("2026-07-26T12:00:00Z", monday),
        ("2026-07-27T05:59:59Z", monday),
        ("2026-07-27T06:00:00Z", None),
    ] {
        assert_eq!(weekend.until(at(now)), expected, "{now}");
    }
    let once = Freeze {
        reason: "sale".into(),
        window: Window::Once {
            start_ms: 10,
            end_ms: 20,
        },
    };
    assert_eq!(
        [once.until(9), once.until(10), once.until(19), once.until(20)],
        [None, Some(20), Some(20), None]
    );
}

#[test]
fn the_committed_schema_is_the_one_that_the_code_gives() {
    let committed = include_str!("../../../../schemas/windlass.schema.json");
    let fresh = serde_json::to_string_pretty(&json_schema()).unwrap();
    assert_eq!(
        committed.trim_end(),
        fresh,
        "cargo run -p windlass-core --example schema > schemas/windlass.schema.json"
    );
}
