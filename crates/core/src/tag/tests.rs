//! Tags: which a build gets, what they say, which text is one.

use super::*;

const COMMIT: &str = "abc1234def5678900000000000000000000000aa";

fn check(branch: &str, git_tags: &[&str], environments: &[&str], expected: &[&str]) {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (git_tags, environments) = (owned(git_tags), owned(environments));
    let build = Build {
        commit: COMMIT,
        branch,
        git_tags: &git_tags,
        main_branch: "main",
        environments: &environments,
    };
    let found: Vec<String> = tags(&build).iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{branch} {git_tags:?}");
}

#[test]
fn a_build_gets_the_tags_of_the_guide() {
    check("main", &[], &[], &["latest", "sha-abc1234"]);
    check("main", &["v1.2.3"], &[], &["latest", "sha-abc1234", "v1.2.3"]);
    check("develop", &[], &["staging"], &["sha-abc1234", "staging"]);
    check("feature/x", &["nightly"], &[], &["sha-abc1234"]);
    check(
        "develop",
        &["1.2.3-rc.1+build.5"],
        &[],
        &["sha-abc1234", "v1.2.3-rc.1_build.5"],
    );
    check("develop", &["v1.2"], &["not a tag"], &["sha-abc1234"]);
}

#[test]
fn a_tag_says_what_it_means_and_whether_it_moves() {
    let environments = ["staging".to_owned()];
    for (text, expected, moves) in [
        ("latest", Meaning::Latest, true),
        ("v1.2.3", Meaning::Version(semver::Version::new(1, 2, 3)), false),
        ("sha-abc123", Meaning::Commit("abc123".to_owned()), false),
        ("staging", Meaning::Environment("staging".to_owned()), true),
        ("sha-xyz", Meaning::Other, true),
        ("sha-ABC1234", Meaning::Other, true),
        ("3.19", Meaning::Other, true),
    ] {
        let meaning = text.parse::<Tag>().unwrap().meaning(&environments);
        assert_eq!((meaning.clone(), meaning.moves()), (expected, moves), "{text}");
    }
}

#[test]
fn a_build_is_called_by_its_highest_release() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        version_name(COMMIT, &names(&["v1.10.0", "v1.9.0", "v2.0.0-rc.1"])),
        "v1.10.0"
    );
    assert_eq!(
        version_name(COMMIT, &names(&["v2.0.0-rc.2", "v2.0.0-rc.10"])),
        "v2.0.0-rc.10"
    );
    assert_eq!(version_name(COMMIT, &names(&["release"])), "sha-abc1234");
}

#[test]
fn text_that_cannot_be_a_tag_is_refused() {
    for bad in ["", ".x", "-x", "a/b", "a:b", "a b", "é", &"x".repeat(129)] {
        assert!(bad.parse::<Tag>().is_err(), "{bad}");
    }
    assert!("x".repeat(128).parse::<Tag>().is_ok());
}
