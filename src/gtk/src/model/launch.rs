//! What is passed to `arkose launch`, and what it says back.

use arkose_profile::text::visible;
use arkose_profile::{Layer, Value};
use serde::Deserialize;
use std::ffi::OsString;

/// A launch that the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The profile's id, or the path of its file.
    pub profile: OsString,
    /// What is changed for this launch.
    pub changes: Layer,
    /// Files and URIs to open.
    pub files: Vec<OsString>,
}

impl Request {
    /// The arguments of `arkose`; events go to the file descriptor `events`.
    #[must_use]
    pub fn arguments(&self, events: i32) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            vec!["launch".into(), "--events".into(), events.to_string().into()];
        for (key, value) in self.changes.iter() {
            arguments.push("--set".into());
            arguments.push(format!("{key}={}", toml(value)).into());
        }
        // What follows is never read as an option.
        arguments.push("--".into());
        arguments.push(self.profile.clone());
        arguments.extend(self.files.iter().cloned());
        arguments
    }
}

/// A value in TOML, on one line.
fn toml(value: &Value) -> String {
    let value: toml_edit::Value = match value {
        Value::Bool(on) => (*on).into(),
        Value::Number(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(list) => list.iter().map(String::as_str).collect::<toml_edit::Array>().into(),
    };
    value.to_string()
}

/// A line that `arkose launch` writes to its event descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// The sandbox is being built.
    Starting,
    /// The app runs.
    Started,
    /// The app has ended.
    Exited,
    /// It could not be done.
    Failed(Failure),
    /// Something that this version of the window does not show.
    #[serde(other)]
    Other,
}

impl Event {
    /// Reads one line; a line that is no event is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// Why a launch failed, in the engine's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// One clear sentence.
    pub message: String,
    /// What caused it.
    #[serde(default)]
    pub cause: Option<String>,
    /// The command that mends it, or an advice.
    #[serde(default)]
    pub remedy: Option<String>,
}

impl Failure {
    /// From the last lines of standard error: `arkose: sentence`, and indented below it the rest.
    /// `None` when there is no text.
    #[must_use]
    pub fn from_stderr(text: &[u8]) -> Option<Self> {
        let lines: Vec<String> = text
            .split(|byte| *byte == b'\n')
            .map(|line| visible(line.trim_ascii_end()))
            .filter(|line| !line.is_empty())
            .collect();
        let own = lines.iter().rposition(|line| line.starts_with(PREFIX));
        let mut lines = lines.get(own.unwrap_or(lines.len().saturating_sub(1))..)?.iter();
        let first = lines.next()?;
        let message = first.strip_prefix(PREFIX).unwrap_or(first).to_owned();
        let rest = lines.map_while(|line| line.strip_prefix("  "));
        let cause = rest.collect::<Vec<_>>().join("\n");
        Some(Self { message, cause: Some(cause).filter(|cause| !cause.is_empty()), remedy: None })
    }

    /// What the event says, with the sentence of standard error, which is in the user's language.
    #[must_use]
    pub fn with_words_of(mut self, said: Option<Self>) -> Self {
        if let Some(said) = said {
            self.message = said.message;
        }
        self
    }
}

/// What the command line's own lines on standard error begin with.
const PREFIX: &str = "arkose: ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_is_said_in_arguments_that_nothing_misreads() {
        let mut changes = Layer::launch();
        changes.set("pulseaudio", Value::Bool(true)).unwrap();
        changes.set("files.bind", Value::List(vec!["~/a \"b\"".into(), "/c".into()])).unwrap();
        let request =
            Request { profile: "gedit".into(), changes, files: vec!["-rf".into(), "/x".into()] };
        assert_eq!(
            request.arguments(7),
            [
                "launch",
                "--events",
                "7",
                "--set",
                "files.bind=['~/a \"b\"', \"/c\"]",
                "--set",
                "pulseaudio=true",
                "--",
                "gedit",
                "-rf",
                "/x",
            ]
        );
    }

    #[test]
    fn events_are_read_and_strangers_passed_over() {
        assert_eq!(Event::parse(r#"{"event":"started","id":"a","pid":3}"#), Some(Event::Started));
        assert_eq!(Event::parse(r#"{"event":"denied","what":"x"}"#), Some(Event::Other));
        assert_eq!(Event::parse("nonsense"), None);
        let failed = r#"{"event":"failed","message":"No.","cause":null,"remedy":"do it"}"#;
        let failure =
            Failure { message: "No.".into(), cause: None, remedy: Some("do it".to_owned()) };
        assert_eq!(Event::parse(failed), Some(Event::Failed(failure)));
    }

    #[test]
    fn a_failure_is_read_from_the_end_of_standard_error() {
        let text =
            b"app noise\narkose: no user namespaces\n  the kernel said no\n  and again\nnoise\n";
        let failure = Failure::from_stderr(text).unwrap();
        assert_eq!(failure.message, "no user namespaces");
        assert_eq!(failure.cause.as_deref(), Some("the kernel said no\nand again"));
        let plain = Failure::from_stderr(b"only \x1b[31mthis").unwrap();
        assert_eq!((plain.message.as_str(), plain.cause), ("only \\x1b[31mthis", None));
        assert_eq!(Failure::from_stderr(b"\n"), None);
    }

    #[test]
    fn the_sentence_is_the_translated_one() {
        let event = Failure { message: "No.".into(), cause: None, remedy: Some("do it".into()) };
        let said = Failure::from_stderr(b"arkose: Non.\n  do it\n");
        let both = event.clone().with_words_of(said);
        assert_eq!((both.message.as_str(), both.remedy), ("Non.", event.remedy.clone()));
        assert_eq!(event.clone().with_words_of(None), event);
    }
}
