//! What has happened on the buses of one sandbox: the latest lines, for whoever asks.

use serde_json::Value;
use std::collections::VecDeque;

/// How many lines are kept.
const LINES: usize = 1000;
/// How many bytes all of them may have.
const BYTES: usize = 512 * 1024;

/// The latest lines.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Ring {
    /// Keeps a line, and lets go of the oldest.
    pub(crate) fn push(&mut self, line: &Value) {
        let line = line.to_string();
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }

    /// The lines, the oldest first.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_latest_lines_are_kept() {
        let mut ring = Ring::default();
        (0..LINES + 5).for_each(|number| ring.push(&json!(number)));
        assert_eq!(ring.lines().count(), LINES);
        assert_eq!(ring.lines().next(), Some("5"));
        ring.push(&json!("x".repeat(BYTES - 100)));
        assert!(ring.lines().count() < 100);
        ring.push(&json!("x".repeat(BYTES)));
        assert_eq!((ring.lines().count(), ring.bytes), (0, 0));
    }
}
