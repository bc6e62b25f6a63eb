//! The filter of a program that serves one sandbox from outside: a list of what it may call. It reads
//! files, waits for sockets, and speaks over those of the internet; all else fails.

use super::bpf::{self, ALLOW, Calls, Rule, Rules};
use super::{EAFNOSUPPORT, ENOSYS, EPERM, FIRST_UNKNOWN, NATIVE, only};
use crate::sys::Instruction;

/// Allowed whatever their arguments are.
const ALLOWED: &[libc::c_long] = &[
    // Memory, and what the C library does for itself.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_sched_yield,
    libc::SYS_membarrier,
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    // Signals, and the end.
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Files that are open.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    // Files in memory, by which much is said at once.
    libc::SYS_memfd_create,
    // Sockets.
    libc::SYS_ppoll,
    libc::SYS_connect,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// What makes, changes or empties a file as it is opened, and what opens it for writing.
const CHANGING: u32 =
    (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_TMPFILE & !libc::O_DIRECTORY)
        .cast_unsigned();

/// To read and change the flags of a descriptor, and the seals of a file in memory, which says that nobody
/// changes it any more.
const OF_DESCRIPTORS: [libc::c_int; 6] = [
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_GET_SEALS,
    libc::F_ADD_SEALS,
];

/// `FIONBIO` and `SIOCGIFINDEX`: not to wait, and the number of a link that has a name.
const CONTROLS: [u32; 2] = [0x5421, 0x8933];

/// The filter's program.
pub(crate) fn program() -> Vec<Instruction> {
    let mut rules: Rules = (0..FIRST_UNKNOWN).map(|nr| (nr, Rule::Answer(EPERM))).collect();
    let mut set = |nr: libc::c_long, rule| {
        rules.extend(u32::try_from(nr).ok().map(|nr| (nr, rule)));
    };
    ALLOWED.iter().for_each(|nr| set(*nr, Rule::Answer(ALLOW)));
    set(libc::SYS_openat, without(2, CHANGING));
    // No memory becomes code.
    for nr in [libc::SYS_mmap, libc::SYS_mprotect] {
        set(nr, without(2, libc::PROT_EXEC.cast_unsigned()));
    }
    set(libc::SYS_fcntl, only(1, &OF_DESCRIPTORS.map(i32::cast_unsigned), EPERM));
    set(libc::SYS_ioctl, only(1, &CONTROLS, EPERM));
    let families = [libc::AF_INET, libc::AF_INET6].map(i32::cast_unsigned);
    set(libc::SYS_socket, only(0, &families, EAFNOSUPPORT));
    let unknown = Rule::Answer(ENOSYS);
    bpf::program(&[Calls { arch: NATIVE, rules, first_unknown: FIRST_UNKNOWN, unknown }])
}

/// Allows the call when that argument has none of those bits.
fn without(index: u32, bits: u32) -> Rule {
    let ways = [Rule::Answer(EPERM), Rule::Answer(ALLOW)];
    Rule::argument(index, Rule::AnyBit(bits, Box::new(ways)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seccomp::bpf::KILL;
    use crate::seccomp::bpf::machine::run;

    fn answer(nr: libc::c_long, [a, b, c]: [u64; 3]) -> u32 {
        run(&program(), NATIVE, u32::try_from(nr).unwrap(), [a, b, c, 0, 0, 0])
    }

    #[test]
    fn it_reads_and_speaks_and_does_nothing_else() {
        let none = [0; 3];
        for nr in ALLOWED {
            assert_eq!(answer(*nr, none), ALLOW, "{nr}");
        }
        let open = |flags: i32| answer(libc::SYS_openat, [0, 0, u64::from(flags.cast_unsigned())]);
        assert_eq!(open(libc::O_RDONLY | libc::O_CLOEXEC | libc::O_DIRECTORY), ALLOW);
        for flags in [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC, libc::O_TMPFILE] {
            assert_eq!(open(flags), EPERM, "{flags:#x}");
        }
        assert_eq!(answer(libc::SYS_socket, [2, 2, 0]), ALLOW);
        assert_eq!(answer(libc::SYS_socket, [1, 1, 0]), EAFNOSUPPORT);
        assert_eq!(answer(libc::SYS_mmap, [0, 0, 3]), ALLOW);
        assert_eq!(answer(libc::SYS_mmap, [0, 0, 5]), EPERM);
        for nr in [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_ptrace,
            libc::SYS_kill,
            libc::SYS_unlinkat,
            libc::SYS_mount,
            libc::SYS_bpf,
            libc::SYS_io_uring_setup,
            libc::SYS_bind,
            libc::SYS_setns,
        ] {
            assert!([EPERM, ENOSYS].contains(&answer(nr, none)), "{nr}");
        }
        assert_eq!(run(&program(), 0, 0, [0; 6]), KILL);
    }
}
