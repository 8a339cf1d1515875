//! A new program: the controller that starts from it has the running proxy followed by one of the same program.

use windlass_proxy::client::Client;

use super::customers::{Customers, get};
use super::place::{Place, until};

#[test]
fn the_proxy_follows_an_update_of_the_program_without_a_lost_request() {
    let place = Place::new("    watch: 0s\n");
    let first = place.commit("one", "");
    let controller = place.serve();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let before = proxy(&place);
    controller.kill();
    let controller = place.serve();
    assert_eq!(proxy(&place), before, "the same program: the proxy stays");
    controller.kill();

    let customers = Customers::of(place.port, "/");
    let controller = place.serve_updated();
    assert_ne!(proxy(&place), before, "another program: another proxy");
    let second = place.commit("two", "");
    assert_eq!(controller.ended(&second).outcome, "promoted");
    until("customers of the new release", || {
        (get(place.port, "/") == "200 two").then_some(())
    });
    let seen = customers.stop();
    let lost = |answer: &String| !["200 one", "200 two"].contains(&answer.as_str());
    assert!(!seen.keys().any(lost), "{seen:?}");
}

/// The process of the proxy.
fn proxy(place: &Place) -> u32 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = Client::new(place.state().join("proxy/control.sock"));
    runtime.block_on(client.status()).unwrap().pid
}
