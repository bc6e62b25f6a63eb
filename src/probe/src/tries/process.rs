//! This process: who it is, what it was given, and whom it sees.

use super::Tried;
use crate::trial::Found;
use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::signal::kill;
use nix::unistd::{Pid, Uid};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::Builder;

pub(super) fn variables() -> Tried {
    Ok(Found::names(std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned())))
}

pub(super) fn variable(name: &str) -> Tried {
    let value = std::env::var_os(name).ok_or_else(|| Found::refused("not set"))?;
    Ok(Found::text(value.to_string_lossy()))
}

pub(super) fn ids() -> Tried {
    Ok(Found::text(format!("{} {}", nix::unistd::geteuid(), nix::unistd::getegid())))
}

pub(super) fn become_user(uid: u32) -> Tried {
    let before = nix::unistd::geteuid();
    nix::unistd::seteuid(Uid::from_raw(uid))?;
    nix::unistd::seteuid(before)?;
    Ok(Found::text(""))
}

pub(super) fn status(field: &str) -> Tried {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    Ok(Found::text(value.ok_or(Errno::ENODATA)?.trim()))
}

pub(super) fn namespace(kind: &str) -> Tried {
    let link = std::fs::read_link(Path::new("/proc/self/ns").join(kind))?;
    Ok(Found::text(link.to_string_lossy()))
}

pub(super) fn signal(pid: i32) -> Tried {
    kill(Pid::from_raw(pid), None)?;
    Ok(Found::text(""))
}

pub(super) fn processes() -> Tried {
    let mut names = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let is_process = entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok());
        if is_process && let Ok(name) = std::fs::read_to_string(entry.path().join("comm")) {
            names.push(name.trim().to_owned());
        }
    }
    Ok(Found::names(names))
}

pub(super) fn descriptors() -> Tried {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        // The directory that is being read is not from outside.
        let target = std::fs::read_link(entry.path()).unwrap_or_default();
        if !target.starts_with("/proc") {
            numbers.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(Found::names(numbers))
}

pub(super) fn limit(name: &str) -> Tried {
    let resource = match name {
        "processes" => Resource::RLIMIT_NPROC,
        "memory" => Resource::RLIMIT_AS,
        _ => return Err(Errno::EINVAL.into()),
    };
    let (soft, hard) = getrlimit(resource)?;
    let word = |value: u64| if value == RLIM_INFINITY { "-".to_owned() } else { value.to_string() };
    Ok(Found::text(format!("{} {}", word(soft), word(hard))))
}

pub(super) fn crowd(enough: u32) -> Tried {
    /// They only wait.
    const STACK: usize = 16 << 10;
    let (end, waiting) = (Mutex::new(()), AtomicU32::new(1));
    // Held until all are there; the scope ends when the last of them has.
    std::thread::scope(|scope| {
        let held = end.lock();
        while waiting.load(Ordering::Relaxed) < enough {
            let started = Builder::new().stack_size(STACK).spawn_scoped(scope, || drop(end.lock()));
            if started.is_err() {
                break;
            }
            waiting.fetch_add(1, Ordering::Relaxed);
        }
        drop(held);
    });
    Ok(Found::text(waiting.into_inner().to_string()))
}

pub(super) fn hostname() -> Tried {
    Ok(Found::text(nix::unistd::gethostname()?.to_string_lossy()))
}
