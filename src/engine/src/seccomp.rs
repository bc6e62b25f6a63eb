//! The system-call filter of the app: which doors of the kernel it does not find.
//!
//! A deny-list. It refuses what Flatpak refuses every app (`setup_seccomp` in its
//! common/flatpak-run.c), and what Docker's and Podman's default lists leave out for a container
//! without capabilities (moby's profiles/seccomp/default.json, containers-common's seccomp.json),
//! but for what debuggers and 16-bit programs need: ptrace and modify_ldt, which the latter two allow. What
//! the filter does not know is answered as by a kernel that does not have it. Calls of 32-bit
//! programs on x86-64 have numbers of their own and are judged by these.

mod bpf;
mod calls;
mod light;

use crate::plan::{Plan, Way};
use crate::sys::Instruction;
use arkose_profile::{Network, SystemCall, Walls};
use bpf::{ALLOW, Rules, answer, argument, fail, when_any_bit, when_equal};
use calls::{
    ABSENT, CLONE, CLONE3, Call, DENIED, IOCTL, MOUNTING, PERSONALITY, SOCKET, SOCKETCALL,
    SOCKETPAIR, UNSHARE,
};

/// The first number that this list was not written for. Linux 6.17 has none beyond file_setattr.
const FIRST_UNKNOWN: u32 = 470;

#[cfg(target_arch = "x86_64")]
const NATIVE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const NATIVE: u32 = 0xc000_00b7;
/// i386 (`AUDIT_ARCH_I386`). A 32-bit ARM program has no business on aarch64, and is ended.
#[cfg(target_arch = "x86_64")]
const COMPAT: Option<u32> = Some(0x4000_0003);
#[cfg(target_arch = "aarch64")]
const COMPAT: Option<u32> = None;

const EPERM: u32 = fail(libc::EPERM);
const ENOSYS: u32 = fail(libc::ENOSYS);
const EAFNOSUPPORT: u32 = fail(libc::EAFNOSUPPORT);

/// The flags of clone and unshare that make namespaces.
const NAMESPACES: u32 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP)
    .cast_unsigned();

/// `CLONE_NEWTIME`: to clone these bits are part of the signal.
const TIME_NAMESPACE: u32 = 0x80;

/// Families of sockets that a network namespace or a path confines. Others reach the machine around
/// a virtual one (AF_VSOCK), the kernel's ciphers (AF_ALG), or radio hardware.
const FAMILIES: [u32; 5] = [
    libc::AF_UNSPEC.cast_unsigned(),
    libc::AF_UNIX.cast_unsigned(),
    libc::AF_INET.cast_unsigned(),
    libc::AF_INET6.cast_unsigned(),
    libc::AF_NETLINK.cast_unsigned(),
];

/// Those of them that a path does not lead to.
const REMOTE: [u32; 4] = [FAMILIES[0], FAMILIES[2], FAMILIES[3], FAMILIES[4]];

/// Terminal controls that forge what a user typed.
const FORGING: [u32; 2] = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];

/// Linux, Linux of 32 bits, either with the release of long ago, and the question which it is. Others
/// make memory that is data executable, or addresses guessable.
const PERSONALITIES: [u32; 5] = [0, 8, 0x2_0000, 0x2_0008, u32::MAX];

/// What the filter depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filter<'a> {
    /// Whether the app may make user namespaces.
    user_namespaces: bool,
    /// Whether it is kept from sockets that lie in files, but for pairs of its own.
    no_local_sockets: bool,
    /// With light walls: the app's network.
    light: Option<Network>,
    /// What the profile refuses beside.
    denied: &'a [SystemCall],
}

impl<'a> Filter<'a> {
    /// The filter that a plan asks for. Who is heard by sockets of others must not be root's work
    /// there.
    pub(crate) fn of(plan: &'a Plan, heard_outside: bool) -> Self {
        let network = if plan.own_network { Network::None } else { Network::Direct };
        Self {
            user_namespaces: plan.user_namespaces,
            no_local_sockets: plan.way == Way::Helper && plan.as_root && heard_outside,
            light: (plan.walls == Walls::Light).then_some(network),
            denied: &plan.denied_calls,
        }
    }
}

/// The filter's program.
pub(crate) fn program(filter: &Filter<'_>) -> Vec<Instruction> {
    let native = rules(filter, &|(here, _)| here.and_then(|nr| u32::try_from(nr).ok()));
    let native = bpf::of_architecture(NATIVE, FIRST_UNKNOWN, ENOSYS, &native);
    let compat = COMPAT.map(|arch| {
        let rules = rules(filter, &|(_, i386)| i386);
        // Light walls stand on arguments that 32-bit programs may pass in memory.
        let first_unknown = if filter.light.is_some() { 0 } else { FIRST_UNKNOWN };
        bpf::of_architecture(arch, first_unknown, ENOSYS, &rules)
    });
    bpf::program(std::iter::once(native).chain(compat))
}

/// What becomes of each call, by the number that `number` gives it.
fn rules(filter: &Filter<'_>, number: &dyn Fn(Call) -> Option<u32>) -> Rules {
    let mut rules = Rules::new();
    let mut set = |call: &Call, block: Vec<Instruction>| {
        if let Some(nr) = number(*call) {
            rules.insert(nr, block);
        }
    };
    DENIED.iter().for_each(|call| set(call, vec![answer(EPERM)]));
    ABSENT.iter().for_each(|call| set(call, vec![answer(ENOSYS)]));
    if !filter.user_namespaces {
        MOUNTING.iter().for_each(|call| set(call, vec![answer(EPERM)]));
        // Its flags are in memory, where a filter cannot look; without it, libc uses clone.
        set(&CLONE3, vec![answer(ENOSYS)]);
        set(&CLONE, unless_any_bit(NAMESPACES));
        set(&UNSHARE, unless_any_bit(NAMESPACES | TIME_NAMESPACE));
    }
    set(&PERSONALITY, only(0, &PERSONALITIES, EPERM));
    // socketcall, the older way to the same, has its arguments in memory, where a filter cannot look.
    if filter.no_local_sockets {
        set(&SOCKETCALL, vec![answer(EAFNOSUPPORT)]);
    }
    let families: &[u32] = if filter.no_local_sockets { &REMOTE } else { &FAMILIES };
    set(&SOCKET, only(0, families, EAFNOSUPPORT));
    let pairs =
        if filter.no_local_sockets { light::pairs() } else { only(0, &FAMILIES, EAFNOSUPPORT) };
    set(&SOCKETPAIR, pairs);
    set(&IOCTL, all_but(1, &FORGING, EPERM));
    if let Some(network) = filter.light {
        light::rules(network, &mut set);
    }
    for call in filter.denied {
        set(&(call.here.map(i64::from), call.i386), vec![answer(EPERM)]);
    }
    rules
}

/// Refuses the call when its first argument has any of those bits.
fn unless_any_bit(bits: u32) -> Vec<Instruction> {
    let mut block = vec![argument(0)];
    block.extend(when_any_bit(bits, EPERM));
    block.push(answer(ALLOW));
    block
}

/// Allows the call only with one of these values as that argument.
fn only(index: u32, values: &[u32], otherwise: u32) -> Vec<Instruction> {
    judged(index, values, ALLOW, otherwise)
}

/// Allows the call with any but these values as that argument.
fn all_but(index: u32, values: &[u32], how: u32) -> Vec<Instruction> {
    judged(index, values, how, ALLOW)
}

fn judged(index: u32, values: &[u32], then: u32, otherwise: u32) -> Vec<Instruction> {
    let mut block = vec![argument(index)];
    block.extend(values.iter().flat_map(|value| when_equal(*value, &[answer(then)])));
    block.push(answer(otherwise));
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use bpf::KILL;
    use bpf::machine::run;

    const USUAL: Filter<'_> =
        Filter { user_namespaces: false, no_local_sockets: false, light: None, denied: &[] };
    const NESTING: Filter<'_> = Filter { user_namespaces: true, ..USUAL };
    const ALONE: Filter<'_> = Filter { no_local_sockets: true, ..USUAL };

    fn native(filter: &Filter<'_>, nr: i64, args: [u64; 2]) -> u32 {
        let args = [args[0], args[1], 0, 0, 0, 0];
        run(&program(filter), NATIVE, u32::try_from(nr).unwrap(), args)
    }

    fn usual(nr: i64, args: [u64; 2]) -> u32 {
        native(&USUAL, nr, args)
    }

    #[test]
    fn ordinary_calls_pass_and_dangerous_ones_do_not() {
        for nr in [libc::SYS_read, libc::SYS_execve, libc::SYS_ptrace, libc::SYS_fchmodat2] {
            assert_eq!(usual(nr, [0; 2]), ALLOW);
        }
        for (here, _) in DENIED.iter().chain(MOUNTING) {
            assert_eq!(here.map_or(EPERM, |nr| usual(nr, [0; 2])), EPERM, "{here:?}");
        }
        assert_eq!(usual(libc::SYS_io_uring_setup, [0; 2]), ENOSYS);
        assert_eq!(usual(467, [0; 2]), EPERM);
        assert_eq!(usual(469, [0; 2]), ALLOW);
        assert_eq!(usual(470, [0; 2]), ENOSYS);
        assert_eq!(run(&program(&USUAL), 0x1234, 0, [0; 6]), KILL);
    }

    #[test]
    fn terminal_input_cannot_be_forged_with_high_bits_set() {
        for command in [0x5412, 0x541c, 0xdead_beef_0000_5412, 0x1_0000_541c] {
            assert_eq!(usual(libc::SYS_ioctl, [0, command]), EPERM);
        }
        assert_eq!(usual(libc::SYS_ioctl, [0, 0x5413]), ALLOW);
    }

    #[test]
    fn sockets_only_of_families_that_are_confined() {
        for nr in [libc::SYS_socket, libc::SYS_socketpair] {
            for family in [1, 2, 10, 16] {
                assert_eq!(usual(nr, [family, 0]), ALLOW, "{family}");
            }
            for family in [17, 31, 38, 40, 0x1_0000_0028] {
                assert_eq!(usual(nr, [family, 0]), EAFNOSUPPORT, "{family}");
            }
        }
    }

    #[test]
    fn who_is_to_be_heard_by_nobody_gets_no_socket_in_a_file() {
        assert_eq!(native(&ALONE, libc::SYS_socket, [1, 0]), EAFNOSUPPORT);
        assert_eq!(native(&ALONE, libc::SYS_socket, [0x1_0000_0001, 0]), EAFNOSUPPORT);
        for family in [2, 10, 16] {
            assert_eq!(native(&ALONE, libc::SYS_socket, [family, 0]), ALLOW, "{family}");
        }
        assert_eq!(native(&ALONE, libc::SYS_socketpair, [1, 1]), ALLOW);
        // A pair of datagrams could be sent to somebody else.
        assert_eq!(native(&ALONE, libc::SYS_socketpair, [1, 2]), EPERM);
    }

    #[test]
    fn only_harmless_personalities() {
        for persona in [0, 8, 0xffff_ffff, u64::MAX] {
            assert_eq!(usual(libc::SYS_personality, [persona, 0]), ALLOW, "{persona:#x}");
        }
        for persona in [0x40_0000, 0x4_0000, 0x1_0040_0000, 4] {
            assert_eq!(usual(libc::SYS_personality, [persona, 0]), EPERM, "{persona:#x}");
        }
    }

    #[test]
    fn namespaces_only_where_they_are_granted() {
        let newuser = u64::from(libc::CLONE_NEWUSER.cast_unsigned());
        for nr in [libc::SYS_clone, libc::SYS_unshare] {
            assert_eq!(usual(nr, [newuser, 0]), EPERM);
            assert_eq!(usual(nr, [0x11, 0]), ALLOW);
            assert_eq!(native(&NESTING, nr, [newuser, 0]), ALLOW);
        }
        assert_eq!(usual(libc::SYS_unshare, [0x80, 0]), EPERM);
        assert_eq!(usual(libc::SYS_clone3, [0; 2]), ENOSYS);
        assert_eq!(native(&NESTING, libc::SYS_mount, [0; 2]), ALLOW);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn calls_of_32_bit_programs_are_judged_by_their_own_numbers() {
        let compat = |nr, args: [u64; 2]| {
            let args = [args[0], args[1], 0, 0, 0, 0];
            run(&program(&USUAL), 0x4000_0003, nr, args)
        };
        assert_eq!(compat(3, [0; 2]), ALLOW);
        for (_, i386) in DENIED.iter().chain(MOUNTING) {
            assert_eq!(i386.map_or(EPERM, |nr| compat(nr, [0; 2])), EPERM, "{i386:?}");
        }
        assert_eq!(compat(54, [0, 0x5412]), EPERM);
        assert_eq!(compat(120, [0x1000_0000, 0]), EPERM);
        assert_eq!(compat(435, [0; 2]), ENOSYS);
        assert_eq!(compat(136, [0x40_0000, 0]), EPERM);
        // x32: the number of read with the bit that marks it.
        assert_eq!(usual(0x4000_0000, [0; 2]), ENOSYS);
    }
}
