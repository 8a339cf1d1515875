//! The death of the controller at every place of the outbox, in several scenarios. Each is played once without a fault;
//! then once more for each action and each moment of its life, and must end as it did. It leaves nothing to dice.

use crate::check::Failure;
use crate::world::{Act, Death, Ending, Flaw, Key, Moment, Sabotage, When, World};

/// Where in the life of an action the controller dies.
const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Unwritten, Moment::Written];

/// A story with a controller in it.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// What it is about.
    pub name: &'static str,
    environments: &'static str,
    script: &'static [(When, Act)],
}

/// How much of a scenario was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// Actions that were written to the outbox.
    pub positions: usize,
    /// Deaths: each position at each moment.
    pub deaths: usize,
}

const GOOD: (When, Act) = (When::Rest, Act::Push(Flaw::None));
const TEST: &str = "test";

/// The scenarios.
pub const SCENARIOS: [Scenario; 11] = [
    Scenario {
        name: "a good release after another",
        environments: "{ ENV, deploy: auto, strategy: blue-green, WATCH }",
        script: &[GOOD, GOOD],
    },
    Scenario {
        name: "a bad release is rolled back in the watch",
        environments: "{ ENV, deploy: auto, strategy: blue-green, WATCH }",
        script: &[GOOD, (When::Rest, Act::Push(Flaw::Errors))],
    },
    Scenario {
        name: "a release that is never ready",
        environments: "{ ENV, deploy: auto, strategy: blue-green, WATCH }",
        script: &[GOOD, (When::Rest, Act::Push(Flaw::Unready))],
    },
    Scenario {
        name: "a migration that fails",
        environments: "{ ENV, deploy: auto, strategy: blue-green, WATCH }",
        script: &[GOOD, (When::Rest, Act::Push(Flaw::Migration))],
    },
    Scenario {
        name: "a canary",
        environments: "{ ENV, deploy: auto, strategy: CANARY, WATCH }",
        script: &[GOOD, GOOD],
    },
    Scenario {
        name: "a bad canary",
        environments: "{ ENV, deploy: auto, strategy: CANARY, WATCH }",
        script: &[GOOD, (When::Rest, Act::Push(Flaw::Errors))],
    },
    Scenario {
        name: "recreate, and one that is never ready",
        environments: "{ ENV, deploy: auto, strategy: recreate, WATCH }",
        script: &[GOOD, GOOD, (When::Rest, Act::Push(Flaw::Unready))],
    },
    Scenario {
        name: "rolling, and one that is rolled back in the watch",
        environments: "{ ENV, deploy: auto, strategy: { rolling: {} }, WATCH }",
        script: &[GOOD, GOOD, (When::Rest, Act::Push(Flaw::Errors))],
    },
    Scenario {
        name: "approval in production of what served in staging",
        environments: "{ ENV, deploy: auto, strategy: blue-green, WATCH }
  production: { runtime: local, source: { branch: main }, port: 3200, deploy: { approvals: 1 }, strategy: blue-green, promote-from: test, WATCH }",
        script: &[
            GOOD,
            (When::Rest, Act::Merge),
            (When::Rest, Act::Approve("production")),
            GOOD,
            (When::Rest, Act::Merge),
            (When::Rest, Act::Approve("production")),
        ],
    },
    Scenario {
        name: "rolled back by hand in the watch",
        environments: "{ ENV, deploy: auto, strategy: blue-green, WATCH }",
        script: &[GOOD, GOOD, (When::Phase(TEST, "watch"), Act::RollBack(TEST))],
    },
    Scenario {
        name: "rolled back by hand when the old release is gone",
        environments: "{ ENV, deploy: auto, strategy: blue-green, WATCH }",
        script: &[GOOD, GOOD, (When::Rest, Act::RollBack(TEST))],
    },
];

/// Plays a scenario without a fault and with a death at every place; an error says after which death it ended otherwise.
pub fn cover(scenario: &Scenario) -> Result<Covered, String> {
    cover_in(scenario, None)
}

/// The same in a world that is broken.
pub fn cover_in(scenario: &Scenario, sabotage: Option<Sabotage>) -> Result<Covered, String> {
    let (ending, positions) = play(scenario, None, sabotage).map_err(|failure| failure.to_string())?;
    let mut deaths = 0;
    for key in &positions {
        for moment in MOMENTS {
            let death = Death { key: *key, moment };
            let wrong = |what: String| format!("{}: {death:?}: {what}", scenario.name);
            let (found, _) =
                play(scenario, Some(death), sabotage).map_err(|failure| wrong(failure.to_string()))?;
            if found != ending {
                return Err(wrong(format!("ended as\n{found:#?}\nwithout it as\n{ending:#?}")));
            }
            deaths += 1;
        }
    }
    Ok(Covered {
        positions: positions.len(),
        deaths,
    })
}

fn play(
    scenario: &Scenario,
    death: Option<Death>,
    sabotage: Option<Sabotage>,
) -> Result<(Ending, Vec<Key>), Failure> {
    let mut world = World::calm(&settings(scenario)).sabotaged(sabotage);
    if let Some(death) = death {
        world.doom(death);
    }
    let told = |failure: Failure, world: &World| Failure {
        what: format!("{}\n{}", failure.what, world.tail()),
        ..failure
    };
    let done = world.follow(scenario.script);
    let done = done.map_err(|failure| told(failure, &world))?;
    let (wanted, deaths) = match death {
        None => (done.len() == world.sent(), 0),
        Some(_) => (true, 1),
    };
    if !wanted || world.crashes() != deaths {
        let what = format!(
            "{} of {} actions done, {} deaths",
            done.len(),
            world.sent(),
            world.crashes()
        );
        return Err(Failure {
            checker: "each place of the outbox is tried",
            what,
        });
    }
    Ok((world.ending(), done))
}

fn settings(scenario: &Scenario) -> String {
    let environments = scenario
        .environments
        .replace("ENV", "runtime: local, source: { branch: develop }, port: 3100")
        .replace(
            "CANARY",
            "{ canary: { steps: [{ weight: 10 }, { pause: 1s }, { weight: 50 }] } }",
        )
        .replace("WATCH", "watch: 3s, analysis: { requests: 100 }");
    format!(
        "
platform: shop
services: {{ gateway: {{ build: {{ cargo: gateway }} }} }}
chart: chart
edge: gateway
environments:
  test: {environments}
"
    )
}
