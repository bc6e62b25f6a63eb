//! The calls that the filter knows: for each its number here, and on i386.
//!
//! The numbers of i386 are those of the kernel's arch/x86/entry/syscalls/syscall_32.tbl; from 424 on
//! (pidfd_send_signal) every architecture has the same.

/// A call: its number on this architecture, and, for 32-bit programs on x86-64, on i386.
pub(super) type Call = (Option<i64>, Option<u32>);

/// A call that both have.
const fn both(here: i64, i386: u32) -> Call {
    (Some(here), Some(i386))
}

/// A call that i386 has not.
pub(super) const fn here(here: i64) -> Call {
    (Some(here), None)
}

/// A call that only i386 has.
const fn i386(i386: u32) -> Call {
    (None, Some(i386))
}

/// A call of x86, in both its sizes; the constant is not there elsewhere.
macro_rules! x86 {
    ($here:expr, $i386:expr) => {{
        #[cfg(target_arch = "x86_64")]
        const CALL: Call = both($here, $i386);
        #[cfg(not(target_arch = "x86_64"))]
        const CALL: Call = i386($i386);
        CALL
    }};
}

/// Refused to every app.
pub(super) const DENIED: &[Call] = &[
    // The machine: its modules, its clock, its swap, its log, its accounting, its next kernel.
    both(libc::SYS_acct, 51),
    both(libc::SYS_clock_adjtime, 343),
    i386(405), // clock_adjtime64
    both(libc::SYS_clock_settime, 264),
    i386(404), // clock_settime64
    both(libc::SYS_delete_module, 129),
    both(libc::SYS_finit_module, 350),
    both(libc::SYS_init_module, 128),
    here(libc::SYS_kexec_file_load),
    both(libc::SYS_kexec_load, 283),
    both(libc::SYS_quotactl, 131),
    both(libc::SYS_quotactl_fd, 443),
    both(libc::SYS_reboot, 88),
    both(libc::SYS_settimeofday, 79),
    i386(25), // stime
    both(libc::SYS_swapoff, 115),
    both(libc::SYS_swapon, 87),
    both(libc::SYS_syslog, 103),
    both(libc::SYS_vhangup, 111),
    x86!(libc::SYS_ioperm, 101),
    x86!(libc::SYS_iopl, 110),
    // Keys, which no namespace separates.
    both(libc::SYS_add_key, 286),
    both(libc::SYS_keyctl, 288),
    both(libc::SYS_request_key, 287),
    // Where memory lies.
    both(libc::SYS_get_mempolicy, 275),
    both(libc::SYS_mbind, 274),
    both(libc::SYS_migrate_pages, 294),
    both(libc::SYS_move_pages, 317),
    both(libc::SYS_set_mempolicy, 276),
    both(libc::SYS_set_mempolicy_home_node, 450),
    // Ways into the kernel that were hiding places for bugs, or ways round permissions.
    both(libc::SYS_bpf, 357),
    both(libc::SYS_fanotify_init, 338),
    both(libc::SYS_open_by_handle_at, 342),
    both(libc::SYS_perf_event_open, 336),
    both(libc::SYS_userfaultfd, 374),
    // What no program of today uses.
    both(libc::SYS_lookup_dcookie, 253),
    both(libc::SYS_nfsservctl, 169),
    x86!(libc::SYS__sysctl, 149),
    x86!(libc::SYS_sysfs, 135),
    x86!(libc::SYS_uselib, 86),
    x86!(libc::SYS_ustat, 62),
    i386(113), // vm86old
    i386(166), // vm86
];

/// Answered as by a kernel without them, so that programs fall back to what older ones have: what
/// io_uring does, no filter sees.
pub(super) const ABSENT: &[Call] = &[
    both(libc::SYS_io_uring_setup, 425),
    both(libc::SYS_io_uring_enter, 426),
    both(libc::SYS_io_uring_register, 427),
];

/// open_tree_attr (Linux 6.15), which the libc crate does not name yet.
const OPEN_TREE_ATTR: u32 = 467;

/// Refused unless the app may make user namespaces.
pub(super) const MOUNTING: &[Call] = &[
    both(libc::SYS_mount, 21),
    i386(22), // umount
    both(libc::SYS_umount2, 52),
    both(libc::SYS_pivot_root, 217),
    both(libc::SYS_open_tree, 428),
    both(libc::SYS_move_mount, 429),
    both(libc::SYS_fsopen, 430),
    both(libc::SYS_fsconfig, 431),
    both(libc::SYS_fsmount, 432),
    both(libc::SYS_fspick, 433),
    both(libc::SYS_mount_setattr, 442),
    both(OPEN_TREE_ATTR as i64, OPEN_TREE_ATTR),
    both(libc::SYS_setns, 346),
];

pub(super) const CLONE: Call = both(libc::SYS_clone, 120);
pub(super) const CLONE3: Call = both(libc::SYS_clone3, 435);
pub(super) const UNSHARE: Call = both(libc::SYS_unshare, 310);
pub(super) const IOCTL: Call = both(libc::SYS_ioctl, 54);
pub(super) const PERSONALITY: Call = both(libc::SYS_personality, 136);
pub(super) const SOCKET: Call = both(libc::SYS_socket, 359);
pub(super) const SOCKETCALL: Call = i386(102);
pub(super) const SOCKETPAIR: Call = both(libc::SYS_socketpair, 360);
