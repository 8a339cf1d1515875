//! The configuration of a simulated world: environments as the guide has them, with another strategy in each.

use crate::seed::Seed;

/// A `windlass.yaml`.
pub(super) fn settings(seed: &mut Seed) -> String {
    let staging = ["blue-green", "recreate", "{ rolling: {} }", CANARY];
    let production = ["blue-green", CANARY];
    let deploy = ["auto", "{ approvals: 1 }", "{ approvals: 2, expires: 1h }"];
    let freeze = [
        "",
        ", freeze: [{ days: [mon], from: \"11:59\", for: 2m, reason: inventory }]",
    ];
    let inconclusive = ["promote", "rollback", "wait"];
    let mut pick = |from: &[&'static str]| from[seed.place(from.len())];
    let (staging, production) = (pick(&staging), pick(&production));
    let (deploy, freeze, inconclusive) = (pick(&deploy), pick(&freeze), pick(&inconclusive));
    format!(
        "
platform: shop
services: {{ gateway: {{ build: {{ cargo: gateway }} }} }}
chart: chart
edge: gateway
environments:
  staging:
    runtime: local
    source: {{ branch: develop }}
    port: 3100
    deploy: auto
    strategy: {staging}
    watch: 3s
    analysis: {{ requests: 100 }}
  production:
    runtime: local
    source: {{ branch: main }}
    port: 3200
    deploy: {deploy}
    strategy: {production}
    watch: 6s
    promote-from: staging
    analysis: {{ requests: 200, inconclusive: {inconclusive} }}{}
",
        freeze.replace(", freeze", "\n    freeze")
    )
}

const CANARY: &str = "{ canary: { steps: [{ weight: 10 }, { pause: 2s }, { weight: 50 }, { pause: 1s }] } }";
