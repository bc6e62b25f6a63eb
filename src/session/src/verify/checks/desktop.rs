//! Screen and sound: the host's own doors to them, and those that the app is given.

use crate::display::name::{LocalDisplay, socket_path};
use crate::error::Kind;
use crate::grant::Grant;
use crate::verify::check::{About, Checks, about};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use crate::{sound, wayland};
use arkose_probe::Trial;
use arkose_profile::i18n::N_;
use arkose_profile::{Wayland, XServer};
use std::path::PathBuf;

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    screen(subject, checks);
    compositor(subject, checks);
    sounds(subject, checks);
}

fn screen(subject: &Subject<'_>, checks: &mut Checks) {
    let key = about("xserver");
    let own = Trial::Screen { display: None };
    let name = || vec![subject.witnesses.name.clone()];
    match subject.policy.xserver {
        XServer::None => {
            checks.add(key, own, Expect::Refused);
            unset(subject, checks, key, "DISPLAY");
        }
        XServer::Isolated => {
            checks.add(key, own.clone(), Expect::Works);
            checks.add(key, own, Expect::HasNot(name()));
        }
        XServer::Direct if subject.witnesses.screen.is_some() => {
            checks.add(key, own, Expect::Has(name()));
        }
        XServer::Direct => checks.add(key, own, Expect::Works),
    }
    if let Ok(display) = LocalDisplay::of(subject.host) {
        let path = socket_path(display.number);
        let name = path.to_string_lossy().into_owned();
        checks.add(key, Trial::ConnectAbstract { name }, Expect::Refused);
        shut(subject, checks, key, path);
    }
}

fn compositor(subject: &Subject<'_>, checks: &mut Checks) {
    let key = about("wayland");
    match subject.policy.wayland {
        Wayland::Direct => match wayland::direct(subject.host, subject.inside) {
            Ok(grant) => open(checks, key, &grant),
            Err(_) => checks.not_tried(key, N_("there is no compositor here")),
        },
        Wayland::None => {
            unset(subject, checks, key, "WAYLAND_DISPLAY");
            if let Ok(path) = wayland::socket(subject.host) {
                shut(subject, checks, key, path);
            }
        }
    }
}

fn sounds(subject: &Subject<'_>, checks: &mut Checks) {
    let key = about("pulseaudio");
    let server = sound::direct(subject.host, subject.inside);
    match (subject.policy.pulseaudio, server) {
        (true, Ok(grant)) => open(checks, key, &grant),
        (true, Err(error)) if error.kind() == Kind::NoSound => {
            checks.not_tried(key, N_("there is no sound server here"));
        }
        (true, Err(_)) => checks.not_tried(key, N_("the sound server is not on this machine")),
        (false, server) => {
            unset(subject, checks, key, "PULSE_SERVER");
            let sockets = server.map(|grant| grant.sockets).unwrap_or_default();
            for socket in sockets {
                shut(subject, checks, key, socket.source.as_path().to_owned());
            }
            shut(subject, checks, key, subject.host.runtime().join("pipewire-0"));
        }
    }
}

/// What was granted can be connected to.
fn open(checks: &mut Checks, about: About, grant: &Grant) {
    for socket in &grant.sockets {
        let path = socket.dest.as_path().to_owned();
        checks.add(about, Trial::ConnectPath { path }, Expect::Works);
    }
}

/// A socket of the host cannot be, unless a path of it was shared.
pub(super) fn shut(subject: &Subject<'_>, checks: &mut Checks, about: About, path: PathBuf) {
    if !subject.is_given(&path) {
        checks.add(about, Trial::ConnectPath { path }, Expect::Refused);
    }
}

fn unset(subject: &Subject<'_>, checks: &mut Checks, about: About, name: &str) {
    if !is_passed(subject, name) {
        checks.add(about, Trial::Variable { name: name.to_owned() }, Expect::Refused);
    }
}

/// Whether the policy itself sets a variable.
pub(super) fn is_passed(subject: &Subject<'_>, name: &str) -> bool {
    subject.policy.environment.iter().any(|variable| variable.name == name)
}
