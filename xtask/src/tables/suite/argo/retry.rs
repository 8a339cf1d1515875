//! When a failed sync is tried again.

use serde_json::{Value, json};
use windlass_core::argo::Retry;

use super::super::{Suite, argument, unknown};
use super::time;
use crate::tables::run::{Run, Runner};
use crate::tables::value::Val;

/// The only test functions of the file that this reads.
const TESTS: &str = "RetryStrategy";

pub(in crate::tables::suite) const RETRY: Suite = Suite {
    name: "retry",
    folder: "pkg/apis/application/v1alpha1",
    files: &["types_test.go"],
    prelude: "package v1alpha1
const DefaultSyncRetryMaxDuration = 180000000000
",
    functions: &["time.Now", "time.Date", "time.FixedZone"],
    helpers: &time::FUNCTIONS,
    methods: &[("RetryStrategy", "NextRetryAt")],
    call,
    method,
    only: TESTS,
    explained: &[],
    left_out: &[],
};

fn call(_: &mut Runner<'_>, name: &str, arguments: &[Val]) -> Run<Val> {
    time::function(name, arguments).map_or_else(|| unknown(name), Ok)
}

fn method(_: &mut Runner<'_>, of: &Val, name: &str, arguments: &[Val]) -> Run<Val> {
    if let Some(value) = time::method(of, name, arguments).filter(|_| !of.field("ns").is_nil()) {
        return Ok(value);
    }
    if name != "NextRetryAt" {
        return unknown(&format!("{}.{name}", of.show()));
    }
    let backoff = of.field("Backoff");
    let text = |key: &str| match backoff.field(key) {
        Val::Nil => Value::Null,
        value => value.as_text().into(),
    };
    let factor = match backoff.field("Factor") {
        Val::Nil => Value::Null,
        value => value.as_int().into(),
    };
    let retry = json!({ "backoff": {
        "duration": text("Duration"), "maxDuration": text("MaxDuration"), "factor": factor } });
    let tries = u32::try_from(argument(arguments, 1).as_int()).unwrap_or(0);
    let result = Retry::parse("retry", &retry).map(|retry| {
        let wait_ns = i64::try_from(retry.wait_ms(tries)).unwrap_or(0) * 1_000_000;
        time::made(argument(arguments, 0).field("ns").as_int() + wait_ns, 0)
    });
    Ok(Val::or_error(result.map_err(|it| it.to_string())))
}
