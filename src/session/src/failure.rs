//! Why a launch did not happen, as one sentence, its cause and the command that mends it.

use crate::error::{Error, fill};
use arkose_admin::Denied;
use arkose_profile::Errors;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::text::visible;
use arkose_protocol::{Failure, ProtocolError};
use std::io;

/// Why a launch did not happen.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A service of the host cannot be granted.
    #[error(transparent)]
    Service(#[from] Error),
    /// The administrator does not allow it.
    #[error("{}", .0.message())]
    Denied(Denied),
    /// What the administrator allows cannot be understood.
    #[error("{}", unruly(.0))]
    Unruly(Errors),
    /// The engine could not build the sandbox.
    #[error("{}", .0.message)]
    Engine(Failure),
    /// The command cannot be executed; the errno.
    #[error("{}", sentence(NOT_EXECUTED, .0))]
    NotExecutable(String, io::Error),
    /// The command is not there, inside.
    #[error("{}", sentence(NOT_FOUND, .0))]
    NotFound(String),
    /// The connection to the helper failed.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// Something else, said by a message id.
    #[error("{0}")]
    Plain(&'static str, Option<io::Error>, Option<String>),
}

const NOT_EXECUTED: &str = N_("“{0}” cannot be executed in the sandbox");
const NOT_FOUND: &str = N_("There is no command “{0}” in the sandbox");

/// There is no pkexec.
pub(crate) const NO_PKEXEC: &str =
    N_("This launch needs root to build the sandbox, and pkexec is not installed");
/// The user closed the dialog.
pub(crate) const DISMISSED: &str = N_("The request to authorise the launch was dismissed");
/// polkit said no, or had nobody to ask.
pub(crate) const NOT_AUTHORISED: &str =
    N_("This launch was not authorised: polkit refuses it, or no authentication agent is running");
/// The helper is not where it belongs.
pub(crate) const NO_HELPER: &str = N_("Arkose's helper program is not installed");
/// The helper ended without saying why.
pub(crate) const HELPER_DIED: &str = N_("Arkose's helper program ended unexpectedly");
/// A command that entered has ended with its sandbox, or found the door shut.
pub(crate) const NOT_ENTERED: &str =
    N_("The sandbox has ended, or lets no further command in at the moment");
/// The supervisor does not answer.
pub(crate) const NO_ANSWER: &str = N_("The sandbox does not answer");
/// What must end does not.
pub(crate) const NOT_ENDED: &str = N_("The sandbox does not end");
/// A private home belongs to a profile.
pub(crate) const NO_PROFILE_FOR_HOME: &str =
    N_("A private home directory belongs to a profile, and this launch has none");
/// Root has nothing to build for light walls.
pub(crate) const LIGHT_BY_HELPER: &str =
    N_("Light walls need no root: the helper does not build them");
/// Without namespaces there is one host name.
pub(crate) const LIGHT_HOSTNAME: &str =
    N_("With light walls the app stays on this computer, and finds the name that it has");
/// The private places of an app with light walls cannot be had.
pub(crate) const NO_LIGHT_PLACES: &str =
    N_("The private directories of an app with light walls cannot be made");
/// The directory of the private home cannot be made.
pub(crate) const NO_PRIVATE_HOME: &str = N_("The private home directory cannot be made");
/// The terminal or the signals cannot be watched.
pub(crate) const CANNOT_SUPERVISE: &str = N_("The sandbox cannot be supervised");
/// The program that `verify` starts is not where it belongs.
pub(crate) const NO_PROBE: &str = N_("The program that tries a sandbox is not installed");
/// It did not come to its end.
pub(crate) const PROBE_FAILED: &str = N_("The sandbox could not be tried to the end");

impl LaunchError {
    pub(crate) fn plain(message: &'static str) -> Self {
        Self::Plain(message, None, None)
    }

    pub(crate) fn because(message: &'static str, cause: impl Into<io::Error>) -> Self {
        Self::Plain(message, Some(cause.into()), None)
    }

    pub(crate) fn remedied(message: &'static str, remedy: &str) -> Self {
        Self::Plain(message, None, Some(remedy.to_owned()))
    }

    /// The sentence, translated.
    #[must_use]
    pub fn message(&self, translate: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::Service(error) => error.message(translate),
            Self::NotExecutable(command, _) => {
                fill(&translate(NOT_EXECUTED), std::slice::from_ref(command))
            }
            Self::NotFound(command) => fill(&translate(NOT_FOUND), std::slice::from_ref(command)),
            Self::Plain(message, ..) => translate(message),
            Self::Denied(denied) => denied.message().translated(translate),
            Self::Unruly(errors) => unruly(errors).translated(translate),
            // What the engine and the protocol say names paths and values already.
            Self::Engine(_) | Self::Protocol(_) => visible(self.to_string().as_bytes()),
        }
    }

    /// What the system said, where it said something.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        let text = match self {
            Self::Service(error) => std::error::Error::source(error)?.to_string(),
            Self::Engine(failure) => visible(failure.cause.as_bytes()),
            Self::NotExecutable(_, error) => error.to_string(),
            Self::NotFound(_) | Self::Denied(_) | Self::Unruly(_) => return None,
            Self::Protocol(error) => std::error::Error::source(error)?.to_string(),
            Self::Plain(_, cause, _) => cause.as_ref()?.to_string(),
        };
        // The number says nothing to people that the words before it do not.
        let words = text.split_once(" (os error ").map_or(text.as_str(), |(words, _)| words);
        Some(words.to_owned()).filter(|text| !text.is_empty())
    }

    /// The command that mends it, where there is one.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Service(error) => error.remedy(),
            Self::Engine(failure) => {
                Some(visible(failure.remedy.as_bytes())).filter(|text| !text.is_empty())
            }
            Self::Plain(_, _, remedy) => remedy.clone(),
            Self::Denied(_) => Some("ask the administrator of this computer".to_owned()),
            Self::Unruly(_) => Some("arkose doctor".to_owned()),
            _ => None,
        }
    }

    /// The exit status that scripts see: 127 when the command is not there, 126 when it cannot be
    /// executed, 125 for everything of our own.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::NotFound(_) => 127,
            Self::NotExecutable(..) => 126,
            _ => 125,
        }
    }
}

/// The first mistake; `arkose doctor` tells them all.
fn unruly(errors: &Errors) -> Message {
    let first = errors.0.first().map(ToString::to_string).unwrap_or_default();
    Message::new(N_("{error} – nothing is launched until an administrator mends it"))
        .with("error", first)
}

fn sentence(pattern: &str, value: &str) -> String {
    fill(pattern, &[value.to_owned()])
}
