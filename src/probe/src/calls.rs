//! The numbers of the system calls that every sandbox refuses, for this machine.

/// Refused with EPERM: they act on the whole machine, or are doors that few programs need.
pub const REFUSED: &[(&str, i64)] = &[
    ("acct", libc::SYS_acct),
    ("add_key", libc::SYS_add_key),
    ("bpf", libc::SYS_bpf),
    ("delete_module", libc::SYS_delete_module),
    ("finit_module", libc::SYS_finit_module),
    ("init_module", libc::SYS_init_module),
    ("kexec_file_load", libc::SYS_kexec_file_load),
    ("kexec_load", libc::SYS_kexec_load),
    ("keyctl", libc::SYS_keyctl),
    ("move_pages", libc::SYS_move_pages),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("quotactl", libc::SYS_quotactl),
    ("reboot", libc::SYS_reboot),
    ("request_key", libc::SYS_request_key),
    ("swapoff", libc::SYS_swapoff),
    ("swapon", libc::SYS_swapon),
    ("syslog", libc::SYS_syslog),
    ("userfaultfd", libc::SYS_userfaultfd),
];

/// Refused with EPERM where the app may make no sandboxes of its own.
pub const MOUNTING: &[(&str, i64)] = &[
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("pivot_root", libc::SYS_pivot_root),
    ("open_tree", libc::SYS_open_tree),
    ("move_mount", libc::SYS_move_mount),
    ("fsopen", libc::SYS_fsopen),
    ("fsmount", libc::SYS_fsmount),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("setns", libc::SYS_setns),
];

/// Answered with ENOSYS, as by a kernel without them: the last ones have no name yet.
pub const UNKNOWN: &[(&str, i64)] = &[
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
    ("512", 512),
    ("1000", 1000),
    ("0x40000000", 0x4000_0000),
];

/// `clone3`, which makes namespaces by flags that a filter cannot see.
pub const CLONE3: i64 = libc::SYS_clone3;

/// Terminal controls that forge what a user typed: their names and requests.
pub const FORGING: &[(&str, u64)] = &[
    ("TIOCSTI", 0x5412),
    ("TIOCLINUX", 0x541c),
    // The kernel looks at the low half alone.
    ("TIOCSTI", 0x1_0000_5412),
];

/// The flags of unshare(2), by the name of what they make.
pub const NAMESPACES: &[(&str, i32)] = &[
    ("user", libc::CLONE_NEWUSER),
    ("mnt", libc::CLONE_NEWNS),
    ("pid", libc::CLONE_NEWPID),
    ("net", libc::CLONE_NEWNET),
    ("ipc", libc::CLONE_NEWIPC),
    ("uts", libc::CLONE_NEWUTS),
    ("cgroup", libc::CLONE_NEWCGROUP),
];

/// Families of sockets that nothing confines.
pub const FAMILIES: &[(&str, i32)] = &[
    ("AF_VSOCK", libc::AF_VSOCK),
    ("AF_ALG", libc::AF_ALG),
    ("AF_PACKET", libc::AF_PACKET),
    ("AF_BLUETOOTH", libc::AF_BLUETOOTH),
];

/// Calls that change what is known of a file, by its descriptor.
pub const CHANGING: &[(&str, i64)] = &[
    ("fchmod", libc::SYS_fchmod),
    ("fchown", libc::SYS_fchown),
    ("fchmodat", libc::SYS_fchmodat),
    ("fchownat", libc::SYS_fchownat),
    ("utimensat", libc::SYS_utimensat),
];

/// The family of local sockets.
pub const LOCAL: i32 = libc::AF_UNIX;

/// The family of the internet, version 4.
pub const INTERNET: i32 = libc::AF_INET;

/// What the probe itself calls by number.
pub(crate) const SOCKET: i64 = libc::SYS_socket;
pub(crate) const UNSHARE: i64 = libc::SYS_unshare;
pub(crate) const IOCTL: i64 = libc::SYS_ioctl;
