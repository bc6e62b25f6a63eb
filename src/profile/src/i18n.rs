//! Text that is translated where it is shown, not where it is made.
//!
//! A [`Message`] carries a message id with named places (`{path}`) and what fills them; whoever
//! shows it passes the function that translates. `Display` gives the English text.

use crate::text::visible;
use std::fmt;

/// Marks a message id for `xgettext` and returns it as it is.
#[allow(non_snake_case, reason = "the name that xgettext and the field use")]
#[must_use]
pub const fn N_(message: &'static str) -> &'static str {
    message
}

/// A sentence with named places, and what fills them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pattern: &'static str,
    values: Vec<(&'static str, Part)>,
}

/// What fills a place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A name, a path, a number: shown as it is, with control characters made visible.
    Verbatim(String),
    /// A message of its own.
    Message(Message),
}

impl Message {
    /// A message without any place filled; mark `pattern` with [`N_`].
    #[must_use]
    pub fn new(pattern: &'static str) -> Self {
        Self { pattern, values: Vec::new() }
    }

    /// Fills the place `{name}`; control characters of `value` are made visible.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        let value = visible(value.as_ref().as_bytes());
        self.values.push((name, Part::Verbatim(value)));
        self
    }

    /// Fills the place `{name}` with another message, which is translated too.
    #[must_use]
    pub fn with_message(mut self, name: &'static str, value: Message) -> Self {
        self.values.push((name, Part::Message(value)));
        self
    }

    /// The message id, with its places unfilled.
    #[must_use]
    pub fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// The text in the language of `translate`. A translation that misspells a place shows the
    /// place; it never loses the rest.
    #[must_use]
    pub fn translated(&self, translate: &dyn Fn(&str) -> String) -> String {
        let pattern = translate(self.pattern);
        let mut out = String::with_capacity(pattern.len() + 32);
        let mut rest = pattern.as_str();
        // One pass from left to right, so that a value which itself looks like a place stays as it is.
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let filled = after.split_once('}').and_then(|(name, after)| {
                let (_, part) = self.values.iter().find(|(known, _)| *known == name)?;
                Some((part, after))
            });
            match filled {
                Some((Part::Verbatim(text), after)) => {
                    out.push_str(text);
                    rest = after;
                }
                Some((Part::Message(message), after)) => {
                    out.push_str(&message.translated(translate));
                    rest = after;
                }
                None => {
                    out.push('{');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.translated(&|text| text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once_and_made_visible() {
        let message =
            Message::new("“{a}” and “{b}”, not {c}").with("a", "{b}").with("b", "x\x1b[0m");
        assert_eq!(message.to_string(), "“{b}” and “x\\x1b[0m”, not {c}");
    }

    #[test]
    fn a_translation_may_move_places() {
        let inner = Message::new("inner");
        let message = Message::new("{a} of {b}").with("a", "1").with_message("b", inner);
        let translate = |text: &str| match text {
            "inner" => "intérieur".to_owned(),
            _ => "{b} : {a}".to_owned(),
        };
        assert_eq!(message.translated(&translate), "intérieur : 1");
    }
}
