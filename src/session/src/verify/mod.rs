//! `arkose verify`: a probe in the very sandbox tries what `explain` says of it.
//!
//! [`checks`] makes the list of what is to be tried and what must come of it, from the policy and a
//! few facts of the host; [`witness`] puts on the host what makes a trial mean something; [`run`]
//! starts the probe; [`expect`] judges; [`report`] tells. It tests what is built, not how it was
//! meant: of the engine it knows nothing.

mod check;
mod checks;
mod expect;
mod report;
mod run;
mod subject;
mod witness;
mod words;

pub use report::Report;

use crate::allowed;
use crate::failure::LaunchError;
use crate::grant::Inside;
use crate::host::Host;
use crate::request;
use crate::spec::LaunchSpec;
use arkose_probe::Found;
use arkose_profile::explain::Explanation;
use arkose_profile::i18n::{Message, N_};
use check::{After, Check};
use report::Outcome;
use subject::Subject;
use witness::Witnesses;

/// Launches the probe in place of the spec's command, and holds what it finds against what is told.
///
/// # Errors
/// When the sandbox or the probe could not be started, or the probe did not come to its end.
pub fn verify(mut spec: LaunchSpec, told: &Explanation) -> Result<Report, LaunchError> {
    let host = Host::current();
    let caps = allowed::caps(&mut spec)?;
    let inside = Inside::new(request::app_uid(&spec, &host))?;
    let witnesses = Witnesses::new(&host)?;
    let policy = spec.policy.clone();
    run::prepare(&mut spec)?;
    let checks = checks::all(&Subject {
        spec: &spec,
        policy: &policy,
        told,
        caps: caps.as_ref(),
        host: &host,
        inside: &inside,
        witnesses: &witnesses,
    });
    let found = run::trials(spec, &checks.list);
    let heard = witnesses.heard();
    // First of all, and also where the probe did not come to its end.
    let after: Vec<Option<Message>> =
        checks.list.iter().map(|check| noticed(check.after.as_ref(), &heard)).collect();
    let judged = checks.list.iter().zip(found?).zip(after);
    let outcomes = judged.map(|((check, found), noticed)| judge(check, &found, noticed)).collect();
    Ok(Report::new(told, outcomes, &checks.untried))
}

fn judge(check: &Check, found: &Found, noticed: Option<Message>) -> Outcome {
    let holds = check.expect.holds(found, &arkose_probe::answer);
    let mut outcome = report::result(check, found, holds);
    if let Some(noticed) = noticed {
        outcome.found = noticed;
        outcome.holds = false;
    }
    outcome
}

/// What is wrong on the host after a trial, if anything is. A file that should not be there is removed.
fn noticed(after: Option<&After>, heard: &[String]) -> Option<Message> {
    match after? {
        After::NotThere(path) if path.symlink_metadata().is_ok() => {
            let _ = std::fs::remove_file(path);
            Some(Message::new(N_("it was done on the host, too, and has been undone")))
        }
        After::NotHeard(text) if heard.contains(text) => {
            Some(Message::new(N_("it has arrived on the host")))
        }
        After::Heard(text) if !heard.contains(text) => {
            Some(Message::new(N_("it has not arrived on the host")))
        }
        _ => None,
    }
}
