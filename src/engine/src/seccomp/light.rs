//! What the filter refuses besides where nothing but Landlock stands before the files, the processes
//! and the services of the user: all that Landlock does not decide about.
//!
//! It knows no metadata, no watching, no sockets with a name in the file system, no priorities of
//! others, and no memory and queues that are found by a number.

use super::bpf::{ALLOW, Rule, fail};
use super::calls::{Call, IOCTL, SOCKET, SOCKETPAIR, here};
use super::{EAFNOSUPPORT, EPERM, FORGING, all_but, only};
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
/// some of which change what was opened to be read: `f`, `X`, `v`, `r`, btrfs, f2fs, ceph, cifs, ocfs2,
/// bcachefs, reiserfs, zfs.
const OF_FILES: [u32; 12] = [
    0x6600, 0x5800, 0x7600, 0x7200, 0x9400, 0xf500, 0x9700, 0xcf00, 0x6f00, 0xbc00, 0xcd00, 0x8300,
];

/// Those of them that only look, or write to what was opened to be written to.
const HARMLESS: [u32; 5] = [
    0x8008_6601, // FS_IOC_GETFLAGS
    0xc020_660b, // FS_IOC_FIEMAP
    0x801c_581f, // FS_IOC_FSGETXATTR
    0x4004_9409, // FICLONE
    0x4020_940d, // FICLONERANGE
];

/// fcntl's leases and directory watches hold up others who open a file, or tell what they do.
const LEASES: [u32; 3] = [
    1024, // F_SETLEASE
    1026, // F_NOTIFY
    1040, // F_SETDELEG of Linux 6.19
];

/// Adds what is refused, over what the filter has for every app.
pub(super) fn rules(network: Network, set: &mut dyn FnMut(&Call, Rule)) {
    METADATA.iter().chain(SHARED).for_each(|call| set(call, Rule::Answer(EPERM)));
    ATTRIBUTES.iter().for_each(|call| set(call, Rule::Answer(fail(libc::EOPNOTSUPP))));
    OF_A_PROCESS.iter().for_each(|call| set(call, only(0, &[0], EPERM)));
    for (call, processes) in PRIORITIES {
        let ways = [only(1, &[0], EPERM), Rule::Answer(EPERM)];
        set(call, Rule::argument(0, Rule::Equal(*processes, Box::new(ways))));
    }
    set(&SOCKET, sockets(network));
    set(&SOCKETPAIR, pairs());
    set(&IOCTL, controls());
    set(&here(libc::SYS_fcntl), all_but(1, &LEASES, EPERM));
}

/// No socket that could be connected to one with a name: the buses, the screen and every agent are
/// such.
fn sockets(network: Network) -> Rule {
    let families = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK].map(i32::cast_unsigned);
    match network {
        Network::None | Network::Filtered => Rule::Answer(EAFNOSUPPORT),
        Network::Direct => only(0, &families, EAFNOSUPPORT),
    }
}

/// Of local pairs those that stay pairs: one of datagrams could be connected to somebody else.
pub(super) fn pairs() -> Rule {
    /// Below the flags that go with it (`SOCK_TYPE_MASK`).
    const TYPE: u32 = 0xf;
    let kinds = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET].map(i32::cast_unsigned);
    let kind = Rule::among(&kinds, ALLOW, Rule::Answer(EPERM));
    let of_unix = Rule::argument(1, Rule::Mask(TYPE, Box::new(kind)));
    let ways = [of_unix, Rule::Answer(EAFNOSUPPORT)];
    Rule::argument(0, Rule::Equal(libc::AF_UNIX.cast_unsigned(), Box::new(ways)))
}

fn controls() -> Rule {
    const KIND: u32 = 0xff00;
    let kinds = Rule::among(&OF_FILES, EPERM, Rule::Answer(ALLOW));
    let others = Rule::among(&HARMLESS, ALLOW, Rule::Mask(KIND, Box::new(kinds)));
    Rule::argument(1, Rule::among(&FORGING, EPERM, others))
}

/// What the lists say of a call, without a program; `None` where they say nothing.
#[cfg(test)]
pub(super) fn listed(network: Network, nr: u32, args: [u32; 2]) -> Option<u32> {
    let is = |(here, _): &Call| *here == Some(i64::from(nr));
    let among = |list: &[Call]| list.iter().any(is);
    let refused = |refused: bool, how: u32| Some(if refused { how } else { ALLOW });
    let internet = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK].map(i32::cast_unsigned);
    let forging = FORGING.contains(&args[1]);
    let of_files = OF_FILES.contains(&(args[1] & 0xff00)) && !HARMLESS.contains(&args[1]);
    match () {
        () if is(&SOCKET) => {
            refused(network != Network::Direct || !internet.contains(&args[0]), EAFNOSUPPORT)
        }
        () if is(&SOCKETPAIR) => Some(pair(args)),
        () if is(&IOCTL) => refused(forging || of_files, EPERM),
        () if is(&here(libc::SYS_fcntl)) => refused(LEASES.contains(&args[1]), EPERM),
        () if among(METADATA) || among(SHARED) => Some(EPERM),
        () if among(ATTRIBUTES) => Some(fail(libc::EOPNOTSUPP)),
        () if among(OF_A_PROCESS) => refused(args[0] != 0, EPERM),
        () => PRIORITIES
            .iter()
            .find(|(call, _)| is(call))
            .and_then(|(_, processes)| refused(args[0] != *processes || args[1] != 0, EPERM)),
    }
}

/// The same of a pair of sockets.
#[cfg(test)]
pub(super) fn pair([family, kind]: [u32; 2]) -> u32 {
    match (family.cast_signed(), kind.cast_signed() & 0xf) {
        (libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_SEQPACKET) => ALLOW,
        (libc::AF_UNIX, _) => EPERM,
        _ => EAFNOSUPPORT,
    }
}

/// The arguments of which the lists speak.
#[cfg(test)]
pub(super) fn arguments() -> impl Iterator<Item = u32> {
    OF_FILES.into_iter().chain(HARMLESS).chain(LEASES)
}
