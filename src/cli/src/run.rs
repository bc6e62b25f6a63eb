//! Where the command line hands over to the session, which launches.

use crate::request::Launch;
use crate::say::Failure;
use arkose_profile::i18n::{Message, N_};

/// Launches, waits, and gives the exit status.
///
/// # Errors
/// When there is no sandbox.
pub(crate) fn start(launch: Launch) -> Result<u8, Failure> {
    for note in launch.notes() {
        eprintln!("arkose: {note}");
    }
    Err(unavailable())
}

/// Prints the steps that would build the sandbox.
///
/// # Errors
/// When there is no plan.
pub(crate) fn plan(_launch: Launch, _json: bool) -> Result<u8, Failure> {
    Err(unavailable())
}

/// Prints what this machine can do.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn doctor(_json: bool) -> Result<u8, Failure> {
    Err(unavailable())
}

fn unavailable() -> Failure {
    Failure::new(&Message::new(N_("this build of Arkose has no engine")))
}
