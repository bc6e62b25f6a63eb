//! An `/etc/arkose` of a test's own, in a mount namespace that the caller is started in: pkexec starts
//! the helper there as well.

use crate::{Arkose, Outcome, Via};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the file is for who is started so.
pub const FILE: &str = "/etc/arkose/helper.toml";

/// An `/etc/arkose` of root's.
pub struct Etc(pub PathBuf);

impl Etc {
    /// One without a file.
    pub fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("etc-arkose-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new("/opt").join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// One with that file.
    pub fn with(text: impl AsRef<str>) -> Self {
        let etc = Self::empty();
        fs::write(etc.file(), text.as_ref()).unwrap();
        etc
    }

    /// Where its file is on the host.
    pub fn file(&self) -> PathBuf {
        self.0.join("helper.toml")
    }

    /// Puts it where it belongs, for whoever is in the same mount namespace.
    pub fn script(&self) -> String {
        format!("mount --bind {} /etc/arkose", self.0.display())
    }

    /// The call where it is in its place.
    pub fn ready(&self, call: Arkose) -> Command {
        let mut command = call.on_changed_host(&self.script());
        command.stdin(Stdio::piped());
        command
    }

    /// What came of the call there.
    pub fn run(&self, call: Arkose) -> Outcome {
        Outcome::of(&mut self.ready(call))
    }

    /// The refusal of a call that must not have launched anything.
    pub fn refuses(&self, call: Arkose) -> String {
        let outcome = self.run(call);
        assert_eq!(outcome.text(), "", "{outcome}");
        outcome.refusal()
    }
}

impl Drop for Etc {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Something of root's that everybody may read: a directory with `secret/file` and `open/file` in it.
pub struct Guarded(pub PathBuf);

impl Guarded {
    /// Makes it.
    pub fn make() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("guarded-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new("/opt").join(name);
        for (directory, word) in [("secret", "hidden"), ("open", "shown")] {
            fs::create_dir_all(path.join(directory)).unwrap();
            fs::write(path.join(directory).join("file"), word).unwrap();
        }
        Self(path)
    }

    /// What is called so in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What puts its `secret` off limits.
    pub fn closed(&self) -> Etc {
        Etc::with(format!("[default]\noff-limits = [\"{}\"]\n", self.join("secret").display()))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A path as text: those of the tests are.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Prints every file below the arguments.
pub fn reading(call: Arkose, paths: &[&Path]) -> Arkose {
    let script = r#"find "$@" -type f -exec cat {} + ; echo end"#;
    let words = ["sh", "-c", script, "sh"].into_iter().chain(paths.iter().map(|path| text(path)));
    call.command(words.collect::<Vec<_>>())
}

/// Starts as many processes as it can, and says how many.
pub const FORKS: &str = "
import os, signal
started = 0
try:
    while started < 100:
        if os.fork() == 0:
            signal.pause()
        started += 1
except BlockingIOError:
    pass
print(started, flush=True)
os._exit(0)
";

/// Why this machine cannot hold that limit in that way.
pub fn without_limits(via: Via, option: &str, most: &str) -> Option<String> {
    let outcome = Arkose::run(via).option(option, most).command(["true"]).output();
    (outcome.code() != 0).then(|| outcome.said().lines().next().unwrap_or_default().to_owned())
}
