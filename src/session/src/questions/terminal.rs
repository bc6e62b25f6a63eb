//! Questions on the user's terminal, one after the other, where there is no display and nobody else
//! reads from the terminal.

use super::words;
use super::{Answer, Decision, Question, Source};
use crate::network::Scope;
use crate::spec::LaunchSpec;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::text::visible;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::PollFlags;
use nix::sys::stat::Mode;
use nix::sys::termios::{FlushArg, tcflush};
use nix::unistd::{getpgrp, read, tcgetpgrp, write};
use std::collections::VecDeque;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// The answers, by what is typed.
const ANSWERS: [(&str, Decision); 4] = [
    ("1", Decision::Once),
    ("2", Decision::Launch),
    ("3", Decision::Always),
    ("4", Decision::Never),
];
/// How much an answer is about, by what is typed behind it.
const LETTERS: [char; 4] = ['a', 'b', 'c', 'd'];
/// Nobody answers a question sooner that has come in the place of another.
const GLANCE: Duration = Duration::from_secs(1);
/// Nobody types more.
const LINE: usize = 256;

/// The terminal that controls this process.
#[derive(Debug)]
pub(super) struct Terminal {
    fd: OwnedFd,
    /// The first is the one that was asked.
    open: VecDeque<Asked>,
    typed: Vec<u8>,
    /// When another question came in the place of one that was withdrawn.
    replaced: Option<Instant>,
    over: bool,
}

impl Terminal {
    /// The terminal, if there is one and this process is in its foreground.
    pub(super) fn open() -> Option<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let fd = open("/dev/tty", flags, Mode::empty()).ok()?;
        (tcgetpgrp(&fd) == Ok(getpgrp())).then(|| Self {
            fd,
            open: VecDeque::new(),
            typed: Vec::new(),
            replaced: None,
            over: false,
        })
    }

    /// Asks, after those that were asked before.
    pub(super) fn ask(&mut self, question: &Question, spec: &LaunchSpec) -> bool {
        let scopes = question.offers.iter().map(|offer| offer.scope).collect();
        self.open.push_back(Asked { key: question.key, text: text(question, spec), scopes });
        if self.open.len() == 1 {
            self.show();
        }
        true
    }

    pub(super) fn withdraw(&mut self, number: u64) {
        let shown = self.open.front().is_some_and(|first| first.key == number);
        self.open.retain(|open| open.key != number);
        if shown {
            self.say("–\n");
            self.typed.clear();
            self.replaced = Some(Instant::now());
            self.show();
        }
    }

    pub(super) fn wanted(&self) -> (BorrowedFd<'_>, PollFlags) {
        (self.fd.as_fd(), PollFlags::POLLIN)
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// What was answered.
    pub(super) fn answers(&mut self) -> Option<Answer> {
        let mut buffer = [0; LINE];
        match read(&self.fd, &mut buffer) {
            Ok(length @ 1..) => self.typed.extend(buffer.iter().take(length)),
            Err(Errno::EAGAIN | Errno::EINTR) => return None,
            Ok(_) | Err(_) => self.over = true,
        }
        let whole = self.typed.ends_with(b"\n") || self.typed.len() > LINE;
        if !whole {
            return None;
        }
        let typed = std::mem::take(&mut self.typed);
        let typed = typed.trim_ascii();
        if self.replaced.is_some_and(|at| at.elapsed() < GLANCE) {
            // Meant for the one that was there before; nobody has read this one yet.
            self.show();
            return None;
        }
        let asked = self.open.pop_front()?;
        self.show();
        Some(asked.answer(typed).unwrap_or_else(|| Answer::no(asked.key)))
    }

    /// Asks the next.
    fn show(&mut self) {
        if let Some(asked) = self.open.front() {
            // What was typed before is no answer to it.
            let _ = tcflush(&self.fd, FlushArg::TCIFLUSH);
            self.say(&asked.text);
        }
    }

    fn say(&self, text: &str) {
        let _ = write(&self.fd, text.as_bytes());
    }
}

/// A question on the terminal.
#[derive(Debug)]
struct Asked {
    key: u64,
    text: String,
    /// What an answer can be about.
    scopes: Vec<Scope>,
}

impl Asked {
    /// The answer that was typed; none where it is none of those that were named.
    fn answer(&self, typed: &[u8]) -> Option<Answer> {
        let typed = std::str::from_utf8(typed).ok()?;
        let (_, decision) = ANSWERS.iter().find(|(key, _)| typed.starts_with(key))?;
        let scope = match typed.get(1..)? {
            "" => None,
            behind => {
                let at =
                    LETTERS.iter().position(|letter| behind.trim_start() == letter.to_string());
                Some(*self.scopes.get(at?)?)
            }
        };
        Some(Answer { key: self.key, decision: *decision, scope })
    }
}

/// What the app wants, exactly what, and what can be answered.
fn text(question: &Question, spec: &LaunchSpec) -> String {
    let (sentence, _) = words::told(question, spec);
    let parts = match question.source {
        Source::Bus => &["bus", "destination", "interface", "member", "path", "arg0"][..],
        Source::Network => &["name", "address", "port", "protocol"],
    };
    let parts = parts.iter().map(|key| visible(question.text(key).as_bytes()));
    let exactly = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let keys =
        Message::new(N_("1 this time, 2 for this launch, 3 always, 4 never; anything else is no:"));
    let keys = keys.translated(&|text| (spec.translate)(text));
    let (process, scopes) = (process(question, spec), scopes(question, spec));
    format!("\narkose: {sentence}\n  {exactly}\n{process}{scopes}  {keys} ")
}

/// What the process calls itself, in a line, if it is known.
fn process(question: &Question, spec: &LaunchSpec) -> String {
    let name = question.text("process");
    if name.is_empty() {
        return String::new();
    }
    let message = Message::new(N_("The process calls itself “{process}”.")).with("process", name);
    let sentence = message.translated(&|text| (spec.translate)(text));
    format!("  {}\n", visible(sentence.as_bytes()))
}

/// What an answer can be about, a line each, and how that is said where it can be chosen.
fn scopes(question: &Question, spec: &LaunchSpec) -> String {
    let can_choose = question.offers.len() > 1;
    let mut lines = String::new();
    for (letter, offer) in LETTERS.iter().zip(&question.offers) {
        let letter = if can_choose { format!("{letter}  ") } else { String::new() };
        lines += &format!("  {letter}{} ({})\n", words::scope(offer, spec), offer.rule);
    }
    if can_choose {
        let how = Message::new(N_(
            "A letter behind the number (as in 2b) says what it is about; without one it is a.",
        ));
        lines += &format!("  {}\n", how.translated(&|text| (spec.translate)(text)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_number_and_a_letter_that_was_named() {
        let asked =
            Asked { key: 7, text: String::new(), scopes: vec![Scope::Name, Scope::Address] };
        let answered = |typed: &str| {
            asked.answer(typed.as_bytes()).map(|answer| (answer.decision, answer.scope))
        };
        assert_eq!(answered("2"), Some((Decision::Launch, None)));
        assert_eq!(answered("2a"), Some((Decision::Launch, Some(Scope::Name))));
        assert_eq!(answered("4 b"), Some((Decision::Never, Some(Scope::Address))));
        for none in ["", "5", "a2", "2c", "2ab", "22", "2e", "yes", "2\u{e9}"] {
            assert_eq!(answered(none), None, "{none}");
        }
    }
}
