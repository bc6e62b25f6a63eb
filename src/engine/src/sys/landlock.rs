//! Landlock: a ruleset is made, is told what is allowed, and confines this process for good.
//!
//! What a kernel knows of it is its ABI's number (Documentation/userspace-api/landlock.rst), and a
//! ruleset asks for no more than that: 1 has rights to files, 2 renames between directories, 3
//! truncation, 4 TCP, 5 controls of devices, 6 the scopes of signals and abstract sockets, 7 a say in
//! what is logged.

use super::{check, last_errno};
use rustix::io::Errno;
use std::ops::BitOr;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};

/// Rights to a file or to all that lies below a directory (`LANDLOCK_ACCESS_FS_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rights(u64);

impl Rights {
    const EXECUTE: Self = Self(1);
    const WRITE_FILE: Self = Self(1 << 1);
    const READ_FILE: Self = Self(1 << 2);
    const READ_DIR: Self = Self(1 << 3);
    /// To remove and to make entries.
    const ENTRIES: Self = Self(0x17b0);
    /// To make device nodes, which nobody is allowed.
    const NODES: Self = Self(1 << 6 | 1 << 11);
    const REFER: Self = Self(1 << 13);
    const TRUNCATE: Self = Self(1 << 14);
    const IOCTL_DEV: Self = Self(1 << 15);

    /// Those that a file can have; the others are a directory's.
    const OF_FILES: Self = Self(
        Self::EXECUTE.0
            | Self::WRITE_FILE.0
            | Self::READ_FILE.0
            | Self::TRUNCATE.0
            | Self::IOCTL_DEV.0,
    );

    /// To list and to read.
    pub(crate) const READ: Self = Self(Self::READ_FILE.0 | Self::READ_DIR.0);
    /// To list, to read and to start.
    pub(crate) const USE: Self = Self(Self::READ.0 | Self::EXECUTE.0);
    /// To write to what is there.
    pub(crate) const WRITE: Self = Self(Self::WRITE_FILE.0 | Self::TRUNCATE.0);
    /// To write, to make, to move and to remove.
    pub(crate) const CHANGE: Self = Self(Self::WRITE.0 | Self::ENTRIES.0 | Self::REFER.0);
    /// To move between directories.
    pub(crate) const MOVE: Self = Self::REFER;
    /// To write to a device and to control it.
    pub(crate) const CONTROL: Self = Self(Self::WRITE.0 | Self::IOCTL_DEV.0);

    /// Every right that this ABI knows.
    const fn known(abi: libc::c_long) -> Self {
        let mut known = Self::EXECUTE.0
            | Self::WRITE_FILE.0
            | Self::READ_FILE.0
            | Self::READ_DIR.0
            | Self::ENTRIES.0
            | Self::NODES.0;
        if abi >= 2 {
            known |= Self::REFER.0;
        }
        if abi >= 3 {
            known |= Self::TRUNCATE.0;
        }
        if abi >= 5 {
            known |= Self::IOCTL_DEV.0;
        }
        Self(known)
    }
}

impl BitOr for Rights {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a ruleset is to decide about; whatever of it is not allowed then, is refused.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Handled {
    /// Every use of files that this kernel knows; one that cannot allow renames has no such wall.
    pub(crate) files: bool,
    /// Renames between directories alone.
    pub(crate) moves: bool,
    /// Listening and connecting by TCP.
    pub(crate) tcp: bool,
}

/// The first ABI with which an app can still move files between directories.
const ABI_WITH_REFER: libc::c_long = 2;
const ABI_WITH_TCP: libc::c_long = 4;
const ABI_WITH_SCOPES: libc::c_long = 6;
const ABI_WITH_LOGGING: libc::c_long = 7;

const BIND_AND_CONNECT_TCP: u64 = 3;
const SCOPE_ABSTRACT_UNIX_SOCKET: u64 = 1;
const SCOPE_SIGNAL: u64 = 2;

/// `struct landlock_ruleset_attr`; older kernels take the first one or two fields.
#[repr(C)]
struct RulesetAttr {
    handled_access_fs: u64,
    handled_access_net: u64,
    scoped: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneathAttr {
    allowed_access: u64,
    parent_fd: libc::c_int,
}

/// The ABI of the running kernel; 0 when it has no Landlock.
fn abi() -> libc::c_long {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the call takes no ruleset and returns the ABI's number.
    let abi = check(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<RulesetAttr>(),
            0usize,
            VERSION,
        )
    });
    abi.unwrap_or(0)
}

/// Whether the kernel can keep a sandbox with the host's network from the host's abstract sockets,
/// and one that sees the host's processes from signalling them.
#[must_use]
pub fn has_scopes() -> bool {
    abi() >= ABI_WITH_SCOPES
}

/// A set of rules that is being put together. Signals and abstract sockets of a process that it
/// confines stay among those that it confines, where the kernel knows how.
#[derive(Debug)]
pub(crate) struct Ruleset {
    fd: OwnedFd,
    files: Rights,
    abi: libc::c_long,
}

/// Proof that this process can signal nobody but those that it has started since.
#[derive(Debug)]
pub(crate) struct SignalsConfined(());

impl Ruleset {
    /// An empty one; `None` when the kernel can do nothing of this.
    pub(crate) fn new(handled: Handled) -> Result<Option<Self>, Errno> {
        let abi = abi();
        let files = match handled {
            _ if abi < ABI_WITH_REFER => Rights(0),
            Handled { files: true, .. } => Rights::known(abi),
            Handled { moves: true, .. } => Rights::REFER,
            _ => Rights(0),
        };
        let tcp = handled.tcp && abi >= ABI_WITH_TCP;
        let scopes = abi >= ABI_WITH_SCOPES;
        if files.0 == 0 && !tcp && !scopes {
            return Ok(None);
        }
        let attr = RulesetAttr {
            handled_access_fs: files.0,
            handled_access_net: if tcp { BIND_AND_CONNECT_TCP } else { 0 },
            scoped: if scopes { SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL } else { 0 },
        };
        // A kernel refuses a longer structure than it knows only when the rest is not zero.
        // SAFETY: `attr` has the size that is passed and lives through the call.
        let fd = check(unsafe {
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                &raw const attr,
                size_of::<RulesetAttr>(),
                0u32,
            )
        })?;
        let fd = i32::try_from(fd).map_err(|_| Errno::BADF)?;
        // SAFETY: the kernel has just made this descriptor for us.
        Ok(Some(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) }, files, abi }))
    }

    /// Allows that to what `place` refers to, and to all below it. Rights that the ruleset does not
    /// decide about are left out, and for a file those that only a directory has.
    pub(crate) fn allow(
        &self,
        place: impl AsFd,
        rights: Rights,
        directory: bool,
    ) -> Result<(), Errno> {
        const PATH_BENEATH: libc::c_int = 1;
        let of_kind = if directory { u64::MAX } else { Rights::OF_FILES.0 };
        let allowed = rights.0 & self.files.0 & of_kind;
        if allowed == 0 {
            return Ok(());
        }
        let attr =
            PathBeneathAttr { allowed_access: allowed, parent_fd: place.as_fd().as_raw_fd() };
        // SAFETY: `attr` is of the kind that is named and lives through the call.
        let returned = unsafe {
            libc::syscall(
                libc::SYS_landlock_add_rule,
                self.fd.as_raw_fd(),
                PATH_BENEATH,
                &raw const attr,
                0u32,
            )
        };
        if returned < 0 { Err(last_errno()) } else { Ok(()) }
    }

    /// Confines this process, and what it starts from now on, for good. Needs `no_new_privs`.
    /// `None` when the kernel cannot confine signals.
    pub(crate) fn enforce(&self) -> Result<Option<SignalsConfined>, Errno> {
        /// What an app is refused is nothing that the administrator of the machine has to hear of.
        const LOG_SAME_EXEC_OFF: libc::c_uint = 1;
        let flags = if self.abi >= ABI_WITH_LOGGING { LOG_SAME_EXEC_OFF } else { 0 };
        // SAFETY: takes a descriptor and flags.
        check(unsafe {
            libc::syscall(libc::SYS_landlock_restrict_self, self.fd.as_raw_fd(), flags)
        })?;
        Ok((self.abi >= ABI_WITH_SCOPES).then_some(SignalsConfined(())))
    }
}
