//! What the filter refuses besides where nothing but Landlock stands before the files, the processes
//! and the services of the user: all that Landlock does not decide about.
//!
//! It knows no metadata, no watching, no sockets with a name in the file system, no priorities of
//! others, and no memory and queues that are found by a number.

use super::bpf::{ALLOW, answer, argument, fail, mask, when_equal};
use super::calls::{Call, IOCTL, SOCKET, SOCKETPAIR, here};
use super::{EAFNOSUPPORT, EPERM, FORGING, Instruction, all_but, only};
use arkose_profile::Network;

/// What needs no right to open a file: a grant to read one would be a grant to change these.
const METADATA: &[Call] = &[
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_chmod),
    here(libc::SYS_fchmod),
    here(libc::SYS_fchmodat),
    here(FCHMODAT2),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_chown),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_lchown),
    here(libc::SYS_fchown),
    here(libc::SYS_fchownat),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_utime),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_utimes),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_futimesat),
    here(libc::SYS_utimensat),
    here(FILE_SETATTR),
];

/// The same of extended attributes, and reading them by path: answered as by a file system without.
const ATTRIBUTES: &[Call] = &[
    here(libc::SYS_setxattr),
    here(libc::SYS_lsetxattr),
    here(libc::SYS_fsetxattr),
    here(libc::SYS_removexattr),
    here(libc::SYS_lremovexattr),
    here(libc::SYS_fremovexattr),
    here(libc::SYS_getxattr),
    here(libc::SYS_lgetxattr),
    here(libc::SYS_listxattr),
    here(libc::SYS_llistxattr),
    here(SETXATTRAT),
    here(GETXATTRAT),
    here(LISTXATTRAT),
    here(REMOVEXATTRAT),
];

/// Calls of Linux 6.6, 6.13 and 6.17, which the libc crate does not name everywhere yet.
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const GETXATTRAT: i64 = 464;
const LISTXATTRAT: i64 = 465;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;

/// Watching, and what processes of one user share by numbers and names of their own.
const SHARED: &[Call] = &[
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_inotify_init),
    here(libc::SYS_inotify_init1),
    here(libc::SYS_inotify_add_watch),
    here(libc::SYS_shmget),
    here(libc::SYS_shmat),
    here(libc::SYS_shmctl),
    here(libc::SYS_semget),
    here(libc::SYS_semop),
    here(libc::SYS_semtimedop),
    here(libc::SYS_semctl),
    here(libc::SYS_msgget),
    here(libc::SYS_msgsnd),
    here(libc::SYS_msgrcv),
    here(libc::SYS_msgctl),
    here(libc::SYS_mq_open),
    here(libc::SYS_mq_unlink),
];

/// Calls whose first argument is a process; 0 is the one that calls.
const OF_A_PROCESS: &[Call] = &[
    here(libc::SYS_prlimit64),
    here(libc::SYS_sched_setaffinity),
    here(libc::SYS_sched_setattr),
    here(libc::SYS_sched_setparam),
    here(libc::SYS_sched_setscheduler),
];

/// Calls that say first what their second argument counts: here, processes.
const PRIORITIES: &[(Call, u32)] = &[
    (here(libc::SYS_setpriority), 0 /* PRIO_PROCESS */),
    (here(libc::SYS_ioprio_set), 1 /* IOPRIO_WHO_PROCESS */),
];

/// Kinds of controls of files and file systems (Documentation/userspace-api/ioctl/ioctl-number.rst),
/// some of which change what was opened to be read: `f`, `X`, `v`, `r`, btrfs, f2fs, ceph, cifs, ocfs2.
const OF_FILES: [u32; 9] = [0x6600, 0x5800, 0x7600, 0x7200, 0x9400, 0xf500, 0x9700, 0xcf00, 0x6f00];

/// Those of them that only look, or write to what was opened to be written to.
const HARMLESS: [u32; 5] = [
    0x8008_6601, // FS_IOC_GETFLAGS
    0xc020_660b, // FS_IOC_FIEMAP
    0x801c_581f, // FS_IOC_FSGETXATTR
    0x4004_9409, // FICLONE
    0x4020_940d, // FICLONERANGE
];

/// fcntl's leases and directory watches hold up others who open a file, or tell what they do.
const LEASES: [u32; 2] = [1024 /* F_SETLEASE */, 1026 /* F_NOTIFY */];

/// Adds what is refused, over what the filter has for every app.
pub(super) fn rules(network: Network, set: &mut dyn FnMut(&Call, Vec<Instruction>)) {
    METADATA.iter().chain(SHARED).for_each(|call| set(call, vec![answer(EPERM)]));
    ATTRIBUTES.iter().for_each(|call| set(call, vec![answer(fail(libc::EOPNOTSUPP))]));
    OF_A_PROCESS.iter().for_each(|call| set(call, only(0, &[0], EPERM)));
    for (call, processes) in PRIORITIES {
        let mut block = vec![argument(0)];
        block.extend(when_equal(*processes, &only(1, &[0], EPERM)));
        block.push(answer(EPERM));
        set(call, block);
    }
    set(&SOCKET, sockets(network));
    set(&SOCKETPAIR, pairs());
    set(&IOCTL, controls());
    set(&here(libc::SYS_fcntl), all_but(1, &LEASES, EPERM));
}

/// No socket that could be connected to one with a name: the buses, the screen and every agent are
/// such.
fn sockets(network: Network) -> Vec<Instruction> {
    let families = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK].map(i32::cast_unsigned);
    match network {
        Network::None => vec![answer(EAFNOSUPPORT)],
        Network::Direct => only(0, &families, EAFNOSUPPORT),
    }
}

/// Of local pairs those that stay pairs: one of datagrams could be connected to somebody else.
pub(super) fn pairs() -> Vec<Instruction> {
    /// Below the flags that go with it (`SOCK_TYPE_MASK`).
    const TYPE: u32 = 0xf;
    let kinds = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET].map(i32::cast_unsigned);
    let mut of_unix = vec![argument(1), mask(TYPE)];
    of_unix.extend(kinds.iter().flat_map(|kind| when_equal(*kind, &[answer(ALLOW)])));
    of_unix.push(answer(EPERM));
    let mut block = vec![argument(0)];
    block.extend(when_equal(libc::AF_UNIX.cast_unsigned(), &of_unix));
    block.push(answer(EAFNOSUPPORT));
    block
}

fn controls() -> Vec<Instruction> {
    const KIND: u32 = 0xff00;
    let mut block = vec![argument(1)];
    block.extend(FORGING.iter().flat_map(|command| when_equal(*command, &[answer(EPERM)])));
    block.extend(HARMLESS.iter().flat_map(|command| when_equal(*command, &[answer(ALLOW)])));
    block.push(mask(KIND));
    block.extend(OF_FILES.iter().flat_map(|kind| when_equal(*kind, &[answer(EPERM)])));
    block.push(answer(ALLOW));
    block
}
