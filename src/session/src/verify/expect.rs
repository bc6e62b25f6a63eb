//! What must come out of a trial, and whether it did. Pure but for one question: what the same trial
//! gives on the host.

use super::words;
use arkose_probe::{Found, Trial};
use arkose_profile::i18n::{Message, N_};
use std::path::{Path, PathBuf};

/// What must come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expect {
    /// It can be done.
    Works,
    /// It cannot.
    Refused,
    /// It cannot, for this reason.
    RefusedBy(&'static str),
    /// Whatever comes: what counts is seen on the host.
    Anything,
    /// It says this.
    Is(String),
    /// It says something else, or cannot be done.
    IsNot(String),
    /// It gives no other names than these.
    Only(Vec<String>),
    /// These names are among what it gives.
    Has(Vec<String>),
    /// These names of a directory are among what it gives, but for those that are gone on the host.
    HasOfHost(PathBuf, Vec<String>),
    /// A file can be made in this directory, if it is still there on the host.
    WorksIn(PathBuf),
    /// None of these names is among what it gives, or it cannot be done.
    HasNot(Vec<String>),
    /// There is nothing in it, or it is not there.
    Empty,
    /// A number that is not larger.
    AtMost(u64),
    /// The file that is there on the host.
    HostFile(PathBuf),
    /// Not the file that is there on the host; it need not be there.
    NotHostFile(PathBuf),
}

impl Expect {
    /// Nothing but these names.
    pub(crate) fn only(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Only(names.into_iter().map(Into::into).collect())
    }

    /// What the host gave for the same trial.
    pub(crate) fn as_on_host(on_host: &Found) -> Self {
        match on_host {
            Found::Refused { .. } => Self::Refused,
            _ => Self::Works,
        }
    }

    /// Whether that came out; `on_host` tries something on the host.
    pub(crate) fn holds(&self, found: &Found, on_host: &dyn Fn(&Trial) -> Found) -> bool {
        let identity = |path: &Path| on_host(&Trial::Identity { path: path.to_owned() });
        match (self, found) {
            (Self::Anything, _) => true,
            (Self::RefusedBy(reason), Found::Refused { error }) => reason == error,
            (Self::WorksIn(path), Found::Refused { .. }) => {
                matches!(identity(path), Found::Refused { .. })
            }
            (
                Self::Refused | Self::Empty | Self::IsNot(_) | Self::HasNot(_),
                Found::Refused { .. },
            ) => true,
            (Self::NotHostFile(_), Found::Refused { .. }) => true,
            (_, Found::Refused { .. }) | (Self::Refused | Self::RefusedBy(_), _) => false,
            (Self::Works | Self::WorksIn(_), _) => true,
            (Self::Is(wanted), Found::Text { text }) => wanted == text,
            (Self::IsNot(other), Found::Text { text }) => other != text,
            (Self::AtMost(most), Found::Text { text }) => {
                text.parse::<u64>().is_ok_and(|number| number <= *most)
            }
            (Self::HostFile(path), _) => *found == identity(path),
            (Self::NotHostFile(path), _) => *found != identity(path),
            (Self::Only(known), Found::Names { names }) => {
                names.iter().all(|name| known.contains(name))
            }
            (Self::Has(wanted), Found::Names { names }) => {
                wanted.iter().all(|name| names.contains(name))
            }
            (Self::HasOfHost(path, wanted), Found::Names { names }) => {
                let gone =
                    |name: &String| matches!(identity(&path.join(name)), Found::Refused { .. });
                wanted.iter().all(|name| names.contains(name) || gone(name))
            }
            (Self::HasNot(unwanted), Found::Names { names }) => {
                !unwanted.iter().any(|name| names.contains(name))
            }
            (Self::Empty, Found::Names { names }) => names.is_empty(),
            (Self::Empty, Found::Text { text }) => text.is_empty(),
            // A number of names, or names of a text: whoever wrote the check was wrong.
            (Self::Is(_) | Self::IsNot(_) | Self::AtMost(_), Found::Names { .. })
            | (
                Self::Only(_) | Self::Has(_) | Self::HasOfHost(..) | Self::HasNot(_),
                Found::Text { .. },
            ) => false,
        }
    }

    /// In words.
    pub(crate) fn words(&self) -> Message {
        let list =
            |pattern, names: &[String]| Message::new(pattern).with("names", words::list(names));
        match self {
            Self::Works | Self::WorksIn(_) => Message::new(N_("it can be done")),
            Self::Refused => Message::new(N_("it cannot be done")),
            Self::RefusedBy(reason) => {
                Message::new(N_("it cannot be done ({reason})")).with("reason", reason)
            }
            Self::Anything => Message::new(N_("the host does not notice")),
            Self::Is(text) => Message::new(N_("“{text}”")).with("text", text),
            Self::IsNot(text) => Message::new(N_("not “{text}”")).with("text", text),
            Self::Only(names) => list(N_("nothing but: {names}"), names),
            Self::Has(names) | Self::HasOfHost(_, names) => {
                list(N_("among others: {names}"), names)
            }
            Self::HasNot(names) => list(N_("none of: {names}"), names),
            Self::Empty => Message::new(N_("nothing is in it")),
            Self::AtMost(most) => {
                Message::new(N_("at most {number}")).with("number", most.to_string())
            }
            Self::HostFile(path) => {
                Message::new(N_("the host's own {path}")).with("path", path.to_string_lossy())
            }
            Self::NotHostFile(path) => {
                Message::new(N_("not the host's own {path}")).with("path", path.to_string_lossy())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(expect: &Expect, found: &Found) -> bool {
        expect.holds(found, &|_| Found::text("1:2"))
    }

    fn names(names: &[&str]) -> Found {
        Found::names(names.iter().map(|name| (*name).to_owned()))
    }

    #[test]
    fn every_expectation_can_be_met_and_missed() {
        let here = || PathBuf::from("/here");
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let refused = || Found::refused("EACCES");
        let table = [
            (Expect::Works, Found::text(""), refused()),
            (Expect::Works, names(&["a"]), refused()),
            (Expect::Refused, refused(), Found::text("")),
            (Expect::RefusedBy("EACCES"), refused(), Found::refused("ENOSYS")),
            (Expect::RefusedBy("EACCES"), refused(), Found::text("EACCES")),
            (Expect::Is("1".to_owned()), Found::text("1"), Found::text("2")),
            (Expect::Is("1".to_owned()), Found::text("1"), refused()),
            (Expect::IsNot("1".to_owned()), Found::text("2"), Found::text("1")),
            (Expect::only(["a", "b"]), names(&["a"]), names(&["a", "c"])),
            (Expect::only(["a"]), names(&[]), refused()),
            (Expect::Has(list(&["a"])), names(&["a", "b"]), names(&["b"])),
            (Expect::Has(list(&["a"])), names(&["a"]), refused()),
            (Expect::HasNot(list(&["a"])), names(&["b"]), names(&["a", "b"])),
            (Expect::HasNot(list(&["a"])), refused(), names(&["a"])),
            (Expect::Empty, names(&[]), names(&["a"])),
            (Expect::Empty, Found::text(""), Found::text("a")),
            (Expect::AtMost(5), Found::text("5"), Found::text("6")),
            (Expect::AtMost(5), Found::text("0"), Found::text("many")),
            (Expect::HostFile(here()), Found::text("1:2"), Found::text("1:3")),
            (Expect::HostFile(here()), Found::text("1:2"), refused()),
            (Expect::NotHostFile(here()), Found::text("1:3"), Found::text("1:2")),
            (Expect::NotHostFile(here()), refused(), Found::text("1:2")),
        ];
        for (expect, met, missed) in table {
            assert!(holds(&expect, &met), "{expect:?} is not met by {met:?}");
            assert!(!holds(&expect, &missed), "{expect:?} is met by {missed:?}");
        }
    }

    #[test]
    fn what_is_gone_on_the_host_is_not_missed() {
        let wanted = Expect::HasOfHost("/d".into(), vec!["a".to_owned(), "gone".to_owned()]);
        let on_host = |trial: &Trial| match trial {
            Trial::Identity { path } if path.ends_with("gone") => Found::refused("ENOENT"),
            _ => Found::text("1:2"),
        };
        assert!(wanted.holds(&names(&["a"]), &on_host));
        assert!(!wanted.holds(&names(&["gone"]), &on_host));
        let refused = Found::refused("ENOENT");
        assert!(Expect::WorksIn("/gone".into()).holds(&refused, &on_host));
        assert!(!Expect::WorksIn("/d".into()).holds(&refused, &on_host));
    }

    #[test]
    fn the_host_is_the_measure_of_what_the_user_may() {
        assert_eq!(Expect::as_on_host(&Found::text("")), Expect::Works);
        assert_eq!(Expect::as_on_host(&Found::refused("EACCES")), Expect::Refused);
    }
}
