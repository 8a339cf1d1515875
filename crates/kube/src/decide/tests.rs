//! Cases of what is sent, left alone, and left to others.

use serde_json::json;
use windlass_core::object::Object;

use super::*;
use crate::intent::Scaled;
use crate::known::Texts;
use crate::owner::Owner;
use crate::resource::Resource;

const OWNER: &str = "shop/prod";

fn intent(replicas: u64) -> Intent {
    let object = Object::new(
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "cart" },
        "spec": { "replicas": replicas, "paused": true } }),
    )
    .unwrap();
    let resource = Resource {
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        kind: "Deployment".to_owned(),
        plural: "deployments".to_owned(),
        namespaced: true,
        watched: true,
    };
    let owner = Owner {
        platform: "shop".to_owned(),
        environment: "prod".to_owned(),
    };
    Intent::of(&object, &resource, "prod", &owner, &Scaled::default()).unwrap()
}

fn marks() -> Value {
    json!({ "f:labels": { "f:windlass.dev/managed": {} },
        "f:annotations": { "f:windlass.dev/owner": {}, "f:windlass.dev/applied": {} } })
}

/// The object of an intent as the cluster has it, with our fields and those of others.
fn known(intent: &Intent, ours: &Value, others: &[(&str, Value)]) -> Known {
    let mut value = intent.body.clone();
    let mut managers = vec![json!({ "manager": "windlass", "operation": "Apply",
        "fieldsV1": { "f:metadata": marks(), "f:spec": ours } })];
    for (name, fields) in others {
        managers.push(json!({ "manager": name, "operation": "Update", "fieldsV1": { "f:spec": fields } }));
    }
    value["metadata"]["managedFields"] = Value::Array(managers);
    Known::of(&Object::new(value).unwrap(), None, &mut Texts::default())
}

fn all() -> Value {
    json!({ "f:replicas": {}, "f:paused": {} })
}

#[test]
fn what_is_not_there_is_sent_and_what_is_as_wanted_is_left() {
    let wanted = intent(2);
    let (decision, _) = decide(&wanted, None, None, OWNER);
    assert_eq!(
        decision,
        Decision::Send {
            body: wanted.body.clone(),
            take_over: false
        }
    );
    let there = known(&wanted, &all(), &[]);
    assert_eq!(
        decide(&wanted, Some(&there), None, OWNER),
        (Decision::Leave, Vec::new())
    );
}

#[test]
fn another_wish_is_sent() {
    let there = known(&intent(2), &all(), &[]);
    let wanted = intent(3);
    let (decision, _) = decide(&wanted, Some(&there), None, OWNER);
    assert_eq!(
        decision,
        Decision::Send {
            body: wanted.body,
            take_over: false
        }
    );
}

#[test]
fn an_object_that_we_never_applied_is_taken_over() {
    let wanted = intent(2);
    let mut there = known(&wanted, &all(), &[("helm", all())]);
    there.ours = None;
    let (decision, overrides) = decide(&wanted, Some(&there), None, OWNER);
    assert!(matches!(decision, Decision::Send { take_over: true, .. }));
    assert_eq!(overrides, []);
}

#[test]
fn an_object_of_another_environment_is_not_touched() {
    let there = known(&intent(2), &all(), &[]);
    let (decision, _) = decide(&intent(3), Some(&there), None, "shop/staging");
    assert_eq!(
        decision,
        Decision::NotOurs {
            owner: OWNER.to_owned()
        }
    );
}

#[test]
fn a_persons_field_is_left_and_named_without_a_request() {
    let wanted = intent(2);
    let there = known(
        &wanted,
        &json!({ "f:paused": {} }),
        &[("kubectl-edit", json!({ "f:replicas": {} }))],
    );
    let (decision, overrides) = decide(&wanted, Some(&there), None, OWNER);
    assert_eq!(decision, Decision::Leave);
    assert_eq!(overrides.len(), 1);
    assert_eq!(
        (overrides[0].by.as_str(), overrides[0].kind),
        ("kubectl-edit", Kind::Person)
    );
    assert_eq!(
        overrides[0].to_string(),
        "Deployment/cart: kubectl-edit decided about .spec.replicas"
    );
}

#[test]
fn the_next_wish_goes_around_a_persons_field() {
    let there = known(
        &intent(2),
        &json!({ "f:paused": {} }),
        &[("kubectl-scale", json!({ "f:replicas": {} }))],
    );
    let (decision, overrides) = decide(&intent(3), Some(&there), None, OWNER);
    let Decision::Send {
        body,
        take_over: false,
    } = decision
    else {
        panic!("{decision:?}")
    };
    assert_eq!(body["spec"], json!({ "paused": true }));
    assert_eq!(overrides.len(), 1);
}

#[test]
fn a_field_that_nobody_has_is_healed() {
    let wanted = intent(2);
    let there = known(&wanted, &json!({ "f:paused": {} }), &[]);
    let (decision, overrides) = decide(&wanted, Some(&there), None, OWNER);
    assert_eq!(
        decision,
        Decision::Send {
            body: wanted.body,
            take_over: false
        }
    );
    assert_eq!(overrides, []);
}

#[test]
fn what_the_server_keeps_differently_is_sent_once_only() {
    let wanted = intent(2);
    let there = known(&wanted, &json!({ "f:paused": {} }), &[]);
    let settled = Settled {
        digest: wanted.digest.clone(),
        ours: there.ours.clone(),
    };
    assert_eq!(
        decide(&wanted, Some(&there), Some(&settled), OWNER).0,
        Decision::Leave
    );
    let moved = known(&wanted, &json!({ "f:replicas": {} }), &[]);
    assert_ne!(
        decide(&wanted, Some(&moved), Some(&settled), OWNER).0,
        Decision::Leave
    );
}

#[test]
fn a_conflict_yields_to_the_managers_it_names() {
    let wanted = intent(3);
    let there = known(
        &wanted,
        &all(),
        &[("kubectl-patch", json!({ "f:replicas": {} })), ("other", all())],
    );
    let name = named("conflict with \"kubectl-patch\" using apps/v1")
        .unwrap()
        .to_owned();
    let (body, overrides) = yield_to(&wanted, &there, &[name]);
    assert_eq!(body["spec"], json!({ "paused": true }));
    assert_eq!(overrides.len(), 1);
}
