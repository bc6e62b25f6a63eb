//! What every sandbox has of its own whatever its profile says: processes, names, an environment,
//! no rights to gain.

use arkose_tests::{Arkose, Scratch, both_ways};
use std::fs;
use std::process::{Command, Stdio};

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
            r#"cat /proc/[0-9]*/cmdline | tr '\0' ' ' | grep -c "$1"; kill -KILL -1; kill -KILL "$2"; echo "$$ ended""#,
            "sh", HOST_SLEEP, &outside.id().to_string()]).output();
        let alive = outside.try_wait().unwrap().is_none();
        outside.kill().unwrap();
        outside.wait().unwrap();
        assert!(alive, "{seen}");
        // The probe itself has the words on its command line, and grep.
        let count: u32 = seen.text().lines().next().unwrap().parse().unwrap();
        assert!(count <= 1, "{seen}");
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
