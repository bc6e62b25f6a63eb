//! What is asked of a network while its app runs, and what its program answers. The program reads what
//! an app and the internet send: of its answers is passed on what is known, each part by itself.

use super::traffic::Traffic;
use crate::spec::LaunchSpec;
use arkose_profile::net::{Change, Rules, Target, Verdict};
use arkose_protocol::ProtocolError;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::os::fd::OwnedFd;

/// The longest text of an answer, in characters.
const LONGEST: usize = 512;

/// What is asked.
#[derive(Debug)]
pub(crate) enum Ask {
    /// What went where.
    Traffic,
    /// Which rules hold.
    Rules,
    /// To change them.
    Change(Change),
}

impl Ask {
    /// What a word asks for, with the file that came with it, or why it cannot; `None` when it is no such word.
    pub(crate) fn of(word: &str, file: Option<OwnedFd>) -> Option<Result<Self, String>> {
        match word {
            "traffic" => Some(Ok(Self::Traffic)),
            "rules" => Some(Ok(Self::Rules)),
            "change-rules" => {
                let file = file.ok_or("a sealed file must come with this request".to_owned());
                Some(file.and_then(change).map(Self::Change))
            }
            _ => None,
        }
    }

    /// The refusal of what cannot be had while the app runs.
    pub(super) fn refused(&self, number: u64, spec: &LaunchSpec) -> Option<Told> {
        let Self::Change(change) = self else { return None };
        let opens = |verdict| verdict != Verdict::Deny;
        let host = change.add.iter().any(|rule| rule.target == Target::Host && opens(rule.verdict));
        // What leads there is begun with the sandbox, or never.
        (host && !spec.policy.network_rules.may_reach_host()).then(|| {
            let why = "services of this computer can be opened by a launch only";
            Told::refused(number, "host-at-launch", why)
        })
    }
}

/// A change, from a file that nobody can change any more.
fn change(file: OwnedFd) -> Result<Change, String> {
    let bytes = arkose_protocol::read_sealed(file).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

/// The file that says it.
pub(crate) fn file(change: &Change) -> Result<OwnedFd, ProtocolError> {
    let bytes = serde_json::to_vec(change).map_err(|_| ProtocolError::Malformed)?;
    arkose_protocol::sealed_file(&bytes)
}

/// What was answered, or a part of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The number of what was asked.
    pub(crate) number: u64,
    /// The line.
    pub(crate) answer: Value,
    /// Whether nothing more comes.
    pub(crate) is_last: bool,
}

/// Some of the rules that hold.
#[derive(Deserialize)]
struct Part {
    #[serde(flatten)]
    rules: Rules,
    more: bool,
}

impl Told {
    fn last(number: u64, answer: Value) -> Self {
        Self { number, answer, is_last: true }
    }

    /// A refusal: a word for programs, and a sentence.
    pub(crate) fn refused(number: u64, code: &str, why: &str) -> Self {
        Self::last(number, json!({ "error": why, "code": code }))
    }

    /// There is no such network.
    pub(crate) fn not_filtered(number: u64) -> Self {
        Self::refused(number, "not-filtered", "the network of this sandbox is not filtered")
    }

    /// The answer in a line of the program's, if one is in it.
    pub(super) fn of(line: &Map<String, Value>) -> Option<Self> {
        let number = |key: &str| line.get(key).and_then(Value::as_u64);
        if let Some(number) = number("traffic") {
            let traffic = line.get("told").and_then(Traffic::read);
            return Some(Self::last(number, json!({ "traffic": traffic })));
        }
        if let Some(number) = number("rules") {
            return Some(rules(number, line));
        }
        Some(changed(number("change")?, line))
    }
}

fn rules(number: u64, line: &Map<String, Value>) -> Told {
    match serde_json::from_value::<Part>(line.clone().into()) {
        Ok(Part { rules, more }) => {
            let answer = json!({ "default": rules.default, "list": rules.list, "more": more });
            Told { number, answer, is_last: !more }
        }
        Err(error) => Told::refused(number, "failed", &error.to_string()),
    }
}

fn changed(number: u64, line: &Map<String, Value>) -> Told {
    let text = |key: &str| {
        let text = line.get(key).and_then(Value::as_str);
        text.map(|text| text.chars().take(LONGEST).collect::<String>())
    };
    if line.get("done").and_then(Value::as_bool) == Some(true) {
        return Told::last(number, json!({ "ok": true }));
    }
    match text("missing") {
        Some(rule) => {
            let why = format!("no rule “{rule}” holds");
            let answer = json!({ "error": why, "code": "missing", "rule": rule });
            Told::last(number, answer)
        }
        None => Told::refused(number, "failed", &text("why").unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &Value) -> Option<Told> {
        Told::of(line.as_object().unwrap())
    }

    #[test]
    fn only_what_is_known_is_passed_on() {
        let rule = json!({ "verdict": "allow", "rule": "a.example:443" });
        let line = json!({ "rules": 3, "default": "ask", "list": [rule], "more": true, "evil": 1 });
        let answer = json!({ "default": "ask", "list": [rule], "more": true });
        assert_eq!(told(&line), Some(Told { number: 3, answer, is_last: false }));
        let wrong = json!({ "rules": 3, "default": "ask", "list": ["x"], "more": true });
        assert_eq!(told(&wrong).unwrap().answer["code"], "failed");
        let done = json!({ "change": 4, "done": true, "evil": 1 });
        assert_eq!(told(&done), Some(Told::last(4, json!({ "ok": true }))));
        let missing = json!({ "change": 4, "done": false, "missing": "x".repeat(9000) });
        let missing = told(&missing).unwrap().answer;
        assert_eq!(missing["rule"].as_str().unwrap().len(), LONGEST);
        assert_eq!(told(&json!({ "change": 4 })).unwrap().answer["code"], "failed");
        assert_eq!(
            told(&json!({ "traffic": 5, "told": 1 })).unwrap().answer["traffic"],
            Value::Null
        );
        for other in [json!({}), json!({ "ask": 1 }), json!({ "traffic": "x" })] {
            assert_eq!(told(&other), None);
        }
    }

    #[test]
    fn what_is_to_change_comes_in_a_file_that_is_sealed() {
        let change = Change { default: Some(Verdict::Ask), ..Change::default() };
        let sealed = file(&change).unwrap();
        let Some(Ok(Ask::Change(read))) = Ask::of("change-rules", Some(sealed)) else { panic!() };
        assert_eq!(read, change);
        let open = std::fs::File::open("/dev/zero").unwrap().into();
        assert!(matches!(Ask::of("change-rules", Some(open)), Some(Err(_))));
        assert!(matches!(Ask::of("change-rules", None), Some(Err(_))));
        assert!(Ask::of("else", None).is_none());
    }
}
