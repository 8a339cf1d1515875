//! Digests: known sums, canonical form, and the text they are read from.

use super::*;
use serde_json::json;

#[test]
fn bytes_have_the_published_sum() {
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Digest::of_bytes(b"").to_string(), empty);
    assert_eq!(empty.parse::<Digest>().unwrap(), Digest::of_bytes(b""));
    assert_eq!(Digest::of_bytes(b"").short(), "e3b0c44298fc");
}

#[test]
fn the_order_of_keys_does_not_matter_and_everything_else_does() {
    let one: Value = serde_json::from_str(r#"{"b":[1,{"y":2,"x":"é\n"}],"a":null}"#).unwrap();
    let other: Value = serde_json::from_str(r#"{"a":null,"b":[1,{"x":"é\n","y":2}]}"#).unwrap();
    assert_eq!(canonical(&one), r#"{"a":null,"b":[1,{"x":"é\n","y":2}]}"#);
    assert_eq!(Digest::of_json(&one), Digest::of_json(&other));
    assert_eq!(
        Digest::of_json(&one),
        Digest::of_bytes(canonical(&one).as_bytes())
    );
    for different in [
        json!({"a": null, "b": [{"x": "é\n", "y": 2}, 1]}),
        json!({"a": null, "b": [1, {"x": "é\n", "y": "2"}]}),
        json!({"b": [1, {"x": "é\n", "y": 2}]}),
        json!({"a": null, "b": [1.0, {"x": "é\n", "y": 2}]}),
    ] {
        assert_ne!(Digest::of_json(&one), Digest::of_json(&different), "{different}");
    }
}

#[test]
fn a_list_is_summed_as_the_array_of_its_values() {
    let values = [json!({"a": 1}), json!("b")];
    assert_eq!(
        Digest::of_json_list(&values),
        Digest::of_json(&json!([{"a": 1}, "b"]))
    );
    assert_ne!(Digest::of_json_list(&values), Digest::of_json_list(&values[..1]));
}

#[test]
fn only_the_one_spelling_is_read() {
    let good = Digest::of_bytes(b"x").to_string();
    for bad in [
        "",
        "sha256:",
        &good[7..],
        &good[..70],
        &good.to_uppercase(),
        &format!("{good}0"),
        "sha512:00",
        &good.replace(':', "-"),
    ] {
        assert!(bad.parse::<Digest>().is_err(), "{bad}");
    }
    let json = serde_json::to_string(&Digest::of_bytes(b"x")).unwrap();
    assert_eq!(
        serde_json::from_str::<Digest>(&json).unwrap(),
        Digest::of_bytes(b"x")
    );
}
