//! Sound and buses against real servers.

use crate::place::{Scratch, file, inside, need, value};
use crate::{Skip, Test};
use arkose_session::guard::guarded;
use arkose_session::host::Host;
use arkose_session::{bus, sound};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("a_bus_answers_through_the_granted_socket", a_bus_answers_through_the_granted_socket),
    ("a_sound_server_answers_through_the_grant", a_sound_server_answers_through_the_grant),
];

/// A server that is killed at the end.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn a_bus_answers_through_the_granted_socket() -> Result<(), Skip> {
    need(&["dbus-daemon", "dbus-send"])?;
    let scratch = Scratch::new();
    // A space and a comma: the daemon prints them escaped.
    let path = scratch.0.join("a bus,here");
    let address = format!("unix:path={}", path.display()).replace(' ', "%20").replace(",h", "%2ch");
    let mut daemon = guarded("dbus-daemon")
        .args(["--session", "--nofork", "--print-address=1", "--address"])
        .arg(&address)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map(Server)
        .unwrap();
    let mut printed = String::new();
    BufReader::new(daemon.0.stdout.take().unwrap()).read_line(&mut printed).unwrap();
    assert!(printed.contains("guid="), "{printed}");
    let host = Host::with([
        ("DBUS_SESSION_BUS_ADDRESS", printed.trim()),
        ("DBUS_SYSTEM_BUS_ADDRESS", printed.trim()),
    ]);
    for found in [bus::session(&host, &inside()).unwrap(), bus::system(&host).unwrap()] {
        assert_eq!(found.source.as_path(), path);
        let link = scratch.0.join("granted");
        std::os::unix::fs::symlink(found.source.as_path(), &link).unwrap();
        let answer = Command::new("dbus-send")
            .arg(format!("--bus=unix:path={}", link.display()))
            .args([
                "--print-reply",
                "--dest=org.freedesktop.DBus",
                "/",
                "org.freedesktop.DBus.GetId",
            ])
            .output()
            .unwrap();
        assert!(answer.status.success(), "{answer:?}");
        std::fs::remove_file(&link).unwrap();
    }
    Ok(())
}

fn a_sound_server_answers_through_the_grant() -> Result<(), Skip> {
    need(&["pulseaudio", "pactl"])?;
    let scratch = Scratch::new();
    let dir = scratch.0.to_str().unwrap();
    std::fs::create_dir(scratch.0.join("pulse")).unwrap();
    let socket = scratch.0.join("pulse/native");
    let cookie = scratch.0.join("pulse/cookie");
    let vars = [("XDG_RUNTIME_DIR", dir), ("XDG_CONFIG_HOME", dir), ("HOME", dir)];
    let path = std::env::var("PATH").unwrap();
    let module = format!(
        "module-native-protocol-unix socket={} auth-group-enable=0 auth-cookie-enabled=1 auth-cookie={}",
        socket.display(),
        cookie.display()
    );
    let _server = guarded("pulseaudio")
        .args([
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--use-pid-file=no",
            "--disable-shm=yes",
            "--load=module-null-sink",
            "-L",
            &module,
        ])
        .env_clear()
        .envs(vars)
        .env("PATH", &path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(Server)
        .unwrap();
    // It makes the cookie before the socket.
    crate::place::appears(&socket);
    let grant = sound::direct(&Host::with(vars), &inside()).unwrap();
    assert_eq!(file(&grant, "PULSE_COOKIE"), std::fs::read(&cookie).unwrap());
    let inner = scratch.0.join("inner");
    std::fs::create_dir(&inner).unwrap();
    let copy = |variable: &str| {
        let path = inner.join(variable);
        std::fs::write(&path, file(&grant, variable)).unwrap();
        path
    };
    assert_eq!(value(&grant, "PULSE_SERVER"), Some("unix:/run/user/1000/pulse/native"));
    let answer = Command::new("pactl")
        .args(["list", "short", "sinks"])
        .env_clear()
        .env("PATH", &path)
        .env("HOME", &inner)
        .env("PULSE_SERVER", format!("unix:{}", grant.sockets[0].source))
        .env("PULSE_COOKIE", copy("PULSE_COOKIE"))
        .env("PULSE_CLIENTCONFIG", copy("PULSE_CLIENTCONFIG"))
        .output()
        .unwrap();
    assert!(answer.status.success(), "{answer:?}");
    assert!(String::from_utf8_lossy(&answer.stdout).contains("null"), "{answer:?}");
    Ok(())
}
