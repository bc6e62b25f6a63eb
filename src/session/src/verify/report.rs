//! What came of all trials, for people and for programs.

use super::check::{About, Check, Untried};
use super::words;
use arkose_probe::Found;
use arkose_profile::explain::{Explanation, Line};
use arkose_profile::i18n::{Message, N_};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// One trial and what came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) about: About,
    pub(super) tried: Message,
    pub(super) expected: Message,
    pub(super) found: Message,
    pub(super) holds: bool,
}

/// Everything that was tried, and what was not.
#[derive(Debug)]
pub struct Report {
    sections: Vec<Section>,
}

/// A line of `explain`, or what holds in every sandbox, and what was tried for it.
#[derive(Debug)]
struct Section {
    /// The option; empty for what holds always.
    key: &'static str,
    /// The sentence that was tested; a message id where it is not one of `explain`'s, translated there.
    text: Option<String>,
    results: Vec<Outcome>,
    untried: Option<&'static str>,
}

/// Said of what no line of `explain` is about.
const ALWAYS: &str = N_("What holds in every sandbox.");
/// Why a line was not tried that nobody has written a trial for.
const NO_TRIAL: &str = N_("nothing is known that would try it");

impl Report {
    /// Puts what was found with the lines that it tests.
    pub(super) fn new(told: &Explanation, results: Vec<Outcome>, untried: &[Untried]) -> Self {
        let mut sections =
            vec![Section { key: "", text: None, results: Vec::new(), untried: None }];
        for (line, about) in told.lines.iter().zip(numbered(&told.lines)) {
            let reason = untried.iter().find(|untried| is_about(untried.about, about));
            let (key, text) = (line.key, Some(line.text.clone()));
            let untried = reason.map(|untried| untried.reason);
            sections.push(Section { key, text, results: Vec::new(), untried });
        }
        let places: Vec<About> =
            std::iter::once(super::check::ALWAYS).chain(numbered(&told.lines)).collect();
        for result in results {
            let place = places.iter().position(|place| is_about(result.about, *place));
            if let Some(section) = place.and_then(|place| sections.get_mut(place)) {
                section.results.push(result);
            }
        }
        for section in &mut sections {
            if section.results.is_empty() {
                section.untried.get_or_insert(NO_TRIAL);
            }
        }
        Self { sections }
    }

    /// Whether everything is as it is told.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.mismatches().next().is_none()
    }

    fn mismatches(&self) -> impl Iterator<Item = (&Section, &Outcome)> {
        self.sections.iter().flat_map(|section| {
            let wrong = section.results.iter().filter(|result| !result.holds);
            wrong.map(move |result| (section, result))
        })
    }

    fn trials(&self) -> usize {
        self.sections.iter().map(|section| section.results.len()).sum()
    }

    /// As JSON: `trials` and `mismatches` are numbers; each of `lines` has the `key` and `text` of
    /// `explain` (an empty key is what holds always), its `trials` (`tried`, `expected`, `found` in
    /// words, `holds`), and `not-tried`, the reason, where nothing or not all could be tried.
    #[must_use]
    pub fn to_json(&self, translate: &dyn Fn(&str) -> String) -> Value {
        let words = |message: &Message| message.translated(translate);
        let result = |result: &Outcome| {
            json!({
                "tried": words(&result.tried),
                "expected": words(&result.expected),
                "found": words(&result.found),
                "holds": result.holds,
            })
        };
        let section = |section: &Section| {
            json!({
                "key": section.key,
                "text": section.text.clone().unwrap_or_else(|| translate(ALWAYS)),
                "trials": section.results.iter().map(result).collect::<Vec<_>>(),
                "not-tried": section.untried.map(translate),
            })
        };
        json!({
            "holds": self.holds(),
            "trials": self.trials(),
            "mismatches": self.mismatches().count(),
            "lines": self.sections.iter().map(section).collect::<Vec<_>>(),
        })
    }

    /// As lines for people: every sentence with how often it was tried, what was not tried, and what
    /// is not as it is told.
    #[must_use]
    pub fn to_text(&self, translate: &dyn Fn(&str) -> String) -> String {
        let mut text = String::new();
        let said = |section: &Section| section.text.clone().unwrap_or_else(|| translate(ALWAYS));
        for section in self.sections.iter().filter(|section| !section.results.is_empty()) {
            let mark =
                if section.results.iter().all(|result| result.holds) { "✓" } else { "✗" };
            let count = section.results.len();
            let _ = writeln!(text, "{mark} {count:>3}  {}{}", said(section), key(section.key));
        }
        let untried = || self.sections.iter().filter(|section| section.untried.is_some());
        if untried().next().is_some() {
            let _ = writeln!(text, "\n{}", translate(N_("Not tried, or not all of it")));
            for section in untried() {
                let reason = translate(section.untried.unwrap_or(NO_TRIAL));
                let _ = writeln!(text, "  {}{}\n      {reason}", said(section), key(section.key));
            }
        }
        self.wrong_to_text(&mut text, translate);
        let summary = Message::new(N_("Trials: {trials}. Not as told: {mismatches}."))
            .with("trials", self.trials().to_string())
            .with("mismatches", self.mismatches().count().to_string());
        let _ = writeln!(text, "\n{}", summary.translated(translate));
        text
    }

    fn wrong_to_text(&self, text: &mut String, translate: &dyn Fn(&str) -> String) {
        if self.holds() {
            return;
        }
        let _ = writeln!(text, "\n{}", translate(N_("Not as told")));
        for (section, result) in self.mismatches() {
            let said = section.text.clone().unwrap_or_else(|| translate(ALWAYS));
            let _ = writeln!(text, "  {said}{}", key(section.key));
            for (label, words) in [
                (N_("tried: {words}"), &result.tried),
                (N_("expected: {words}"), &result.expected),
                (N_("found: {words}"), &result.found),
            ] {
                let line = Message::new(label).with_message("words", words.clone());
                let _ = writeln!(text, "      {}", line.translated(translate));
            }
        }
    }
}

fn key(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(" ({key})") }
}

/// Which entry of its option each line is about.
fn numbered(lines: &[Line]) -> Vec<About> {
    lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let before = lines.iter().take(index).filter(|other| other.key == line.key).count();
            About { key: line.key, entry: Some(before) }
        })
        .collect()
}

/// Whether something belongs to a line; what names no entry belongs to the first.
fn is_about(what: About, line: About) -> bool {
    what.key == line.key && what.entry.unwrap_or_default() == line.entry.unwrap_or_default()
}

/// What came of one check.
pub(super) fn result(check: &Check, found: &Found, holds: bool) -> Outcome {
    Outcome {
        about: check.about,
        tried: words::tried(&check.trial),
        expected: check.expect.words(),
        found: words::found(found),
        holds,
    }
}
