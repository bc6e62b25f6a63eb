//! What the filter answers: the cases that matter by themselves, and every call beside the lists.

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

/// What the lists say of a call, without a program.
fn listed(filter: &Filter<'_>, arch: u32, nr: u32, args: [u32; 2]) -> u32 {
    let native = arch == NATIVE;
    if !native && Some(arch) != COMPAT {
        return KILL;
    }
    if nr >= FIRST_UNKNOWN || (!native && filter.light.is_some()) {
        return ENOSYS;
    }
    let is = |(here, i386): &Call| nr_of(if native { *here } else { i386.map(i64::from) }, nr);
    let among = |list: &[Call]| list.iter().any(is);
    let refused = |refused: bool, how: u32| if refused { how } else { ALLOW };
    if filter.denied.iter().any(|call| is(&(call.here.map(i64::from), call.i386))) {
        return EPERM;
    }
    if let Some(answer) = filter.light.and_then(|network| light::listed(network, nr, args)) {
        return answer;
    }
    let families = if filter.no_local_sockets { &REMOTE[..] } else { &FAMILIES[..] };
    let nested = filter.user_namespaces;
    match () {
        () if is(&IOCTL) => refused(FORGING.contains(&args[1]), EPERM),
        () if is(&SOCKETPAIR) && filter.no_local_sockets => light::pair(args),
        () if is(&SOCKETPAIR) => refused(!FAMILIES.contains(&args[0]), EAFNOSUPPORT),
        () if is(&SOCKET) => refused(!families.contains(&args[0]), EAFNOSUPPORT),
        () if is(&SOCKETCALL) => refused(filter.no_local_sockets, EAFNOSUPPORT),
        () if is(&PERSONALITY) => refused(!PERSONALITIES.contains(&args[0]), EPERM),
        () if is(&CLONE) => refused(!nested && args[0] & NAMESPACES != 0, EPERM),
        () if is(&UNSHARE) => {
            refused(!nested && args[0] & (NAMESPACES | TIME_NAMESPACE) != 0, EPERM)
        }
        () if is(&CLONE3) => refused(!nested, ENOSYS),
        () if among(ABSENT) => ENOSYS,
        () => refused(among(DENIED) || (!nested && among(MOUNTING)), EPERM),
    }
}

fn nr_of(number: Option<i64>, nr: u32) -> bool {
    number == Some(i64::from(nr))
}

/// Every argument of which a list speaks, and others.
fn arguments() -> Vec<u32> {
    let mut some: Vec<u32> = (0..=18).collect();
    some.extend([31, 40, 0x80, 0x10_0000, 0x40_0000, 0x0800_0001, 0x0800_0005, 0x0008_0002]);
    some.extend((0..32).map(|bit| 1 << bit));
    some.extend(FAMILIES.iter().chain(&REMOTE).chain(&FORGING).chain(&PERSONALITIES));
    some.extend(light::arguments());
    some.sort_unstable();
    some.dedup();
    some
}

#[test]
fn every_call_is_answered_as_the_lists_say() {
    let denied =
        [(Some(39), Some(20)), (Some(41), None), (Some(469), Some(469)), (Some(471), None)]
            .map(|(here, i386)| SystemCall { here, i386 });
    let light = |network| Filter { light: Some(network), ..USUAL };
    let filters = [
        USUAL,
        NESTING,
        ALONE,
        Filter { denied: &denied, ..USUAL },
        Filter { denied: &denied, ..light(Network::Direct) },
        light(Network::None),
        Filter { no_local_sockets: true, ..NESTING },
    ];
    let numbers = (0..520).chain([0x4000_0000, 0x4000_0010, 0x7fff_ffff, u32::MAX]);
    let numbers: Vec<u32> = numbers.collect();
    let arguments = arguments();
    for (which, filter) in filters.iter().enumerate() {
        let program = program(filter);
        assert!(program.len() <= 4096, "{which}: the kernel takes no more");
        for arch in [NATIVE, COMPAT.unwrap_or(0x4000_0028), 0, 0x1234] {
            for nr in &numbers {
                for one in &arguments {
                    for args in [[*one, 0], [*one, 2], [0, *one], [1, *one]] {
                        // What the kernel does not read of an `int` must not matter.
                        let [first, second] =
                            args.map(|low| u64::from(low) | 0xdead_0000_0000_0000);
                        let found = run(&program, arch, *nr, [first, second, 0, 0, 0, 0]);
                        let wanted = listed(filter, arch, *nr, args);
                        assert_eq!(found, wanted, "{which} {arch:#x} {nr} {args:x?}");
                    }
                }
            }
        }
    }
}
