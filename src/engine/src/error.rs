//! Why a sandbox could not be built, in a sentence for the user.

use arkose_profile::AbsPath;
use arkose_protocol::Failure;
use rustix::io::Errno;
use std::fmt;

/// What failed, what the kernel said, and what mends it.
#[derive(Debug)]
pub struct Error {
    message: String,
    cause: Option<Errno>,
    remedy: String,
    needs_root: bool,
}

/// The result of a step.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of our own: one sentence without a full stop.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None, remedy: String::new(), needs_root: false }
    }

    /// Adds the command or setting that mends it.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Puts first which of the paths asked for it is about.
    pub(crate) fn about(mut self, path: &AbsPath) -> Self {
        self.message = format!("“{path}” cannot be shared with the app: {}", self.message);
        self
    }

    /// Marks that only root could build the sandbox on this machine.
    pub(crate) fn needs_root(mut self) -> Self {
        self.needs_root = true;
        self
    }

    /// What the kernel said.
    pub(crate) fn cause(&self) -> Option<Errno> {
        self.cause
    }

    /// Adds what the kernel said.
    pub(crate) fn because(mut self, cause: Errno) -> Self {
        self.cause = Some(cause);
        self
    }

    /// As it is sent to the supervisor.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        Failure {
            needs_root: self.needs_root,
            message: self.message,
            cause: self.cause.map_or_else(String::new, |errno| errno.to_string()),
            remedy: self.remedy,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(cause) = self.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Says what was being done when the kernel refused.
pub(crate) trait Context<T> {
    /// A step that needs no path to be understood.
    fn context(self, message: &str) -> Result<T>;
    /// `PATH` and what cannot be done with it, as in “/srv” cannot be shared with the app.
    fn path(self, path: &AbsPath, message: &str) -> Result<T>;
}

impl<T> Context<T> for std::result::Result<T, Errno> {
    fn context(self, message: &str) -> Result<T> {
        self.map_err(|errno| full(Error::new(message).because(errno)))
    }

    fn path(self, path: &AbsPath, message: &str) -> Result<T> {
        self.map_err(|errno| full(Error::new(format!("“{path}” {message}")).because(errno)))
    }
}

/// A full copy-on-write area has one cause and one remedy, wherever it shows.
fn full(error: Error) -> Error {
    match error.cause {
        Some(Errno::NOSPC) => error.remedy("raise cow-size in [limits], or leave it out"),
        _ => error,
    }
}
