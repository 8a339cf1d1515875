//! Small workspaces, built for real.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use windlass_core::config::Config;
use windlass_core::digest::Digest;
use windlass_core::machine::release::Release;
use windlass_oci::Layout;

use super::{BuildError, Builder, Options, worktree_commit};

const PLATFORM: &str = "
platform: pair
services:
  one: { build: { cargo: one, features: [loud], assets: [assets/words] } }
  two: { build: { cargo: two } }
chart: chart
edge: one
environments:
  staging: { runtime: local, source: { branch: develop }, port: 3100 }
";

struct World {
    folder: tempfile::TempDir,
    lines: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self {
            folder,
            lines: Arc::default(),
        };
        let package = |name: &str, more: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"0.3.0\"\nedition = \"2024\"\n{more}")
        };
        this.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\", \"shared\"]\n",
        );
        this.write(
            ".cargo/config.toml",
            "[target.'cfg(target_os = \"linux\")']\nrustflags = [\"-C\", \"target-feature=+crt-static\"]\n",
        );
        this.write(".gitignore", "/target\n");
        this.write(
            "one/Cargo.toml",
            &package(
                "one",
                "[features]\nloud = []\n[dependencies]\nshared = { path = \"../shared\" }\n",
            ),
        );
        this.write(
            "one/src/main.rs",
            "fn main() { println!(\"{} {} {}\", shared::word(), include_str!(\"../../texts/one.txt\"), cfg!(feature = \"loud\")) }\n",
        );
        this.write("texts/one.txt", "first");
        this.write("assets/words/a.txt", "asset");
        this.write("two/Cargo.toml", &package("two", ""));
        this.write("two/src/main.rs", "fn main() { println!(\"two\") }\n");
        this.write("shared/Cargo.toml", &package("shared", ""));
        this.write(
            "shared/src/lib.rs",
            "pub fn word() -> &'static str { \"shared\" }\n",
        );
        this.write("windlass.yaml", PLATFORM);
        assert!(
            Command::new("cargo")
                .args(["generate-lockfile", "--offline"])
                .current_dir(this.root())
                .status()
                .unwrap()
                .success()
        );
        this.git(&["init", "-q", "-b", "develop"]);
        this
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> String {
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
            .current_dir(self.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
            .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "Change something\n\nbody"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn builder(&self) -> Builder {
        let lines = Arc::clone(&self.lines);
        Builder::new(Options {
            cache: self.cache(),
            layout: self.cache().join("images"),
            target: None,
            main_branch: "main".to_owned(),
            on_line: Some(Arc::new(move |line| lines.lock().unwrap().push(line.to_owned()))),
        })
    }

    fn layout(&self) -> Layout {
        Layout::open(&self.cache().join("images")).unwrap()
    }

    async fn build(&self, commit: &str) -> Result<Release, BuildError> {
        self.builder()
            .build(&self.root(), &config(), commit, "develop")
            .await
    }
}

fn config() -> Config {
    Config::parse("windlass.yaml", PLATFORM).unwrap()
}

fn run(layout: &Layout, image: &str, into: &Path) -> String {
    let digest: Digest = image.parse().unwrap();
    let (root, image) = layout.unpack(digest, into).unwrap();
    let program = root.join(image.config.entrypoint[0].trim_start_matches('/'));
    // A process that another test is just starting may still hold the file open for writing.
    for _ in 0..200 {
        match Command::new(&program).output() {
            Ok(output) => return String::from_utf8(output.stdout).unwrap().trim().to_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            Err(e) => panic!("{}: {e}", program.display()),
        }
    }
    panic!("{} stays busy", program.display())
}

fn times(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    ["one/src/main.rs", "two/src/main.rs", "shared/src/lib.rs"]
        .iter()
        .map(|path| folder.join(path))
        .map(|path| (path.clone(), fs::metadata(path).unwrap().modified().unwrap()))
        .collect()
}

#[tokio::test]
async fn only_what_changed_gets_a_new_digest() {
    let world = World::new();
    let first = world.build(&world.commit()).await.unwrap();
    let layout = world.layout();
    let unpacked = world.folder.path().join("unpacked");
    assert_eq!(run(&layout, &first.images["one"], &unpacked), "shared first true");
    assert_eq!(first.version, format!("0.3.0+{}", &first.commit[..7]));
    assert_eq!(first.subject, "Change something");
    let one = layout.inspect(first.images["one"].parse().unwrap()).unwrap();
    assert_eq!(one.image.config.user, "10001:10001");
    // Later commits find the same image: its labels say what is true of all of them, its names which they are.
    let labels = &one.image.config.labels;
    assert_eq!(labels["org.opencontainers.image.version"], "0.3.0");
    assert!(
        !labels.values().any(|label| label.contains(&first.commit)),
        "{labels:?}"
    );
    assert!(one.image.created.is_none());
    assert_eq!(one.names, [format!("one:{}", first.id), "one:staging".to_owned()]);
    assert_eq!(one.referrers.len(), 1, "a bill of materials");
    let root = layout
        .unpack(first.images["one"].parse().unwrap(), &unpacked)
        .unwrap()
        .0;
    assert_eq!(
        fs::read_to_string(root.join("usr/local/bin/words/a.txt")).unwrap(),
        "asset"
    );

    // A document: nothing is compiled.
    let checkout = world.cache().join("checkout/pair");
    let before = times(&checkout);
    world.lines.lock().unwrap().clear();
    world.write("README.md", "words");
    world.write("one/tests/it.rs", "");
    let second = world.build(&world.commit()).await.unwrap();
    assert_eq!(second.images, first.images);
    assert!(world.lines.lock().unwrap().is_empty());

    // The library of one service.
    world.write(
        "shared/src/lib.rs",
        "pub fn word() -> &'static str { \"changed\" }\n",
    );
    let third = world.build(&world.commit()).await.unwrap();
    assert_eq!(
        run(&layout, &third.images["one"], &unpacked),
        "changed first true"
    );
    assert_eq!(third.images["two"], first.images["two"]);
    let after = times(&checkout);
    let touched: Vec<_> = before
        .keys()
        .filter(|path| before[*path] != after[*path])
        .collect();
    assert_eq!(touched, [&checkout.join("shared/src/lib.rs")]);

    // A file outside of every package, known only from what the compiler reads.
    world.write("texts/one.txt", "second");
    let fourth = world.build(&world.commit()).await.unwrap();
    assert_eq!(
        run(&layout, &fourth.images["one"], &unpacked),
        "changed second true"
    );
    assert_eq!(fourth.images["two"], first.images["two"]);

    // Back to what was built before: the same images, without the compiler.
    world.lines.lock().unwrap().clear();
    world.write("texts/one.txt", "first");
    assert_eq!(world.build(&world.commit()).await.unwrap().images, third.images);
    assert!(world.lines.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_does_not_compile_is_shown_in_the_compilers_words() {
    let world = World::new();
    world.write("two/src/main.rs", "fn main() { let x: u32 = \"no\"; }\n");
    let error = world.build(&world.commit()).await.unwrap_err().to_string();
    assert!(error.contains("does not compile"), "{error}");
    assert!(error.contains("error[E0308]: mismatched types"), "{error}");
    assert!(error.contains("two/src/main.rs:1:26"), "{error}");
    let mut unknown = config();
    if let windlass_core::config::Build::Cargo { package, .. } =
        &mut unknown.services.get_mut("two").unwrap().build
    {
        *package = "three".to_owned();
    }
    let error = world
        .builder()
        .build_worktree(&world.root(), &unknown)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("there is no package three"), "{error}");
}

#[tokio::test]
async fn files_that_are_not_committed_are_built_in_place() {
    let world = World::new();
    world.commit();
    let clean = worktree_commit(&world.root()).unwrap();
    world.write("two/src/main.rs", "fn main() { println!(\"edited\") }\n");
    let release = world
        .builder()
        .build_worktree(&world.root(), &config())
        .await
        .unwrap();
    assert_eq!(release.commit, worktree_commit(&world.root()).unwrap());
    assert_ne!(release.commit, clean);
    assert_eq!(release.id.len(), "sha-1234567".len());
    let unpacked = world.folder.path().join("unpacked");
    assert_eq!(run(&world.layout(), &release.images["two"], &unpacked), "edited");
    // Committed, the same files are the same images.
    let committed = world.build(&world.commit()).await.unwrap();
    assert_eq!(committed.images, release.images);
}

#[tokio::test]
async fn two_clones_give_the_same_digests() {
    let (here, there) = (World::new(), World::new());
    let (one, two) = (
        here.build(&here.commit()).await.unwrap(),
        there.build(&there.commit()).await.unwrap(),
    );
    assert_eq!(one.commit, two.commit);
    assert_eq!(one.images, two.images);
}
