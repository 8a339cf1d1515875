//! What templates wrote, split into documents, hooks taken out, in the order of installation.

mod head;
mod kind_order;
mod outline;
mod split;

use crate::any::lossy;
use crate::go::quote::quoted;
use crate::limits::Limits;
use crate::profile::Profile;
use crate::render::{Hook, Manifest};
use crate::warnings::{Line, Saying, Warn};
use head::Head;
pub(crate) use head::scalar;

pub use kind_order::{in_order_of_installation, in_order_of_removal};
pub use split::split;

/// Manifests and hooks of all files, which have a path and a text, in Helm's order of installation.
///
/// The error names the file that is no YAML.
pub fn sort(
    files: &[(String, Vec<u8>)],
    profile: Profile,
    limits: &Limits,
) -> Result<(Vec<Manifest>, Vec<Hook>), String> {
    let files = files.iter();
    let files = files.map(|(path, text)| documents(path.clone(), text, profile, limits));
    in_order(files.collect(), Warn::nobody(profile))
}

/// The documents of one file, or why it is no YAML.
pub(crate) struct Documents {
    path: String,
    found: Result<Vec<(Head, String)>, String>,
}

/// Reads what one template wrote.
pub(crate) fn documents(path: String, text: &[u8], profile: Profile, limits: &Limits) -> Documents {
    let name = path.rsplit('/').next().unwrap_or(&path);
    if name.starts_with('_') || crate::go::runes::trim_space(text).is_empty() {
        let found = Ok(Vec::new());
        return Documents { path, found };
    }
    let read = |document: &[u8]| {
        let head = Head::read(document, &path, profile, limits)?;
        Ok((head, lossy(document).into_owned()))
    };
    let found = split(text, profile).into_iter().map(read).collect();
    Documents { path, found }
}

/// The documents of all files in the order of installation, hooks apart.
pub(crate) fn in_order(
    mut files: Vec<Documents>,
    warn: Warn<'_>,
) -> Result<(Vec<Manifest>, Vec<Hook>), String> {
    let mut manifests = Vec::new();
    let mut hooks = Vec::new();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for Documents { path, found } in files {
        for (head, text) in found? {
            match head.annotation("helm.sh/hook") {
                None => {
                    let path = path.clone();
                    manifests.push((head.kind, Manifest { path, text }));
                }
                Some(events) => match hook(&head, events, &path, text) {
                    Some(hook) => hooks.push(hook),
                    None => warn.say(|| unknown_hook(events)),
                },
            }
        }
    }
    manifests.sort_by(|a, b| kind_order::compare(&a.0, &b.0, warn.profile()));
    hooks.sort_by(|a, b| kind_order::compare(&a.kind, &b.kind, warn.profile()));
    Ok((manifests.into_iter().map(|it| it.1).collect(), hooks))
}

fn unknown_hook(events: &str) -> Saying {
    Saying {
        place: "manifest_sorter.go:199",
        helm3: format!("info: skipping unknown hook: {}", quoted(events.as_bytes())),
        helm4: Line::info("skipping unknown hooks", vec![("hookTypes", events.to_owned())]),
    }
}

/// A hook; `None` when one of its events is unknown, which skips the document.
fn hook(head: &Head, events: &str, path: &str, text: String) -> Option<Hook> {
    let events: Option<Vec<String>> = events.split(',').map(event).collect();
    let words = |name: &str| -> Vec<String> {
        let annotation = head.annotation(name);
        annotation
            .iter()
            .flat_map(|it| it.split(','))
            .map(|it| it.trim().to_lowercase())
            .collect()
    };
    Some(Hook {
        name: head.name.clone(),
        kind: head.kind.clone(),
        path: path.to_owned(),
        text,
        events: events?,
        weight: head
            .annotation("helm.sh/hook-weight")
            .and_then(|it| it.parse().ok())
            .unwrap_or(0),
        delete_policies: words("helm.sh/hook-delete-policy"),
    })
}

fn event(word: &str) -> Option<String> {
    const EVENTS: [&str; 9] = [
        "pre-install",
        "post-install",
        "pre-delete",
        "post-delete",
        "pre-upgrade",
        "post-upgrade",
        "pre-rollback",
        "post-rollback",
        "test",
    ];
    let word = word.trim().to_lowercase();
    let word = if word == "test-success" {
        "test".to_owned()
    } else {
        word
    };
    EVENTS.contains(&word.as_str()).then_some(word)
}
