//! What this machine is and allows: where the built programs are, who the test user is, and which
//! ways of building a sandbox work here.

use crate::arkose::{Via, busy};
use nix::unistd::{Gid, Uid, User};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// What `./dev test` prepared.
#[derive(Debug)]
pub struct Machine {
    /// Where `arkose` and `arkose-gtk` are.
    pub programs: PathBuf,
    /// The directory of shipped profiles.
    pub profiles: PathBuf,
    /// The test user's name.
    pub user: String,
    /// The test user's uid.
    pub uid: Uid,
    /// The test user's own group.
    pub gid: Gid,
    /// The test user's home directory.
    pub home: PathBuf,
    /// The test user's `XDG_RUNTIME_DIR`.
    pub runtime: PathBuf,
    skips: PathBuf,
}

/// The machine as `./dev test` prepared it.
///
/// # Panics
///
/// Says so where it did not.
pub fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE.get_or_init(|| {
        assert!(
            std::env::var_os("ARKOSE_SUITES").is_some(),
            "the suites need a prepared machine: start them with ./dev test [FILTER]"
        );
        let name = variable("ARKOSE_TEST_USER").into_string().expect("a user's name is UTF-8");
        let user = User::from_name(&name).expect("the user database can be read");
        let user = user
            .unwrap_or_else(|| panic!("there is no user {name}: start the suites with ./dev test"));
        Machine {
            programs: variable("ARKOSE_BIN_DIR").into(),
            profiles: variable("ARKOSE_PROFILES").into(),
            user: name,
            uid: user.uid,
            gid: user.gid,
            home: user.dir,
            runtime: PathBuf::from(format!("/run/user/{}", user.uid)),
            skips: variable("ARKOSE_SKIPS").into(),
        }
    })
}

fn variable(name: &str) -> OsString {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set: start the suites with ./dev test"))
}

impl Machine {
    /// A command that will run as the test user, in their home, with a small environment of its own.
    #[must_use]
    pub fn as_user(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={}", self.uid))
            .arg(format!("--regid={}", self.gid))
            .args(["--init-groups", "--"])
            .arg(program)
            .current_dir(&self.home)
            .env_clear()
            .env("HOME", &self.home)
            .env("USER", &self.user)
            .env("LOGNAME", &self.user)
            .env("SHELL", "/bin/bash")
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm")
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/games", self.programs.display()),
            )
            .env("XDG_RUNTIME_DIR", &self.runtime)
            .env("ARKOSE_PROFILES", &self.profiles)
            .stdin(Stdio::null());
        command
    }
}

/// Runs a test in one way, or skips it where the machine does not allow that way.
pub fn with_way(via: Via, name: &str, body: fn(Via)) {
    match obstacle(via) {
        None => body(via),
        Some(reason) => skip(name, &reason),
    }
}

/// Why sandboxes cannot be built in one way here, if they cannot.
#[must_use]
pub fn obstacle(via: Via) -> Option<String> {
    // What is tried for it are sandboxes, too.
    let _busy = busy();
    match via {
        Via::User => no_user_namespaces(),
        Via::Helper => no_helper(),
    }
}

/// Prints that a test is skipped, and why, and has `./dev test` count it.
pub fn skip(name: &str, reason: &str) {
    println!("skipped: {name}: {reason}");
    let mut skips = OpenOptions::new().create(true).append(true).open(&machine().skips);
    if let Ok(file) = &mut skips {
        // One write, so that lines of tests that run at once do not mix.
        let _ = file.write_all(format!("{name}: {reason}\n").as_bytes());
    }
}

/// Why a user namespace cannot be had here.
fn no_user_namespaces() -> Option<String> {
    let mut probe = machine().as_user("unshare");
    probe.args([
        "--user",
        "--map-root-user",
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--mount-proc",
        "true",
    ]);
    refusal(&mut probe)
        .map(|cause| format!("this machine has no user namespaces for users ({cause})"))
}

/// Why the helper cannot be used here.
fn no_helper() -> Option<String> {
    let mut probe = Command::new("unshare");
    probe.args(["--mount", "--net", "--pid", "--fork", "--mount-proc", "true"]);
    if let Some(cause) = refusal(&mut probe) {
        return Some(format!("this machine has no namespaces or mounts for root ({cause})"));
    }
    let mut probe = machine().as_user("sh");
    probe.args(["-c", "exec pkcheck --action-id io.github.arkose.launch --process $$"]);
    refusal(&mut probe).map(|cause| format!("polkit does not let the test user launch ({cause})"))
}

fn refusal(probe: &mut Command) -> Option<String> {
    match probe.stdin(Stdio::null()).output() {
        Err(error) => Some(error.to_string()),
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Some(said.lines().next().unwrap_or("no reason given").to_owned())
        }
    }
}

/// Held while a test uses something of which the machine has one.
#[must_use]
pub fn exclusively(what: &str) -> std::fs::File {
    let path = std::env::temp_dir().join(format!("arkose-tests-{what}.lock"));
    let lock =
        std::fs::File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    lock.lock().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    lock
}
