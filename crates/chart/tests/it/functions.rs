//! Functions with odd arguments: what both Helms print or say, as they were asked. Where they differ from each other
//! nothing is here.

use windlass_chart::{Options, Profile, Value, expand};

fn check(expression: &str, expected: &str) {
    let text = format!("{{{{ {expression} }}}}");
    for profile in [Profile::Helm3, Profile::Helm4] {
        let mut data = Value::empty_map();
        let out = match expand(&text, &mut data, &Options::of_profile(profile)) {
            Ok(out) => String::from_utf8(out).unwrap(),
            Err(error) => {
                let error = error.to_string();
                let place = error.find(">: ").map_or(0, |at| at + 3);
                error[place..].to_owned()
            }
        };
        assert_eq!(out, expected, "{expression} {profile:?}");
    }
}

#[test]
fn regular_expressions_are_gos() {
    let fails = |function: &str, why: &str| format!("error calling {function}: error parsing regexp: {why}");
    check(
        r#"mustRegexMatch "a(" "a""#,
        &fails("mustRegexMatch", "missing closing ): `a(`"),
    );
    check(
        r#"mustRegexFind "a**" "a""#,
        &fails("mustRegexFind", "invalid nested repetition operator: `**`"),
    );
    check(
        r#"mustRegexSplit "(?=a)" "a" -1"#,
        &fails("mustRegexSplit", "invalid or unsupported Perl syntax: `(?=`"),
    );
    check(r#"regexReplaceAll "(?P<1a>b)" "abc" "<${1a}>""#, "a<b>c");
    check(r#"regexFind "a{,2}" "a{,2}""#, "a{,2}");
    check(r#"regexReplaceAll "a*" "baaac" "X""#, "XbXcX");
}

#[test]
fn dates_have_zones() {
    let of = |zone: &str| {
        format!(r#"dateInZone "2006-01-02 15:04 MST -0700" (toDate "2006-01-02" "2024-07-09") "{zone}""#)
    };
    check(&of("America/New_York"), "2024-07-08 20:00 EDT -0400");
    check(&of("Asia/Kolkata"), "2024-07-09 05:30 IST +0530");
    check(&of("Nope/Zone"), "2024-07-09 00:00 UTC +0000");
    check(
        r#"htmlDateInZone (toDate "2006-01-02" "2024-01-09") "America/New_York""#,
        "2024-01-08",
    );
    check(
        r#"toDate "2006-01-02T15:04:05-07:00" "2024-01-01T00:00:00+02:00""#,
        "2024-01-01 00:00:00 +0200 +0200",
    );
    check(
        r#"(toDate "2006-01-02" "2024-01-31").AddDate 0 1 1"#,
        "2024-03-03 00:00:00 +0000 UTC",
    );
    check(
        r#"mustToDate "2006-01-02" "2024-13-01""#,
        "error calling mustToDate: parsing time \"2024-13-01\": month out of range",
    );
}

#[test]
fn json_that_ends_too_early_is_told_as_go_does() {
    let fails = |why: &str| format!("error calling mustFromJson: {why}");
    check(
        r#"mustFromJson "tru""#,
        &fails("invalid character ' ' in literal true (expecting 'e')"),
    );
    check(
        r#"mustFromJson "1.""#,
        &fails("invalid character ' ' after decimal point in numeric literal"),
    );
    check(r#"mustFromJson "[1""#, &fails("unexpected end of JSON input"));
}

#[test]
fn what_cannot_be_called_or_compared_is_named() {
    check(
        "call (list 1)",
        "error calling call: non-function list 1 of type []interface {}",
    );
    check("call .x", "error calling call: call of nil");
    check(
        "eq (list 1) (list 1)",
        "error calling eq: non-comparable type [%!s(int=1)]: []interface {}",
    );
}

#[test]
fn floats_are_written_in_base_sixteen() {
    check(
        r#"printf "%x %X %x %.2x %x" -2.25 1.5 0.0 3.14159 1e300"#,
        "-0x1.2p+01 0X1.8P+00 0x0p+00 0x1.92p+01 0x1.7e43c8800759cp+996",
    );
    check(
        r#"printf "%8x|%x|%+x" 1.5 0.1 1.0"#,
        "0x1.8p+00|0x1.999999999999ap-04|+0x1p+00",
    );
}

#[test]
fn sprig_calculates_on_decimal_digits() {
    check("addf 1.2e19 1.5", "1.2e+19");
    check("subf 1 0.9", "0.1");
    check("mulf 123456789.123 987654321.321", "1.2193263127374638e+17");
    check("divf 1e20 3", "3.333333333333333e+19");
    check("addf 9007199254740993 0.5", "9.007199254740992e+15");
}

#[test]
fn toml_has_floats_in_gos_shortest_form() {
    check(
        r#"toToml (dict "a" 1e6 "b" 1e-7 "c" 2.0 "d" 1.5)"#,
        "a = 1e+06\nb = 1e-07\nc = 2.0\nd = 1.5\n",
    );
}
