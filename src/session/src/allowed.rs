//! What the administrator allows, before a launch begins: a refusal costs no display and no dialog.

use crate::failure::LaunchError;
use crate::spec::LaunchSpec;
use arkose_admin::{Action, Caps, Reader, Whom};
use arkose_profile::RunAs;

/// What this user may ask for, where a file says so; gives the launch the limits that it names none of.
pub(crate) fn caps(spec: &mut LaunchSpec) -> Result<Option<Caps>, LaunchError> {
    let rules = arkose_admin::read(Reader::User).map_err(LaunchError::Unruly)?;
    let caps = rules.map(|rules| rules.caps(&Whom::current())).transpose();
    let caps = caps.map_err(LaunchError::Unruly)?;
    caps.iter().for_each(|caps| caps.limit(&mut spec.policy));
    let action = spec.asks_root().then_some(match spec.policy.runas {
        RunAs::User => Action::Launch,
        RunAs::Root => Action::Admin,
    });
    match arkose_admin::judge(caps.as_ref(), &spec.policy, action).into_iter().next() {
        None => Ok(caps),
        Some(denied) => Err(LaunchError::Denied(denied)),
    }
}
