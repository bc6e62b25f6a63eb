//! The message buses: that the app's is the host's, that what no rule names is not there, and that a
//! bus which is not granted is not reached, whatever rules there are for it.

use super::desktop::{is_passed, shut};
use crate::bus;
use crate::verify::check::{About, Checks, about, entry};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use arkose_probe::{Found, Trial};
use arkose_profile::bus::{Access, Bus, Rule, Rules};
use arkose_profile::i18n::N_;
use arkose_profile::options::{Kind, option};
use std::collections::HashMap;
use std::path::Path;

/// Services that would do for an app what its sandbox does not let it do.
const SERVICES: [&str; 3] = ["org.freedesktop.systemd1", "org.freedesktop.secrets", "org.a11y.Bus"];

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    buses(subject, checks);
    lists(subject, checks);
}

fn buses(subject: &Subject<'_>, checks: &mut Checks) {
    let (key, dbus) = (about("dbus"), subject.policy.dbus);
    let session = bus::session(subject.host, subject.inside);
    let system = bus::system(subject.host);
    let rules = &subject.policy.buses;
    let buses = [(dbus.session(), session, &rules.session), (dbus.system(), system, &rules.system)];
    // A bus on which nothing is allowed has a line of its own, after that of the option.
    let mut lines = 0;
    for (granted, bus, rules) in buses {
        let silent = granted && rules.iter().all(|rule| rule.access == Access::Deny);
        lines += usize::from(silent);
        let about_rules = if silent { entry("dbus", lines) } else { key };
        let Ok(bus) = bus else { continue };
        let (source, dest) = (bus.source.as_path(), bus.dest.as_path());
        // The host's own socket is shut in any case: the app's is the proxy's.
        if source != dest {
            shut(subject, checks, key, source.to_owned());
        }
        if granted {
            open_bus(subject, checks, about_rules, [source, dest], rules);
        } else {
            shut(subject, checks, key, dest.to_owned());
        }
    }
    if !dbus.session() && !is_passed(subject, "DBUS_SESSION_BUS_ADDRESS") {
        let name = "DBUS_SESSION_BUS_ADDRESS".to_owned();
        checks.add(key, Trial::Variable { name }, Expect::Is("disabled:".to_owned()));
    }
}

/// A bus that the app reaches: it is the host's, and the rules hold there.
fn open_bus(
    subject: &Subject<'_>,
    checks: &mut Checks,
    about_rules: About,
    [source, dest]: [&Path; 2],
    rules: &[Rule],
) {
    // The same bus: it says the same id.
    let expect = match subject.on_host(&Trial::Bus { path: source.to_owned() }) {
        Found::Text { text } => Expect::Is(text),
        _ => Expect::Works,
    };
    checks.add(about("dbus"), Trial::Bus { path: dest.to_owned() }, expect);
    let rules = Rules::new(rules.to_vec());
    let Found::Names { names } = subject.on_host(&Trial::BusNames { path: source.to_owned() })
    else {
        return checks.not_tried(about_rules, N_("the names on the host's bus cannot be listed"));
    };
    let hidden = |name: &&String| !rules.sees(std::iter::once(name.as_str()));
    let hidden: Vec<String> = names.iter().filter(hidden).cloned().collect();
    checks.add(
        about_rules,
        Trial::BusNames { path: dest.to_owned() },
        Expect::HasNot(hidden.clone()),
    );
    for service in SERVICES.map(str::to_owned).into_iter().chain(hidden.into_iter().take(1)) {
        if !rules.sees(std::iter::once(service.as_str())) {
            let path = dest.to_owned();
            checks.add(about_rules, Trial::BusPeer { path, service }, Expect::Refused);
        }
    }
}

/// The lines of single rules. What they allow is not called, for it would act; that they allow no more
/// is tried with the bus.
fn lists(subject: &Subject<'_>, checks: &mut Checks) {
    let mut before: HashMap<&str, usize> = HashMap::new();
    for line in &subject.told.lines {
        let Some(option) = option(line.key) else { continue };
        let dbus = subject.policy.dbus;
        let covered = match option.kind {
            Kind::BusRules(Bus::Session, _) => dbus.session(),
            Kind::BusRules(Bus::System, _) => dbus.system(),
            Kind::BusRules(Bus::Accessibility, _) | Kind::BusPresets => true,
            _ => continue,
        };
        let number = before.entry(line.key).or_default();
        let reason = if covered {
            N_("what a rule allows would act, and is not called for a trial")
        } else {
            N_("that the app does not reach this bus is tried with “dbus”")
        };
        checks.not_tried(entry(line.key, *number), reason);
        *number += 1;
    }
}
