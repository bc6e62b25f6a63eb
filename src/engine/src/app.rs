//! The last steps before the app's own code runs: its descriptors, its terminal, its directory,
//! the walls that cannot be taken down again, and the search for its program.

use crate::error::{Context as _, Result};
use crate::limits;
use crate::sys::{self, Instruction};
use crate::wall::Wall;
use arkose_profile::AbsPath;
use arkose_protocol::{Bytes, Channel, Event, Request};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

/// What the app is started with.
pub(crate) struct App<'a> {
    pub(crate) request: &'a Request,
    pub(crate) channel: &'a Channel,
    pub(crate) filter: &'a [Instruction],
    pub(crate) wall: &'a Wall,
    pub(crate) terminal: Option<OwnedFd>,
    /// How many processes it may have, where no control group counts them.
    pub(crate) processes: Option<u32>,
    /// Whether the directories of the host are there, and Landlock alone closes them.
    pub(crate) light: bool,
}

/// Exit statuses by which a shell tells what went wrong.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

/// Where programs are when the environment does not say.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";

/// Turns this process into the app; never returns.
pub(crate) fn become_app(app: &App<'_>, stdio: [OwnedFd; 3]) -> ! {
    if let Err(error) = prepare(app, stdio) {
        let _ = app.channel.send_event(&Event::Failed(error.into_failure()));
        sys::exit(NOT_EXECUTABLE)
    }
    let errno = execute(app.request);
    let _ = app.channel.send_event(&Event::ExecFailed(errno.raw_os_error()));
    sys::exit(if errno == Errno::NOENT { NOT_FOUND } else { NOT_EXECUTABLE })
}

fn prepare(app: &App<'_>, stdio: [OwnedFd; 3]) -> Result<()> {
    let message = "the app's terminal cannot be set up";
    match &app.terminal {
        None => drop(rustix::process::setsid().context(message)?),
        // In the session of the first process: a group without a parent in its session could not be
        // stopped by Ctrl+Z.
        Some(terminal) => {
            rustix::process::setpgid(None, None).context(message)?;
            rustix::termios::tcsetpgrp(terminal, rustix::process::getpid()).context(message)?;
        }
    }
    let [stdin, stdout, stderr] = stdio;
    rustix::stdio::dup2_stdin(&stdin).context(message)?;
    rustix::stdio::dup2_stdout(&stdout).context(message)?;
    rustix::stdio::dup2_stderr(&stderr).context(message)?;
    sys::close_from(3).context("the app's descriptors cannot be closed")?;
    sys::reset_signals();
    if let Some(most) = app.processes {
        limits::count_processes(most).context("the number of processes cannot be limited")?;
    }
    app.wall.close()?;
    enter_directory(app.request, app.light);
    sys::load_filter(app.filter).context("the app's system calls cannot be filtered")
}

/// The wanted directory, else the home, else the root.
fn enter_directory(request: &Request, light: bool) {
    let own = light.then(|| home_of(&request.env)).flatten();
    let home = if light { own.as_ref() } else { Some(&request.home.path) };
    for directory in request.cwd.iter().chain(home) {
        // To enter a directory Landlock asks nothing; to open it, it does.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let reached = !light || rustix::fs::open(directory.as_path(), flags, Mode::empty()).is_ok();
        if reached && rustix::process::chdir(directory.as_path()).is_ok() {
            return;
        }
    }
    let _ = rustix::process::chdir(c"/");
}

/// The home that an app finds which stays on the host and is kept from the user's.
fn home_of(env: &[Bytes]) -> Option<AbsPath> {
    let home = env.iter().find_map(|variable| variable.0.strip_prefix(b"HOME="))?;
    AbsPath::new(OsStr::from_bytes(home)).ok()
}

/// Looks for the program as a shell would; returns why none could be executed.
fn execute(request: &Request) -> Errno {
    let argv: Vec<CString> = strings(&request.argv);
    let env: Vec<CString> = strings(&request.env);
    let Some(program) = argv.first() else { return Errno::NOENT };
    let name = program.to_bytes();
    if name.contains(&b'/') {
        return sys::execve(program, &argv, &env);
    }
    let path = env.iter().find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="));
    let mut worst = Errno::NOENT;
    for directory in path.unwrap_or(DEFAULT_PATH).split(|byte| *byte == b':') {
        // An empty entry would mean the current directory, which may be anybody's.
        if directory.is_empty() {
            continue;
        }
        let Ok(candidate) = CString::new([directory, b"/", name].concat()) else { continue };
        match sys::execve(&candidate, &argv, &env) {
            Errno::NOENT | Errno::NOTDIR => {}
            Errno::ACCESS => worst = Errno::ACCESS,
            errno => return errno,
        }
    }
    worst
}

/// NUL bytes were refused when the request came in.
fn strings(bytes: &[Bytes]) -> Vec<CString> {
    bytes.iter().filter_map(|bytes| CString::new(bytes.0.as_slice()).ok()).collect()
}
