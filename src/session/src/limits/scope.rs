//! A control group of systemd's: a transient scope of the user manager, delegated to this process.
//!
//! The scope holds two groups, one with this process and one for the sandbox: a group whose
//! controllers are given on may have no process itself. systemd removes all of it when the last
//! process is gone, however that comes.

use super::manager::{Manager, Value};
use crate::host::Host;
use arkose_engine::limits::Group;
use arkose_profile::Limits;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::io::{Error, Result};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

/// There when systemd is what started the machine (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
/// Where systemd mounts the unified hierarchy.
const ROOT: &str = "/sys/fs/cgroup";

pub(super) fn is_booted() -> bool {
    Path::new(BOOTED).exists()
}

/// Moves this process into a scope of its own and makes a group with these limits beside it.
///
/// # Errors
/// When there is no systemd, no user manager, it does not give the controllers, or `stop` is readable.
pub(super) fn make(limits: Limits, host: &Host, id: &str, stop: BorrowedFd<'_>) -> Result<Group> {
    if !is_booted() {
        return Err(Error::other("systemd does not run"));
    }
    let unit = format!("app-arkose-{id}.scope");
    start(&unit, limits, host, stop)?;
    let scope = own_group(&unit)?;
    let supervisor = below(&scope, "supervisor")?;
    write(&supervisor, "cgroup.procs", &std::process::id().to_string())?;
    let mut controllers = Vec::new();
    if limits.memory > 0 {
        controllers.push("+memory");
    }
    if limits.processes > 0 {
        controllers.push("+pids");
    }
    write(&scope, "cgroup.subtree_control", &controllers.join(" "))?;
    // The weight is the scope's: in it there is nobody to share with.
    let inside = Limits { cpu_weight: Limits::EVEN, ..limits };
    Ok(Group::unified(below(&scope, "sandbox")?, inside)?)
}

fn start(unit: &str, limits: Limits, host: &Host, stop: BorrowedFd<'_>) -> Result<()> {
    let mut properties = vec![
        ("Description", Value::Text("App confined by Arkose".to_owned())),
        ("Slice", Value::Text("app.slice".to_owned())),
        ("CollectMode", Value::Text("inactive-or-failed".to_owned())),
        ("Delegate", Value::Bool(true)),
        ("PIDs", Value::Numbers(vec![std::process::id()])),
    ];
    if limits.cpu_weight != Limits::EVEN {
        properties.push(("CPUWeight", Value::Long(u64::from(limits.cpu_weight))));
    }
    Manager::connect(&host.runtime(), host.uid(), stop)?.start_transient_unit(unit, &properties)
}

/// The group that this process is in now, which must be the unit's.
fn own_group(unit: &str) -> Result<OwnedFd> {
    let text = std::fs::read_to_string("/proc/self/cgroup")?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"));
    let path = path.filter(|path| Path::new(path).ends_with(unit));
    let path = path.ok_or_else(|| Error::other("systemd made no scope"))?;
    Ok(open(CWD, Path::new(ROOT).join(path))?)
}

fn below(directory: &OwnedFd, name: &str) -> Result<OwnedFd> {
    rustix::fs::mkdirat(directory, name, Mode::RWXU)?;
    Ok(open(directory, name)?)
}

fn open(
    at: impl std::os::fd::AsFd,
    path: impl rustix::path::Arg,
) -> std::result::Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

fn write(directory: &OwnedFd, name: &str, text: &str) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    Ok(rustix::io::write(&file, text.as_bytes()).map(drop)?)
}
