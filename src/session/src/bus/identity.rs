//! What tells the portals that an app is confined, and which: the file `/.flatpak-info`, which
//! xdg-desktop-portal reads at the root of whoever calls it (here the proxy), and which toolkits look
//! for to find out whether to use portals at all (here the app's own).
//!
//! The portals keep what the user allows under the app's name, and the documents portal shows the app
//! the files of that name alone. So each profile has a name of its own, which is not that of the app's
//! desktop entry: what was allowed to the unconfined app, or to another profile, is not this one's.

use crate::error::{Error, Kind};
use crate::grant::{GeneratedFile, Grant};
use crate::host::Host;
use crate::spec::LaunchSpec;
use arkose_profile::AbsPath;
use arkose_profile::bus::{Access, Buses, Rule};

/// Where it is looked for.
const PLACE: &str = "/.flatpak-info";
/// Above the names of all profiles.
const PREFIX: &str = "io.github.arkose";
/// The portals that act for an app.
const PORTALS: [&str; 2] = ["org.freedesktop.portal.Desktop", "org.freedesktop.portal.Documents"];
/// What keeps an app from all of them that nobody can tell is confined.
const NONE: &str = "org.freedesktop.portal.*";

/// Whether the rules lead to a portal: none may be reached by an app that it takes for any other.
pub(super) fn is_wanted(buses: &Buses) -> bool {
    buses.portals || PORTALS.iter().any(|name| leads_to(buses, name))
}

/// Whether a rule of the session's bus lets the app know of a service.
pub(crate) fn leads_to(buses: &Buses, service: &str) -> bool {
    let rules = buses.session.iter().filter(|rule| rule.access != Access::Deny);
    rules.map(|rule| &rule.name).any(|name| name.matches(service))
}

/// The rule that leaves all portals out.
pub(super) fn without_portals() -> Option<Rule> {
    Rule::parse(Access::Deny, NONE).ok()
}

/// The name of the app for the portals.
pub(super) fn app_id(spec: &LaunchSpec, id: &str) -> String {
    match &spec.profile {
        Some(profile) => format!("{PREFIX}.profile.{}", element(profile)),
        // What is allowed to one without a profile is gone with it.
        None => format!("{PREFIX}.sandbox.{}", element(id)),
    }
}

/// A text as one element of a name on the bus; different texts become different elements.
fn element(text: &str) -> String {
    let mut element = String::new();
    for (index, byte) in text.bytes().enumerate() {
        let first_digit = index == 0 && byte.is_ascii_digit();
        if byte.is_ascii_alphanumeric() && !first_digit {
            element.push(char::from(byte));
        } else {
            element.push_str(&format!("_{byte:02x}"));
        }
    }
    element
}

/// The text of the file (flatpak-metadata(5)). No permission is named in it: what portals would give
/// without asking for one that is, they ask for.
pub(super) fn text(app_id: &str, id: &str) -> String {
    format!("[Application]\nname={app_id}\n\n[Instance]\ninstance-id={id}\n\n[Context]\n")
}

/// The file inside, where toolkits look for it.
pub(super) fn grant(grant: &mut Grant, text: &str) -> Result<(), Error> {
    let dest = AbsPath::new(PLACE).map_err(|_| Error::new(Kind::Internal).value(PLACE))?;
    grant.files.push(GeneratedFile { dest, mode: 0o444, content: text.as_bytes().to_vec() });
    Ok(())
}

/// Where the documents portal shows this app what it was given, once it is mounted.
pub(super) fn documents(host: &Host, app_id: &str) -> Option<AbsPath> {
    let documents = host.runtime().join("doc/by-app").join(app_id);
    documents.is_dir().then(|| AbsPath::new(documents).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_profiles_have_different_names_and_all_are_names() {
        let names = ["xeyes", "7zip", "a.b", "a_b", "a-b", "é", "a_2eb"].map(element);
        for (index, name) in names.iter().enumerate() {
            let id = format!("{PREFIX}.profile.{name}");
            assert!(arkose_profile::bus::is_bus_name(&id), "{id}");
            assert!(!names[..index].contains(name), "{name}");
        }
        assert_eq!(names[0], "xeyes");
    }

    #[test]
    fn whoever_reaches_a_portal_is_to_be_known_to_it() {
        let with = |access, text: &str| Buses {
            session: vec![Rule::parse(access, text).unwrap()],
            ..Buses::default()
        };
        assert!(is_wanted(&with(Access::Talk, "*")));
        assert!(is_wanted(&with(Access::Ask, "org.freedesktop.portal.*")));
        assert!(is_wanted(&with(Access::Call, "org.freedesktop.portal.Desktop=*")));
        assert!(!is_wanted(&with(Access::Deny, "*")));
        assert!(!is_wanted(&with(Access::Talk, "org.freedesktop.Notifications")));
        assert!(is_wanted(&Buses { portals: true, ..Buses::default() }));
    }
}
