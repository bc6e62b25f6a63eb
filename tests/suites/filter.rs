//! The system-call filter, attacked from inside: every call that it refuses, in both sizes, with
//! arguments that a kernel without the filter would answer differently wherever it would.

use arkose_tests::machine::{self, machine};
use arkose_tests::{Arkose, Scratch, Via, both_ways};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::Stdio;

const PROBE: &str = include_str!("probes/calls.py");

const EPERM: &str = "1";
const ENOSYS: &str = "38";
const EAFNOSUPPORT: &str = "97";

/// The calls that nobody has: name, number on x86-64, number on i386, arguments. A dash stands for a
/// call that is not there in that size.
const DENIED: &str = "
acct 163 51 0
add_key 248 286 0 0 0 0 0
bpf 321 357 0 0 0
clock_adjtime 305 343 0 0
clock_adjtime64 - 405 0 0
clock_settime 227 264 0 0
clock_settime64 - 404 0 0
delete_module 176 129 0 0
finit_module 313 350 -1 0 0
init_module 175 128 0 0 0
kexec_file_load 320 - -1 -1 0 0 0
kexec_load 246 283 0 0 0 0
quotactl 179 131 0xffffffff 0 0 0
quotactl_fd 443 443 -1 0 0 0
reboot 169 88 1 2 3 0
settimeofday 164 79 0 0
stime - 25 0
swapoff 168 115 0
swapon 167 87 0 0
syslog 103 103 10 0 0
vhangup 153 111
ioperm 173 101 0 0 0
iopl 172 110 3
keyctl 250 288 0 -3 0 0 0
request_key 249 287 0 0 0 0
get_mempolicy 239 275 0 0 0 0 0
mbind 237 274 0 0 99 0 0
migrate_pages 256 294 0 0 0 0
move_pages 279 317 0 0 0 0 0
set_mempolicy 238 276 0 0 0
set_mempolicy_home_node 450 450 0 0 0 0
fanotify_init 300 338 0x200 0
open_by_handle_at 304 342 -1 0 0
perf_event_open 298 336 0 0 -1 -1 0
userfaultfd 323 374 1
lookup_dcookie 212 253 0 0 0
nfsservctl 180 169 0 0 0
_sysctl 156 149 0
sysfs 139 135 3
uselib 134 86 0
ustat 136 62 0 0
vm86old - 113 0
vm86 - 166 0 0
personality 135 136 0x0040000
";

/// Calls that a user may make on a machine as it is delivered: a test that could not fail for any of
/// them would be none.
const ALLOWED_OUTSIDE: [&str; 9] = [
    "add_key",
    "keyctl",
    "get_mempolicy",
    "set_mempolicy",
    "mbind",
    "userfaultfd",
    "fanotify_init",
    "sysfs",
    "personality",
];

/// Calls that make mounts and namespaces.
const NAMESPACES: &str = "
mount 165 21 0 0 0 0 0
umount - 22 0
umount2 166 52 0 0
pivot_root 155 217 0 0
open_tree 428 428 -100 0 0
move_mount 429 429 -1 0 -1 0 0
fsopen 430 430 0 0
fsconfig 431 431 -1 0 0 0 0
fsmount 432 432 -1 0 0
fspick 433 433 -1 0 0
mount_setattr 442 442 -1 0 0 0 0
open_tree_attr 467 467 -1 0 0 0 0
setns 308 346 -1 0
unshare_user 272 310 0x10000000
unshare_mounts 272 310 0x20000
unshare_time 272 310 0x80
unshare_high_bits 272 310 0x10000000
clone_user 56 120 0x10000011 0 0 0 0
clone_pid 56 120 0x20000011 0 0 0 0
clone_network 56 120 0x40000011 0 0 0 0
clone_uts 56 120 0x04000011 0 0 0 0
clone_ipc 56 120 0x08000011 0 0 0 0
clone_cgroup 56 120 0x02000011 0 0 0 0
";

/// The lines of a table as the probe reads them, for one size of program.
fn of_size(table: &str, size: &str) -> String {
    let lines = table.lines().filter(|line| !line.is_empty()).filter_map(|line| {
        let mut words = line.split(' ');
        let (name, here, i386) = (words.next()?, words.next()?, words.next()?);
        let number = if size == "i386" { i386 } else { here };
        let arguments: Vec<_> = words.collect();
        (number != "-").then(|| format!("{name} {size} {number} {}", arguments.join(" ")))
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// What the probe prints, by name.
fn answers(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.map(|(name, error)| (name.to_owned(), error.to_owned())).collect()
}

fn inside(call: Arkose, calls: &str) -> BTreeMap<String, String> {
    let outcome = call.command(["/usr/bin/python3", "-c", PROBE]).input(calls).output();
    let answers = answers(&outcome.success());
    assert_eq!(answers.len(), calls.lines().count(), "{outcome}");
    answers
}

/// What the kernel says to the test user without a sandbox.
fn outside(calls: &str) -> BTreeMap<String, String> {
    let mut probe = machine().as_user("/usr/bin/python3");
    let mut child =
        probe.args(["-c", PROBE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(calls.as_bytes()).unwrap();
    answers(&String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
}

/// The sizes of programs that this machine runs; says why one is left out.
fn sizes(name: &str) -> Vec<&'static str> {
    if cfg!(not(target_arch = "x86_64")) {
        machine::skip(name, "the numbers of the table are those of x86");
        return Vec::new();
    }
    // getpid, as a 32-bit program makes it.
    match outside("getpid i386 20\n").get("getpid").map(String::as_str) {
        Some("0") => vec!["native", "i386"],
        _ => {
            machine::skip(name, "this kernel runs no 32-bit programs");
            vec!["native"]
        }
    }
}

fn all_are(answers: &BTreeMap<String, String>, error: &str) {
    let others: Vec<_> = answers.iter().filter(|(_, answer)| *answer != error).collect();
    assert!(others.is_empty(), "not refused with {error}: {others:?}");
}

both_ways! {
    fn every_call_of_the_list_is_refused_in_both_sizes(via) {
        for size in sizes("every_call_of_the_list_is_refused_in_both_sizes") {
            let calls = of_size(DENIED, size);
            all_are(&inside(Arkose::run(via), &calls), EPERM);
            let without = outside(&calls);
            for name in ALLOWED_OUTSIDE {
                assert_ne!(without[name], EPERM, "{name} ({size}) is refused without a sandbox as well");
            }
        }
    }

    fn no_mount_and_no_namespace_unless_granted(via) {
        for size in sizes("no_mount_and_no_namespace_unless_granted") {
            let calls = of_size(NAMESPACES, size);
            all_are(&inside(Arkose::run(via), &calls), EPERM);
            let granted = inside(Arkose::run(via).arg("--user-namespaces"), &calls);
            for name in ["unshare_user", "fsconfig", "open_tree_attr"] {
                assert_ne!(granted[name], EPERM, "{name} ({size})");
            }
        }
    }

    fn clone3_is_not_there_and_io_uring_neither(via) {
        for size in sizes("clone3_is_not_there_and_io_uring_neither") {
            let calls = of_size("
clone3 435 435 0 0
io_uring_setup 425 425 0 0
io_uring_enter 426 426 -1 0 0 0 0
io_uring_register 427 427 -1 0 0 0
unknown 470 470
later 600 600
", size);
            all_are(&inside(Arkose::run(via), &calls), ENOSYS);
            assert_ne!(outside(&calls)["clone3"], ENOSYS);
        }
        // x32, by the bit that marks it: getpid, socket, mount.
        if cfg!(target_arch = "x86_64") {
            let calls = "a native 0x40000027\nb native 0x40000029 40 1 0\nc native 0x400000a5 0 0 0 0 0\n";
            all_are(&inside(Arkose::run(via), calls), ENOSYS);
        }
    }

    fn high_bits_hide_no_argument(via) {
        let calls = "
sti ioctl native 16 0 0xdeadbeef00005412 0
linux ioctl native 16 0 0x10000541c 0
".replace(" ioctl", "");
        all_are(&inside(Arkose::run(via), calls.trim_start()), EPERM);
        let calls = "vsock native 41 0x100000028 1 0\nalg native 41 0xffffffff00000026 5 0\npair native 53 0x700000010f 1 0 0\n";
        all_are(&inside(Arkose::run(via), calls), EAFNOSUPPORT);
        let calls = "persona native 135 0xf00000000040000\nunshare native 272 0xf10000000\n";
        all_are(&inside(Arkose::run(via), calls), EPERM);
    }

    fn nothing_can_be_typed_by_a_32_bit_program_either(via) {
        if sizes("nothing_can_be_typed_by_a_32_bit_program_either").contains(&"i386") {
            all_are(&inside(Arkose::run(via), "sti i386 54 0 0x5412 0\nlinux i386 54 0 0x541c 0\n"), EPERM);
            all_are(&inside(Arkose::run(via), "vsock i386 359 40 1 0\n"), EAFNOSUPPORT);
        }
    }

    fn what_ordinary_programs_need_is_there(via) {
        let calls = "
getpid native 39
persona native 135 0xffffffff
ptrace_me native 101 0 0 0 0
memfd native 319 0 0
landlock native 444 0 0 1
";
        let answers = inside(Arkose::run(via), calls.trim_start());
        for name in ["getpid", "persona", "ptrace_me", "landlock"] {
            assert_eq!(answers[name], "0", "{name}");
        }
        // EFAULT: it looked at its argument.
        assert_eq!(answers["memfd"], "14");
    }
}

/// Root inside is filtered as everybody is.
#[test]
fn root_inside_is_filtered_as_well() {
    machine::with_way(Via::Helper, "root_inside_is_filtered_as_well", |via| {
        for size in sizes("root_inside_is_filtered_as_well") {
            let calls = of_size(DENIED, size) + &of_size(NAMESPACES, size);
            all_are(&inside(Arkose::run(via).option("runas", "root"), &calls), EPERM);
        }
    });
}

both_ways! {
    fn a_profile_refuses_further_calls(via) {
        for size in sizes("a_profile_refuses_further_calls") {
            let calls = of_size("getppid 110 64\ngetpid 39 20\nptrace 101 26 0 0 0 0\n", size);
            let usual = inside(Arkose::run(via), &calls);
            all_are(&usual, "0");
            let call = Arkose::run(via).option("deny-call", "getppid").option("set", "system-calls.deny=[\"ptrace\", \"getppid\"]");
            let refused = inside(call, &calls);
            assert_eq!((&*refused["getppid"], &*refused["ptrace"], &*refused["getpid"]), (EPERM, EPERM, "0"), "{size}");
        }
    }
}

/// A name that is none is told with its place and the nearest one.
#[test]
fn a_call_that_is_none_is_named_with_its_place() {
    let home = Scratch::home();
    let file = home.file(
        "calls.toml",
        "command = [\"true\"]\n[system-calls]\ndeny = [\"chroot\", \"ptrase\"]\n",
    );
    let said = Arkose::call(["run", "--profile"]).arg(&file).command(["true"]).output().refusal();
    assert!(said.contains("calls.toml:3:19: ") && said.contains("“ptrace”"), "{said}");
    let said = Arkose::call(["run", "--deny-call", "execve"]).command(["true"]).output().refusal();
    assert!(said.contains("cannot be refused"), "{said}");
}
