//! The environment, and sandboxes inside the sandbox.

use crate::verify::check::{Checks, about, entry};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use arkose_probe::{Trial, calls};
use arkose_profile::i18n::N_;

/// Variables that Arkose sets, and those of the host that say how the user reads and writes.
const KNOWN: [&str; 26] = [
    "COLORTERM",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "DISPLAY",
    "GSETTINGS_BACKEND",
    "GTK_A11Y",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "NO_AT_BRIDGE",
    "PATH",
    "PULSE_CLIENTCONFIG",
    "PULSE_COOKIE",
    "PULSE_SERVER",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_CURRENT_DESKTOP",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_TYPE",
    "container",
];

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    environment(subject, checks);
    namespaces(subject, checks);
}

fn environment(subject: &Subject<'_>, checks: &mut Checks) {
    let key = "environment";
    let variables = &subject.policy.environment;
    for (index, variable) in variables.iter().enumerate() {
        let value = match &variable.value {
            Some(value) => Some(value.clone()),
            None => {
                let value = subject.host.var(&variable.name);
                value.map(|value| value.to_string_lossy().into_owned())
            }
        };
        let trial = Trial::Variable { name: variable.name.clone() };
        // The last of the same name wins.
        let is_last = variables.iter().skip(index + 1).all(|other| other.name != variable.name);
        match value {
            Some(value) if is_last => checks.add(entry(key, index), trial, Expect::Is(value)),
            None if is_last && !KNOWN.contains(&variable.name.as_str()) => {
                checks.add(entry(key, index), trial, Expect::Refused);
            }
            _ => checks.not_tried(entry(key, index), N_("something else sets this variable")),
        }
    }
    let locale = subject.host.vars().filter_map(|(name, _)| name.to_str());
    let locale = locale.filter(|name| name.starts_with("LC_"));
    let named = variables.iter().map(|variable| variable.name.as_str());
    checks.add(
        about(key),
        Trial::Variables,
        Expect::only(KNOWN.into_iter().chain(named).chain(locale)),
    );
}

fn namespaces(subject: &Subject<'_>, checks: &mut Checks) {
    let key = about("user-namespaces");
    let call = |number| Trial::Call { number, arguments: Vec::new() };
    if subject.policy.user_namespaces {
        for (_, flags) in calls::NAMESPACES.iter().take(1) {
            checks.add(key, Trial::Unshare { flags: *flags }, Expect::Works);
        }
        return;
    }
    for (_, flags) in calls::NAMESPACES {
        checks.add(key, Trial::Unshare { flags: *flags }, Expect::RefusedBy("EPERM"));
    }
    checks.add(key, call(calls::CLONE3), Expect::RefusedBy("ENOSYS"));
    for (_, number) in calls::MOUNTING {
        checks.add(key, call(*number), Expect::RefusedBy("EPERM"));
    }
}
