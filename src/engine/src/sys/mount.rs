//! Changing the properties of mounts by descriptor.

use super::check;
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

/// What is changed about a mount.
#[derive(Debug, Default)]
pub(crate) struct MountAttr<'a> {
    pub(crate) read_only: bool,
    pub(crate) no_suid: bool,
    pub(crate) no_dev: bool,
    /// No mount or unmount elsewhere is repeated here, nor the other way round.
    pub(crate) private: bool,
    /// The user namespace whose map translates the owners of its files.
    pub(crate) id_map: Option<BorrowedFd<'a>>,
    /// All mounts below it as well.
    pub(crate) recursive: bool,
}

/// Sets what is `true` in `attr` on the mount that `fd` refers to, in one step.
pub(crate) fn set_mount_attr(fd: impl AsFd, attr: &MountAttr<'_>) -> Result<(), Errno> {
    let mut set = 0;
    for (wanted, bit) in [
        (attr.read_only, libc::MOUNT_ATTR_RDONLY),
        (attr.no_suid, libc::MOUNT_ATTR_NOSUID),
        (attr.no_dev, libc::MOUNT_ATTR_NODEV),
        (attr.id_map.is_some(), libc::MOUNT_ATTR_IDMAP),
    ] {
        if wanted {
            set |= bit;
        }
    }
    let args = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation: if attr.private { libc::MS_PRIVATE } else { 0 },
        userns_fd: attr.id_map.map_or(0, |fd| u64::from(fd.as_raw_fd().cast_unsigned())),
    };
    let recursive = if attr.recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a NUL-terminated empty string, and `args` lives through the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_fd().as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | recursive,
            &raw const args,
            size_of::<libc::mount_attr>(),
        )
    })?;
    Ok(())
}
