//! Starting the helper, as the user or through pkexec, and understanding how it ended.

use crate::failure::{DISMISSED, HELPER_DIED, LaunchError, NO_HELPER, NO_PKEXEC, NOT_AUTHORISED};
use crate::host::Host;
use arkose_profile::RunAs;
use arkose_protocol::Channel;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Where the helper is installed; the polkit policy names the same path.
const LIBEXEC: &str = match option_env!("ARKOSE_LIBEXECDIR") {
    Some(dir) => dir,
    None => "/usr/libexec",
};
const NAME: &str = "arkose-helper";

/// pkexec(1): the user dismissed the dialog.
const PKEXEC_DISMISSED: i32 = 126;
/// pkexec(1): not authorised, or nobody to ask, or something else went wrong.
const PKEXEC_REFUSED: i32 = 127;

/// A started helper and the connection to it.
#[derive(Debug)]
pub(crate) struct Helper {
    child: Child,
    by_pkexec: bool,
}

impl Helper {
    /// Starts it as this user.
    pub(crate) fn as_user() -> Result<(Self, Channel), LaunchError> {
        let mut command = Command::new(unprivileged_path()?);
        command.arg("user").env_clear();
        Self::spawn(command, false)
    }

    /// Starts it as root, for what polkit knows as one of two actions.
    pub(crate) fn as_root(host: &Host, runas: RunAs) -> Result<(Self, Channel), LaunchError> {
        let helper = Path::new(LIBEXEC).join(NAME);
        if !helper.exists() {
            return Err(LaunchError::remedied(NO_HELPER, "./dev install"));
        }
        let Some(pkexec) = host.program("pkexec") else {
            return Err(LaunchError::remedied(NO_PKEXEC, "sudo apt install pkexec polkitd"));
        };
        let action = match runas {
            RunAs::User => "launch",
            RunAs::Root => "admin",
        };
        let mut command = Command::new(pkexec);
        // pkexec refuses a shell that it does not know; it needs nothing of the environment.
        command.arg(helper).arg(action).env_clear();
        if let Some(language) = host.var("LANG") {
            command.env("LANG", language);
        }
        Self::spawn(command, true)
    }

    fn spawn(mut command: Command, by_pkexec: bool) -> Result<(Self, Channel), LaunchError> {
        let (ours, theirs) = Channel::pair()?;
        command.stdin(Stdio::from(theirs.into_fd())).stdout(Stdio::null());
        command.stderr(if by_pkexec { Stdio::piped() } else { Stdio::null() });
        let child = command.spawn().map_err(|error| LaunchError::because(NO_HELPER, error))?;
        Ok((Self { child, by_pkexec }, ours))
    }

    /// Whether it is gone already.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)) | Err(_))
    }

    /// Waits for its end; why it ended, if it did before it said anything.
    pub(crate) fn wait(mut self) -> LaunchError {
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = stderr.take(4096).read_to_string(&mut said);
        }
        match self.child.wait() {
            Ok(status) => self.explain(status, said.trim()),
            Err(error) => LaunchError::because(HELPER_DIED, error),
        }
    }

    fn explain(&self, status: ExitStatus, said: &str) -> LaunchError {
        let cause = (!said.is_empty()).then(|| std::io::Error::other(said.to_owned()));
        let message = match status.code() {
            Some(PKEXEC_DISMISSED) if self.by_pkexec => DISMISSED,
            Some(PKEXEC_REFUSED) if self.by_pkexec => NOT_AUTHORISED,
            _ => HELPER_DIED,
        };
        LaunchError::Plain(message, cause, None)
    }
}

/// Whether pkexec would find it.
pub(crate) fn is_installed() -> bool {
    Path::new(LIBEXEC).join(NAME).exists()
}

/// The helper beside this program, as in a build directory, else the installed one.
fn unprivileged_path() -> Result<PathBuf, LaunchError> {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(NAME)));
    let installed = Path::new(LIBEXEC).join(NAME);
    beside
        .into_iter()
        .chain([installed])
        .find(|path| path.exists())
        .ok_or_else(|| LaunchError::remedied(NO_HELPER, "./dev install"))
}
