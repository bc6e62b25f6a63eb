//! The window that asks: `arkose-gtk --prompt`, started for the first question and ended after the last.

use super::{Answer, Decision, Question, Source};
use crate::child::Program;
use crate::host::Host;
use crate::lines::Lines;
use crate::network::{Offer, Scope};
use crate::spec::LaunchSpec;
use crate::{guard, installed};
use arkose_profile::text::visible;
use nix::poll::PollFlags;
use serde_json::{Value, json};
use std::os::fd::BorrowedFd;
use std::process::Stdio;

const NAME: &str = "arkose-gtk";

/// The running window; dropping it ends it.
#[derive(Debug)]
pub(super) struct Window {
    lines: Lines,
    nonsense: bool,
    _program: Program,
}

impl Window {
    /// Whether it has somewhere to be shown, and is installed.
    pub(super) fn is_possible(host: &Host) -> bool {
        let display = host.var("WAYLAND_DISPLAY").or(host.var("DISPLAY")).is_some();
        display && installed::outer(NAME).is_some()
    }

    pub(super) fn open(host: &Host) -> Option<Self> {
        let (lines, theirs) = Lines::pair().ok()?;
        let mut command = guard::disposable(installed::outer(NAME)?);
        command.arg("--prompt").env_clear().envs(host.vars()).current_dir("/");
        command.stdin(Stdio::from(theirs));
        let program = Program::start_disposable(NAME, command).ok()?;
        Some(Self { lines, nonsense: false, _program: program })
    }

    /// Has it asked as well; false when it cannot be.
    pub(super) fn ask(&mut self, question: &Question, spec: &LaunchSpec) -> bool {
        let (words, risk) = super::words::told(question, spec);
        let mut line = json!({
            "question": question.key,
            "app": visible(spec.title.as_bytes()),
            "words": words,
            "risk": risk,
        });
        let Some(fields) = line.as_object_mut() else { return false };
        let keys = match question.source {
            Source::Bus => &["bus", "destination", "path", "interface", "member", "arg0"][..],
            Source::Network => &["name", "address", "port", "protocol", "process"],
        };
        for key in keys {
            if let Some(text) = question.texts.get(*key) {
                fields.insert((*key).to_owned(), text.clone());
            }
        }
        if !question.offers.is_empty() {
            fields.insert("scopes".to_owned(), scopes(question, spec));
        }
        if let (true, Some(profile)) = (spec.stored, &spec.profile) {
            fields.insert("profile".to_owned(), profile.as_str().into());
        }
        if let Some(desktop) = &spec.desktop {
            fields.insert("desktop".to_owned(), desktop.as_str().into());
        }
        self.lines.say(&line);
        !self.lines.is_over()
    }

    pub(super) fn withdraw(&mut self, number: u64) {
        self.lines.say(&json!({ "withdrawn": number }));
    }

    pub(super) fn wanted(&self) -> (BorrowedFd<'_>, PollFlags) {
        (self.lines.socket(), self.lines.wanted())
    }

    /// What was answered.
    pub(super) fn answers(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for line in self.lines.pass() {
            match answer(&line) {
                Some(answer) => answers.push(answer),
                None => self.nonsense = true,
            }
        }
        answers
    }

    /// Whether nothing more can be expected of it.
    pub(super) fn is_over(&self) -> bool {
        self.nonsense || self.lines.is_over()
    }
}

/// What an answer can be about.
fn scopes(question: &Question, spec: &LaunchSpec) -> Value {
    let scope = |offer: &Offer| {
        let words = super::words::scope(offer, spec);
        json!({ "scope": offer.scope.as_str(), "words": words, "rule": offer.rule.to_string() })
    };
    question.offers.iter().map(scope).collect()
}

/// An answer; none where a line is something else.
fn answer(line: &Value) -> Option<Answer> {
    let key = line.get("answer")?.as_u64()?;
    let decision = Decision::parse(line.get("decision")?.as_str()?)?;
    let scope = match line.get("scope") {
        Some(word) => Some(Scope::parse(word.as_str()?)?),
        None => None,
    };
    Some(Answer { key, decision, scope })
}
