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
#[serde(default)]
pub struct Failure {
    /// One clear sentence.
    pub message: String,
    /// What caused it; may be empty.
    pub cause: String,
    /// The command that mends it; may be empty.
    pub mend: String,
}

impl Failure {
    /// From the last lines of standard error: `arkose: sentence`, the cause below it, and the
    /// command that mends it after a `$`. `None` when there is no text.
    #[must_use]
    pub fn from_stderr(text: &[u8]) -> Option<Self> {
        let lines: Vec<String> = text
            .split(|byte| *byte == b'\n')
            .map(|line| visible(line.trim_ascii()))
            .filter(|line| !line.is_empty())
            .collect();
        let first = lines.iter().rposition(|line| line.starts_with(PREFIX));
        let own = lines.get(first.unwrap_or_else(|| lines.len().saturating_sub(1))..)?;
        let mut failure = Self::default();
        for line in own {
            let line = line.strip_prefix(PREFIX).unwrap_or(line);
            match line.strip_prefix("$ ") {
                Some(command) => failure.mend = command.to_owned(),
                None if failure.message.is_empty() => failure.message = line.to_owned(),
                None if failure.cause.is_empty() => failure.cause = line.to_owned(),
                None => failure.cause = format!("{}\n{line}", failure.cause),
            }
        }
        (!failure.message.is_empty()).then_some(failure)
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
        let failed = Event::parse(r#"{"event":"failed","message":"No.","mend":"do it"}"#);
        let failure = Failure { message: "No.".into(), cause: String::new(), mend: "do it".into() };
        assert_eq!(failed, Some(Event::Failed(failure)));
    }

    #[test]
    fn a_failure_is_read_from_the_end_of_standard_error() {
        let text = b"app noise\narkose: no user namespaces\nthe kernel said no\n$ sysctl x=1\n";
        let failure = Failure::from_stderr(text).unwrap();
        assert_eq!(failure.message, "no user namespaces");
        assert_eq!(failure.cause, "the kernel said no");
        assert_eq!(failure.mend, "sysctl x=1");
        assert_eq!(
            Failure::from_stderr(b"only \x1b[31mthis").unwrap().message,
            "only \\x1b[31mthis"
        );
        assert_eq!(Failure::from_stderr(b"\n"), None);
    }
}
