//! The lists of paths: shared, to be read only, copied, hidden.

use super::files::{copy, direct, has_entries};
use crate::verify::check::{About, Checks, about, entry};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use arkose_probe::{Found, Trial};
use arkose_profile::i18n::N_;
use arkose_profile::{AbsPath, Access, Home};
use std::path::PathBuf;

/// Each list, and what becomes of its paths.
const LISTS: [(&str, Access); 4] = [
    ("files.bind", Access::Bind),
    ("files.bind-read-only", Access::BindReadOnly),
    ("files.cow", Access::Cow),
    ("files.restrict", Access::Restrict),
];

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    for (key, access) in LISTS {
        let mut count = 0;
        for (index, rule) in subject.rules(access).enumerate() {
            count += 1;
            one(subject, checks, entry(key, index), access, &rule.path);
        }
        // What the administrator closes is told after what the profile hides.
        let closed = subject.off_limits().into_iter().filter(|_| access == Access::Restrict);
        for path in closed {
            one(subject, checks, entry(key, count), Access::Restrict, path);
            count += 1;
        }
        if count == 0 {
            none(subject, checks, about(key), access);
        }
    }
}

fn one(subject: &Subject<'_>, checks: &mut Checks, about: About, access: Access, path: &AbsPath) {
    let place = path.as_path();
    match access {
        Access::Bind => direct(subject, checks, about, place),
        Access::Cow => copy(subject, checks, about, place),
        Access::BindReadOnly => {
            let which = Trial::Identity { path: place.to_owned() };
            checks.add(about, which, Expect::HostFile(place.to_owned()));
            checks.add(about, Trial::Write { path: place.to_owned() }, Expect::Refused);
            has_entries(subject, checks, about, place);
            let read = Trial::Read { path: place.to_owned() };
            if place.is_file() && subject.on_host(&read) != Found::refused("EACCES") {
                checks.add(about, read, Expect::Works);
            }
        }
        Access::Restrict => {
            if !subject.light() {
                let which = Trial::Identity { path: place.to_owned() };
                checks.add(about, which, Expect::NotHostFile(place.to_owned()));
            }
            // Another rule may bring back what is below it.
            let placed = subject.placed_below(path);
            let (trial, expect) = match place.is_dir() {
                false => (Trial::Read { path: place.to_owned() }, Expect::Empty),
                true if placed.is_empty() => {
                    (Trial::List { path: place.to_owned() }, Expect::Empty)
                }
                true => (Trial::List { path: place.to_owned() }, Expect::Only(placed)),
            };
            checks.add(about, trial, expect);
        }
    }
}

/// What is said of an empty list.
fn none(subject: &Subject<'_>, checks: &mut Checks, about: About, access: Access) {
    match access {
        Access::Bind => {
            let home = subject.spec.home.as_path().to_owned();
            let places = ["/usr", "/etc", "/var"].map(PathBuf::from).into_iter();
            let home = (subject.policy.home != Home::Direct).then_some(home);
            for path in places.chain(home).filter(|path| {
                !subject.is_ruled(path) || path.starts_with(subject.spec.home.as_path())
            }) {
                if subject.policy.paths.iter().any(|rule| path == rule.path.as_path()) {
                    continue;
                }
                // Either another file, or one that cannot be changed.
                match subject.policy.root {
                    _ if subject.light() => {
                        checks.add(about, Trial::Write { path }, Expect::Refused);
                    }
                    arkose_profile::Root::ReadOnly
                        if !path.starts_with(subject.spec.home.as_path()) =>
                    {
                        checks.add(about, Trial::Write { path }, Expect::Refused);
                    }
                    _ => {
                        let trial = Trial::Identity { path: path.clone() };
                        checks.add(about, trial, Expect::NotHostFile(path));
                    }
                }
            }
        }
        Access::BindReadOnly | Access::Cow => {
            checks.not_tried(about, N_("no path is named, so that there is nothing to try"));
        }
        Access::Restrict => {
            for path in ["/etc/passwd", "/proc/self/status"] {
                checks.add(about, Trial::Read { path: path.into() }, Expect::Works);
            }
            let shadow = Trial::Read { path: "/etc/shadow".into() };
            let may = if subject.root_by_helper() {
                Expect::Works
            } else {
                Expect::as_on_host(&subject.on_host(&shadow))
            };
            checks.add(about, shadow, may);
        }
    }
}
