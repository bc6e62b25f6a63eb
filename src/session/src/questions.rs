//! The questions that are open, who asks them, and what an answer comes to.
//!
//! They come from the programs that stand between an app and what it may reach. They are asked in a window
//! where there is a display, else on the terminal where nobody else reads from it, and else the answer is
//! no. It is no as well when the window is closed, ends by itself or says what is no answer; how long is
//! waited is the affair of who has the question.

mod keep;
mod terminal;
mod window;
mod words;

pub use keep::{Lasting, add as keep_rule};

use crate::host::Host;
use crate::spec::LaunchSpec;
use nix::poll::PollFlags;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};
use terminal::Terminal;
use window::Window;

/// How many may be open; nobody has more.
const MOST: usize = 256;
/// How long no window is opened after one that ended without an answer.
const PAUSE: Duration = Duration::from_secs(10);
/// How many questions may be asked and withdrawn in how long: an app that does not wait for answers only
/// makes windows come and go.
const MOST_WITHDRAWN: usize = 5;
const WHILE: Duration = Duration::from_secs(60);

/// What somebody has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Yes, this time.
    Once,
    /// Yes, until the app ends.
    Launch,
    /// Yes, and at every launch from now on.
    Always,
    /// No, and at no launch from now on.
    Never,
    /// No, this time.
    No,
}

impl Decision {
    const ALL: [Self; 5] = [Self::Once, Self::Launch, Self::Always, Self::Never, Self::No];

    /// The word for it between who asks and who is asked.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Launch => "launch",
            Self::Always => "always",
            Self::Never => "never",
            Self::No => "no",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == word)
    }
}

/// Who has a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The proxy of the message buses.
    Bus,
    /// The program of a filtered network.
    Network,
}

/// A question: what the app wants of whom.
#[derive(Debug)]
pub(crate) struct Question {
    /// Among all that are open.
    key: u64,
    source: Source,
    /// Among those of its source.
    number: u64,
    /// The texts of the line that it came with.
    texts: Map<String, Value>,
}

impl Question {
    fn text(&self, key: &str) -> &str {
        self.texts.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What who has a question is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) source: Source,
    pub(crate) number: u64,
    pub(crate) allow: bool,
    /// Until the app ends, or once.
    pub(crate) lasts: bool,
}

/// All that are open.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    /// The key of the last one.
    last: u64,
    open: BTreeMap<u64, Question>,
    window: Option<Window>,
    terminal: Option<Terminal>,
    /// Those that nobody was asked.
    refused: Vec<Given>,
    /// Until when no window is opened.
    pause: Option<Instant>,
    /// When the last questions were withdrawn.
    withdrawn: VecDeque<Instant>,
}

impl Questions {
    /// Has somebody asked.
    pub(crate) fn ask(
        &mut self,
        (source, number): (Source, u64),
        texts: Map<String, Value>,
        spec: &LaunchSpec,
        host: &Host,
        free: bool,
    ) {
        self.last += 1;
        let question = Question { key: self.last, source, number, texts };
        if self.open.len() >= MOST || self.is_flooded() || !self.put(&question, spec, host, free) {
            self.refused.push(Given { source, number, allow: false, lasts: false });
        } else {
            self.open.insert(question.key, question);
        }
    }

    /// Whether too many were asked in vain of late.
    fn is_flooded(&mut self) -> bool {
        self.withdrawn.retain(|at| at.elapsed() < WHILE);
        self.withdrawn.len() >= MOST_WITHDRAWN
    }

    /// Whether somebody is asked now.
    fn put(&mut self, question: &Question, spec: &LaunchSpec, host: &Host, free: bool) -> bool {
        if let Some(terminal) = &mut self.terminal {
            return terminal.ask(question, spec);
        }
        if Window::is_possible(host) {
            if self.pause.is_some_and(|until| until > Instant::now()) {
                return false;
            }
            if self.window.is_none() {
                self.window = Window::open(host);
            }
            return self.window.as_mut().is_some_and(|window| window.ask(question, spec));
        }
        if free {
            self.terminal = Terminal::open();
        }
        self.terminal.as_mut().is_some_and(|terminal| terminal.ask(question, spec))
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn withdraw(&mut self, source: Source, number: u64) {
        let of = |question: &&Question| (question.source, question.number) == (source, number);
        let Some(key) = self.open.values().find(of).map(|question| question.key) else { return };
        self.open.remove(&key);
        self.withdrawn.truncate(MOST_WITHDRAWN);
        self.withdrawn.push_front(Instant::now());
        self.window.iter_mut().for_each(|window| window.withdraw(key));
        self.terminal.iter_mut().for_each(|terminal| terminal.withdraw(key));
        self.close_when_done();
    }

    /// Who has these is gone, and waits for no answer.
    pub(crate) fn forget(&mut self, source: Source) {
        let keys = self.open.values().filter(|question| question.source == source);
        let numbers: Vec<u64> = keys.map(|question| question.number).collect();
        numbers.into_iter().for_each(|number| self.withdraw(source, number));
    }

    /// Those that are to be answered with no, because nobody can be asked.
    pub(crate) fn refused(&mut self) -> Vec<Given> {
        std::mem::take(&mut self.refused)
    }

    /// What is waited for.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        let window = self.window.iter().map(Window::wanted);
        window.chain(self.terminal.iter().map(Terminal::wanted))
    }

    /// What has been decided.
    pub(crate) fn serve(&mut self, spec: &LaunchSpec) -> Vec<Given> {
        let mut decided = Vec::new();
        if let Some(window) = &mut self.window {
            decided.extend(window.answers());
            if window.is_over() {
                // Closed, crashed, killed, or talking nonsense: none of them is a yes.
                self.window = None;
                if decided.len() < self.open.len() {
                    self.pause = Some(Instant::now() + PAUSE);
                }
                decided.extend(self.open.keys().map(|key| (*key, Decision::No)));
            }
        }
        if let Some(terminal) = &mut self.terminal {
            decided.extend(terminal.answers());
            if terminal.is_over() {
                self.terminal = None;
                decided.extend(self.open.keys().map(|key| (*key, Decision::No)));
            }
        }
        let given = decided.into_iter().filter_map(|(key, decision)| {
            // One that was withdrawn, or answered before, is not answered.
            let question = self.open.remove(&key)?;
            Some(give(&question, decision, spec))
        });
        let given = given.collect();
        self.close_when_done();
        given
    }

    fn close_when_done(&mut self) {
        if self.open.is_empty() {
            self.window = None;
            self.terminal = None;
        }
    }
}

/// What a decision comes to; what is to last is written into the profile.
fn give(question: &Question, decision: Decision, spec: &LaunchSpec) -> Given {
    let allow = matches!(decision, Decision::Once | Decision::Launch | Decision::Always);
    if matches!(decision, Decision::Always | Decision::Never) {
        keep::keep(question, allow, spec);
    }
    let lasts = !matches!(decision, Decision::Once | Decision::No);
    Given { source: question.source, number: question.number, allow, lasts }
}
