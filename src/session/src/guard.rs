//! Host-side helpers of one sandbox that cannot outlive its supervisor, not even a killed one.
//!
//! The `arkose` binary runs itself again with a hidden first argument. That short stage asks the
//! kernel to be terminated with its parent, checks that the parent still is there, and becomes the
//! program; it is what `pre_exec` would do, without `unsafe`. The same door leads to the two roles
//! that have no program of their own: the cleaner of [`runtime`](crate::runtime) and the window
//! manager of an isolated display.

use crate::{display, runtime};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getpid, getppid};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

/// The hidden first argument.
const DOOR: &str = "--guard";
/// Became nothing: the same status as for a command that cannot be run.
const CANNOT_RUN: u8 = 126;

/// An argument that stands for the guarded program's own copy of the standard input it was given.
pub const INPUT: &str = "/proc/self/fd/{in}";
/// An argument that stands for the number of the guarded program's copy of its standard output.
pub const OUTPUT: &str = "{out}";

/// A command that runs `program` so that it is terminated when this thread's process ends.
///
/// Arguments, variables and the three standard streams are the caller's to add. An argument equal to
/// [`INPUT`] or [`OUTPUT`] makes the program get that stream as a further descriptor, and `/dev/null`
/// in its place; X servers close the standard ones. The program has a process group of its own,
/// so that a `Ctrl+C` in the terminal is the app's alone.
///
/// The thread that spawns it must live as long as the process: the kernel counts threads as parents.
#[must_use]
pub fn guarded(program: impl AsRef<OsStr>) -> Command {
    let mut command = role("run");
    command.arg(program);
    command
}

/// The same for a program that leaves nothing behind when it is killed: so that is how it ends.
#[must_use]
pub(crate) fn disposable(program: impl AsRef<OsStr>) -> Command {
    let mut command = role("run-disposable");
    command.arg(program);
    command
}

/// A command that runs one of this binary's own hidden roles, guarded in the same way.
pub(crate) fn role(name: &str) -> Command {
    // Not current_exe(): after an upgrade that path is another binary, or none.
    let mut command = Command::new("/proc/self/exe");
    command.arg(DOOR).arg(name).arg(getpid().to_string());
    command.process_group(0);
    command
}

/// Must be the first thing that `main` of the `arkose` binary does:
/// `if let Some(status) = arkose_session::guard::enter() { return status; }`
///
/// Gives `None` when the process was started in the ordinary way.
#[must_use]
pub fn enter() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != DOOR {
        return None;
    }
    Some(take_role(args).unwrap_or(ExitCode::from(CANNOT_RUN)))
}

fn take_role(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let role = args.next()?;
    let parent: i32 = args.next()?.to_str()?.parse().ok()?;
    // A supervisor that waits for signals by descriptor has them blocked, and its children inherit that.
    SigSet::empty().thread_set_mask().ok()?;
    if role == "clean" {
        // The cleaner outlives its parent: that is its work.
        return Some(runtime::clean());
    }
    let signal = if role == "run-disposable" { Signal::SIGKILL } else { Signal::SIGTERM };
    nix::sys::prctl::set_pdeathsig(signal).ok()?;
    if getppid() != Pid::from_raw(parent) {
        return None;
    }
    match role.to_str()? {
        "run" | "run-disposable" => run(args.next()?, args),
        "windows" => Some(display::manage_windows(&args.next()?, &args.next()?)),
        _ => None,
    }
}

/// Becomes the program; comes back only when that fails.
fn run(program: OsString, args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let mut command = Command::new(&program);
    let (mut input, mut output) = (None, None);
    for arg in args {
        if arg == INPUT {
            let fd = input.insert(duplicate(std::io::stdin())?);
            command.arg(format!("/proc/self/fd/{}", fd.as_raw_fd())).stdin(Stdio::null());
        } else if arg == OUTPUT {
            let fd = output.insert(duplicate(std::io::stdout())?);
            command.arg(fd.as_raw_fd().to_string()).stdout(Stdio::null());
        } else {
            command.arg(arg);
        }
    }
    let error = command.exec();
    eprintln!("{}: {error}", program.to_string_lossy());
    None
}

/// A copy that stays open across exec.
fn duplicate(fd: impl std::os::fd::AsFd) -> Option<OwnedFd> {
    nix::unistd::dup(fd).ok()
}
