//! A bus of the test's own, and the built proxy in front of it.

use arkose_tests::machine::machine;
use arkose_tests::wait;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A bus, which ends with the test.
#[derive(Debug)]
pub(crate) struct Bus {
    directory: PathBuf,
    daemon: Child,
}

impl Bus {
    pub(crate) fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("bus-{}-{number}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let socket = directory.join("bus");
        let daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile"])
            .arg(format!("--address=unix:path={}", socket.display()))
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon");
        assert!(wait::until(wait::LAUNCH, || UnixStream::connect(&socket).is_ok()));
        Self { directory, daemon }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join("bus")
    }

    /// The proxy with such rules, as options.
    pub(crate) fn proxy(&self, rules: &[&str]) -> Proxy {
        let socket = self.directory.join(format!("proxy-{}", rules.len()));
        let child = Command::new(machine().programs.join("arkose-dbus-proxy"))
            .arg(format!("unix:path={}", self.path().display()))
            .arg(&socket)
            .arg("--filter")
            .args(rules)
            .spawn()
            .unwrap();
        assert!(wait::until(wait::LAUNCH, || UnixStream::connect(&socket).is_ok()));
        Proxy { child, path: socket }
    }

    /// The proxy with a supervisor, who says `rules` and `more` in JSON.
    pub(crate) fn supervised(&self, rules: &str, more: &str) -> (Proxy, Supervisor) {
        self.supervised_as("session", rules, more)
    }

    /// The same, for a bus that is called so.
    pub(crate) fn supervised_as(
        &self,
        called: &str,
        rules: &str,
        more: &str,
    ) -> (Proxy, Supervisor) {
        let socket = self.directory.join("supervised");
        let (ours, theirs) = UnixStream::pair().unwrap();
        let child = Command::new(machine().programs.join("arkose-dbus-proxy"))
            .arg("--control")
            .stdin(OwnedFd::from(theirs))
            .spawn()
            .unwrap();
        ours.set_read_timeout(Some(wait::LAUNCH)).unwrap();
        let mut supervisor = Supervisor(BufReader::new(ours));
        supervisor.say(&format!(
            r#"{{"app":"A","id":"i","profile":"p","log":"denied"{more},"buses":[{{"bus":"{called}","upstream":"unix:path={}","listen":"{}","rules":[{rules}]}}]}}"#,
            self.path().display(),
            socket.display(),
        ));
        let ready = supervisor.line().expect("it starts");
        assert_eq!(ready, r#"{"ready":true}"#);
        (Proxy { child, path: socket }, supervisor)
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A running proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) child: Child,
    pub(crate) path: PathBuf,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The supervisor's end.
pub(crate) struct Supervisor(BufReader<UnixStream>);

impl Supervisor {
    pub(crate) fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    }

    /// Waits for a line that has such a key.
    pub(crate) fn told(&mut self, key: &str) -> serde_json::Value {
        loop {
            let line = self.line().expect("the proxy runs");
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            if value.get(key).is_some() {
                return value;
            }
        }
    }
}
