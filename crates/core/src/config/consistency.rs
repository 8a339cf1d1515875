//! What parts of a configuration must agree on: names that refer to something, ports, cycles.

use std::collections::BTreeMap;

use super::environment::{Environment, Runtime};
use super::error::{Problem, suggest};
use super::node::{Kind, Node};
use super::{Config, Strategy};

/// The first contradiction in the file, if there is one.
pub(super) fn check(config: &Config, node: &Node) -> Result<(), Problem> {
    chart(config, node)?;
    edge(config, node)?;
    needs(config, node)?;
    ports(config, node)?;
    for environment in &config.environments {
        let at = node.deepest(&["environments", &environment.name]);
        promotion(config, environment, at)?;
        strategy(environment, at)?;
        business(config, environment, at)?;
        programs(&environment.verify, at.deepest(&["verify"]))?;
    }
    programs(&config.ci, node.deepest(&["ci"]))
}

fn chart(config: &Config, node: &Node) -> Result<(), Problem> {
    if !config.chart.is_empty() || config.environments.iter().all(|it| it.application.is_some()) {
        return Ok(());
    }
    Err(Problem::new(
        node.span,
        "the platform has no `chart`",
        "add `chart:` a path inside the repository, or give every environment an `application`",
    ))
}

fn edge(config: &Config, node: &Node) -> Result<(), Problem> {
    if config.services.is_empty() {
        return Err(Problem::new(
            node.deepest(&["services"]).span,
            "the platform has no service",
            "add one below `services`",
        ));
    }
    known_service(config, &config.edge, "the edge", node.deepest(&["edge"]))
}

fn known_service(config: &Config, name: &str, what: &str, at: &Node) -> Result<(), Problem> {
    if config.services.contains_key(name) {
        return Ok(());
    }
    let names: Vec<&str> = config.services.keys().map(String::as_str).collect();
    Err(Problem::new(
        at.span,
        format!("{what} names the service `{name}`, which is not listed"),
        suggest(name, names),
    ))
}

fn needs(config: &Config, node: &Node) -> Result<(), Problem> {
    for (name, service) in &config.services {
        let at = node.deepest(&["services", name, "needs"]);
        for (index, needed) in service.needs.iter().enumerate() {
            known_service(config, needed, &format!("`{name}`"), at.item(index))?;
        }
    }
    let Some(cycle) = cycle(config) else { return Ok(()) };
    let first = cycle.first().map_or("", |name| name.as_str());
    let path = cycle.join(" -> ");
    let at = node.deepest(&["services", first, "needs"]);
    Err(Problem::new(
        at.span,
        format!("services need each other in a circle: {path}"),
        "remove one of these from `needs`",
    ))
}

/// A circle of needs, its first service again at the end.
fn cycle(config: &Config) -> Option<Vec<String>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        Open,
        Done,
    }
    fn walk<'a>(
        config: &'a Config,
        name: &'a str,
        marks: &mut BTreeMap<&'a str, Mark>,
        path: &mut Vec<&'a str>,
    ) -> Option<Vec<String>> {
        match marks.get(name) {
            Some(Mark::Done) => return None,
            Some(Mark::Open) => {
                let start = path.iter().position(|on| *on == name).unwrap_or(0);
                let circle = path[start..].iter().chain([&name]);
                return Some(circle.map(|name| (*name).to_owned()).collect());
            }
            None => {}
        }
        marks.insert(name, Mark::Open);
        path.push(name);
        let needs = config
            .services
            .get(name)
            .map(|service| service.needs.as_slice())
            .unwrap_or_default();
        let found = needs.iter().find_map(|needed| walk(config, needed, marks, path));
        path.pop();
        marks.insert(name, Mark::Done);
        found
    }
    let mut marks = BTreeMap::new();
    config
        .services
        .keys()
        .find_map(|name| walk(config, name, &mut marks, &mut Vec::new()))
}

fn ports(config: &Config, node: &Node) -> Result<(), Problem> {
    let mut taken: BTreeMap<u16, &str> = BTreeMap::new();
    for environment in &config.environments {
        let at = node.deepest(&["environments", &environment.name]);
        let Some(port) = environment.port else {
            if environment.runtime == Runtime::Local {
                let cause = format!("the local environment `{}` has no `port`", environment.name);
                return Err(Problem::new(
                    at.span,
                    cause,
                    "add `port: 3000`, the port for its customers on this machine",
                ));
            }
            continue;
        };
        if let Some(other) = taken.insert(port, &environment.name) {
            let cause = format!("port {port} is already the port of `{other}`");
            return Err(Problem::new(
                at.deepest(&["port"]).span,
                cause,
                "give each environment a port of its own",
            ));
        }
    }
    Ok(())
}

fn promotion(config: &Config, environment: &Environment, at: &Node) -> Result<(), Problem> {
    let mut from = environment;
    let mut steps = 0;
    while let Some(name) = &from.promote_from {
        let spot = at.deepest(&["promote-from"]).span;
        let Some(next) = config.environment(name) else {
            let names: Vec<&str> = config
                .environments
                .iter()
                .map(|known| known.name.as_str())
                .collect();
            return Err(Problem::new(
                spot,
                format!("there is no environment `{name}` to promote from"),
                suggest(name, names),
            ));
        };
        steps += 1;
        if steps > config.environments.len() || next.name == environment.name {
            let cause = format!("`{}` is promoted from itself in a circle", environment.name);
            return Err(Problem::new(
                spot,
                cause,
                "the first environment has no `promote-from`",
            ));
        }
        from = next;
    }
    if environment.gates.soak_ms > 0 && environment.promote_from.is_none() {
        let spot = at.deepest(&["gates", "soak"]).span;
        return Err(Problem::new(
            spot,
            "`soak` needs an environment to soak in",
            "add `promote-from: staging`",
        ));
    }
    Ok(())
}

fn strategy(environment: &Environment, at: &Node) -> Result<(), Problem> {
    use super::environment::{Amount, CanaryStep};
    let at = at.deepest(&["strategy"]);
    match &environment.strategy {
        Strategy::Rolling {
            max_surge,
            max_unavailable,
        } => {
            let zero = |amount: &Amount| matches!(amount, Amount::Count(0) | Amount::Percent(0));
            if zero(max_surge) && zero(max_unavailable) {
                let cause = "`max-surge` and `max-unavailable` are both 0: nothing could ever be replaced";
                return Err(Problem::new(at.span, cause, "let one of them be at least 1"));
            }
        }
        Strategy::Canary { steps } => {
            let weights: Vec<u32> = steps
                .iter()
                .filter_map(|step| match step {
                    CanaryStep::Weight(weight) => Some(*weight),
                    CanaryStep::Pause(_) | CanaryStep::Approval => None,
                })
                .collect();
            let steps_at = at.deepest(&["canary", "steps"]);
            if weights.is_empty() {
                return Err(Problem::new(
                    steps_at.span,
                    "a canary without a `weight` moves nobody",
                    "for example `[{ weight: 10 }, { pause: 5m }]`",
                ));
            }
            if weights.windows(2).any(|pair| pair[0] > pair[1]) {
                return Err(Problem::new(
                    steps_at.span,
                    "the weights of a canary go down",
                    "customers are moved to the new release, never back, step by step",
                ));
            }
        }
        Strategy::Recreate | Strategy::BlueGreen => {}
    }
    Ok(())
}

fn business(config: &Config, environment: &Environment, at: &Node) -> Result<(), Problem> {
    for (name, metric) in &environment.analysis.business {
        let at = at.deepest(&["analysis", "business", name, "service"]);
        known_service(config, &metric.service, &format!("the metric `{name}`"), at)?;
    }
    Ok(())
}

fn programs(steps: &[super::Step], at: &Node) -> Result<(), Problem> {
    for (index, step) in steps.iter().enumerate() {
        let at = at.item(index);
        if step.run.is_empty() {
            let cause = format!("the step `{}` runs nothing", step.name);
            return Err(Problem::new(
                at.deepest(&["run"]).span,
                cause,
                "name a program: `run: [cargo, test]`",
            ));
        }
        if steps[..index].iter().any(|earlier| earlier.name == step.name) {
            let cause = format!("two steps are called `{}`", step.name);
            return Err(Problem::new(
                at.deepest(&["name"]).span,
                cause,
                "evidence is found by the name: give each its own",
            ));
        }
    }
    Ok(())
}

impl Node {
    pub(super) fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) | Kind::Map(_) => &[],
        }
    }

    /// An entry of a list, or the list itself.
    fn item(&self, index: usize) -> &Self {
        self.items().get(index).unwrap_or(self)
    }
}
