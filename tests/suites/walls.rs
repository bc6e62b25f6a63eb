//! What every sandbox has of its own whatever its profile says: processes, names, an environment,
//! no rights to gain.

use arkose_tests::{Arkose, Scratch, both_ways};
use std::fs;
use std::process::{Command, Stdio};

/// Tries to read, change and stop the process that started the app, and prints what came of it.
const REACH_FOR_THE_FIRST: &str = "
import ctypes, os, signal
for name in ('mem', 'environ', 'maps', 'exe', 'auxv', 'stack'):
    for how in (os.O_RDONLY, os.O_RDWR):
        try: print(name, 'opened', os.read(os.open('/proc/1/' + name, how), 1))
        except OSError: pass
for name in ('fd', 'root/', 'cwd/', 'map_files', 'ns'):
    try: print(name, 'listed', [os.readlink(f'/proc/1/{name}/{entry}') for entry in os.listdir('/proc/1/' + name)])
    except OSError: pass
for name in ('exe', 'cwd', 'root'):
    try: print(name, 'leads to', os.readlink('/proc/1/' + name))
    except OSError: pass
libc = ctypes.CDLL(None, use_errno=True)
SEIZE = 0x4206
if libc.ptrace(SEIZE, 1, None, None) == 0: print('traced')
for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
    try: os.kill(1, number)
    except OSError: pass
print('end')
";

/// Every mount that the app sees: what the kernel would let it do there.
const MOUNTS: &str = "
for line in open('/proc/self/mountinfo'):
    fields = line.split()
    options = fields[5].split(',')
    if 'nosuid' not in options: print('setuid programs count on', fields[4])
    node = fields[4].startswith('/dev/')
    if 'nodev' not in options and not node: print('devices count on', fields[4])
print('end')
";

/// Says what the working directory is, and what of the host is seen from it.
const WORKING_DIRECTORY: &str = "
import os, sys
here = os.stat('.')
there = os.stat(os.getcwd())
print((here.st_dev, here.st_ino) == (there.st_dev, there.st_ino))
for climbing in ('.', '..', '../../../../../../..'):
    for name in sys.argv[1:]:
        if os.path.exists(climbing + name): print('seen from', climbing)
print('end')
";

const HOST_SLEEP: &str = "host process that no sandbox sees";

both_ways! {
    fn no_capability_and_no_way_to_gain_one(via) {
        let status = Arkose::run(via).command(["grep", "-E", "^(Cap|NoNewPrivs|Seccomp:)", "/proc/self/status"]).prints();
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(status.contains(&format!("{set}:\t0000000000000000")), "{status}");
        }
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
        assert!(status.contains("Seccomp:\t2"), "{status}");
    }

    fn the_app_is_the_user_and_keeps_the_users_name(via) {
        let machine = arkose_tests::machine::machine();
        let seen = Arkose::run(via).shell("id -u; id -g; id -un").prints();
        assert_eq!(seen, format!("{}\n{}\n{}", machine.uid, machine.gid, machine.user));
    }

    fn setuid_programs_give_nothing(via) {
        let outcome = Arkose::run(via).shell("su -c 'id -u' root </dev/null; pkexec id -u </dev/null; true").output();
        assert!(!outcome.text().lines().any(|line| line == "0"), "{outcome}");
    }

    fn host_processes_are_neither_seen_nor_signalled(via) {
        let machine = arkose_tests::machine::machine();
        let mut outside = machine.as_user("bash").args(["-c", "exec -a \"$0\" sleep 600", HOST_SLEEP])
            .stdout(Stdio::null()).spawn().unwrap();
        let seen = Arkose::run(via).command(["sh", "-c",
            // The words are found where they are the first argument, and so not in the probe.
            r#"grep -lz "^host [p]rocess that no sandbox sees" /proc/[0-9]*/cmdline 2>/dev/null; kill -KILL -1; kill -KILL "$1" 2>/dev/null; echo "$$ ended""#,
            "sh", &outside.id().to_string()]).output();
        let alive = outside.try_wait().unwrap().is_none();
        outside.kill().unwrap();
        outside.wait().unwrap();
        assert!(alive, "{seen}");
        assert!(seen.text().ends_with(" ended") && seen.text().lines().count() == 1, "{seen}");
    }

    fn the_first_process_is_out_of_the_apps_reach(via) {
        for runas in ["user", "root"] {
            let outcome = Arkose::run(via).option("runas", runas).command(["python3", "-c", REACH_FOR_THE_FIRST]).output();
            assert_eq!(outcome.success(), "end", "as {runas}");
        }
    }

    fn no_mount_makes_a_program_setuid_or_a_node_a_device(via) {
        for (runas, root) in [("user", "cow"), ("user", "read-only"), ("root", "cow"), ("root", "read-only")] {
            let home = Scratch::home();
            let call = Arkose::run(via).option("runas", runas).option("root", root).option("cow", home.directory("copied"))
                .option("bind", home.directory("bound")).option("restrict", "/usr/share/doc");
            assert_eq!(call.command(["python3", "-c", MOUNTS]).prints(), "end", "as {runas}, root = {root}");
        }
    }

    fn a_node_in_a_copied_directory_cannot_be_opened(via) {
        let system = Scratch::system();
        let node = system.join("null");
        assert!(Command::new("mknod").args(["-m", "666"]).arg(&node).args(["c", "1", "3"]).status().unwrap().success());
        let path = system.path().to_str().unwrap().to_owned();
        let script = r#"(exec 3<"$1/null") 2>/dev/null && echo opened; echo end"#;
        for option in [None, Some("cow"), Some("bind"), Some("bind-read-only")] {
            let call = option.iter().fold(Arkose::run(via), |call, option| call.option(option, &path));
            assert_eq!(call.command(["sh", "-c", script, "sh", &path]).prints(), "end", "{option:?}");
        }
        let read_only = Arkose::run(via).option("root", "read-only").command(["sh", "-c", script, "sh", &path]).prints();
        assert_eq!(read_only, "end");
    }

    fn the_working_directory_is_inside(via) {
        let home = Scratch::home();
        let secret = home.file("not-granted/secret", "");
        for chdir in ["/no/such/place", secret.parent().unwrap().to_str().unwrap(), "/usr"] {
            let call = Arkose::run(via).directory(secret.parent().unwrap()).option("chdir", chdir);
            let seen = call.command(["python3", "-c", WORKING_DIRECTORY, secret.to_str().unwrap(), "/secret"]).prints();
            assert_eq!(seen, "True\nend", "from {chdir}");
        }
    }

    fn the_host_name_and_machine_id_are_its_own(via) {
        let seen = Arkose::run(via).shell("hostname; cat /etc/machine-id /proc/sys/kernel/random/boot_id").prints();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let id = fs::read_to_string("/etc/machine-id").or_else(|_| fs::read_to_string("/var/lib/dbus/machine-id")).unwrap();
        let mut lines = seen.lines();
        assert_ne!(lines.next(), Some(host.trim()), "{seen}");
        let own = lines.next().unwrap();
        assert_ne!(own, id.trim(), "{seen}");
        assert_eq!(own.len(), 32, "{seen}");
        let again = Arkose::run(via).command(["cat", "/etc/machine-id"]).prints();
        assert_ne!(again, own, "two sandboxes have the same machine id");
    }

    fn a_named_host_is_called_so(via) {
        assert_eq!(Arkose::run(via).option("hostname", "workbench").command(["hostname"]).prints(), "workbench");
    }

    fn the_environment_is_built_from_nothing(via) {
        let call = Arkose::run(via).env("A_SECRET", "of the caller").env("LD_PRELOAD", "").env("SSH_AUTH_SOCK", "/run/agent");
        let seen = call.command(["env"]).prints();
        assert!(!seen.contains("A_SECRET"), "{seen}");
        assert!(!seen.contains("LD_PRELOAD"), "{seen}");
        assert!(!seen.contains("SSH_AUTH_SOCK"), "{seen}");
        assert!(!seen.contains("PKEXEC_UID"), "{seen}");
        let home = arkose_tests::machine::machine().home.display().to_string();
        for line in [format!("HOME={home}"), "LANG=C.UTF-8".to_owned()] {
            assert!(seen.lines().any(|have| have == line), "{line} is missing in {seen}");
        }
        assert!(seen.lines().any(|line| line.starts_with("PATH=/")), "{seen}");
    }

    fn a_named_variable_is_passed_or_set(via) {
        let call = Arkose::run(via).env("PASSED", "a b\nc").option("env", "PASSED").option("env", "GIVEN=1=2");
        let seen = call.shell(r#"printf '%s|%s' "$PASSED" "$GIVEN""#).prints();
        assert_eq!(seen, "a b\nc|1=2");
    }

    fn it_starts_where_the_caller_is_if_that_is_reachable(via) {
        let home = Scratch::home();
        let place = home.directory("place");
        let seen = Arkose::run(via).option("bind", &place).directory(&place).command(["pwd"]).prints();
        assert_eq!(seen, place.to_str().unwrap());
        let machine_home = arkose_tests::machine::machine().home.display().to_string();
        let seen = Arkose::run(via).directory(&place).command(["pwd"]).prints();
        assert!(seen == machine_home || seen == "/", "{seen}");
        let seen = Arkose::run(via).option("chdir", "/usr/share").command(["pwd"]).prints();
        assert_eq!(seen, "/usr/share");
    }

    fn no_descriptor_but_the_first_three_reaches_the_app(via) {
        let secret = Scratch::home();
        let file = secret.file("held-open", "by the caller");
        let _busy = arkose_tests::arkose::busy();
        // The caller holds descriptors open across the call, as shells and desktops do.
        let mut command = Arkose::run(via).command(["sh", "-c", "ls -l /proc/self/fd"]).into_command();
        let mut words = vec![command.get_program().to_owned()];
        words.extend(command.get_args().map(ToOwned::to_owned));
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"exec 7<"$1" 8</ 9<"$1"; shift; exec "$@""#, "sh"]).arg(&file).args(words);
        shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        command = shell;
        let output = command.stdin(Stdio::null()).output().unwrap();
        let seen = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let numbers: Vec<_> = seen.lines().filter_map(|line| line.split(" -> ").next()?.split(' ').next_back()?.parse::<u32>().ok()).collect();
        // ls itself holds the directory that it lists.
        assert!(numbers.iter().all(|number| *number <= 3), "{seen}");
        assert!(!seen.contains("held-open"), "{seen}");
    }

    fn kernel_settings_cannot_be_written(via) {
        let before = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let outcome = Arkose::run(via).shell(
            "for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/power/state /sys/kernel/mm/ksm/run /sys/fs/cgroup/cgroup.procs; do (echo 0 >$f) 2>/dev/null && echo wrote $f; done; echo end").output();
        assert_eq!(outcome.text(), "end", "{outcome}");
        assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").unwrap(), before);
    }

    /// But for one of the sandbox's own processes, whose mode says so and which the kernel guards otherwise.
    fn no_file_of_the_kernels_settings_is_writable(via) {
        for (runas, network) in [("user", "none"), ("user", "direct"), ("root", "none")] {
            let seen = Arkose::run(via).option("runas", runas).option("network", network)
                .shell("find /proc/sys /proc/sysrq-trigger /proc/irq /sys -type f -writable ! -name ns_last_pid 2>/dev/null | head; echo end").prints();
            assert_eq!(seen, "end", "as {runas}, network = {network}");
        }
    }

    fn the_runtime_directory_is_its_own(via) {
        let machine = arkose_tests::machine::machine();
        let socket = machine.runtime.join(format!("agent-{}-{}", via.word(), std::process::id()));
        fs::write(&socket, "").unwrap();
        let seen = Arkose::run(via).shell("ls -A /run $XDG_RUNTIME_DIR; stat -c %a:%u $XDG_RUNTIME_DIR").prints();
        fs::remove_file(&socket).unwrap();
        assert!(!seen.contains("agent-"), "{seen}");
        assert!(!seen.contains("dbus"), "{seen}");
        assert!(seen.ends_with(&format!("700:{}", machine.uid)), "{seen}");
    }

    fn nested_namespaces_are_refused_unless_granted(via) {
        let outcome = Arkose::run(via).command(["unshare", "--user", "true"]).output();
        assert_ne!(outcome.code(), 0, "{outcome}");
        let granted = Arkose::run(via).arg("--user-namespaces").command(["unshare", "--user", "true"]).output();
        assert_eq!(granted.code(), 0, "{granted}");
    }

    fn the_first_process_reaps_orphans(via) {
        let script = "i=0; while [ $i -lt 20 ]; do (sh -c 'true &' &) ; i=$((i+1)); done; until ! grep -ls '^State:.Z' /proc/[0-9]*/status; do :; done; echo reaped";
        assert_eq!(Arkose::run(via).command(["timeout", "20", "sh", "-c", script]).output().text().lines().last(), Some("reaped"));
    }
}
