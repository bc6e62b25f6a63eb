//! Having the sandbox built, by this process itself or by root through pkexec, and understanding
//! how that ended.

use crate::failure::{
    CANNOT_SUPERVISE, DISMISSED, HELPER_DIED, LaunchError, NO_HELPER, NO_PKEXEC, NOT_AUTHORISED,
    NOT_ENTERED,
};
use crate::host::Host;
use crate::installed::LIBEXEC;
use crate::limits::Limited;
use crate::streams::{Pump, Streams};
use arkose_admin::Caps;
use arkose_profile::RunAs;
use arkose_protocol::{Channel, ProtocolError, Request};
use nix::sys::signal::SigSet;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

/// The polkit policy names it in the directory of [`LIBEXEC`].
const NAME: &str = "arkose-helper";

/// Where distributions put pkexec. It is not looked for in `PATH`: an app may have been given one of
/// the directories there, and the user types a password into what comes up.
const PKEXEC: [&str; 2] = ["/usr/bin/pkexec", "/run/wrappers/bin/pkexec"];

/// pkexec(1): the user dismissed the dialog.
const PKEXEC_DISMISSED: i32 = 126;
/// pkexec(1): not authorised, or nobody to ask, or something else went wrong.
const PKEXEC_REFUSED: i32 = 127;

/// What builds the sandbox and waits for its end.
#[derive(Debug)]
pub(crate) enum Helper {
    /// Nobody but this process: the first process of the sandbox is its child.
    Sandbox(Pid),
    /// The helper program, by way of pkexec.
    Root(Child),
    /// Another supervisor has it, and this process only a command in its sandbox.
    Elsewhere,
}

impl Helper {
    /// Builds the sandbox as this user.
    pub(crate) fn as_user(
        request: &Request,
        caps: Option<&Caps>,
        limits: &mut Limited,
    ) -> Result<(Self, Channel), LaunchError> {
        let launched = arkose_engine::launch(request, caps, limits.born_in())
            .map_err(|error| LaunchError::Engine(error.into_failure()))?;
        limits.made(launched.group);
        Ok((Self::Sandbox(launched.first), launched.channel))
    }

    /// Has root build it, for what polkit knows as one of two actions.
    pub(crate) fn as_root(
        host: &Host,
        request: &Request,
        limits: &Limited,
    ) -> Result<(Self, Channel, Vec<Pump>), LaunchError> {
        let helper = Path::new(LIBEXEC).join(NAME);
        if !helper.exists() {
            return Err(LaunchError::remedied(NO_HELPER, "./dev install"));
        }
        let Some(pkexec) = pkexec() else {
            return Err(LaunchError::remedied(NO_PKEXEC, "sudo apt install pkexec polkitd"));
        };
        let action = match request.policy.runas {
            RunAs::User => "launch",
            RunAs::Root => "admin",
        };
        let mut command = Command::new(pkexec);
        // pkexec refuses a shell that it does not know; it needs nothing of the environment.
        command.arg(helper).arg(action).env_clear();
        if let Some(language) = host.var("LANG") {
            command.env("LANG", language);
        }
        let (ours, theirs) = Channel::pair()?;
        command.stdin(Stdio::from(theirs.into_fd())).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = spawn_unblocked(&mut command)
            .map_err(|error| LaunchError::because(NO_PKEXEC, error))?;
        let helper = Self::Root(child);
        let (given, pumps) = match request.policy.runas {
            RunAs::User => (None, Vec::new()),
            RunAs::Root => {
                let replaced = request.terminal.map_or([false; 3], |terminal| terminal.replaces);
                let streams = Streams::piped(replaced)
                    .map_err(|error| LaunchError::because(CANNOT_SUPERVISE, error))?;
                (Some(streams.given), streams.pumps)
            }
        };
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let stdio = match &given {
            None => [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()],
            Some(given) => given.each_ref().map(|fd| fd.as_fd()),
        };
        // If it ended before it read the request, why it did says more than that.
        match ours.send_request(request, stdio, limits.born_in().map(OwnedFd::as_fd)) {
            Err(ProtocolError::Io(_)) => Err(helper.wait()),
            sent => Ok(sent.map(|()| (helper, ours, pumps))?),
        }
    }

    /// The sandbox's first process, where this process knows it by itself.
    pub(crate) fn first(&self) -> Option<i32> {
        if let Self::Sandbox(pid) = self { Some(pid.as_raw_nonzero().get()) } else { None }
    }

    /// Whether it is gone already.
    pub(crate) fn has_ended(&mut self) -> bool {
        match self {
            // Left to be collected by `wait`.
            Self::Sandbox(pid) => {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
                !matches!(rustix::process::waitid(WaitId::Pid(*pid), options), Ok(None))
            }
            Self::Root(child) => matches!(child.try_wait(), Ok(Some(_)) | Err(_)),
            Self::Elsewhere => false,
        }
    }

    /// Ends a dialog that is still open, for nobody waits for its answer any more. What root runs
    /// is out of reach of this signal, and ends because the socket is closed.
    pub(crate) fn give_up(&self) {
        if let Self::Root(child) = self {
            let pid = Pid::from_child(child);
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
    }

    /// Waits for its end; why it ended, if it did before it said anything.
    pub(crate) fn wait(self) -> LaunchError {
        match self {
            Self::Sandbox(pid) => {
                let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
                LaunchError::plain(HELPER_DIED)
            }
            Self::Root(mut child) => {
                let ended = child.wait();
                let said = child.stderr.as_ref().map(last_words).unwrap_or_default();
                match ended {
                    Ok(status) => explain(status, said.trim()),
                    Err(error) => LaunchError::because(HELPER_DIED, error),
                }
            }
            Self::Elsewhere => LaunchError::plain(NOT_ENTERED),
        }
    }
}

/// With the signals blocked that are waited for here, Ctrl+C would not end pkexec's dialog. One that
/// comes in this moment ends this process, which has no sandbox yet.
fn spawn_unblocked(command: &mut Command) -> std::io::Result<Child> {
    let blocked = SigSet::thread_get_mask()?;
    SigSet::empty().thread_set_mask()?;
    let child = command.spawn();
    blocked.thread_set_mask()?;
    child
}

/// What a process has said that has ended. It is not read to its end: that comes when everybody has
/// closed it who was started there.
fn last_words(stderr: &ChildStderr) -> String {
    let mut said = vec![0; 4096];
    let length = rustix::io::ioctl_fionbio(stderr, true)
        .and_then(|()| rustix::io::read(stderr, &mut said[..]))
        .unwrap_or(0);
    said.truncate(length);
    String::from_utf8_lossy(&said).into_owned()
}

/// The pkexec of this machine.
pub(crate) fn pkexec() -> Option<&'static Path> {
    PKEXEC.iter().map(Path::new).find(|path| path.exists())
}

fn explain(status: ExitStatus, said: &str) -> LaunchError {
    let cause = (!said.is_empty()).then(|| std::io::Error::other(said.to_owned()));
    let message = match status.code() {
        Some(PKEXEC_DISMISSED) => DISMISSED,
        Some(PKEXEC_REFUSED) => NOT_AUTHORISED,
        _ => HELPER_DIED,
    };
    LaunchError::Plain(message, cause, None)
}

/// Whether pkexec would find it.
pub(crate) fn is_installed() -> bool {
    Path::new(LIBEXEC).join(NAME).exists()
}
