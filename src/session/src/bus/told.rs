//! What the proxy tells, as what is passed on: known events, known fields, bounded texts. What an
//! app sent is in them, and so nothing else is taken over.

use crate::facts::now;
use serde_json::{Map, Value};

/// The events, and how they are called for those who watch a sandbox.
const EVENTS: [(&str, &str); 6] = [
    ("denied", "denied"),
    ("allowed", "allowed"),
    ("asked", "prompt"),
    ("answered", "answered"),
    ("closed", "closed"),
    ("dropped", "dropped"),
];
/// Fields that are texts.
const TEXTS: [&str; 10] = [
    "bus",
    "kind",
    "destination",
    "path",
    "interface",
    "member",
    "arg0",
    "rule",
    "would_allow",
    "reason",
];
/// The longest text, in characters; the proxy sends no longer ones.
const LONGEST: usize = 1024;

/// The event, if it is one.
pub(super) fn event(id: &str, line: &Map<String, Value>) -> Option<Value> {
    let said = line.get("event")?.as_str()?;
    let (_, name) = EVENTS.iter().find(|(known, _)| *known == said)?;
    let mut told = texts(line);
    told.insert("event".to_owned(), (*name).into());
    told.insert("id".to_owned(), id.into());
    told.insert(
        "time".to_owned(),
        line.get("time").and_then(Value::as_u64).unwrap_or_else(now).into(),
    );
    for key in ["count", "allow"] {
        if let Some(value @ (Value::Number(_) | Value::Bool(_))) = line.get(key) {
            told.insert(key.to_owned(), value.clone());
        }
    }
    Some(told.into())
}

/// The texts of a line.
pub(super) fn texts(line: &Map<String, Value>) -> Map<String, Value> {
    let text = |key: &&str| {
        let text = line.get(*key)?.as_str()?;
        Some(((*key).to_owned(), text.chars().take(LONGEST).collect::<String>().into()))
    };
    TEXTS.iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(line: &Value) -> Option<Value> {
        event("abc", line.as_object()?)
    }

    #[test]
    fn only_what_is_known_is_passed_on() {
        let line = json!({ "event": "asked", "time": 5, "bus": "session", "id": "other", "evil": 1,
            "member": ["x"], "path": "p".repeat(5000), "count": 3 });
        let mut short = told(&line).unwrap();
        assert_eq!(short["path"].as_str().unwrap().len(), LONGEST);
        short["path"] = "p".into();
        assert_eq!(
            short,
            json!({ "event": "prompt", "time": 5, "bus": "session", "id": "abc", "path": "p", "count": 3 })
        );
        for wrong in [json!({}), json!({ "event": "exited" }), json!({ "event": 5 })] {
            assert_eq!(told(&wrong), None);
        }
    }
}
