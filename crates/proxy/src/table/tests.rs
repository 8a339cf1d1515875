//! Which tables are refused, and for which reason.

use super::Table;

fn table(json: &str) -> Table {
    serde_json::from_str(json).expect("a table")
}

#[test]
fn flaws_name_the_place() {
    let cases = [
        (
            r#"{"name":"../x","generation":1}"#,
            "its name \"../x\" is not 1 to",
        ),
        (
            r#"{"name":"a","generation":1,"listeners":[{"name":"web","bind":"127.0.0.1:0","service":"nobody"}]}"#,
            "listener web leads to service nobody, which is not there",
        ),
        (
            r#"{"name":"a","generation":1,"services":[{"name":"s","tracks":[{"name":"blue"},{"name":"blue"}]}]}"#,
            "service s: track blue is there twice",
        ),
        (
            r#"{"name":"a","generation":1,"services":[{"name":"s","tracks":[{"name":"blue","targets":[{"address":"127.0.0.1:0"}]}]}]}"#,
            "service s, track blue: target 127.0.0.1:0 has no port",
        ),
        (
            r#"{"name":"a","generation":1,"services":[{"name":"s","timeouts":{"idle_ms":0}}]}"#,
            "service s: timeouts.idle_ms is 0",
        ),
        (
            r#"{"name":"a","generation":1,"services":[{"name":"s","tracks":[{"name":"blue"}]}],
                "listeners":[{"name":"p","bind":"127.0.0.1:0","service":"s","track":"green"}]}"#,
            "listener p leads to track green, which s does not have",
        ),
    ];
    let blank = r#"{"name":"a","generation":1,"services":[{"name":"two words"}]}"#;
    for (json, expected) in cases
        .into_iter()
        .chain([(blank, "service \"two words\" is not 1 to")])
    {
        let flaw = table(json).check().expect_err(json).to_string();
        assert!(flaw.contains(expected), "{flaw}\nhas not: {expected}");
    }
}

#[test]
fn a_small_table_is_enough() {
    let small = table(
        r#"{"name":"staging","generation":3,
            "listeners":[{"name":"green/gateway:80","bind":"127.0.0.1:3100","service":"gateway:80"}],
            "services":[{"name":"gateway:80","tracks":[{"name":"blue","weight":100,"targets":[{"address":"127.0.0.1:4000"}]}]}]}"#,
    );
    assert_eq!(small.check(), Ok(()));
    let again: Table = serde_json::from_value(serde_json::to_value(&small).expect("json")).expect("table");
    assert_eq!(again, small);
}
