//! The checks, a file for each part of a profile. A new option adds its own to the part it is of.

mod advanced;
mod always;
mod buses;
mod desktop;
mod devices;
mod files;
mod limits;
mod network;
mod paths;
mod walls;

use super::check::Checks;
use super::subject::Subject;

/// Everything that is to be tried.
pub(crate) fn all(subject: &Subject<'_>) -> Checks {
    let mut checks = Checks::default();
    always::add(subject, &mut checks);
    files::add(subject, &mut checks);
    paths::add(subject, &mut checks);
    desktop::add(subject, &mut checks);
    buses::add(subject, &mut checks);
    network::add(subject, &mut checks);
    devices::add(subject, &mut checks);
    advanced::add(subject, &mut checks);
    limits::add(subject, &mut checks);
    walls::add(subject, &mut checks);
    checks
}
