//! The patterns that a rule is made of: of names, paths, methods and first arguments.
//!
//! A pattern knows what it matches and how specific it is; which of two rules wins is decided by the
//! latter. Matching allocates nothing.

use std::fmt;

/// How specific a pattern is: 0 matches all, more is narrower, and no star is narrowest.
pub(super) type Rank = u32;

const EXACT: Rank = Rank::MAX;

/// That of a pattern which matches all that begins with so many bytes.
fn prefix_rank(length: usize) -> Rank {
    Rank::try_from(length).unwrap_or(EXACT).saturating_add(1).min(EXACT - 1)
}

/// Which names on the bus: `org.a.B`, `org.a.B.*` (that and every name below it), `org.a.B-*` (that, a
/// dash and numbers: how apps call their tray icons), or `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NamePattern {
    /// Every peer, also one without a name.
    Any,
    /// That name and those below it.
    Below(String),
    /// That name, a dash, and digits or further dashes.
    Numbered(String),
    /// That name.
    Exact(String),
}

impl NamePattern {
    /// Whether it matches one name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Below(top) => is_below(name, top, b'.'),
            Self::Numbered(stem) => is_numbered(name, stem),
            Self::Exact(exact) => exact == name,
        }
    }

    /// Whether it matches a peer that has these names; one without names is matched by `*` alone.
    pub fn matches_any<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> bool {
        *self == Self::Any || names.any(|name| self.matches(name))
    }

    pub(super) fn rank(&self) -> Rank {
        match self {
            Self::Any => 0,
            Self::Below(text) | Self::Numbered(text) => prefix_rank(text.len()),
            Self::Exact(_) => EXACT,
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(top) => write!(f, "{top}.*"),
            Self::Numbered(stem) => write!(f, "{stem}-*"),
            Self::Exact(name) => f.write_str(name),
        }
    }
}

/// Which objects: all, `/a/b`, or `/a/b/*` (that and all below it).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// Every object.
    Any,
    /// That object and those below it.
    Below(String),
    /// That object.
    Exact(String),
}

impl PathPattern {
    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Below(top) if top == "/" => true,
            Self::Below(top) => is_below(path, top, b'/'),
            Self::Exact(exact) => exact == path,
        }
    }

    fn rank(&self) -> Rank {
        match self {
            Self::Any => 0,
            Self::Below(top) => prefix_rank(top.len()),
            Self::Exact(_) => EXACT,
        }
    }
}

/// Which methods or signals: `*`, `org.a.Interface.*`, or `org.a.Interface.Member`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Method {
    /// Every one.
    Any,
    /// Those of one interface.
    Interface(String),
    /// One.
    Member {
        /// Its interface.
        interface: String,
        /// Its name.
        member: String,
    },
}

impl Method {
    /// A call need not name its interface, and is then whatever the peer takes it for. It is allowed
    /// by no rule that names one (`unnamed` off), and refused or asked about by all whose member fits.
    fn matches(&self, interface: Option<&str>, member: &str, unnamed: bool) -> bool {
        let same = |wanted: &str| interface.map_or(unnamed, |named| named == wanted);
        match self {
            Self::Any => true,
            Self::Interface(wanted) => same(wanted),
            Self::Member { interface: wanted, member: one } => same(wanted) && one == member,
        }
    }

    fn rank(&self) -> Rank {
        match self {
            Self::Any => 0,
            Self::Interface(_) => 1,
            Self::Member { .. } => 2,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Interface(interface) => write!(f, "{interface}.*"),
            Self::Member { interface, member } => write!(f, "{interface}.{member}"),
        }
    }
}

/// Which first arguments: all, one text, or all that begin with one (`VALUE*`). An argument that is
/// no text is matched by the first alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TextPattern {
    /// Every one, also none.
    Any,
    /// Texts that begin so.
    Prefix(String),
    /// That text.
    Exact(String),
}

impl TextPattern {
    fn matches(&self, text: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(start) => text.is_some_and(|text| text.starts_with(start.as_str())),
            Self::Exact(exact) => text == Some(exact),
        }
    }

    fn rank(&self) -> Rank {
        match self {
            Self::Any => 0,
            Self::Prefix(start) => prefix_rank(start.len()),
            Self::Exact(_) => EXACT,
        }
    }
}

/// Which messages to or from a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Filter {
    /// To or from which objects.
    pub path: PathPattern,
    /// Which methods or signals.
    pub method: Method,
    /// With which first argument.
    pub arg0: TextPattern,
}

impl Filter {
    /// Every message.
    pub const ANY: Self =
        Self { path: PathPattern::Any, method: Method::Any, arg0: TextPattern::Any };

    /// Whether it matches every message.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::ANY
    }

    pub(super) fn matches(&self, subject: &super::Subject<'_>, unnamed: bool) -> bool {
        self.method.matches(subject.interface, subject.member, unnamed)
            && self.path.matches(subject.path)
            && self.arg0.matches(subject.arg0)
    }

    pub(super) fn rank(&self) -> (Rank, Rank, Rank) {
        (self.path.rank(), self.method.rank(), self.arg0.rank())
    }
}

impl fmt::Display for Filter {
    /// `METHOD[@PATH][ arg0=VALUE]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.method)?;
        match &self.path {
            PathPattern::Any => {}
            PathPattern::Below(top) => write!(f, "@{}/*", top.trim_end_matches('/'))?,
            PathPattern::Exact(path) => write!(f, "@{path}")?,
        }
        match &self.arg0 {
            TextPattern::Any => Ok(()),
            TextPattern::Prefix(start) => write!(f, " arg0={start}*"),
            TextPattern::Exact(text) => write!(f, " arg0={text}"),
        }
    }
}

/// Whether a name is `top`, or `top`, the separator and something more.
pub(super) fn is_below(name: &str, top: &str, separator: u8) -> bool {
    let rest = name.as_bytes().strip_prefix(top.as_bytes());
    rest.is_some_and(|rest| rest.first().is_none_or(|byte| *byte == separator))
}

/// Whether a name is `stem`, a dash, and digits or further dashes.
fn is_numbered(name: &str, stem: &str) -> bool {
    let rest = name.as_bytes().strip_prefix(stem.as_bytes());
    rest.and_then(|rest| rest.strip_prefix(b"-")).is_some_and(|rest| {
        !rest.is_empty() && rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_ends_at_a_separator() {
        let below = NamePattern::Below("org.a".to_owned());
        assert!(below.matches("org.a") && below.matches("org.a.b.c"));
        assert!(!below.matches("org.ab") && !below.matches("org"));
        let path = PathPattern::Below("/a".to_owned());
        assert!(path.matches("/a") && path.matches("/a/b"));
        assert!(!path.matches("/ab") && !path.matches("/"));
        assert!(PathPattern::Below("/".to_owned()).matches("/x/y"));
    }

    #[test]
    fn numbers_stand_behind_a_dash() {
        let item = NamePattern::Numbered("org.a.Item".to_owned());
        assert!(item.matches("org.a.Item-2") && item.matches("org.a.Item-4711-1"));
        for other in ["org.a.Item", "org.a.Item-", "org.a.Item-x", "org.a.Item2", "org.a.Item-2.x"]
        {
            assert!(!item.matches(other), "{other}");
        }
    }

    #[test]
    fn only_a_star_matches_a_peer_without_names() {
        assert!(NamePattern::Any.matches_any(std::iter::empty()));
        assert!(!NamePattern::Below("a.b".to_owned()).matches_any(std::iter::empty()));
    }

    #[test]
    fn narrower_patterns_rank_higher() {
        let below = |text: &str| NamePattern::Below(text.to_owned()).rank();
        assert!(NamePattern::Any.rank() < below("a.b"));
        assert!(below("a.b") < below("a.b.c"));
        assert!(below(&"x".repeat(300)) < NamePattern::Exact("a.b".to_owned()).rank());
        assert!(TextPattern::Any.rank() < TextPattern::Prefix(String::new()).rank());
    }
}
