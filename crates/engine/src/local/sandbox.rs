//! The helper that turns itself into an instance: it shuts itself in and then becomes the program. It knows no objects.
//!
//! Isolation is done by a process of its own because a child between fork and exec may not allocate, and because every
//! step here is then an ordinary, safe call.

use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use landlock::{
    ABI, Access as _, AccessFs, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, path_beneath_rules,
};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, chdir, execve, pivot_root, setgid, setgroups, setuid};
use serde::{Deserialize, Serialize};

use super::process::read_json;
use super::shim;

/// Exit status of a program that could not be started, as shells use it.
const CANNOT_START: u8 = 126;
/// Open files of one instance: what services under load need, far below the system's limit.
const FILES_MAX: u64 = 65_536;
/// The newest rules that this asks for; an older kernel gives fewer.
const LANDLOCK: ABI = ABI::V5;

/// How an instance is kept from the rest of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Own mount, process, IPC and host name spaces, read-only root of the image, unprivileged user.
    Namespaces,
    /// This user, but only the files of the image and of its volumes (Landlock).
    Landlock,
    /// Only no new privileges and resource limits.
    None,
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Namespaces => "namespaces: own root (read-only), processes and user; network is shared",
            Self::Landlock => {
                "Landlock: only the image's and the volumes' files; user, processes and network are shared"
            }
            Self::None => "none: this kernel offers neither namespaces to this user nor Landlock",
        })
    }
}

/// One process to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sandbox {
    pub(super) isolation: Isolation,
    /// The unpacked image.
    pub(super) root: PathBuf,
    pub(super) mounts: Vec<Bind>,
    /// The program as a path in the image, and its arguments.
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) cwd: String,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) hostname: String,
    /// Bytes of private memory that it may have.
    pub(super) memory_bytes: Option<u64>,
}

/// A folder of this machine that appears in the instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Bind {
    pub(super) source: PathBuf,
    /// Absolute path in the instance.
    pub(super) target: String,
    pub(super) read_only: bool,
}

/// The helper's entry: `shim FOLDER`, `exec FILE` or `check ISOLATION`. Call it before any thread is started.
pub fn main(arguments: &[OsString]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    match words.as_slice() {
        ["shim", folder] => shim::main(Path::new(folder)),
        ["exec", file] => {
            let error = match read_json::<Sandbox>(Path::new(file)) {
                Some(sandbox) => become_instance(&sandbox),
                None => format!("{file} cannot be read"),
            };
            complain(&error)
        }
        ["check", "namespaces"] => answer(enter_namespaces().is_ok() && own_mounts().is_ok()),
        ["check", "landlock"] => answer(restrict(&[], &[]).is_ok_and(|enforced| enforced)),
        _ => complain("this entry is for windlass itself"),
    }
}

/// Own process, IPC and host name spaces for the children of this process.
pub(super) fn enter_namespaces() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS)
}

fn answer(yes: bool) -> ExitCode {
    if yes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn complain(error: &str) -> ExitCode {
    // Standard error is the instance's log.
    let _ = writeln!(std::io::stderr(), "windlass: {error}");
    ExitCode::from(CANNOT_START)
}

/// Returns only when it fails, with the reason.
fn become_instance(sandbox: &Sandbox) -> String {
    let entered = match sandbox.isolation {
        Isolation::Namespaces => shut_in(sandbox),
        Isolation::Landlock => keep_out(sandbox),
        Isolation::None => chdir(sandbox.root.as_path()).map_err(|e| format!("cannot enter the image: {e}")),
    };
    if let Err(error) = entered {
        return error;
    }
    match start(sandbox) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn start(sandbox: &Sandbox) -> Result<std::convert::Infallible, String> {
    let program = sandbox.argv.first().ok_or("no program is named")?;
    let text = |text: &str| CString::new(text).map_err(|_| format!("{text:?} holds a zero byte"));
    let program = text(program)?;
    let argv = sandbox
        .argv
        .iter()
        .map(|word| text(word))
        .collect::<Result<Vec<_>, _>>()?;
    let env = sandbox
        .env
        .iter()
        .map(|(name, value)| text(&format!("{name}={value}")))
        .collect::<Result<Vec<_>, _>>()?;
    limit(sandbox).map_err(|e| format!("cannot set limits: {e}"))?;
    nix::sys::prctl::set_no_new_privs().map_err(|e| format!("cannot give up privileges: {e}"))?;
    // An instance never outlives its shim, which alone can say how it ended.
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)
        .map_err(|e| format!("cannot be tied to its shim: {e}"))?;
    execve(&program, &argv, &env).map_err(|e| format!("cannot start {}: {e}", program.to_string_lossy()))
}

fn limit(sandbox: &Sandbox) -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let (_, most) = nix::sys::resource::getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, FILES_MAX.min(most), FILES_MAX.min(most))?;
    if let Some(bytes) = sandbox.memory_bytes {
        setrlimit(Resource::RLIMIT_DATA, bytes, bytes)?;
    }
    Ok(())
}

fn own_mounts() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        None::<&str>,
    )
}

/// A root of its own: the image read-only, its volumes, and nothing else of this machine.
fn shut_in(sandbox: &Sandbox) -> Result<(), String> {
    let root = sandbox.root.as_path();
    let failed = |what: &str| {
        let what = what.to_owned();
        move |e: nix::Error| format!("cannot {what}: {e}")
    };
    own_mounts().map_err(failed("have mounts of its own"))?;
    bind(root, root, BindMode::ReadOnly).map_err(failed("enter the image"))?;
    for entry in &sandbox.mounts {
        let target = root.join(entry.target.trim_start_matches('/'));
        let mode = if entry.read_only {
            BindMode::ReadOnly
        } else {
            BindMode::Writable
        };
        bind(&entry.source, &target, mode).map_err(failed(&format!("mount {}", entry.target)))?;
    }
    devices(root).map_err(failed("make /dev"))?;
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(
        Some("proc"),
        &root.join("proc"),
        Some("proc"),
        quiet,
        None::<&str>,
    )
    .map_err(failed("make /proc"))?;
    chdir(root).map_err(failed("enter the image"))?;
    pivot_root(".", ".").map_err(failed("make the image its root"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(failed("leave this machine's files"))?;
    // The name is only for people; a kernel that refuses it changes nothing.
    let _ = nix::unistd::sethostname(&sandbox.hostname);
    setgroups(&[Gid::from_raw(sandbox.group)]).map_err(failed("give up groups"))?;
    setgid(Gid::from_raw(sandbox.group)).map_err(failed("change the group"))?;
    setuid(Uid::from_raw(sandbox.user)).map_err(failed("change the user"))?;
    chdir(sandbox.cwd.as_str()).map_err(failed(&format!("enter {}", sandbox.cwd)))
}

#[derive(Clone, Copy)]
enum BindMode {
    ReadOnly,
    Writable,
}

fn bind(source: &Path, target: &Path, mode: BindMode) -> nix::Result<()> {
    mount(
        Some(source),
        target,
        None::<&str>,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        None::<&str>,
    )?;
    let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    if let BindMode::ReadOnly = mode {
        flags |= MsFlags::MS_RDONLY;
    }
    mount(None::<&str>, target, None::<&str>, flags, None::<&str>)
}

/// The four devices that programs count on, in a file system of their own.
fn devices(root: &Path) -> nix::Result<()> {
    let folder = root.join("dev");
    mount(
        Some("dev"),
        &folder,
        Some("tmpfs"),
        MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        Some("mode=755,size=64k"),
    )?;
    for name in ["null", "zero", "random", "urandom"] {
        let target = folder.join(name);
        File::create(&target).map_err(|e| nix::Error::from_raw(e.raw_os_error().unwrap_or_default()))?;
        mount(
            Some(&Path::new("/dev").join(name)),
            &target,
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )?;
    }
    Ok(())
}

/// Only the image's files, the volumes and what name look-ups read.
fn keep_out(sandbox: &Sandbox) -> Result<(), String> {
    let mut read: Vec<PathBuf> = vec![sandbox.root.clone()];
    read.extend(["/etc", "/proc", "/sys/fs/cgroup", "/usr/share/zoneinfo"].map(PathBuf::from));
    let mut write: Vec<PathBuf> = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"]
        .map(PathBuf::from)
        .into();
    for entry in &sandbox.mounts {
        if entry.read_only {
            read.push(entry.source.clone());
        } else {
            write.push(entry.source.clone());
        }
    }
    chdir(sandbox.root.join(sandbox.cwd.trim_start_matches('/')).as_path())
        .map_err(|e| format!("cannot enter {}: {e}", sandbox.cwd))?;
    restrict(&read, &write)
        .map(|_| ())
        .map_err(|e| format!("Landlock: {e}"))
}

/// Whether anything is enforced now.
fn restrict(read: &[PathBuf], write: &[PathBuf]) -> Result<bool, landlock::RulesetError> {
    let there = |paths: &[PathBuf]| {
        paths
            .iter()
            .filter(|path| fs::metadata(path).is_ok())
            .cloned()
            .collect::<Vec<_>>()
    };
    let status = landlock::Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .create()?
        .add_rules(path_beneath_rules(there(read), AccessFs::from_read(LANDLOCK)))?
        .add_rules(path_beneath_rules(there(write), AccessFs::from_all(LANDLOCK)))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}
