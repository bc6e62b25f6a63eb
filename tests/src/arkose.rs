//! Running the built `arkose` as the test user, and what came of it.

use crate::host;
use crate::machine::machine;
use crate::wait::{self, Lines};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

/// Who builds the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The user, in a user namespace.
    User,
    /// The helper, as root through pkexec.
    Helper,
}

impl Via {
    /// The word that `--via` takes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Via::User => "user",
            Via::Helper => "helper",
        }
    }
}

/// A call of `arkose` that is being put together.
#[derive(Debug)]
pub struct Arkose {
    program: &'static str,
    options: Vec<OsString>,
    command: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    directory: Option<OsString>,
    input: Vec<u8>,
}

impl Arkose {
    /// `arkose run --via …`; the command comes later.
    #[must_use]
    pub fn run(via: Via) -> Self {
        Self::call(["run", "--via", via.word()])
    }

    /// `arkose launch PROFILE --via …`.
    #[must_use]
    pub fn launch(via: Via, profile: impl AsRef<OsStr>) -> Self {
        Self::call(["launch".as_ref(), profile.as_ref(), "--via".as_ref(), via.word().as_ref()])
    }

    /// `arkose-request`: the helper alone, asked for what `arkose` would not ask for.
    #[must_use]
    pub fn crafted() -> Self {
        Self { program: "arkose-request", ..Self::call([""; 0]) }
    }

    /// The same, for an app that is root inside.
    #[must_use]
    pub fn crafted_as_root() -> Self {
        Self::crafted().option("action", "admin").arg("--runas-root")
    }

    /// `arkose` with any words.
    pub fn call(words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        Self {
            program: "arkose",
            options: words.into_iter().map(|word| word.as_ref().to_owned()).collect(),
            command: Vec::new(),
            environment: Vec::new(),
            directory: None,
            input: Vec::new(),
        }
    }

    /// Adds one word before the command.
    #[must_use]
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.options.push(word.as_ref().to_owned());
        self
    }

    /// Adds `--NAME VALUE` before the command.
    #[must_use]
    pub fn option(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.arg(format!("--{name}")).arg(value)
    }

    /// The command, after `--`.
    #[must_use]
    pub fn command(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Adds words to the command.
    #[must_use]
    pub fn command_arguments(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// `sh -c SCRIPT` as the command.
    #[must_use]
    pub fn shell(self, script: &str) -> Self {
        self.command(["sh", "-c", script])
    }

    /// Sets a variable of the caller's environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// The caller's working directory.
    #[must_use]
    pub fn directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().as_os_str().to_owned());
        self
    }

    /// What the command reads.
    #[must_use]
    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = bytes.as_ref().to_vec();
        self
    }

    /// The call as a command that is ready to be started, with nothing connected.
    #[must_use]
    pub fn into_command(self) -> Command {
        let mut command = machine().as_user(machine().programs.join(self.program));
        command.args(&self.options);
        if !self.command.is_empty() {
            command.arg("--").args(&self.command);
        }
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    /// The call on a host that `script` has changed as root, where nobody else sees the changes.
    #[must_use]
    pub fn on_changed_host(self, script: &str) -> Command {
        self.entering(Vec::new(), script)
    }

    /// The same, started by a command that enters other namespaces before.
    #[must_use]
    pub(crate) fn entering(self, enter: Vec<OsString>, script: &str) -> Command {
        let call = self.into_command();
        let mut words = enter;
        words.extend(["unshare", "--mount", "--propagation=private", "sh", "-ec"].map(Into::into));
        let mut command = Command::new(words.remove(0));
        command.args(words);
        command
            .arg(format!("{script}\nexec \"$@\""))
            .arg("sh")
            .arg(call.get_program())
            .args(call.get_args());
        command.env_clear().stdin(Stdio::null()).current_dir("/");
        for (name, value) in call.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
    }

    /// Starts it with pipes; the test goes on while it runs.
    #[must_use]
    pub fn start(self) -> Running {
        self.start_in(Some(busy()))
    }

    /// As [`start`](Self::start), with a file as its input.
    #[must_use]
    pub fn start_reading(self, input: File) -> Running {
        self.start_on(Some(busy()), Stdio::from(input))
    }

    /// As [`start`](Self::start), for a test that holds a [`Quiet`] host.
    #[must_use]
    pub fn start_alone(self, _quiet: &Quiet) -> Running {
        self.start_in(None)
    }

    fn start_in(self, turn: Option<Busy>) -> Running {
        self.start_on(turn, Stdio::piped())
    }

    fn start_on(mut self, turn: Option<Busy>, stdin: Stdio) -> Running {
        let input = std::mem::take(&mut self.input);
        let mut command = self.into_command();
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let said = format!("{command:?}");
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{said}: {error}"));
        let mut stdin = child.stdin.take();
        if !input.is_empty() {
            // Not here: the command may have to be read from before it reads further. One that
            // reads nothing closes its end first; that is not our failure.
            let pipe = stdin.take();
            thread::spawn(move || pipe.map(|mut pipe| pipe.write_all(&input)));
        }
        Running { child, stdin, said, _turn: turn }
    }

    /// Runs it to its end.
    #[must_use]
    pub fn output(self) -> Outcome {
        self.start().finish()
    }

    /// As [`output`](Self::output), for a test that holds a [`Quiet`] host.
    #[must_use]
    pub fn output_alone(self, quiet: &Quiet) -> Outcome {
        self.start_alone(quiet).finish()
    }

    /// Runs it to its end, which has to be a success, and answers what it printed.
    #[must_use]
    pub fn prints(self) -> String {
        self.output().success()
    }
}

/// The lock that every launch shares, and that a [`Quiet`] host has for itself.
fn turn() -> File {
    let path = std::env::temp_dir().join("arkose-tests.lock");
    File::create(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// While it is held, no test has the host for itself.
#[derive(Debug)]
pub struct Busy(#[allow(dead_code, reason = "closing it gives the lock back")] File);

/// Waits until no test has the host for itself, and keeps it so. Starting an [`Arkose`] does this.
#[must_use]
pub fn busy() -> Busy {
    let turn = turn();
    turn.lock_shared().expect("the lock of the suites");
    Busy(turn)
}

/// While it is held, no other test of the suites runs a sandbox.
#[derive(Debug)]
pub struct Quiet(#[allow(dead_code, reason = "closing it gives the lock back")] File);

/// Waits until no other test runs a sandbox and the last of them is gone, and keeps it so.
#[must_use]
pub fn quiet() -> Quiet {
    let turn = turn();
    turn.lock().expect("the lock of the suites");
    // A killed `arkose` ends a little before its sandbox.
    wait::until(wait::LAUNCH, || !host::has_sandboxes());
    Quiet(turn)
}

/// An `arkose` that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// What the command reads, unless the call had input; dropping it closes it.
    pub stdin: Option<ChildStdin>,
    said: String,
    _turn: Option<Busy>,
}

impl Running {
    /// The pid of `arkose`, which is the supervisor.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"))
    }

    /// Sends a signal to `arkose`.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal)
            .unwrap_or_else(|error| panic!("{signal} to {}: {error}", self.said));
    }

    /// What the command prints, line by line. Can be taken once, and is then missing in the outcome.
    pub fn lines(&mut self) -> Lines {
        Lines::of(self.child.stdout.take().expect("the output has been taken"))
    }

    /// Closes its input and waits for its end.
    ///
    /// # Panics
    ///
    /// When it does not end within [`wait::LAUNCH`]; it is killed then.
    #[must_use]
    pub fn finish(mut self) -> Outcome {
        drop(self.stdin.take());
        let stdout = collect(self.child.stdout.take());
        let stderr = collect(self.child.stderr.take());
        let pid = self.pid();
        let (sender, ended) = mpsc::channel();
        thread::scope(|scope| {
            let child = &mut self.child;
            scope.spawn(move || {
                let _ = sender.send(child.wait());
            });
            let status = ended.recv_timeout(wait::LAUNCH).unwrap_or_else(|_| {
                let _ = kill(pid, Signal::SIGKILL);
                panic!("{} did not end within {:?}", self.said, wait::LAUNCH);
            });
            let status = status.expect("a child can be waited for");
            Outcome {
                status,
                stdout: stdout.recv_timeout(wait::LAUNCH).expect("the output has an end"),
                stderr: stderr.recv_timeout(wait::LAUNCH).expect("the messages have an end"),
                said: self.said.clone(),
            }
        })
    }
}

impl Running {
    /// Waits for the end of an `arkose` that was itself killed.
    ///
    /// # Panics
    ///
    /// When it was not killed.
    pub fn finish_killed(mut self) {
        let status = self.child.wait().expect("a child can be waited for");
        assert!(status.signal().is_some(), "{} was not killed: {status}", self.said);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn collect(pipe: Option<impl std::io::Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, bytes) = mpsc::channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut all);
        }
        let _ = sender.send(all);
    });
    bytes
}

/// What came of a call.
#[derive(Debug)]
pub struct Outcome {
    /// How `arkose` itself ended.
    pub status: ExitStatus,
    /// What came out, byte for byte.
    pub stdout: Vec<u8>,
    /// What came out beside.
    pub stderr: Vec<u8>,
    said: String,
}

impl Outcome {
    /// What comes of a command that was made ready by hand.
    #[must_use]
    pub fn of(command: &mut Command) -> Self {
        let _turn = busy();
        let said = format!("{command:?}");
        let output = command.output().unwrap_or_else(|error| panic!("{said}: {error}"));
        Self { status: output.status, stdout: output.stdout, stderr: output.stderr, said }
    }

    /// The exit status.
    ///
    /// # Panics
    ///
    /// When `arkose` was itself killed by a signal.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("killed by {:?}: {self}", self.status.signal()))
    }

    /// What was printed, without the last newline.
    ///
    /// # Panics
    ///
    /// When the exit status is not 0.
    #[must_use]
    pub fn success(&self) -> String {
        assert_eq!(self.code(), 0, "{self}");
        self.text()
    }

    /// What was printed, without the last newline, whatever the exit status.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }

    /// What was said on standard error.
    #[must_use]
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Arkose's own refusal: exit status 125, and a sentence.
    ///
    /// # Panics
    ///
    /// When it was not refused, or no sentence was given.
    #[must_use]
    pub fn refusal(&self) -> String {
        assert_eq!(self.code(), 125, "{self}");
        let said = self.said();
        assert!(!said.trim().is_empty(), "refused without a word: {self}");
        assert!(!said.contains("panicked"), "{self}");
        said
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} ended with {}", self.said, self.status)?;
        writeln!(f, "--- output\n{}", String::from_utf8_lossy(&self.stdout))?;
        write!(f, "--- messages\n{}", String::from_utf8_lossy(&self.stderr))
    }
}
