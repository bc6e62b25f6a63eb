//! What the proxy takes from itself before it hears anybody.
//!
//! With an identity it lives in a root directory of its own, where there is nothing but that identity
//! and the sockets of the buses: a portal looks at `/proc/PID/root/.flatpak-info` of whoever connected
//! to the bus, and finds there that this is a confined app.

use crate::address::Address;
use nix::sched::CloneFlags;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change,
    mount_remount, unmount,
};
use rustix::thread::CapabilitySet;
use std::fs;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

/// Where the new root directory is made: a directory that every machine has.
const ROOT: &str = "/tmp";

/// No right comes back by a program that is started.
///
/// # Errors
/// When the kernel refuses.
pub fn give_up_rights() -> Result<(), Errno> {
    rustix::thread::set_no_new_privs(true)
}

/// Moves into a root directory that has the identity and the sockets at `addresses`, which are
/// changed to where they are then.
///
/// # Errors
/// When the kernel refuses; the process may then have moved half-way and has to end.
pub fn take_identity(
    identity: &str,
    addresses: &mut [&mut Address],
) -> Result<(), Box<dyn std::error::Error>> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    nix::sched::unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))?;
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    // Opened now: the new root may lie over them.
    let mut sockets: Vec<(OwnedFd, PathBuf)> = Vec::new();
    for (index, address) in addresses.iter_mut().enumerate() {
        if let Address::Path(path) = &mut **address {
            let place = PathBuf::from(format!("/bus-{index}"));
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let socket = rustix::fs::openat(CWD, path.as_path(), flags, Mode::empty())?;
            path.clone_from(&place);
            sockets.push((socket, place));
        }
    }
    fill(identity, &sockets)?;
    std::env::set_current_dir(ROOT)?;
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount_remount("/", flags, "")?;
    let none = rustix::thread::CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    Ok(rustix::thread::set_capabilities(None, none)?)
}

fn fill(identity: &str, sockets: &[(OwnedFd, PathBuf)]) -> Result<(), Box<dyn std::error::Error>> {
    // The descriptors are looked at through /proc, which the new root does not hide.
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("tmpfs", ROOT, "tmpfs", flags, c"mode=0755,size=64k")?;
    fs::write(Path::new(ROOT).join(".flatpak-info"), identity)?;
    for (socket, place) in sockets {
        let place = Path::new(ROOT).join(place.strip_prefix("/")?);
        fs::write(&place, "")?;
        mount_bind(format!("/proc/self/fd/{}", socket.as_raw_fd()), &place)?;
    }
    Ok(())
}
