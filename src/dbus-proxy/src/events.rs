//! What is told about single messages: lines of JSON for the supervisor, or on standard output.
//!
//! An app can make as many of them as it likes, and so they are bounded: in size, in number a second,
//! and in how many wait to be read.

use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The most bytes of a text that comes from an app.
pub const LONGEST: usize = 256;
/// The most events a second.
const MOST: u32 = 100;
/// The most bytes that wait to be read.
const FULL: usize = 1 << 20;

/// One event, as it is told. What does not apply is left out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Event<'a> {
    /// `denied`, `allowed`, `asked`, `answered` or `closed`.
    pub event: &'static str,
    /// Milliseconds since 1970.
    pub time: u64,
    /// Which bus.
    pub bus: &'a str,
    /// `call`, `signal`, `own`, `see` or `driver`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub kind: &'static str,
    /// Whom it was for, or from where a signal came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<&'a str>,
    /// The object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    /// The interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<&'a str>,
    /// The method or signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<&'a str>,
    /// The first argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arg0: Option<&'a str>,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// A rule that would allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_allow: Option<String>,
    /// One sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A text, or its beginning with a sign that there is more of it.
#[must_use]
pub fn brief(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    let cut = text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default();
    format!("{cut}…").into()
}

/// What of an event an app has written.
const OF_APPS: [&str; 6] = ["destination", "path", "interface", "member", "arg0", "reason"];

/// What is told of messages that went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Nothing is told at all.
    Nothing,
    /// What was refused or asked.
    Denied,
    /// That, and what was allowed.
    All,
}

/// Lines that wait to be written.
#[derive(Debug)]
pub struct Events {
    detail: Detail,
    lines: VecDeque<u8>,
    since: Instant,
    told: u32,
    dropped: u64,
}

impl Events {
    /// Nothing was told yet.
    #[must_use]
    pub fn new(detail: Detail) -> Self {
        Self { detail, lines: VecDeque::new(), since: Instant::now(), told: 0, dropped: 0 }
    }

    /// Tells more, or less, from now on.
    pub fn set_detail(&mut self, detail: Detail) {
        self.detail = detail;
    }

    /// Whether messages that went through are told.
    #[must_use]
    pub fn wants_allowed(&self) -> bool {
        self.detail == Detail::All
    }

    /// Tells an event, unless there were too many lately.
    pub fn tell(&mut self, mut event: Event<'_>) {
        if self.detail == Detail::Nothing {
            return;
        }
        self.tick(Instant::now());
        if self.told >= MOST || self.is_full() {
            self.dropped += 1;
            return;
        }
        self.told += 1;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        event.time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let Ok(mut line) = serde_json::to_value(&event) else { return };
        for key in OF_APPS {
            if let Some(Value::String(text)) = line.get_mut(key)
                && text.len() > LONGEST
            {
                *text = brief(text).into_owned();
            }
        }
        self.line(&line);
    }

    /// Adds a line that is not counted.
    pub fn line(&mut self, line: &Value) {
        self.lines.extend(line.to_string().bytes());
        self.lines.push_back(b'\n');
    }

    /// A second may be over: says how many events were not told in it.
    pub fn tick(&mut self, now: Instant) {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            self.since = now;
            self.told = 0;
            if self.dropped > 0 {
                let count = std::mem::take(&mut self.dropped);
                self.line(&json!({ "event": "dropped", "count": count }));
            }
        }
    }

    /// When events that were not told are to be counted, if there are any.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        (self.dropped > 0).then(|| self.since + Duration::from_secs(1))
    }

    /// Whether more waits to be written than should be.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.lines.len() > FULL
    }

    /// Whether anything waits to be written.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.lines.is_empty()
    }

    /// What waits to be written; what was written is taken from its front.
    pub fn lines(&mut self) -> &mut VecDeque<u8> {
        &mut self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_texts_are_cut() {
        let mut events = Events::new(Detail::Denied);
        let long = "é".repeat(1000);
        for _ in 0..MOST + 50 {
            events.tell(Event { event: "denied", member: Some(&long), ..Event::default() });
        }
        let text = String::from_utf8(events.lines().drain(..).collect()).unwrap();
        assert_eq!(text.lines().count(), MOST as usize);
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["member"].as_str().unwrap(), "é".repeat(128) + "…");
        assert!(first.get("path").is_none());
        events.tick(Instant::now() + Duration::from_secs(2));
        let text = String::from_utf8(events.lines().drain(..).collect()).unwrap();
        assert_eq!(text, "{\"count\":50,\"event\":\"dropped\"}\n");
    }
}
