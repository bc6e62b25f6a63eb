//! Questions on the user's terminal, one after the other, where there is no display and nobody else
//! reads from the terminal.

use super::words;
use super::{Decision, Question, Source};
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
/// Nobody answers a question sooner that has come in the place of another.
const GLANCE: Duration = Duration::from_secs(1);
/// Nobody types more.
const LINE: usize = 256;

/// The terminal that controls this process.
#[derive(Debug)]
pub(super) struct Terminal {
    fd: OwnedFd,
    /// The first is the one that was asked; each with its text.
    open: VecDeque<(u64, String)>,
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
        self.open.push_back((question.key, text(question, spec)));
        if self.open.len() == 1 {
            self.show();
        }
        true
    }

    pub(super) fn withdraw(&mut self, number: u64) {
        let shown = self.open.front().is_some_and(|(first, _)| *first == number);
        self.open.retain(|(open, _)| *open != number);
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
    pub(super) fn answers(&mut self) -> Option<(u64, Decision)> {
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
        let (number, _) = self.open.pop_front()?;
        let decision = ANSWERS.iter().find(|(key, _)| key.as_bytes() == typed);
        self.show();
        Some((number, decision.map_or(Decision::No, |(_, decision)| *decision)))
    }

    /// Asks the next.
    fn show(&mut self) {
        if let Some((_, text)) = self.open.front() {
            // What was typed before is no answer to it.
            let _ = tcflush(&self.fd, FlushArg::TCIFLUSH);
            self.say(&text.clone());
        }
    }

    fn say(&self, text: &str) {
        let _ = write(&self.fd, text.as_bytes());
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
    format!("\narkose: {sentence}\n  {exactly}\n  {keys} ")
}
