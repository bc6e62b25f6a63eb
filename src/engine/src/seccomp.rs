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
pub(crate) mod service;
#[cfg(test)]
mod tests;

use crate::plan::{Plan, Way};
use crate::sys::Instruction;
use arkose_profile::{Network, SystemCall, Walls};
use bpf::{ALLOW, Calls, Rule, Rules, fail};
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
    let unknown = Rule::Answer(ENOSYS);
    let rules_of_native = rules(filter, &|(here, _)| here.and_then(|nr| u32::try_from(nr).ok()));
    let mut all = vec![Calls {
        arch: NATIVE,
        rules: rules_of_native,
        first_unknown: FIRST_UNKNOWN,
        unknown: unknown.clone(),
    }];
    all.extend(COMPAT.map(|arch| {
        // Light walls stand on arguments that 32-bit programs may pass in memory.
        let first_unknown = if filter.light.is_some() { 0 } else { FIRST_UNKNOWN };
        Calls { arch, rules: rules(filter, &|(_, i386)| i386), first_unknown, unknown }
    }));
    bpf::program(&all)
}

/// What becomes of each call, by the number that `number` gives it.
fn rules(filter: &Filter<'_>, number: &dyn Fn(Call) -> Option<u32>) -> Rules {
    let mut rules = Rules::new();
    let mut set = |call: &Call, rule: Rule| {
        if let Some(nr) = number(*call) {
            rules.insert(nr, rule);
        }
    };
    DENIED.iter().for_each(|call| set(call, Rule::Answer(EPERM)));
    ABSENT.iter().for_each(|call| set(call, Rule::Answer(ENOSYS)));
    if !filter.user_namespaces {
        MOUNTING.iter().for_each(|call| set(call, Rule::Answer(EPERM)));
        // Its flags are in memory, where a filter cannot look; without it, libc uses clone.
        set(&CLONE3, Rule::Answer(ENOSYS));
        set(&CLONE, unless_any_bit(NAMESPACES));
        set(&UNSHARE, unless_any_bit(NAMESPACES | TIME_NAMESPACE));
    }
    set(&PERSONALITY, only(0, &PERSONALITIES, EPERM));
    // socketcall, the older way to the same, has its arguments in memory, where a filter cannot look.
    if filter.no_local_sockets {
        set(&SOCKETCALL, Rule::Answer(EAFNOSUPPORT));
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
        set(&(call.here.map(i64::from), call.i386), Rule::Answer(EPERM));
    }
    rules
}

/// Refuses the call when its first argument has any of those bits.
fn unless_any_bit(bits: u32) -> Rule {
    let ways = [Rule::Answer(EPERM), Rule::Answer(ALLOW)];
    Rule::argument(0, Rule::AnyBit(bits, Box::new(ways)))
}

/// Allows the call only with one of these values as that argument.
fn only(index: u32, values: &[u32], otherwise: u32) -> Rule {
    Rule::argument(index, Rule::among(values, ALLOW, Rule::Answer(otherwise)))
}

/// Allows the call with any but these values as that argument.
fn all_but(index: u32, values: &[u32], how: u32) -> Rule {
    Rule::argument(index, Rule::among(values, how, Rule::Answer(ALLOW)))
}
