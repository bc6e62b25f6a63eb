//! Who asks, who the app becomes, and how privilege ends.

use crate::error::{Context as _, Error, Result};
use crate::sys::{self, Child, Forked};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Gid, Pid, Signal, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::os::fd::{BorrowedFd, OwnedFd};

/// The user who asked, by what the kernel says.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user's id.
    pub uid: Uid,
    /// The primary group.
    pub gid: Gid,
    /// The supplementary groups.
    pub groups: Vec<Gid>,
}

impl Caller {
    /// Who made the socket pair of which this is one end, as the kernel recorded it then.
    ///
    /// # Errors
    /// When it is no such socket.
    pub fn of_socket(socket: BorrowedFd<'_>) -> std::result::Result<Self, Errno> {
        let peer = rustix::net::sockopt::socket_peercred(socket)?;
        Ok(Self { uid: peer.uid, gid: peer.gid, groups: sys::peer_groups(socket)? })
    }
}

/// What root inside a sandbox can do there, as container runtimes have it; it holds for files and
/// processes of the sandbox alone.
const ROOT_INSIDE: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::SETFCAP);

/// Writes the maps of the user namespace that this process is in: one user, one group.
pub(crate) fn map_single(caller: &Caller, inside: (Uid, Gid)) -> Result<()> {
    let message = "the user cannot be mapped into the sandbox";
    write_proc(CWD, "/proc/self/setgroups", "deny").context(message)?;
    let line = |inside: u32, outside: u32| format!("{inside} {outside} 1");
    write_proc(CWD, "/proc/self/uid_map", &line(inside.0.as_raw(), caller.uid.as_raw()))
        .context(message)?;
    write_proc(CWD, "/proc/self/gid_map", &line(inside.1.as_raw(), caller.gid.as_raw()))
        .context(message)
}

/// Maps every id to itself in the user namespace of `pid`; only root can.
pub(crate) fn map_all(pid: Pid) -> Result<()> {
    let message = "root cannot be mapped into the sandbox";
    for map in ["uid_map", "gid_map"] {
        let path = format!("/proc/{}/{map}", pid.as_raw_nonzero());
        write_proc(CWD, &path, "0 0 4294967295").context(message)?;
    }
    Ok(())
}

/// Maps the caller to itself in the user namespace of `pid`; only root can for another.
pub(crate) fn map_caller(caller: &Caller, pid: Pid) -> Result<(), Errno> {
    let pid = pid.as_raw_nonzero();
    // Who could drop a group in there would have what is denied to that group.
    write_proc(CWD, &format!("/proc/{pid}/setgroups"), "deny")?;
    write_proc(CWD, &format!("/proc/{pid}/uid_map"), &format!("{0} {0} 1", caller.uid.as_raw()))?;
    write_proc(CWD, &format!("/proc/{pid}/gid_map"), &format!("{0} {0} 1", caller.gid.as_raw()))
}

/// A user namespace in which root stands for the caller, for mounts that translate owners.
pub(crate) fn translating_namespace(caller: &Caller) -> Result<OwnedFd> {
    let message = "the owners of files cannot be translated";
    let parent = rustix::process::getpid();
    match sys::clone(sys::Clone { user: true, ..sys::Clone::default() }).context(message)? {
        // The namespace lives on by its descriptor.
        Forked::Child => wait_for_death(parent),
        Forked::Parent { pid, pidfd } => {
            let _child = Child { pid, pidfd };
            translate_in(caller, pid).context(message)
        }
    }
}

/// From now on this process ends with `parent`.
pub(crate) fn end_with(parent: Pid) -> Result<(), Errno> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Who died before that tells nobody.
    if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(Errno::SRCH) }
}

/// Waits to be killed, by `parent` or with it.
pub(crate) fn wait_for_death(parent: Pid) -> ! {
    if end_with(parent).is_ok() {
        loop {
            rustix::event::pause();
        }
    }
    sys::exit(1)
}

fn translate_in(caller: &Caller, pid: Pid) -> Result<OwnedFd, Errno> {
    let pid = pid.as_raw_nonzero();
    write_proc(CWD, &format!("/proc/{pid}/uid_map"), &format!("{} 0 1", caller.uid.as_raw()))?;
    write_proc(CWD, &format!("/proc/{pid}/gid_map"), &format!("{} 0 1", caller.gid.as_raw()))?;
    let path = format!("/proc/{pid}/ns/user");
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

fn write_proc(at: BorrowedFd<'_>, path: &str, text: &str) -> Result<(), Errno> {
    let file = rustix::fs::openat(at, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    let written = rustix::io::write(&file, text.as_bytes())?;
    if written == text.len() { Ok(()) } else { Err(Errno::IO) }
}

/// Becomes the caller, for good, with no capability.
pub(crate) fn become_caller(caller: &Caller) -> Result<()> {
    let message = "the privileges of root cannot be given up";
    let (uid, gid) = (caller.uid, caller.gid);
    rustix::thread::set_thread_groups(&caller.groups).context(message)?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).context(message)?;
    limit_bounding_set(CapabilitySet::empty())?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).context(message)?;
    keep_capabilities(CapabilitySet::empty())
}

/// Gives up every capability, or all that root inside does not have.
pub(crate) fn give_up_capabilities(as_root: bool) -> Result<()> {
    let kept = if as_root { ROOT_INSIDE } else { CapabilitySet::empty() };
    limit_bounding_set(kept)?;
    keep_capabilities(kept)
}

fn limit_bounding_set(kept: CapabilitySet) -> Result<()> {
    for capability in CapabilitySet::all().difference(kept).iter() {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // The kernel does not know this one.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(errno) => return Err(errno).context("the capabilities cannot be given up"),
        }
    }
    Ok(())
}

pub(crate) fn keep_capabilities(kept: CapabilitySet) -> Result<()> {
    let message = "the capabilities cannot be given up";
    rustix::thread::clear_ambient_capability_set().context(message)?;
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets).context(message)?;
    let now = rustix::thread::capabilities(None).context(message)?;
    if kept.contains(now.permitted) { Ok(()) } else { Err(Error::new(message)) }
}

/// Runs something without the effect of any capability.
pub(crate) fn without_capabilities<T>(run: impl FnOnce() -> T) -> Result<T> {
    let message = "the capabilities cannot be put aside";
    let now = rustix::thread::capabilities(None).context(message)?;
    let none = CapabilitySets { effective: CapabilitySet::empty(), ..now };
    rustix::thread::set_capabilities(None, none).context(message)?;
    let result = run();
    rustix::thread::set_capabilities(None, now).context(message)?;
    Ok(result)
}

/// Hides this process's memory and descriptors from others of the same user, and ends it with its parent.
pub(crate) fn guard_process() -> Result<()> {
    let message = "the sandbox cannot be guarded";
    hide_process()?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).context(message)
}

/// Hides this process's memory and descriptors from others of the same user.
pub(crate) fn hide_process() -> Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .context("the sandbox cannot be guarded")
}
