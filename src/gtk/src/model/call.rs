//! A line of a sandbox's log of the message buses and the network, as the window shows it.
//!
//! What an app sent is in it. All of it can be shown: it has an end, and nothing in it is hidden.

use arkose_profile::i18n::N_;
use arkose_profile::text::visible;
use arkose_session::questions::Lasting;
use serde::Deserialize;
use serde_json::{Map, Value};

/// How many letters of one text are shown.
const LONGEST: usize = 300;

/// What was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// It did not reach the bus.
    Refused,
    /// It did.
    Allowed,
    /// Somebody was asked.
    Asked,
    /// Somebody said yes, or no.
    Answered(bool),
    /// The connection was closed.
    Closed,
    /// So many came at once that they were only counted.
    Uncounted,
    /// The proxy has ended.
    NoBus,
}

impl What {
    /// A word or two for it; a message id.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Refused => N_("Refused"),
            Self::Allowed => N_("Allowed"),
            Self::Asked => N_("You were asked"),
            Self::Answered(true) => N_("Answered with yes"),
            Self::Answered(false) => N_("Answered with no"),
            Self::Closed => N_("Connection closed"),
            Self::Uncounted => N_("Too many to be told one by one"),
            Self::NoBus => N_("The message buses are gone"),
        }
    }
}

/// What would allow it, or why nothing does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// A rule that is kept in the profile: one for the network counts now as well, one for a bus from the next
    /// launch on.
    Rule(Lasting),
    /// A rule for the network, that counts until the app ends: there is no profile in which it could be kept.
    UntilEnd(Lasting),
    /// There is none; a message id that says why.
    None(&'static str),
}

/// Something that an app did on a bus or the network, or that was done there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    /// What was done about it.
    pub what: What,
    /// Whom it was for; may be empty.
    pub destination: String,
    /// The interface and method; may be empty.
    pub method: String,
    /// The object; may be empty.
    pub path: String,
    /// The rule that decided, where one did.
    pub rule: Option<String>,
    /// The proxy's own words.
    pub reason: Option<String>,
    /// For what was refused.
    pub remedy: Option<Remedy>,
}

/// As the supervisor writes it.
#[derive(Deserialize)]
struct Line {
    event: String,
    time: u64,
    destination: Option<String>,
    path: Option<String>,
    interface: Option<String>,
    member: Option<String>,
    rule: Option<String>,
    reason: Option<String>,
    allow: Option<bool>,
    name: Option<String>,
    names: Option<Vec<String>>,
    address: Option<String>,
    protocol: Option<String>,
    port: Option<u16>,
}

impl Call {
    /// Reads a line, and when it happened in milliseconds since the beginning of 1970; `None` when it is none.
    /// `stored` says whether there is a profile in which a rule can be kept.
    #[must_use]
    pub fn parse(line: &[u8], stored: bool) -> Option<(Self, u64)> {
        let fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let line: Line = serde_json::from_slice(line).ok()?;
        let what = match line.event.as_str() {
            "denied" => What::Refused,
            "allowed" => What::Allowed,
            "prompt" => What::Asked,
            "answered" => What::Answered(line.allow.unwrap_or(false)),
            "closed" => What::Closed,
            "dropped" => What::Uncounted,
            "bus-gone" => What::NoBus,
            _ => return None,
        };
        let refused = matches!(what, What::Refused | What::Answered(false));
        let remedy = refused.then(|| line.remedy(Lasting::of(&fields), stored));
        let place = line.place();
        let method = match (shown(line.interface), shown(line.member)) {
            (interface, member) if interface.is_empty() || member.is_empty() => interface + &member,
            (interface, member) => format!("{interface}.{member}"),
        };
        let call = Self {
            what,
            destination: shown(line.destination.or(place.0)),
            method: if method.is_empty() { place.1 } else { method },
            path: shown(line.path),
            rule: line.rule.map(|rule| shown(Some(rule))),
            reason: line.reason.map(|reason| shown(Some(reason))),
            remedy,
        };
        Some((call, line.time))
    }
}

impl Line {
    /// Where it was to go on the network, by its name if it has one, and how.
    fn place(&self) -> (Option<String>, String) {
        let named = self.names.as_ref().and_then(|names| names.first()).or(self.name.as_ref());
        let place = match (named, &self.address) {
            (Some(name), Some(address)) => Some(format!("{name} ({address})")),
            (name, address) => name.or(address.as_ref()).cloned(),
        };
        let protocol = shown(self.protocol.clone());
        let how = self.port.map_or_else(|| protocol.clone(), |port| format!("{port}/{protocol}"));
        (place, how)
    }

    fn remedy(&self, lasting: Option<Lasting>, stored: bool) -> Remedy {
        match lasting.filter(|lasting| lasting.option().is_some()) {
            Some(lasting) if stored => Remedy::Rule(lasting),
            Some(lasting @ Lasting::Network(_)) => Remedy::UntilEnd(lasting),
            Some(_) => Remedy::None(N_(
                "The app was not launched from a stored profile, in which a rule could be kept.",
            )),
            _ if self.rule.is_some() => Remedy::None(N_("A rule of the profile refuses it.")),
            _ => Remedy::None(N_("No rule can allow it.")),
        }
    }
}

fn shown(text: Option<String>) -> String {
    let text = visible(text.unwrap_or_default().as_bytes());
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = r#"{"event":"denied","time":9,"id":"a","bus":"session","kind":"call","destination":"org.x",
        "path":"/x","interface":"org.x.I","member":"M","would_allow":"call = org.x=org.x.I.M@/x","reason":"r"}"#;

    fn remedy(line: &str, stored: bool) -> Remedy {
        Call::parse(line.as_bytes(), stored).unwrap().0.remedy.unwrap()
    }

    #[test]
    fn what_was_refused_can_be_allowed_where_a_rule_can_say_so() {
        let (call, time) = Call::parse(REFUSED.as_bytes(), true).unwrap();
        assert_eq!((call.what, time, call.method.as_str()), (What::Refused, 9, "org.x.I.M"));
        let Remedy::Rule(lasting) = remedy(REFUSED, true) else { panic!("no rule") };
        assert_eq!(lasting.option().unwrap().key, "dbus-rules.session.call");
        assert_eq!(lasting.text(), "org.x=org.x.I.M@/x");
    }

    #[test]
    fn what_was_refused_on_the_network_is_told_by_its_name() {
        let line = r#"{"event":"denied","time":9,"kind":"connection","names":["a.example"],"address":"192.0.2.1",
            "protocol":"tcp","port":443,"would_allow":"a.example:443/tcp"}"#;
        let (call, _) = Call::parse(line.as_bytes(), true).unwrap();
        assert_eq!((&*call.destination, &*call.method), ("a.example (192.0.2.1)", "443/tcp"));
        let Some(Remedy::Rule(lasting)) = call.remedy else { panic!("no rule") };
        assert_eq!(lasting.option().unwrap().key, "network-rules.allow");
        // It can count now, also where it cannot be kept.
        assert_eq!(remedy(line, false), Remedy::UntilEnd(lasting));
    }

    #[test]
    fn where_none_can_it_is_said_why() {
        let wide = REFUSED.replace("call = org.x=org.x.I.M@/x", "talk = *");
        let below = REFUSED.replace("call = org.x=org.x.I.M@/x", "own = org.freedesktop.*");
        let wrong = REFUSED.replace("call = ", "call ? ");
        let ruled = REFUSED
            .replace("\"would_allow\":\"call = org.x=org.x.I.M@/x\"", "\"rule\":\"deny org.x\"");
        let elsewhere = REFUSED.replace("\"session\"", "\"accessibility\"");
        let all = [&*wide, &below, &wrong, &ruled, &elsewhere]
            .map(|line| (line, true))
            .into_iter()
            .chain([(REFUSED, false)]);
        let words = all.map(|(line, stored)| match remedy(line, stored) {
            Remedy::None(why) => why.split_whitespace().last().unwrap_or_default().to_owned(),
            Remedy::Rule(_) | Remedy::UntilEnd(_) => "a rule".to_owned(),
        });
        assert_eq!(words.collect::<Vec<_>>(), ["it.", "it.", "it.", "it.", "it.", "kept."]);
    }

    #[test]
    fn what_is_no_line_is_none_and_nothing_is_hidden() {
        for line in ["", "{}", r#"{"event":"started","time":1}"#, r#"{"event":"denied"}"#] {
            assert_eq!(Call::parse(line.as_bytes(), true), None, "{line}");
        }
        let line = format!(r#"{{"event":"allowed","time":1,"path":"\u202e{}"}}"#, "x".repeat(500));
        let (call, _) = Call::parse(line.as_bytes(), true).unwrap();
        assert!(call.path.starts_with("\\u{202e}") && call.path.ends_with('…'), "{}", call.path);
        assert_eq!(call.remedy, None);
    }
}
