//! One rule, and its text: reading it, with a sentence for every mistake, and writing it.

use super::decide::Subject;
use super::grammar::{LONGEST, is_bus_name, is_interface, is_member, is_object_path};
use super::pattern::{Filter, Method, NamePattern, PathPattern, TextPattern};
use crate::i18n::{Message, N_};
use crate::nearest::nearest;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a rule says about its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// The name is visible.
    See,
    /// It may be called, and its signals arrive.
    Talk,
    /// The app may own it, and talk to it.
    Own,
    /// Some of it may be called.
    Call,
    /// Some of its signals arrive.
    Broadcast,
    /// The person is asked about each call.
    Ask,
    /// It is refused, whatever else allows it.
    Deny,
}

impl Access {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 7] =
        [Self::See, Self::Talk, Self::Own, Self::Call, Self::Broadcast, Self::Ask, Self::Deny];

    /// As written in a profile.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::Talk => "talk",
            Self::Own => "own",
            Self::Call => "call",
            Self::Broadcast => "broadcast",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    /// The access written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == text)
    }

    /// Whether a rule must, may or cannot say which messages it is about.
    fn filter(self) -> Wanted {
        match self {
            Self::See | Self::Talk | Self::Own => Wanted::Never,
            Self::Call | Self::Broadcast => Wanted::Always,
            Self::Ask | Self::Deny => Wanted::Perhaps,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Never,
    Perhaps,
    Always,
}

/// One rule of a bus. `Display` is its text without the access: `NAME` or `NAME=METHOD[@PATH][ arg0=VALUE]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Rule {
    /// What it says.
    pub access: Access,
    /// About whom.
    pub name: NamePattern,
    /// About which messages; see, talk and own are about all.
    pub filter: Filter,
}

/// A rule as it crosses to the proxy.
#[derive(Serialize, Deserialize)]
struct Written {
    access: Access,
    rule: String,
}

impl From<Rule> for Written {
    fn from(rule: Rule) -> Self {
        Self { access: rule.access, rule: rule.to_string() }
    }
}

impl TryFrom<Written> for Rule {
    type Error = Message;

    fn try_from(written: Written) -> Result<Self, Message> {
        Self::parse(written.access, &written.rule)
    }
}

impl Rule {
    /// Reads the text of a rule.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(access: Access, text: &str) -> Result<Self, Message> {
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) => (name, Some(rest)),
            None => (text, None),
        };
        let about =
            |pattern| Message::new(pattern).with("rule", text).with("access", access.as_str());
        let filter = match (access.filter(), rest) {
            (Wanted::Never, Some(_)) => {
                return Err(about(N_(
                    "“{rule}”: “{access}” takes a name alone; single methods belong in “call”, single signals in “broadcast”",
                )));
            }
            (Wanted::Always, None) => {
                return Err(about(N_(
                    "“{rule}”: “{access}” takes a name, “=” and a method or “*”, like “org.example.App=org.example.Interface.Member”",
                )));
            }
            (_, Some("")) => {
                return Err(about(N_(
                    "“{rule}”: after “=” comes “*”, an interface and “.*”, or a method with its interface",
                )));
            }
            (_, Some(rest)) => filter(rest).map_err(|why| within(text, why))?,
            (_, None) => Filter::ANY,
        };
        let name = name_pattern(name).map_err(|why| within(text, why))?;
        Ok(Self { access, name, filter })
    }

    /// The narrowest rule that allows one call: for a line of the log that says what would allow it.
    /// `None` when a name in it is none, as only a broken client sends.
    #[must_use]
    pub fn allowing(name: &str, subject: &Subject<'_>) -> Option<Self> {
        let method = match subject.interface {
            Some(interface) => Method::Member {
                interface: Some(interface).filter(|name| is_interface(name))?.to_owned(),
                member: Some(subject.member).filter(|name| is_member(name))?.to_owned(),
            },
            None => Method::Any,
        };
        let path = Some(subject.path).filter(|path| is_object_path(path))?.to_owned();
        let name = Some(name).filter(|name| is_bus_name(name))?.to_owned();
        let filter = Filter { path: PathPattern::Exact(path), method, arg0: TextPattern::Any };
        Some(Self { access: Access::Call, name: NamePattern::Exact(name), filter })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        let bare = self.filter.is_any() && self.access.filter() != Wanted::Always;
        if bare { Ok(()) } else { write!(f, "={}", self.filter) }
    }
}

/// A mistake in a part, told with the whole where that is more.
fn within(rule: &str, why: Message) -> Message {
    if !rule.is_empty() && !rule.contains('=') {
        return why;
    }
    Message::new(N_("“{rule}”: {why}")).with("rule", rule).with_message("why", why)
}

/// `NAME`, `NAME.*`, `NAME-*` or `*`.
fn name_pattern(text: &str) -> Result<NamePattern, Message> {
    if text == "*" {
        return Ok(NamePattern::Any);
    }
    let of_kind = |end: &str, kind: fn(String) -> NamePattern| {
        let name = text.strip_suffix(end)?;
        Some((name, kind))
    };
    let (name, kind) = of_kind(".*", NamePattern::Below)
        .or_else(|| of_kind("-*", NamePattern::Numbered))
        .unwrap_or((text, NamePattern::Exact));
    if is_bus_name(name) {
        return Ok(kind(name.to_owned()));
    }
    let about = |pattern| Message::new(pattern).with("name", text);
    Err(if name.is_empty() {
        about(N_("the name is missing; it looks like “org.example.App”, “org.example.*” or “*”"))
    } else if name.starts_with(':') {
        about(N_(
            "“{name}” is the number that a connection happens to have; write a name, like “org.example.App”",
        ))
    } else if name.len() > LONGEST {
        about(N_("a name on the bus has at most 255 bytes"))
    } else if name.contains('*') {
        about(N_(
            "“{name}” cannot be: a “*” stands alone, or behind a name and a dot, like “org.example.*”",
        ))
    } else if !name.contains('.') {
        about(N_("“{name}” is no name on the bus; one has two or more parts, like “org.example”"))
    } else {
        part_of_name(name)
    })
}

/// What is wrong with the first part of a name that is none.
fn part_of_name(name: &str) -> Message {
    let about = |pattern, part: &str| Message::new(pattern).with("name", name).with("part", part);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    for part in name.split('.') {
        if part.is_empty() {
            return about(N_("“{name}” has an empty part: two dots, or one at an end"), part);
        }
        if let Some(wrong) = part.chars().find(|c| !plain(*c)) {
            return about(
                N_("“{part}” cannot be in “{name}”: a name has letters, digits, “_”, “-” and dots"),
                wrong.encode_utf8(&mut [0; 4]),
            );
        }
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            return about(N_("“{part}” in “{name}” begins with a digit"), part);
        }
    }
    about(N_("“{name}” is no name on the bus"), "")
}

/// `METHOD`, `METHOD@PATH` or `@PATH`, then perhaps ` arg0=VALUE`.
fn filter(text: &str) -> Result<Filter, Message> {
    let (what, arg0) = match text.split_once(' ') {
        Some((what, more)) => (what, first_argument(more)?),
        None => (text, TextPattern::Any),
    };
    let (method, path) = match what.split_once('@') {
        Some((method, path)) => (method, path_pattern(path)?),
        None => (what, PathPattern::Any),
    };
    let method = if method.is_empty() && what.starts_with('@') {
        Method::Any
    } else {
        method_pattern(method)?
    };
    Ok(Filter { path, method, arg0 })
}

fn first_argument(text: &str) -> Result<TextPattern, Message> {
    let Some(value) = text.strip_prefix("arg0=") else {
        let word = text.split('=').next().unwrap_or(text);
        let pattern = match nearest(word, ["arg0"]) {
            Some(_) => N_("“{word}” is not known; did you mean “arg0=”?"),
            None => N_("behind the method only “arg0=” can follow, not “{word}”"),
        };
        return Err(Message::new(pattern).with("word", word));
    };
    if value.contains('\0') {
        return Err(Message::new(N_("a first argument has no NUL byte")));
    }
    Ok(match value.strip_suffix('*') {
        Some(start) => TextPattern::Prefix(start.to_owned()),
        None => TextPattern::Exact(value.to_owned()),
    })
}

fn path_pattern(text: &str) -> Result<PathPattern, Message> {
    if text == "/*" {
        return Ok(PathPattern::Below("/".to_owned()));
    }
    let (path, below) = match text.strip_suffix("/*") {
        Some(path) => (path, true),
        None => (text, false),
    };
    if is_object_path(path) && !(below && path == "/") {
        let path = path.to_owned();
        return Ok(if below { PathPattern::Below(path) } else { PathPattern::Exact(path) });
    }
    let pattern = if !text.starts_with('/') {
        N_("“{path}” is not the path of an object; begin it with “/”")
    } else if path.contains('*') {
        N_("in a path a “*” stands behind the last “/”, like “/org/example/*”")
    } else if path.ends_with('/') || path.contains("//") {
        N_("“{path}” has an empty part; an object's path has none, and no “/” at its end")
    } else {
        N_("“{path}” is not the path of an object: its parts have letters, digits and “_”")
    };
    Err(Message::new(pattern).with("path", text))
}

fn method_pattern(text: &str) -> Result<Method, Message> {
    if text == "*" {
        return Ok(Method::Any);
    }
    if let Some(interface) = text.strip_suffix(".*")
        && is_interface(interface)
    {
        return Ok(Method::Interface(interface.to_owned()));
    }
    if let Some((interface, member)) = text.rsplit_once('.')
        && is_interface(interface)
        && is_member(member)
    {
        return Ok(Method::Member { interface: interface.to_owned(), member: member.to_owned() });
    }
    let pattern = if text.is_empty() {
        N_(
            "the method is missing; it looks like “org.example.Interface.Member”, “org.example.Interface.*” or “*”",
        )
    } else if text.contains('*') {
        N_("a “*” stands alone, or for all methods of an interface, like “org.example.Interface.*”")
    } else if is_interface(text) {
        N_(
            "“{method}” is too short for a method with its interface; for every method of the interface write “{method}.*”",
        )
    } else if is_member(text) {
        N_("“{method}” lacks its interface; write it like “org.example.Interface.{method}”")
    } else {
        N_(
            "“{method}” is neither a method with its interface, like “org.example.Interface.Member”, nor an interface and “.*”",
        )
    };
    Err(Message::new(pattern).with("method", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(access: Access, text: &str) -> Result<String, String> {
        Rule::parse(access, text).map(|rule| rule.to_string()).map_err(|why| why.to_string())
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        for (access, text) in [
            (Access::See, "*"),
            (Access::Talk, "org.freedesktop.Notifications"),
            (Access::Own, "org.mpris.MediaPlayer2.*"),
            (Access::Own, "org.kde.StatusNotifierItem-*"),
            (Access::Call, "org.a.B=*"),
            (Access::Call, "*=org.a.I.*"),
            (Access::Call, "org.a.*=org.a.I.Member@/a/b"),
            (Access::Broadcast, "org.a.B=*@/a/*"),
            (Access::Broadcast, "org.a.B=*@/*"),
            (Access::Ask, "org.a-b.C"),
            (Access::Deny, "org.a.B=org.a.I.M@/ arg0=x = @y"),
            (Access::Call, "org.a.B=org.a.I.M arg0=x*"),
            (Access::Call, "org.a.B=* arg0=*"),
            (Access::Call, "org.a.B=* arg0="),
        ] {
            assert_eq!(rule(access, text), Ok(text.to_owned()));
            let parsed = Rule::parse(access, text).unwrap();
            let json = serde_json::to_string(&parsed).unwrap();
            assert_eq!(json, format!("{{\"access\":\"{access}\",\"rule\":\"{text}\"}}"));
            assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), parsed);
        }
    }

    #[test]
    fn shorter_ways_to_write_the_same_come_to_one() {
        assert_eq!(rule(Access::Call, "org.a.B=@/a"), Ok("org.a.B=*@/a".to_owned()));
        assert_eq!(rule(Access::Deny, "org.a.B=*"), Ok("org.a.B".to_owned()));
    }

    #[test]
    fn every_mistake_has_its_sentence() {
        for (access, text, part) in [
            (Access::Talk, "", "the name is missing"),
            (Access::Talk, "org", "two or more parts"),
            (Access::Talk, "org.*", "two or more parts"),
            (Access::Talk, ":1.7", "number that a connection happens to have"),
            (Access::Talk, "org.a*", "a “*” stands alone"),
            (Access::Talk, "org.*.a", "a “*” stands alone"),
            (Access::Talk, "org..a", "empty part"),
            (Access::Talk, "org.7a", "“7a” in “org.7a” begins with a digit"),
            (Access::Talk, "org.a b", "“ ” cannot be in"),
            (Access::Talk, "org.é.a", "“é” cannot be in"),
            (Access::Own, "org.a.B=*", "takes a name alone"),
            (Access::Call, "org.a.B", "“call” takes a name, “=” and a method"),
            (Access::Call, "org.a.B=", "after “=” comes"),
            (Access::Ask, "org.a.B=", "after “=” comes"),
            (Access::Call, "org.a.B=Member", "lacks its interface"),
            (Access::Call, "org.a.B=org.Member", "“org.Member.*”"),
            (Access::Call, "org.a.B=*.Member", "stands alone, or for all methods"),
            (Access::Call, "org.a.B=org.a-b.M", "neither a method"),
            (Access::Call, "org.a.B=*@a/b", "begin it with “/”"),
            (Access::Call, "org.a.B=*@", "begin it with “/”"),
            (Access::Call, "org.a.B=*@/a/", "empty part"),
            (Access::Call, "org.a.B=*@/a*", "behind the last “/”"),
            (Access::Call, "org.a.B=*@/a-b", "letters, digits and “_”"),
            (Access::Call, "org.a.B=* arg1=x", "did you mean “arg0=”?"),
            (Access::Call, "org.a.B=* path", "only “arg0=” can follow, not “path”"),
            (Access::Call, "org.a.B= arg0=x", "the method is missing"),
        ] {
            let why = rule(access, text).unwrap_err();
            assert!(why.contains(part), "{text:?}: {why}");
            assert!(why.contains(text), "{text:?}: {why}");
        }
        let long = format!("org.{}", "a".repeat(252));
        assert!(rule(Access::Talk, &long).unwrap_err().contains("255 bytes"));
    }

    #[test]
    fn the_rule_that_would_allow_a_call_is_narrow() {
        let subject =
            Subject { path: "/p", interface: Some("org.i.I"), member: "M", arg0: Some("x") };
        let told = |name, subject| Rule::allowing(name, subject).map(|rule| rule.to_string());
        assert_eq!(told("org.a.A", &subject), Some("org.a.A=org.i.I.M@/p".to_owned()));
        let unnamed = Subject { interface: None, ..subject };
        assert_eq!(told("org.a.A", &unnamed), Some("org.a.A=*@/p".to_owned()));
        assert_eq!(told(":1.5", &subject), None);
    }
}
