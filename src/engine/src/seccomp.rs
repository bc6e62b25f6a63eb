//! The system-call filter of the app: which doors of the kernel it does not find.
//!
//! A deny-list by the consensus of container runtimes and of Flatpak: calls that act on the whole
//! machine, that were hiding places for bugs, or that would let terminal input be forged. What the
//! filter does not know is answered as by a kernel that does not have it. Calls of 32-bit programs
//! on x86-64 have numbers of their own and go through a table of their own.

use crate::sys::Instruction;
use libc::{BPF_ABS, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W};

/// The first number that this list was not written for (open_tree_attr, Linux 6.15).
const FIRST_UNKNOWN: u32 = 467;

const NR: u32 = 0;
const ARCH: u32 = 4;
/// The low half of an argument; both architectures are little-endian.
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

#[cfg(target_arch = "x86_64")]
const NATIVE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const NATIVE: u32 = 0xc000_00b7;
#[cfg(target_arch = "x86_64")]
const COMPAT: Option<u32> = Some(0x4000_0003);
#[cfg(target_arch = "aarch64")]
const COMPAT: Option<u32> = None;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned();
const EAFNOSUPPORT: u32 = libc::SECCOMP_RET_ERRNO | libc::EAFNOSUPPORT.cast_unsigned();
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();

/// The calls of one architecture.
struct Table {
    /// Refused.
    denied: &'static [&'static [i64]],
    /// Answered as by a kernel without them, so that programs fall back to what older ones have.
    absent: &'static [i64],
    /// Refused unless the app may make user namespaces.
    mounting: &'static [i64],
    /// Calls whose first argument is the family of a socket.
    sockets: [i64; 2],
    ioctl: i64,
    clone: i64,
    clone3: i64,
    unshare: i64,
}

const NATIVE_TABLE: Table = Table {
    denied: &[DENIED, DENIED_HERE],
    absent: &[libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register],
    mounting: MOUNTING,
    sockets: [libc::SYS_socket, libc::SYS_socketpair],
    ioctl: libc::SYS_ioctl,
    clone: libc::SYS_clone,
    clone3: libc::SYS_clone3,
    unshare: libc::SYS_unshare,
};

const DENIED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_move_pages,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_perf_event_open,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_userfaultfd,
];

/// What only this architecture has.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[i64] = &[
    libc::SYS__sysctl,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_sysfs,
    libc::SYS_uselib,
    libc::SYS_ustat,
];
#[cfg(target_arch = "aarch64")]
const DENIED_HERE: &[i64] = &[];

const MOUNTING: &[i64] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
];

/// The numbers of the same calls on i386 (arch/x86/entry/syscalls/syscall_32.tbl).
#[cfg(target_arch = "x86_64")]
const COMPAT_TABLE: Table = Table {
    denied: &[&[
        51, 286, 357, 129, 350, 128, 283, 288, 253, 317, 169, 342, 336, 131, 443, 287, 115, 87,
        103, 374, 86, 62, 135, 149, 110, 101, 88,
    ]],
    absent: &[425, 426, 427],
    mounting: &[21, 22, 52, 217, 428, 429, 430, 431, 432, 433, 442, 346],
    // socketcall, the older way to the same, has its arguments in memory, where a filter cannot look.
    sockets: [359, 360],
    ioctl: 54,
    clone: 120,
    clone3: 435,
    unshare: 310,
};
#[cfg(target_arch = "aarch64")]
const COMPAT_TABLE: Table = NATIVE_TABLE;

/// The flags of clone and unshare that make namespaces.
const NAMESPACES: u32 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP)
    .cast_unsigned();

/// Families of sockets that a network namespace or a path confines. Others reach the machine around
/// a virtual one (AF_VSOCK), the kernel's ciphers (AF_ALG), or radio hardware.
const FAMILIES: [u32; 5] = [
    libc::AF_UNSPEC.cast_unsigned(),
    libc::AF_UNIX.cast_unsigned(),
    libc::AF_INET.cast_unsigned(),
    libc::AF_INET6.cast_unsigned(),
    libc::AF_NETLINK.cast_unsigned(),
];

/// Terminal controls that forge what a user typed.
const FORGING: [u32; 2] = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];

/// The filter's program.
pub(crate) fn program(user_namespaces: bool) -> Vec<Instruction> {
    let native = calls(&NATIVE_TABLE, user_namespaces);
    let mut program = vec![load(ARCH)];
    program.extend(when_equal(NATIVE, &native));
    if let Some(arch) = COMPAT {
        program.extend(when_equal(arch, &calls(&COMPAT_TABLE, user_namespaces)));
    }
    program.push(answer(KILL));
    program
}

fn calls(table: &Table, user_namespaces: bool) -> Vec<Instruction> {
    // The numbers of x32 have a high bit and are over the bound as well.
    let mut block = vec![load(NR)];
    block.extend([jump(BPF_JGE, FIRST_UNKNOWN, 0, 1), answer(ENOSYS)]);
    block.extend(table.denied.iter().copied().flatten().flat_map(|nr| refuse(*nr, EPERM)));
    block.extend(table.absent.iter().flat_map(|nr| refuse(*nr, ENOSYS)));
    if !user_namespaces {
        block.extend(table.mounting.iter().flat_map(|nr| refuse(*nr, EPERM)));
        // Its flags are in memory, where a filter cannot look; without it, libc uses clone.
        block.extend(refuse(table.clone3, ENOSYS));
        for nr in [table.clone, table.unshare] {
            let flags =
                [load(argument(0)), jump(BPF_JSET, NAMESPACES, 0, 1), answer(EPERM), answer(ALLOW)];
            block.extend(when_equal(number(nr), &flags));
        }
    }
    let mut families = vec![load(argument(0))];
    for family in FAMILIES {
        families.extend([jump(BPF_JEQ, family, 0, 1), answer(ALLOW)]);
    }
    families.push(answer(EAFNOSUPPORT));
    for nr in table.sockets {
        block.extend(when_equal(number(nr), &families));
    }
    let mut ioctl = vec![load(argument(1))];
    for command in FORGING {
        ioctl.extend([jump(BPF_JEQ, command, 0, 1), answer(EPERM)]);
    }
    ioctl.push(answer(ALLOW));
    block.extend(when_equal(number(table.ioctl), &ioctl));
    block.push(answer(ALLOW));
    block
}

fn refuse(nr: i64, how: u32) -> [Instruction; 2] {
    [jump(BPF_JEQ, number(nr), 0, 1), answer(how)]
}

/// Runs `block` when what was loaded is `value`, else goes on after it.
fn when_equal(value: u32, block: &[Instruction]) -> Vec<Instruction> {
    let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
    let mut out = vec![jump(BPF_JEQ, value, 1, 0), instruction(BPF_JMP | BPF_JA, length, 0, 0)];
    out.extend_from_slice(block);
    out
}

fn number(nr: i64) -> u32 {
    u32::try_from(nr).unwrap_or(u32::MAX)
}

fn load(offset: u32) -> Instruction {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0)
}

fn answer(how: u32) -> Instruction {
    instruction(BPF_RET | BPF_K, how, 0, 0)
}

fn jump(test: u32, value: u32, if_true: u8, if_false: u8) -> Instruction {
    instruction(BPF_JMP | test | BPF_K, value, if_true, if_false)
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code: u16::try_from(code).unwrap_or(u16::MAX), jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small machine for the instructions that the filter uses.
    fn run(program: &[Instruction], arch: u32, nr: u32, args: [u64; 2]) -> u32 {
        let mut data = [0u8; 64];
        data[0..4].copy_from_slice(&nr.to_le_bytes());
        data[4..8].copy_from_slice(&arch.to_le_bytes());
        data[16..24].copy_from_slice(&args[0].to_le_bytes());
        data[24..32].copy_from_slice(&args[1].to_le_bytes());
        let (mut at, mut a) = (0usize, 0u32);
        loop {
            let i = program[at];
            let code = u32::from(i.code);
            at += 1;
            if code == BPF_LD | BPF_W | BPF_ABS {
                let from = i.k as usize;
                a = u32::from_le_bytes(data[from..from + 4].try_into().unwrap());
            } else if code == BPF_RET | BPF_K {
                return i.k;
            } else if code == BPF_JMP | BPF_JA {
                at += i.k as usize;
            } else {
                let yes = match code & 0xf0 {
                    BPF_JEQ => a == i.k,
                    BPF_JGE => a >= i.k,
                    BPF_JSET => a & i.k != 0,
                    _ => panic!("unexpected instruction"),
                };
                at += usize::from(if yes { i.jt } else { i.jf });
            }
        }
    }

    fn native(nr: i64, args: [u64; 2]) -> u32 {
        run(&program(false), NATIVE, number(nr), args)
    }

    #[test]
    fn ordinary_calls_pass_and_dangerous_ones_do_not() {
        assert_eq!(native(libc::SYS_read, [0; 2]), ALLOW);
        assert_eq!(native(libc::SYS_execve, [0; 2]), ALLOW);
        assert_eq!(native(libc::SYS_keyctl, [0; 2]), EPERM);
        assert_eq!(native(libc::SYS_reboot, [0; 2]), EPERM);
        assert_eq!(native(libc::SYS_mount, [0; 2]), EPERM);
        assert_eq!(native(libc::SYS_io_uring_setup, [0; 2]), ENOSYS);
        assert_eq!(native(467, [0; 2]), ENOSYS);
        assert_eq!(run(&program(false), 0x1234, 0, [0; 2]), KILL);
    }

    #[test]
    fn terminal_input_cannot_be_forged_with_high_bits_set() {
        for command in [0x5412, 0x541c, 0xdead_beef_0000_5412, 0x1_0000_541c] {
            assert_eq!(native(libc::SYS_ioctl, [0, command]), EPERM);
        }
        assert_eq!(native(libc::SYS_ioctl, [0, 0x5413]), ALLOW);
    }

    #[test]
    fn sockets_only_of_families_that_are_confined() {
        for nr in [libc::SYS_socket, libc::SYS_socketpair] {
            for family in [1, 2, 10, 16] {
                assert_eq!(native(nr, [family, 0]), ALLOW, "{family}");
            }
            for family in [17, 31, 38, 40, 0x1_0000_0028] {
                assert_eq!(native(nr, [family, 0]), EAFNOSUPPORT, "{family}");
            }
        }
    }

    #[test]
    fn namespaces_only_where_they_are_granted() {
        let newuser = u64::from(libc::CLONE_NEWUSER.cast_unsigned());
        for nr in [libc::SYS_clone, libc::SYS_unshare] {
            assert_eq!(native(nr, [newuser, 0]), EPERM);
            assert_eq!(native(nr, [0x11, 0]), ALLOW);
            assert_eq!(run(&program(true), NATIVE, number(nr), [newuser, 0]), ALLOW);
        }
        assert_eq!(native(libc::SYS_clone3, [0; 2]), ENOSYS);
        assert_eq!(run(&program(true), NATIVE, number(libc::SYS_mount), [0; 2]), ALLOW);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn calls_of_32_bit_programs_are_judged_by_their_own_numbers() {
        let compat = |nr, args| run(&program(false), 0x4000_0003, nr, args);
        assert_eq!(compat(3, [0; 2]), ALLOW);
        assert_eq!(compat(54, [0, 0x5412]), EPERM);
        assert_eq!(compat(21, [0; 2]), EPERM);
        assert_eq!(compat(120, [0x1000_0000, 0]), EPERM);
        assert_eq!(compat(435, [0; 2]), ENOSYS);
        // x32: the number of read with the bit that marks it.
        assert_eq!(native(0x4000_0000, [0; 2]), ENOSYS);
    }
}
