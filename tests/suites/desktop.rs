//! The rest of a desktop: message buses, sound, and devices.

use arkose_tests::machine::machine;
use arkose_tests::wait::{self, LAUNCH};
use arkose_tests::{Arkose, Display, both_ways, machine};
use std::path::Path;
use std::process::{Child, Stdio};

const BUS_ID: [&str; 10] = [
    "gdbus",
    "call",
    "--session",
    "--timeout",
    "10",
    "--dest",
    "org.freedesktop.DBus",
    "--object-path",
    "/",
    "--method=org.freedesktop.DBus.GetId",
];

/// The same question on the system's bus.
fn system_bus_id() -> Vec<&'static str> {
    BUS_ID.iter().map(|word| if *word == "--session" { "--system" } else { *word }).collect()
}

/// A sound server of the test user's, with a sink that plays to nobody.
struct Sound(Child);

impl Sound {
    fn start() -> Self {
        let socket = machine().runtime.join("pulse/native");
        let _ = std::fs::remove_file(&socket);
        let mut command = machine().as_user("pulseaudio");
        command
            .args([
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
                "--disable-shm=yes",
            ])
            .args([
                "--load=module-null-sink sink_name=nobody",
                "--load=module-native-protocol-unix",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().expect("pulseaudio starts");
        let sound = Self(child);
        assert!(
            wait::until(LAUNCH, || {
                let mut probe = machine().as_user("pactl");
                probe
                    .arg("info")
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .unwrap()
                    .success()
            }),
            "the sound server does not answer"
        );
        sound
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

both_ways! {
    fn without_a_bus_none_is_reached(via) {
        let display = Display::start();
        let address = display.variable("DBUS_SESSION_BUS_ADDRESS").to_owned();
        let script = format!(
            "env | grep -E 'DBUS.*(unix|tcp|autolaunch)'; DBUS_SESSION_BUS_ADDRESS='{address}' {} ; {}; ls /run/dbus $XDG_RUNTIME_DIR/bus; echo end",
            BUS_ID.join(" "), system_bus_id().join(" "));
        let outcome = display.give(Arkose::run(via).option("dbus", "none").option("network", "direct")).shell(&script).output();
        assert_eq!(outcome.text(), "end", "{outcome}");
    }

    fn the_session_bus_is_reached_where_granted(via) {
        let display = Display::start();
        let host = display.host(BUS_ID[0]).args(&BUS_ID[1..]).output().unwrap();
        let host = String::from_utf8(host.stdout).unwrap();
        let inside = display.give(Arkose::run(via).option("dbus", "session")).command(BUS_ID).prints();
        assert_eq!(inside, host.trim_end());
        let system = display.give(Arkose::run(via).option("dbus", "session")).command(system_bus_id()).output();
        assert_ne!(system.code(), 0, "{system}");
    }

    fn the_system_bus_is_reached_where_granted(via) {
        let id = system_bus_id();
        let host = machine().as_user(id[0]).args(&id[1..]).output().unwrap();
        let host = String::from_utf8(host.stdout).unwrap();
        assert!(!host.is_empty());
        assert_eq!(Arkose::run(via).option("dbus", "system").command(&id).prints(), host.trim_end());
        let display = Display::start();
        let session = display.give(Arkose::run(via).option("dbus", "system")).command(BUS_ID).output();
        assert_ne!(session.code(), 0, "{session}");
    }

    fn sound_plays_only_where_granted(via) {
        let _one_at_a_time = machine::exclusively("sound");
        let _sound = Sound::start();
        let granted = Arkose::run(via).arg("--pulseaudio").command(["pactl", "list", "short", "sinks"]).prints();
        assert!(granted.contains("nobody"), "{granted}");
        let refused = Arkose::run(via).option("network", "direct").command(["pactl", "list", "short", "sinks"]).output();
        assert_ne!(refused.code(), 0, "{refused}");
    }

    fn the_devices_are_the_harmless_ones(via) {
        let seen = Arkose::run(via).shell("cd /dev && find . ! -type d ! -path './pts/*' | sort").prints();
        let known = ["console", "core", "fd", "full", "null", "ptmx", "random", "stderr", "stdin", "stdout", "tty", "urandom", "zero"];
        for node in seen.lines() {
            let name = node.trim_start_matches("./");
            assert!(known.contains(&name), "/dev/{name} is inside: {seen}");
        }
        for name in ["full", "null", "random", "tty", "urandom", "zero", "fd", "ptmx"] {
            assert!(seen.lines().any(|node| node == format!("./{name}")), "/dev/{name} is missing: {seen}");
        }
        let works = Arkose::run(via).shell("head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; echo x >/dev/null; echo /dev/pts/*").prints();
        assert_eq!(works, "4\n4\n/dev/pts/ptmx");
    }

    fn a_device_is_granted_by_its_path_and_no_other_with_it(via) {
        let device = "/dev/fuse";
        if !Path::new(device).exists() {
            machine::skip("a_device_is_granted_by_its_path_and_no_other_with_it", "there is no /dev/fuse here");
            return;
        }
        let script = "ls /dev/fuse /dev/net/tun /dev/kvm /dev/loop-control 2>/dev/null; exec 3<>/dev/fuse && echo opened";
        let granted = Arkose::run(via).option("device", device).shell(script).prints();
        assert_eq!(granted, "/dev/fuse\nopened");
    }

    fn a_device_class_grants_its_nodes(via) {
        if !Path::new("/dev/kvm").exists() {
            machine::skip("a_device_class_grants_its_nodes", "there is no /dev/kvm here");
            return;
        }
        let seen = Arkose::run(via).option("device", "kvm").shell("test -c /dev/kvm && echo kvm; ls /dev/fuse 2>/dev/null; true").prints();
        assert_eq!(seen, "kvm");
    }

    fn a_node_made_inside_cannot_be_opened(via) {
        let outcome = Arkose::run(via).option("runas", "root").shell(
            "for d in /tmp /dev /root /opt; do mknod $d/made c 10 229 2>/dev/null && (exec 3<>$d/made) 2>/dev/null && echo opened $d; done; echo end").output();
        assert_eq!(outcome.text(), "end", "{outcome}");
    }
}
