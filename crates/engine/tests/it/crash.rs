//! Controllers that are killed after each event that they write.

use super::customers::Customers;
use super::place::{Place, until};

/// More controllers than a release has events.
const CONTROLLERS_MAX: usize = 60;

#[test]
fn a_release_ends_well_although_its_controllers_are_killed_after_each_event() {
    let place = Place::new("    strategy: blue-green\n    watch: 1s\n");
    let first = place.commit("one", "");
    let controller = place.controller();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    controller.kill();
    let customers = Customers::of(place.port, "/");
    let second = place.commit("two", "");
    for killed in 0.. {
        assert!(killed < CONTROLLERS_MAX, "it never ends");
        let controller = place.controller();
        let before = controller.view().seq;
        let ended = until("one more event", || {
            let staging = controller.staging();
            let ended = staging.history.into_iter().find(|ended| ended.release == second);
            (ended.is_some() || controller.view().seq > before).then_some(ended)
        });
        controller.kill();
        if let Some(ended) = ended {
            assert_eq!(ended.outcome, "promoted", "{ended:?}");
            break;
        }
    }
    let controller = place.controller();
    let live = controller.staging().live.map(|live| live.release);
    assert_eq!(live, Some(second));
    let seen = customers.stop();
    assert!(
        seen.keys()
            .all(|answer| answer == "200 one" || answer == "200 two"),
        "{seen:?}"
    );
    assert!(
        seen.contains_key("200 one") && seen.contains_key("200 two"),
        "{seen:?}"
    );
}
