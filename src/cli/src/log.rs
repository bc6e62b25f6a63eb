//! `arkose log`: what an app did, and was not allowed to do, on the message buses and the network.

use crate::running::{clock, meant};
use crate::say::{Failure, gettext, translated};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::text::visible;
use arkose_session::questions::Lasting;
use arkose_session::running::Facts;
use clap::ArgMatches;
use serde_json::Value;
use std::io::{ErrorKind, Write as _};
use std::time::Duration;

/// What happened, by the event.
const EVENTS: [(&str, &str); 8] = [
    ("denied", N_("refused")),
    ("allowed", N_("allowed")),
    ("prompt", N_("asked")),
    ("answered", N_("answered")),
    ("closed", N_("closed")),
    ("dropped", N_("not told")),
    ("bus-gone", N_("no bus any more")),
    ("network-failed", N_("failed")),
];
/// What it was about, in the order of the line.
const PARTS: [&str; 15] = [
    "bus",
    "kind",
    "destination",
    "interface",
    "member",
    "path",
    "arg0",
    "name",
    "names",
    "address",
    "addresses",
    "protocol",
    "port",
    "reason",
    "count",
];

/// Prints what was kept of it, and what comes.
///
/// # Errors
/// When there is no such sandbox, or it does not answer.
pub(crate) fn log(matches: &ArgMatches) -> Result<u8, Failure> {
    let one = meant(matches)?;
    let json = matches.get_flag("json");
    let mut out = std::io::stdout().lock();
    let mut gone = false;
    let done = one.log((matches.get_flag("follow"), matches.get_flag("all")), &mut |event| {
        let text = if json { format!("{event}\n") } else { text(event, &one.facts) };
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        // A reader that went away has had enough.
        gone = written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        written
    });
    match done {
        Err(_) if gone => Ok(0),
        done => Ok(done.map(|()| 0)?),
    }
}

/// When, what, about what; and what would allow it on a line of its own.
fn text(event: &Value, facts: &Facts) -> String {
    let field = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
    let time = event.get("time").and_then(Value::as_u64).unwrap_or_default();
    let time = clock(Duration::from_millis(time.saturating_sub(facts.since)));
    let what = EVENTS.iter().find(|(event, _)| *event == field("event"));
    let mut words = vec![what.map_or_else(|| field("event").to_owned(), |(_, what)| gettext(what))];
    for part in PARTS {
        match event.get(part) {
            Some(Value::String(text)) => words.push(visible(text.as_bytes())),
            Some(Value::Number(number)) => words.push(number.to_string()),
            Some(Value::Array(all)) => {
                let texts = all.iter().filter_map(Value::as_str);
                words.extend(texts.map(|text| visible(text.as_bytes())));
            }
            _ => {}
        }
    }
    if let Some(allow) = event.get("allow").and_then(Value::as_bool) {
        words.push(gettext(if allow { N_("yes") } else { N_("no") }));
    }
    let mut text = format!("{time}  {}\n", words.join(" "));
    if let Some(command) = allowing(event, facts) {
        let message = Message::new(N_("to allow it: {command}")).with("command", command);
        text.push_str(&format!("         {}\n", translated(&message)));
    }
    text
}

/// The command that allows it from now on, or the option that does at the next launch.
fn allowing(event: &Value, facts: &Facts) -> Option<String> {
    let lasting = Lasting::of(event.as_object()?)?;
    let (option, rule) = (lasting.option()?, quoted(&lasting.text()));
    Some(match facts.profile.as_ref().filter(|_| facts.stored) {
        Some(profile) => {
            let profile = visible(profile.as_bytes());
            format!("arkose profile set {profile} {}+={rule}", option.key)
        }
        None => format!("arkose … --{} {rule}", option.flag),
    })
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    format!("'{}'", visible(text.as_bytes()).replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(profile: Option<&str>, stored: bool) -> Facts {
        Facts {
            id: "abcdefgh".to_owned(),
            name: "App".to_owned(),
            profile: profile.map(str::to_owned),
            stored,
            command: Vec::new(),
            since: 1_000,
            way: "user".to_owned(),
            runas: "user".to_owned(),
            walls: "full".to_owned(),
            supervisor: 1,
            first: 2,
        }
    }

    #[test]
    fn a_line_says_what_was_refused_and_what_would_allow_it() {
        let event = json!({ "event": "denied", "time": 3_500, "bus": "session", "kind": "call",
            "destination": "org.x", "interface": "org.x.I", "member": "M", "path": "/x",
            "arg0": "a\u{1b}[2Jb", "would_allow": "call = org.x=org.x.I.M@/x" });
        assert_eq!(
            text(&event, &facts(Some("eyes"), true)),
            "0:00:02  refused session call org.x org.x.I M /x a\\x1b[2Jb\n         to allow it: arkose profile set eyes dbus-rules.session.call+='org.x=org.x.I.M@/x'\n"
        );
        for (profile, stored) in [(None, false), (Some("file"), false)] {
            let text = text(&event, &facts(profile, stored));
            assert!(text.contains("arkose … --dbus-call 'org.x=org.x.I.M@/x'"), "{text}");
        }
        let network = json!({ "event": "denied", "time": 3_500, "kind": "connection", "port": 443,
            "names": ["a.example"], "address": "192.0.2.1", "protocol": "tcp", "would_allow": "a.example:443/tcp" });
        assert_eq!(
            text(&network, &facts(Some("eyes"), true)),
            "0:00:02  refused connection a.example 192.0.2.1 tcp 443\n         to allow it: arkose profile set eyes network-rules.allow+='a.example:443/tcp'\n"
        );
        let mut system = event;
        system["bus"] = "system".into();
        assert!(text(&system, &facts(None, false)).contains("--system-dbus-call"));
        system["bus"] = "accessibility".into();
        assert!(!text(&system, &facts(None, false)).contains("allow it"));
    }

    #[test]
    fn nothing_in_a_rule_leaves_its_word() {
        assert_eq!(quoted("a'b\n"), "'a'\\''b\\n'");
    }
}
