//! What the program of a filtered network tells, as what is passed on: known events, known fields, bounded
//! texts. What an app asked for is in them, and so nothing else is taken over.

use serde_json::{Map, Value};

/// The events, and how they are called for those who watch a sandbox.
const EVENTS: [(&str, &str); 4] = [
    ("denied", "denied"),
    ("answered", "answered"),
    ("failed", "network-failed"),
    ("dropped", "dropped"),
];
/// Fields that are texts.
const TEXTS: [&str; 7] = ["kind", "name", "address", "protocol", "rule", "would_allow", "reason"];
/// Fields that are lists of texts.
const LISTS: [&str; 2] = ["names", "addresses"];
/// The longest text, in characters; the program sends no longer ones.
const LONGEST: usize = 512;
/// The longest list.
const MOST: usize = 16;

/// The event, if it is one.
pub(super) fn event(id: &str, line: &Map<String, Value>, now: u64) -> Option<Value> {
    let (name, line_of) = match line.get("event").and_then(Value::as_str) {
        Some(said) => (EVENTS.iter().find(|(known, _)| *known == said)?.1, line),
        None if line.contains_key("ask") => ("prompt", line),
        None => return None,
    };
    let mut told = known(line_of);
    told.insert("event".to_owned(), name.into());
    told.insert("id".to_owned(), id.into());
    let time = line.get("time").and_then(Value::as_u64).unwrap_or(now);
    told.insert("time".to_owned(), time.into());
    Some(told.into())
}

/// What is known of a line.
fn known(line: &Map<String, Value>) -> Map<String, Value> {
    let mut told = Map::new();
    for key in TEXTS {
        told.extend(line.get(key).and_then(text).map(|text| (key.to_owned(), text)));
    }
    for key in LISTS {
        let Some(list) = line.get(key).and_then(Value::as_array) else { continue };
        let texts: Vec<Value> = list.iter().filter_map(text).take(MOST).collect();
        told.insert(key.to_owned(), texts.into());
    }
    for key in ["port", "count", "allow"] {
        if let Some(value @ (Value::Number(_) | Value::Bool(_))) = line.get(key) {
            told.insert(key.to_owned(), value.clone());
        }
    }
    told
}

fn text(value: &Value) -> Option<Value> {
    Some(value.as_str()?.chars().take(LONGEST).collect::<String>().into())
}

/// The texts of a question: the first name that the app asked for stands for all.
pub(super) fn texts(line: &Map<String, Value>) -> Map<String, Value> {
    let mut texts = known(line);
    let names = texts.remove("names");
    if let Some(name) = names.as_ref().and_then(|names| names.get(0)) {
        texts.insert("name".to_owned(), name.clone());
    }
    if let Some(port) = texts.get("port").map(ToString::to_string) {
        texts.insert("port".to_owned(), port.into());
    }
    texts.retain(|_, value| value.is_string());
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_known_is_passed_on() {
        let line = json!({ "event": "denied", "time": 5, "kind": "connection", "address": "192.0.2.1",
            "port": 443, "protocol": "tcp", "names": ["a.example", 5], "id": "other", "evil": 1,
            "rule": ["x"], "would_allow": "a.example:443/tcp" });
        assert_eq!(
            event("abc", line.as_object().unwrap(), 9).unwrap(),
            json!({ "event": "denied", "time": 5, "id": "abc", "kind": "connection", "port": 443,
                "address": "192.0.2.1", "protocol": "tcp", "names": ["a.example"],
                "would_allow": "a.example:443/tcp" })
        );
        let ask = json!({ "ask": 3, "address": "192.0.2.1", "port": 443, "protocol": "tcp",
            "names": ["a.example"], "kind": "connection" });
        assert_eq!(event("abc", ask.as_object().unwrap(), 9).unwrap()["event"], "prompt");
        assert_eq!(
            Value::from(texts(ask.as_object().unwrap())),
            json!({ "address": "192.0.2.1", "port": "443", "protocol": "tcp", "name": "a.example",
                "kind": "connection" })
        );
        for wrong in [json!({}), json!({ "event": "exited" }), json!({ "event": 5 })] {
            assert_eq!(event("abc", wrong.as_object().unwrap(), 9), None);
        }
    }
}
