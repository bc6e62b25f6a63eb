//! What is to be tried for one line of `explain`, and what cannot be.

use super::expect::Expect;
use arkose_probe::Trial;
use std::path::PathBuf;

/// The line of `explain` that is tested: an option, and which of its entries where it is a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) key: &'static str,
    pub(crate) entry: Option<usize>,
}

/// What holds in every sandbox, and needs no line.
pub(crate) const ALWAYS: About = About { key: "", entry: None };

/// An option.
pub(crate) const fn about(key: &'static str) -> About {
    About { key, entry: None }
}

/// An entry of a list, counted from 0 in the order of `explain`.
pub(crate) const fn entry(key: &'static str, entry: usize) -> About {
    About { key, entry: Some(entry) }
}

/// What the host must look like after the trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum After {
    /// This was made inside, and must not be there; it is removed where it is.
    NotThere(PathBuf),
    /// The datagram with this text has arrived at a witness.
    Heard(String),
    /// It has not.
    NotHeard(String),
}

/// One trial and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) about: About,
    pub(crate) trial: Trial,
    pub(crate) expect: Expect,
    pub(crate) after: Option<After>,
}

/// A line that nothing was tried for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Untried {
    pub(crate) about: About,
    /// Why, a message id.
    pub(crate) reason: &'static str,
}

/// All that is to be tried.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    pub(crate) list: Vec<Check>,
    pub(crate) untried: Vec<Untried>,
}

impl Checks {
    /// Tries something.
    pub(crate) fn add(&mut self, about: About, trial: Trial, expect: Expect) {
        self.list.push(Check { about, trial, expect, after: None });
    }

    /// Tries something that the host must, or must not, notice.
    pub(crate) fn add_after(&mut self, about: About, trial: Trial, expect: Expect, after: After) {
        self.list.push(Check { about, trial, expect, after: Some(after) });
    }

    /// Says that nothing more can be tried for a line.
    pub(crate) fn not_tried(&mut self, about: About, reason: &'static str) {
        self.untried.push(Untried { about, reason });
    }
}
