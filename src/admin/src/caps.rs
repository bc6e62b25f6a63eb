//! What holds for one caller: the first rule that fits, what `[default]` adds to it, and every path
//! at its real place.

use crate::file::PATH;
use crate::keys::{BIND_ROOTS, MAX_COW_SIZE, MAX_MEMORY, MAX_PROCESSES, OFF_LIMITS};
use crate::parse::{Rule, Rules, Section, Setting, Value};
use crate::paths::{Written, home_of};
use crate::services;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::{AbsPath, Error, Errors, Place, Policy};

/// Who asks, by what the kernel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// The user's id.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
    /// The supplementary groups.
    pub groups: Vec<u32>,
}

impl Whom {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        let groups = rustix::process::getgroups().unwrap_or_default();
        Self {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            groups: groups.into_iter().map(|group| group.as_raw()).collect(),
        }
    }
}

/// What one caller may ask for.
#[derive(Debug, Clone)]
pub struct Caps {
    pub(crate) section: Section,
    /// Where a sandbox may reach, when that is said.
    pub(crate) roots: Option<(Vec<AbsPath>, Place)>,
    /// Where Arkose keeps private homes by itself.
    pub(crate) private_homes: Option<AbsPath>,
    /// Where no sandbox may reach.
    pub(crate) closed: Vec<Closed>,
    pub(crate) uid: u32,
}

/// A path that is closed to every sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Closed {
    /// Its real place.
    pub(crate) path: AbsPath,
    /// As written.
    pub(crate) shown: String,
    /// The key that closes it; for the sockets of a service that is not allowed, the service's.
    pub(crate) key: &'static str,
    pub(crate) place: Place,
}

impl Rules {
    /// What holds for that caller.
    ///
    /// # Errors
    /// When a path begins with `~` and `/etc/passwd` does not know the caller's home.
    pub fn caps(&self, whom: &Whom) -> Result<Caps, Errors> {
        let rule = self.rules.iter().find(|rule| rule.fits(whom)).map(|rule| &rule.section);
        let mut section = self.default.clone();
        section.extend(rule.into_iter().flatten().map(|(key, value)| (*key, value.clone())));
        // A rule cannot open what is closed to everybody.
        let off_limits = [Some(&self.default), rule].into_iter().flatten();
        let off_limits = off_limits.filter_map(|section| section.get(OFF_LIMITS));
        let off_limits: Vec<_> = off_limits.flat_map(paths).collect();
        let roots = section.get(BIND_ROOTS);
        let home = home(whom, off_limits.iter().copied().chain(roots.into_iter().flat_map(paths)))?;
        let closed = off_limits.into_iter().filter_map(|(written, place)| {
            let path = written.closed(home.as_ref())?;
            Some(Closed { path, shown: written.shown(), key: OFF_LIMITS, place: *place })
        });
        let mut caps = Caps {
            roots: roots.map(|roots| {
                let real = paths(roots).filter_map(|(written, _)| written.root(home.as_ref()));
                (real.collect(), roots.place)
            }),
            private_homes: roots
                .and_then(|_| home_of(whom.uid)?.join(".local/share/arkose/homes").ok()),
            closed: closed.collect(),
            section,
            uid: whom.uid,
        };
        caps.closed.extend(services::closed(&caps));
        Ok(caps)
    }
}

impl Rule {
    fn fits(&self, whom: &Whom) -> bool {
        self.users.contains(&whom.uid)
            || self.groups.iter().any(|group| *group == whom.gid || whom.groups.contains(group))
    }
}

impl Caps {
    pub(crate) fn words(&self, key: &str) -> Option<(&[&'static str], Place)> {
        match self.section.get(key) {
            Some(Setting { value: Value::Words(words), place }) => Some((words, *place)),
            _ => None,
        }
    }

    pub(crate) fn switch(&self, key: &str) -> Option<(bool, Place)> {
        match self.section.get(key) {
            Some(Setting { value: Value::Switch(on), place }) => Some((*on, *place)),
            _ => None,
        }
    }

    pub(crate) fn most(&self, key: &str) -> Option<(u64, Place)> {
        match self.section.get(key) {
            Some(Setting { value: Value::Most(most), place }) if *most > 0 => Some((*most, *place)),
            _ => None,
        }
    }

    /// Where no sandbox may reach, in the order in which it is told.
    pub fn off_limits(&self) -> impl Iterator<Item = &AbsPath> {
        self.closed.iter().filter(|closed| closed.key == OFF_LIMITS).map(|closed| &closed.path)
    }

    /// Gives what the policy leaves unlimited the limit that it can have at most.
    pub fn limit(&self, policy: &mut Policy) {
        if let (0, Some((most, _))) = (policy.cow_size, self.most(MAX_COW_SIZE)) {
            policy.cow_size = most;
        }
        if let (0, Some((most, _))) = (policy.limits.memory, self.most(MAX_MEMORY)) {
            policy.limits.memory = most;
        }
        if let (0, Some((most, _))) = (policy.limits.processes, self.most(MAX_PROCESSES)) {
            policy.limits.processes = u32::try_from(most).unwrap_or(u32::MAX);
        }
    }

    /// Whether a launch is to be held to limits that its user must not be able to lift.
    #[must_use]
    pub fn has_limits(&self) -> bool {
        self.most(MAX_MEMORY).is_some() || self.most(MAX_PROCESSES).is_some()
    }
}

fn paths(setting: &Setting) -> std::slice::Iter<'_, (Written, Place)> {
    match &setting.value {
        Value::Paths(paths) => paths.iter(),
        _ => [].iter(),
    }
}

/// The caller's home, where a path needs it.
fn home<'a>(
    whom: &Whom,
    mut paths: impl Iterator<Item = &'a (Written, Place)>,
) -> Result<Option<AbsPath>, Errors> {
    let Some((_, place)) = paths.find(|(written, _)| written.needs_home()) else {
        return Ok(None);
    };
    home_of(whom.uid).map(Some).ok_or_else(|| {
        let message = N_("“~” stands for the home directory of user {uid}, and /etc/passwd does not name one; write the path from the root");
        let message = Message::new(message).with("uid", whom.uid.to_string());
        Error { file: Some(PATH.into()), place: Some(*place), message }.into()
    })
}
