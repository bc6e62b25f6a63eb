//! What the prompter is told and what it answers: JSON, a line each.
//!
//! ```text
//! supervisor → prompter   {"question":3,"app":"Text Editor","words":"…","risk":"open","bus":"session",…}
//!                         {"withdrawn":3}
//! prompter → supervisor   {"answer":3,"decision":"no"}
//! ```
//!
//! Where an answer can be about more or less, the question has `"scopes":[{"scope":…,"words":…,"rule":…},…]`, of
//! which the first is what is usually meant, and the answer names one: `"scope":…`.
//!
//! What a question is about does not matter here. Beside the few fields that every question has,
//! all others are details, shown as they are under a label of [`LABELS`] or under their own name.

use arkose_profile::i18n::N_;
use arkose_profile::options::Risk;
use arkose_profile::text::visible;
use arkose_session::questions::Decision;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The longest line that is read, in bytes.
pub const LONGEST_LINE: usize = 64 * 1024;

/// How many letters are shown of the app's name, of the sentence, and of one detail.
const LONGEST: (usize, usize, usize) = (80, 240, 1000);

/// How many details a question may have.
const MOST_DETAILS: usize = 16;

/// How much an answer can be about, in how many ways.
const MOST_SCOPES: usize = 8;

/// Details that have a name for people, in the order in which they are shown; message ids.
const LABELS: &[(&str, &str)] = &[
    ("bus", N_("Bus")),
    ("destination", N_("Service")),
    ("path", N_("Object")),
    ("interface", N_("Interface")),
    ("member", N_("Method")),
    ("arg0", N_("Argument")),
    ("name", N_("Name")),
    ("address", N_("Address")),
    ("port", N_("Port")),
    ("protocol", N_("Protocol")),
    ("process", N_("What the Process Calls Itself")),
];

/// What the supervisor said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Somebody is to be asked.
    Ask(Question),
    /// Nobody waits for the answer to the question of this number any more.
    Withdrawn(u64),
}

/// A question. All its text can be shown: it is no longer than fits, and nothing in it is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What the answer is to name.
    pub number: u64,
    /// What the profile calls the app.
    pub app: String,
    /// The app's desktop entry, for its icon.
    pub desktop: Option<String>,
    /// Whether there is a profile in which an answer can be kept.
    pub lasting: bool,
    /// What the app wants, in one sentence.
    pub words: String,
    /// How far it would open the sandbox.
    pub risk: Option<Risk>,
    /// What exactly was asked for: labels, to be translated, and values.
    pub details: Vec<(String, String)>,
    /// What the answer can be about, what is usually meant first; nothing where that cannot be chosen.
    pub scopes: Vec<Scope>,
}

/// What an answer can be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What the answer calls it.
    pub word: String,
    /// What a person calls it.
    pub words: String,
    /// The rule that the answer would be.
    pub rule: String,
}

/// The line that answers a question; `scope` is the word for what it is about, where that could be chosen.
#[must_use]
pub fn answer(question: u64, decision: Decision, scope: Option<&str>) -> String {
    let mut line = json!({ "answer": question, "decision": decision.as_str() });
    if let (Some(scope), Some(fields)) = (scope, line.as_object_mut()) {
        fields.insert("scope".to_owned(), scope.into());
    }
    format!("{line}\n")
}

/// What every question has.
#[derive(Deserialize)]
struct Head {
    question: u64,
    app: String,
    words: String,
    profile: Option<String>,
    desktop: Option<String>,
    risk: Option<String>,
    #[serde(default)]
    scopes: Vec<ScopeLine>,
    #[serde(flatten)]
    details: Map<String, Value>,
}

#[derive(Deserialize)]
struct ScopeLine {
    scope: String,
    words: String,
    rule: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    withdrawn: u64,
}

impl Line {
    /// Reads a line; `None` when it is none that a supervisor writes.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        if let Ok(withdrawal) = serde_json::from_slice::<Withdrawal>(line) {
            return Some(Self::Withdrawn(withdrawal.withdrawn));
        }
        let head: Head = serde_json::from_slice(line).ok()?;
        let (app, words, detail) = LONGEST;
        let question = Question {
            number: head.question,
            app: shown(&head.app, app),
            desktop: head.desktop.filter(|desktop| !desktop.contains(['/', '\0'])),
            lasting: head.profile.is_some_and(|profile| !profile.is_empty()),
            words: shown(&head.words, words),
            risk: head.risk.as_deref().and_then(risk),
            details: details(head.details, detail)?,
            scopes: scopes(head.scopes)?,
        };
        let speaks = !question.app.trim().is_empty() && !question.words.trim().is_empty();
        speaks.then_some(Self::Ask(question))
    }
}

fn risk(word: &str) -> Option<Risk> {
    [Risk::Contained, Risk::Partial, Risk::Open].into_iter().find(|risk| risk.word() == word)
}

fn scopes(lines: Vec<ScopeLine>) -> Option<Vec<Scope>> {
    let (_, words, rule) = LONGEST;
    let scope = |line: ScopeLine| Scope {
        words: shown(&line.words, words),
        rule: shown(&line.rule, rule),
        word: line.scope,
    };
    (lines.len() <= MOST_SCOPES).then(|| lines.into_iter().map(scope).collect())
}

fn details(mut fields: Map<String, Value>, longest: usize) -> Option<Vec<(String, String)>> {
    if fields.len() > MOST_DETAILS {
        return None;
    }
    let known = LABELS.iter().filter_map(|(key, label)| Some((*label, fields.remove(*key)?)));
    let mut named: Vec<_> = known.map(|(label, value)| (label.to_owned(), value)).collect();
    named.extend(fields.into_iter().map(|(key, value)| (shown(&key, longest), value)));
    let mut details = Vec::with_capacity(named.len());
    for (label, value) in named {
        match value {
            Value::Null => {}
            Value::String(text) => details.push((label, shown(&text, longest))),
            Value::Bool(_) | Value::Number(_) => details.push((label, value.to_string())),
            Value::Array(_) | Value::Object(_) => return None,
        }
    }
    Some(details)
}

/// Text as it is shown: with nothing hidden in it, and with an end.
fn shown(text: &str, longest: usize) -> String {
    let text = visible(text.as_bytes());
    match text.char_indices().nth(longest) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text,
    }
}

/// Bytes as they arrive, cut into lines.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Takes what arrived and gives the lines that are whole; `None` when one is too long.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut whole = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if self.begun.len() > LONGEST_LINE {
                return None;
            }
            if self.begun.pop_if(|last| *last == b'\n').is_some() {
                whole.push(std::mem::take(&mut self.begun));
            }
        }
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Option<Question> {
        match Line::parse(line.as_bytes()) {
            Some(Line::Ask(question)) => Some(question),
            _ => None,
        }
    }

    #[test]
    fn details_have_an_order_and_whatever_comes_is_shown() {
        let line = r#"{"question":7,"app":"A","profile":"a","words":"W.","risk":"open",
            "member":"M\n","zone":"lan","bus":"session","port":443,"arg0":null}"#;
        let question = asked(line).unwrap();
        assert_eq!((question.number, question.risk), (7, Some(Risk::Open)));
        let details: Vec<_> =
            question.details.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let expected = [("Bus", "session"), ("Method", "M\\n"), ("Port", "443"), ("zone", "lan")];
        assert_eq!(details, expected);
    }

    #[test]
    fn no_text_hides_anything_or_goes_on_for_ever() {
        let long = "x".repeat(5000);
        let line = format!(
            r#"{{"question":1,"app":"A\u202eB\u0000","words":"<b>{long}</b>","arg0":"{long}"}}"#
        );
        let question = asked(&line).unwrap();
        assert_eq!(question.app, "A\\u{202e}B\\x00");
        assert_eq!(question.words.chars().count(), 241);
        assert_eq!(question.details[0].1.chars().count(), 1001);
        assert!(!question.lasting);
    }

    #[test]
    fn what_is_no_line_of_a_supervisor_is_none() {
        for line in [
            "",
            "{}",
            "null",
            r#"{"question":1}"#,
            r#"{"question":-1,"app":"A","words":"W"}"#,
            r#"{"question":1,"app":" ","words":"W"}"#,
            r#"{"question":1,"app":"A","words":""}"#,
            r#"{"question":1,"app":"A","words":"W","path":["/"]}"#,
            r#"{"question":1,"app":"A","app":"B","words":"W"}"#,
            r#"{"withdrawn":1,"question":2}"#,
            r#"{"question":1,"app":"A","words":"W"} {"#,
        ] {
            assert_eq!(Line::parse(line.as_bytes()), None, "{line}");
        }
        assert_eq!(Line::parse(br#"{"withdrawn":4}"#), Some(Line::Withdrawn(4)));
        let desktop = asked(r#"{"question":1,"app":"A","words":"W","desktop":"../x.desktop"}"#);
        assert_eq!(desktop.unwrap().desktop, None);
    }

    #[test]
    fn what_an_answer_can_be_about_is_read_and_bounded() {
        let scope = r#"{"scope":"name","words":"This\u202ename","rule":"a.example:443/tcp"}"#;
        let line = |scopes: &str| {
            asked(&format!(r#"{{"question":1,"app":"A","words":"W","scopes":[{scopes}]}}"#))
        };
        let question = line(scope).unwrap();
        assert_eq!(question.scopes[0].words, "This\\u{202e}name");
        assert_eq!(
            (&*question.scopes[0].word, &*question.scopes[0].rule),
            ("name", "a.example:443/tcp")
        );
        assert_eq!(line(&[scope; 9].join(",")), None);
        assert_eq!(line(r#"{"scope":"name"}"#), None);
    }

    #[test]
    fn lines_are_cut_where_they_end_and_not_where_they_arrive() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed(b"{\"a\""), Some(vec![]));
        assert_eq!(lines.feed(b":1}\n{}\n{"), Some(vec![b"{\"a\":1}".to_vec(), b"{}".to_vec()]));
        assert_eq!(lines.feed(&vec![b' '; LONGEST_LINE]), None);
    }

    #[test]
    fn an_answer_is_one_line() {
        let plain = "{\"answer\":9,\"decision\":\"launch\"}\n";
        assert_eq!(answer(9, Decision::Launch, None), plain);
        let scoped = "{\"answer\":9,\"decision\":\"never\",\"scope\":\"name\"}\n";
        assert_eq!(answer(9, Decision::Never, Some("name")), scoped);
    }
}
