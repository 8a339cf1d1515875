//! Simulated branches, and what is wrong with each commit.

use std::collections::BTreeMap;

use crate::seed::Seed;

/// What is wrong with the release of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// It does not compile.
    Build,
    /// Its objects break a rule.
    Finding,
    /// Its migration fails.
    Migration,
    /// Its instances never become ready.
    Unready,
    /// Half of its answers are errors.
    Errors,
}

/// Branches as the commits that they contain, oldest first.
#[derive(Debug, Default)]
pub(super) struct Git {
    branches: BTreeMap<String, Vec<String>>,
    flaws: BTreeMap<String, Flaw>,
}

impl Git {
    /// Commits something to `develop`.
    pub(super) fn commit(&mut self, seed: &mut Seed) -> String {
        let flaw = match seed.below(12) {
            0 => Flaw::Build,
            1 => Flaw::Finding,
            2 => Flaw::Migration,
            3 => Flaw::Unready,
            4 | 5 => Flaw::Errors,
            _ => Flaw::None,
        };
        self.commit_with(flaw)
    }

    /// Commits something to `develop` that has this flaw.
    pub(super) fn commit_with(&mut self, flaw: Flaw) -> String {
        let commit = format!("{:07x}", 0xc0_0000 + self.flaws.len());
        self.flaws.insert(commit.clone(), flaw);
        let develop = self.branches.entry("develop".to_owned()).or_default();
        develop.push(commit.clone());
        commit
    }

    /// Brings `main` to some commit of `develop`; what it contained it still contains.
    pub(super) fn merge(&mut self, seed: &mut Seed) -> Option<String> {
        let develop = self.branches.get("develop")?.clone();
        let main = self.branches.entry("main".to_owned()).or_default();
        let place = main.len() + seed.place(develop.len().saturating_sub(main.len()));
        let commit = develop.get(place)?.clone();
        *main = develop[..=place].to_vec();
        Some(commit)
    }

    /// Brings `main` to where `develop` is.
    pub(super) fn merge_all(&mut self) -> Option<String> {
        let develop = self.branches.get("develop")?.clone();
        self.branches.insert("main".to_owned(), develop.clone());
        develop.last().cloned()
    }

    /// Takes the newest commit off a branch, as a forced push does.
    pub(super) fn reset(&mut self, branch: &str) -> Option<String> {
        let commits = self.branches.get_mut(branch)?;
        if commits.len() > 1 {
            commits.pop();
        }
        commits.last().cloned()
    }

    pub(super) fn contained(&self, branch: &str) -> Vec<String> {
        self.branches.get(branch).cloned().unwrap_or_default()
    }

    /// What is wrong with a commit, or with the release of it.
    pub(crate) fn flaw(&self, commit: &str) -> Flaw {
        let commit = commit.trim_start_matches("sha-");
        self.flaws.get(commit).copied().unwrap_or(Flaw::None)
    }
}
