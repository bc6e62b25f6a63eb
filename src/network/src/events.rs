//! What is told to the supervisor: lines of JSON.
//!
//! An app can make as many events as it likes, and so they are bounded: in number a second, in size, and
//! in how many wait to be read.

use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The most bytes of a text that comes from an app.
const LONGEST: usize = 256;
/// The most events a second.
const MOST: u32 = 100;
/// The most bytes that wait to be read.
const FULL: usize = 1 << 20;

/// The beginning of a text, at most as long as is told.
#[must_use]
pub fn brief(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default()
}

/// Lines that wait to be written.
#[derive(Debug)]
pub struct Events {
    lines: VecDeque<u8>,
    since: Instant,
    told: u32,
    dropped: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self { lines: VecDeque::new(), since: Instant::now(), told: 0, dropped: 0 }
    }
}

impl Events {
    /// Tells an event, unless there were too many lately. What is null is left out.
    pub fn tell(&mut self, event: &str, fields: Value) {
        self.tick(Instant::now());
        if self.told >= MOST || self.is_full() {
            self.dropped += 1;
            return;
        }
        self.told += 1;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = Map::new();
        line.insert("event".to_owned(), event.into());
        line.insert("time".to_owned(), u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into());
        if let Value::Object(fields) = fields {
            line.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self.line(&line.into());
    }

    /// Adds a line that is not counted.
    pub fn line(&mut self, line: &Value) {
        self.lines.extend(line.to_string().bytes());
        self.lines.push_back(b'\n');
    }

    /// As many were lost before anything was known of them.
    pub fn lost(&mut self, count: u64) {
        self.dropped += count;
    }

    /// A second may be over: says how many events were not told in it.
    pub fn tick(&mut self, now: Instant) {
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
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

    /// Whether more waits to be written than should.
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
    fn a_flood_is_counted() {
        let mut events = Events::default();
        for _ in 0..MOST + 50 {
            events.tell("denied", json!({ "name": "a", "rule": null }));
        }
        let text = String::from_utf8(events.lines().drain(..).collect()).unwrap();
        assert_eq!(text.lines().count(), MOST as usize);
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert!(first["name"] == "a" && first.get("rule").is_none());
        events.tick(Instant::now() + Duration::from_secs(2));
        let text = String::from_utf8(events.lines().drain(..).collect()).unwrap();
        assert_eq!(text, "{\"count\":50,\"event\":\"dropped\"}\n");
        assert_eq!(brief(&"é".repeat(1000)), "é".repeat(128));
    }
}
