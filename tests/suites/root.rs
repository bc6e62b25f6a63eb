//! Root inside: software can be installed there, and the host has no trace of it and no harm from it.

use arkose_tests::{Arkose, Scratch, both_ways};
use std::fs;
use std::process::Command;

/// A package with one program, made for the test so that no mirror is needed.
fn package(scratch: &Scratch) -> std::path::PathBuf {
    scratch.file("tree/DEBIAN/control",
        "Package: arkose-probe\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@localhost>\nDescription: a probe\n");
    let program = scratch.file("tree/usr/bin/arkose-probe", "#!/bin/sh\necho installed\n");
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = scratch.join("probe.deb");
    let status = Command::new("dpkg-deb")
        .args(["--root-owner-group", "--build"])
        .arg(scratch.join("tree"))
        .arg(&path)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    path
}

/// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT and
/// SETFCAP (linux/capability.h): of these root inside has what the kernel gives it, and no other.
const RIGHTS: u64 = 0b1000_0000_0000_0100_0000_0101_1111_1011;

/// What of the machine would show in `/proc`.
const SECRETS: [&str; 8] =
    ["kcore", "keys", "kmsg", "timer_list", "slabinfo", "vmallocinfo", "kpagecount", "kpageflags"];

both_ways! {
    fn root_inside_has_the_rights_of_a_container_in_a_namespace_of_its_own(via) {
        let seen = Arkose::run(via).option("runas", "root").shell("sed -n 's/^Cap...:.//p; s/^NoNewPrivs:.//p' /proc/self/status; readlink /proc/self/ns/user").prints();
        let lines: Vec<&str> = seen.lines().collect();
        for set in &lines[..5] {
            let rights = u64::from_str_radix(set, 16).unwrap();
            assert_eq!(rights & !RIGHTS, 0, "{seen}");
        }
        assert_eq!(lines[5], "1", "{seen}");
        let host = fs::read_link("/proc/self/ns/user").unwrap();
        assert_ne!(lines[6], host.to_str().unwrap());
    }

    fn root_inside_reads_no_secret_of_the_machine(via) {
        let script = format!("cd /proc; for f in {}; do timeout 5 head -c 1 $f 2>/dev/null | grep -q . && echo read $f; done; echo end", SECRETS.join(" "));
        let outcome = Arkose::run(via).option("runas", "root").shell(&script).output();
        assert_eq!(outcome.success(), "end");
    }

    fn root_inside_is_uid_0_with_a_bounded_right(via) {
        assert_eq!(Arkose::run(via).option("runas", "root").shell("id -u; id -un").prints(), "0\nroot");
    }

    fn root_inside_cannot_change_the_host(via) {
        let before = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
        let outcome = Arkose::run(via).option("runas", "root").shell(
            "date -s 2001-01-01 >/dev/null 2>&1 && echo set the time; hostname elsewhere 2>/dev/null; \
             for f in /proc/sys/kernel/hostname /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/power/state; do (echo 0 >$f) 2>/dev/null && echo wrote $f; done; \
             mount -t tmpfs none /mnt 2>/dev/null && mount -t sysfs none /mnt 2>/dev/null && (echo x >/mnt/power/state) 2>/dev/null && echo wrote sysfs; \
             dmesg -C 2>/dev/null && echo cleared the log; reboot -f 2>/dev/null && echo rebooted; echo end").output();
        assert_eq!(outcome.text().lines().last(), Some("end"), "{outcome}");
        assert_eq!(outcome.text(), "end", "{outcome}");
        assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").unwrap(), before);
        assert_eq!(fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap(), pattern);
    }

    fn what_root_inside_does_not_read_is_not_waited_for(via) {
        let home = Scratch::home();
        let pipe = home.join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        // Nothing is ever written to it, and it stays open.
        let silent = fs::File::options().read(true).write(true).open(&pipe).unwrap();
        let outcome = Arkose::run(via).option("runas", "root").command(["echo", "done"]).start_reading(silent).finish();
        assert_eq!(outcome.success(), "done");
    }

    fn root_inside_reads_no_more_of_the_host_than_the_user(via) {
        let system = Scratch::system();
        let secret = system.join("secret");
        fs::write(&secret, "for root only").unwrap();
        fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let outcome = Arkose::run(via).option("runas", "root").option("bind", system.path())
            .command(["sh", "-c", r#"cat /etc/shadow "$1"; echo planted >"$1""#, "sh", secret.to_str().unwrap()]).output();
        assert!(!outcome.text().contains("for root only"), "{outcome}");
        assert_eq!(fs::read_to_string(&secret).unwrap(), "for root only");
    }
}

mod apt_installs_into_the_overlay_and_the_host_has_no_trace {
    use super::*;
    use arkose_tests::{Via, machine};

    fn body(via: Via) {
        let system = Scratch::system();
        let path = package(&system);
        let status = fs::read("/var/lib/dpkg/status").unwrap();
        let seen = Arkose::run(via)
            .option("runas", "root")
            .option("bind-read-only", system.path())
            .command([
                "sh",
                "-c",
                r#"apt-get install -y "$1" >/tmp/log 2>&1 || cat /tmp/log; arkose-probe; dpkg -s arkose-probe | grep ^Status; stat -c %u:%g /usr/bin/arkose-probe"#,
                "sh",
                path.to_str().unwrap(),
            ])
            .output();
        assert_eq!(seen.text(), "installed\nStatus: install ok installed\n0:0", "{seen}");
        assert!(!std::path::Path::new("/usr/bin/arkose-probe").exists());
        assert!(
            fs::read("/var/lib/dpkg/status").unwrap() == status,
            "the host's package database changed"
        );
    }

    /// Only the helper can map every user, which dpkg and apt need.
    #[test]
    fn helper() {
        machine::with_way(
            Via::Helper,
            "apt_installs_into_the_overlay_and_the_host_has_no_trace",
            body,
        );
    }
}
