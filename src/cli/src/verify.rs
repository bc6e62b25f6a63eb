//! `arkose verify`: whether a sandbox is as it is told.

use crate::request::Verified;
use crate::run::{missing_wall, spec};
use crate::say::{Failure, answer, answer_json, gettext, note};
use arkose_admin::explain;

/// The exit status when something is not as it is told.
const NOT_AS_TOLD: u8 = 1;

/// Tries it and prints what came of it.
///
/// # Errors
/// When it could not be tried.
pub(crate) fn verify(asked: Verified, json: bool) -> Result<u8, Failure> {
    let Verified { launch, context } = asked;
    for message in launch.profile.notes.iter().chain(&missing_wall(&launch.policy)) {
        note(message);
    }
    let told = explain(&launch.profile, &launch.policy, &context, &gettext);
    let mut spec = spec(launch)?;
    spec.note = |error| eprintln!("arkose: {}", error.message(&gettext));
    let report = arkose_session::verify::verify(spec, &told)?;
    if json {
        answer_json(&report.to_json(&gettext))?;
    } else {
        answer(&report.to_text(&gettext))?;
    }
    Ok(if report.holds() { 0 } else { NOT_AS_TOLD })
}
