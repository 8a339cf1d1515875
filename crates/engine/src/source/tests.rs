//! Repositories made by the git program, read by ours.

use std::path::Path;
use std::process::Command;

use super::{Mode, Relation, Repository, SourceError};

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.com",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn commit(folder: &Path, file: &str, text: &str) -> String {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, text).expect("written");
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", &format!("Change {file}\n\nbody")]);
    git(folder, &["rev-parse", "HEAD"])
}

fn repository() -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().expect("a folder");
    git(folder.path(), &["init", "-q", "-b", "main"]);
    let opened = Repository::open(folder.path()).expect("opens");
    (folder, opened)
}

#[test]
fn a_branch_is_followed_and_its_history_is_known() {
    let (folder, repository) = repository();
    let first = commit(folder.path(), "a.txt", "one");
    let second = commit(folder.path(), "b/c.txt", "two");
    git(folder.path(), &["tag", "v1.2.0"]);
    let head = repository.head_of("main").expect("a head");
    assert_eq!(
        (head.id.as_str(), head.subject.as_str(), head.author.as_str()),
        (second.as_str(), "Change b/c.txt", "Ada")
    );
    assert_eq!(head.tags, ["v1.2.0"]);
    assert_eq!(
        repository.relation(&first, &second).expect("related"),
        Relation::Ancestor
    );
    assert_eq!(
        repository.relation(&second, &second).expect("related"),
        Relation::Same
    );
    assert!(repository.contains(&second, &first).expect("related"));
    git(folder.path(), &["reset", "-q", "--hard", &first]);
    let other = commit(folder.path(), "d.txt", "three");
    assert_eq!(
        repository.relation(&second, &other).expect("related"),
        Relation::Rewritten
    );
}

#[test]
fn files_are_read_and_digests_tell_what_changed() {
    let (folder, repository) = repository();
    let first = commit(folder.path(), "shop/main.rs", "fn main() {}");
    let second = commit(folder.path(), "docs/read.me", "words");
    let (one, two) = (
        repository.tree(&first).expect("tree"),
        repository.tree(&second).expect("tree"),
    );
    assert_eq!(two.read("docs/read.me").expect("read"), Some(b"words".to_vec()));
    assert_eq!(one.read("docs/read.me").expect("read"), None);
    assert_eq!(two.entries()["shop/main.rs"].mode, Mode::File);
    assert_eq!(
        two.below("shop").expect("below").keys().collect::<Vec<_>>(),
        ["main.rs"]
    );
    let shop = |path: &str| path.starts_with("shop/");
    assert_eq!(
        one.digest(shop),
        two.digest(shop),
        "the documents do not matter to the shop"
    );
    assert_ne!(one.digest(|_| true), two.digest(|_| true));
}

#[test]
fn what_is_missing_is_named() {
    let nowhere = tempfile::tempdir().expect("a folder");
    assert!(matches!(
        Repository::open(&nowhere.path().join("x")),
        Err(SourceError::NoRepository { .. })
    ));
    let (folder, repository) = repository();
    assert!(matches!(
        repository.head_of("main"),
        Err(SourceError::Empty { .. })
    ));
    commit(folder.path(), "a", "1");
    let message = repository
        .head_of("develop")
        .expect_err("no such branch")
        .to_string();
    assert!(
        message.contains("\"develop\"") && message.contains("there are: main"),
        "{message}"
    );
}
