//! Match rules: what an app writes is read by the grammar of the specification ("Match Rules"), and
//! only what was understood of it is written again for the bus, in one form.
//!
//! So the bus never reads a rule otherwise than the proxy did, and an app listens to nothing that is
//! not meant for it: `eavesdrop` is refused and never written.

use crate::grammar::{BUS_PATH, is_name};
use arkose_profile::bus::{is_bus_name, is_interface, is_member, is_object_path};
use std::fmt;
use thiserror::Error;

/// The most bytes of a rule that is read (`DBUS_MAXIMUM_MATCH_RULE_LENGTH`).
const LONGEST: usize = 1024;

/// Why a match rule is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadMatch {
    /// It does not follow the grammar.
    #[error("the match rule is not valid")]
    Malformed,
    /// It asks for what is sent to others.
    #[error("the match rule asks for messages that are meant for others")]
    Eavesdrops,
}

/// A match rule that was understood; `Display` writes it for the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchRule {
    terms: Vec<(String, String)>,
}

impl MatchRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// When it is not valid, or asks for what is meant for others.
    pub fn parse(text: &str) -> Result<Self, BadMatch> {
        if text.len() > LONGEST || text.contains('\0') {
            return Err(BadMatch::Malformed);
        }
        let mut terms: Vec<(String, String)> = Vec::new();
        let mut rest = text.trim_start_matches(is_blank);
        while !rest.is_empty() {
            let (key, value, after) = term(rest).ok_or(BadMatch::Malformed)?;
            let path = |key: &str| matches!(key, "path" | "path_namespace");
            if terms.iter().any(|(other, _)| other == key || path(other) && path(key)) {
                return Err(BadMatch::Malformed);
            }
            if key == "eavesdrop" {
                if value != "false" {
                    return Err(BadMatch::Eavesdrops);
                }
            } else if !fits(key, &value) {
                return Err(BadMatch::Malformed);
            } else if (key, value.as_str()) == ("path", BUS_PATH) {
                // To withdraw a rule of the proxy's own, an app would have to say this.
                terms.push(("path_namespace".to_owned(), value));
            } else {
                terms.push((key.to_owned(), value));
            }
            rest = after.trim_start_matches(is_blank);
        }
        let rule = Self { terms };
        // What is written to the bus may be longer than what was read: each quote is four letters there.
        if rule.to_string().len() > LONGEST {
            return Err(BadMatch::Malformed);
        }
        Ok(rule)
    }
}

impl fmt::Display for MatchRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.terms.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // An apostrophe can be said outside of apostrophes only.
            write!(f, "{comma}{key}='{}'", value.replace('\'', r"'\''"))?;
        }
        Ok(())
    }
}

/// What libdbus skips around keys.
fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// One `key=value`, and what follows its comma.
fn term(text: &str) -> Option<(&str, String, &str)> {
    let (key, rest) = text.split_once('=')?;
    let (value, rest) = value(rest)?;
    Some((key.trim_end_matches(is_blank), value, rest))
}

/// Up to a comma or the end: between apostrophes as it is, outside of them `\'` is an apostrophe.
fn value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut quoted = false;
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '\'' => quoted = !quoted,
            ',' if !quoted => return Some((value, text.get(index + 1..)?)),
            '\\' if !quoted && characters.peek().is_some_and(|(_, next)| *next == '\'') => {
                characters.next();
                value.push('\'');
            }
            other => value.push(other),
        }
    }
    (!quoted).then_some((value, ""))
}

fn fits(key: &str, value: &str) -> bool {
    match key {
        "type" => matches!(value, "signal" | "method_call" | "method_return" | "error"),
        "sender" | "destination" => is_name(value),
        "interface" => is_interface(value),
        "member" => is_member(value),
        "path" | "path_namespace" => is_object_path(value),
        // A name, or the first elements of one.
        "arg0namespace" => is_bus_name(&format!("a.{value}")),
        _ => key.strip_prefix("arg").is_some_and(|rest| {
            let number = rest.strip_suffix("path").unwrap_or(rest);
            let canonical = number == "0" || !number.starts_with('0');
            canonical
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && number.parse::<u8>().is_ok_and(|number| number < 64)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, BadMatch> {
        MatchRule::parse(text).map(|rule| rule.to_string())
    }

    #[test]
    fn one_meaning_has_one_form() {
        for (written, form) in [
            ("", ""),
            ("type='signal'", "type='signal'"),
            ("type=signal,", "type='signal'"),
            (" type = 'signal' , member='M'", "error"),
            (" type ='signal', member=M", "type='signal',member='M'"),
            ("arg0='a,b',arg1=it\\'s", r"arg0='a,b',arg1='it'\''s'"),
            ("arg0=''\\''x'", r"arg0=''\''x'"),
            (r"arg2path='/a\b'", r"arg2path='/a\b'"),
            ("eavesdrop=false,path='/'", "path='/'"),
            ("arg0namespace=com", "arg0namespace='com'"),
            // As the proxy writes its own, no app can.
            ("path='/org/freedesktop/DBus'", "path_namespace='/org/freedesktop/DBus'"),
        ] {
            let got = canonical(written).unwrap_or_else(|_| "error".to_owned());
            assert_eq!(got, form, "{written}");
            if form != "error" {
                assert_eq!(canonical(&got).unwrap(), form, "again: {written}");
            }
        }
    }

    #[test]
    fn nobody_eavesdrops_however_it_is_written() {
        for text in [
            "eavesdrop=true",
            "eavesdrop='true'",
            "eavesdrop ='true'",
            "type='signal',\teavesdrop\n=true",
            "eavesdrop=tr'ue'",
            "eavesdrop=",
            "eavesdrop='false',eavesdrop='true'",
        ] {
            assert_eq!(canonical(text), Err(BadMatch::Eavesdrops), "{text}");
        }
        // In a value it is only a text.
        assert_eq!(canonical("arg0='eavesdrop=true'").unwrap(), "arg0='eavesdrop=true'");
    }

    #[test]
    fn what_the_grammar_has_not_is_refused() {
        for text in [
            "type",
            "=signal",
            "type='signal",
            "type='signal' junk",
            "type='x'",
            "Type='signal'",
            "type='signal',type='error'",
            "path='/a',path_namespace='/'",
            "path='a'",
            "sender='é.b'",
            "sender=':1 .5'",
            "arg64='x'",
            "arg00='x'",
            "arg='x'",
            "arg+1='x'",
            "argpath='x'",
            "arg0name='x'",
            ",type='signal'",
            "eavesdrop\u{a0}='true'",
            "\u{feff}eavesdrop='true'",
            "member='M\0'",
        ] {
            assert_eq!(canonical(text), Err(BadMatch::Malformed), "{text:?}");
        }
        assert!(canonical(&format!("arg0='{}'", "x".repeat(1017))).is_ok());
        assert!(canonical(&format!("arg0='{}'", "x".repeat(1018))).is_err());
    }
}
