//! Repositories that are elsewhere: over ssh and over HTTP, seen after a push, still served when they cannot be reached.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use windlass_server::Token;

use super::customers::get;
use super::place::{Controller, Place, git, until};

const QUICK: &str = "    watch: 0s\n";
/// From look to look at a repository that is elsewhere.
const NEXT_LOOK: Duration = Duration::from_secs(15);

/// The repository that people push to.
fn origin(place: &Place) -> PathBuf {
    let origin = place.root().with_file_name("origin.git");
    fs::create_dir_all(&origin).unwrap();
    git(&origin, &["init", "-q", "--bare"]);
    origin
}

/// Lets the environment follow an address, commits, and pushes.
fn push(place: &Place, address: &str, greeting: &str, fault: &str) -> String {
    let text = place.read("windlass.yaml");
    if !text.contains("repository:") {
        let to = format!("{{ branch: develop, repository: \"{address}\" }}");
        place.write("windlass.yaml", &text.replace("{ branch: develop }", &to));
    }
    let release = place.commit(greeting, fault);
    let origin = place.root().with_file_name("origin.git");
    git(
        &place.root(),
        &["push", "-q", &origin.display().to_string(), "develop"],
    );
    // As `git update-server-info` after each push, for plain HTTP.
    git(&origin, &["update-server-info"]);
    release
}

fn warned(controller: &Controller, words: &[&str]) {
    until(&format!("a warning with {words:?}"), || {
        let warnings = controller.view().warnings;
        let fits = |warning: &String| words.iter().all(|word| warning.contains(word));
        warnings.iter().any(fits).then_some(())
    });
}

#[test]
fn a_repository_behind_ssh_is_followed_and_a_bad_release_is_proposed_for_revert_there() {
    let place = Place::new("    watch: 2s\n    analysis: { requests: 10 }\n");
    let origin = origin(&place);
    // Stands for ssh: what comes last is the command for the other side.
    let ssh = place.root().with_file_name("ssh");
    fs::write(&ssh, "#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n").unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    let address = format!("ssh://git@shop.example{}", origin.display());
    let first = push(&place, &address, "one", "");
    let ssh = ssh.display().to_string();
    let controller = place.serve_with(&[("GIT_SSH_COMMAND", &ssh)]);
    until("somebody to be served", || {
        (get(place.port, "/") == "200 one").then_some(())
    });
    let customers = super::customers::Customers::of(place.port, "/buy");
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let second = push(&place, &address, "two", "buy");
    // A webhook would say so; here somebody at the page does.
    controller.poke();
    assert_eq!(controller.ended(&second).outcome, "rolled-back");
    let branch = format!("windlass/revert-{}", second.trim_start_matches("sha-"));
    until("the proposal in the repository that is elsewhere", || {
        git(&origin, &["branch", "--list", &branch])
            .contains(&branch)
            .then_some(())
    });
    customers.stop();
}

#[test]
fn a_repository_behind_http_is_followed_and_may_go_away() {
    let place = Place::new(QUICK);
    let origin = origin(&place);
    let port = serve_files(&origin);
    let address = format!("http://ada:secret@127.0.0.1:{port}/origin.git");
    let first = push(&place, &address, "one", "");
    let controller = place.serve();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let away = origin.with_extension("away");
    fs::rename(&origin, &away).unwrap();
    controller.poke();
    warned(
        &controller,
        &["cannot fetch http://ada:***@127.0.0.1", "hint: `git ls-remote"],
    );
    assert_eq!(get(place.port, "/"), "200 one");
    fs::rename(&away, &origin).unwrap();
    let second = push(&place, &address, "two", "");
    controller.poke();
    assert_eq!(controller.ended(&second).outcome, "promoted");
}

#[test]
fn a_signed_webhook_has_a_push_released_at_once_and_any_other_one_does_nothing() {
    let place = Place::new(QUICK);
    let origin = origin(&place);
    let address = format!("file://{}", origin.display());
    let first = push(&place, &address, "one", "");
    let controller = place.serve();
    assert_eq!(controller.ended(&first).outcome, "promoted");
    let second = push(&place, &address, "two", "");
    // A signature is HMAC-SHA256 of the body under the secret of webhooks, which is the same of `webhook` under the token:
    // so this body's can be had without a computation of our own.
    let secret = Token::new(controller.token().webhook_secret());
    let (body, signature) = ("webhook", secret.webhook_secret());
    assert_eq!(controller.hook("another", &signature), "401");
    assert_eq!(controller.hook(body, &controller.token().webhook_secret()), "401");
    let began = Instant::now();
    assert_eq!(controller.hook(body, &signature), "202");
    let ended = controller.ended(&second);
    assert_eq!(ended.outcome, "promoted", "{ended:?}");
    assert!(began.elapsed() < NEXT_LOOK, "it did not wait for the next look");
    assert_eq!(get(place.port, "/"), "200 two");
}

/// A web server for the files of a repository; what it is asked for with a query is not there, so that git reads plain files.
fn serve_files(repository: &Path) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let root = repository.parent().unwrap().to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            // The rest of the head is read, so that closing does not reset the connection.
            while lines
                .next()
                .and_then(Result::ok)
                .is_some_and(|line| !line.is_empty())
            {}
            let path = first.split_whitespace().nth(1).unwrap_or("/");
            let path = path.split('?').next().unwrap_or("/");
            let (status, body) = match fs::read(root.join(path.trim_start_matches('/'))) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body));
        }
    });
    port
}
