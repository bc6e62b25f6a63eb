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
use crate::network::{Offer, Origin, Scope};
use crate::spec::LaunchSpec;
use arkose_profile::net;
use nix::poll::PollFlags;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};
use terminal::Terminal;
use window::Window;

/// How many may be open; nobody has more.
const MOST: usize = 256;
/// Of how many at once is found out where they come from; nobody reads more with care.
const FEW: usize = 16;
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
    /// The rules that an answer to it can be, of which the first is what is usually meant.
    offers: Vec<Offer>,
    /// Where it comes from, as far as that can be looked for.
    origin: Option<Origin>,
}

impl Question {
    /// One of the proxy's.
    pub(crate) fn of_bus(number: u64, texts: Map<String, Value>) -> Self {
        Self { key: 0, source: Source::Bus, number, texts, offers: Vec::new(), origin: None }
    }

    /// One about a network.
    pub(crate) fn of_network(
        number: u64,
        texts: Map<String, Value>,
        offers: Vec<Offer>,
        origin: Option<Origin>,
    ) -> Self {
        Self { key: 0, source: Source::Network, number, texts, offers, origin }
    }

    /// Finds out what the process calls itself that it comes from.
    fn name_process(&mut self) {
        let name = self.origin.as_ref().and_then(Origin::process);
        self.texts.extend(name.map(|name| ("process".to_owned(), name.into())));
    }

    /// Whether an answer could come to something.
    fn can_be_answered(&self) -> bool {
        self.source == Source::Bus || !self.offers.is_empty()
    }

    /// The rule that an answer is; none where it is one to a question that offers none.
    fn chosen(&self, scope: Option<Scope>) -> Option<&net::Rule> {
        let is_chosen = |offer: &&Offer| scope.is_none_or(|scope| offer.scope == scope);
        self.offers.iter().find(is_chosen).map(|offer| &offer.rule)
    }

    fn refused(&self) -> Given {
        let Self { source, number, .. } = *self;
        Given { source, number, allow: false, lasts: false, rule: None }
    }

    fn text(&self, key: &str) -> &str {
        self.texts.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What somebody has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer {
    /// The question.
    key: u64,
    decision: Decision,
    /// How much it is about; where that is not said, what is usually meant.
    scope: Option<Scope>,
}

impl Answer {
    fn no(key: u64) -> Self {
        Self { key, decision: Decision::No, scope: None }
    }
}

/// What who has a question is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) source: Source,
    pub(crate) number: u64,
    pub(crate) allow: bool,
    /// Until the app ends, or once.
    pub(crate) lasts: bool,
    /// What a yes, or a no that lasts, is about; with its verdict.
    pub(crate) rule: Option<net::Rule>,
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
        mut question: Question,
        spec: &LaunchSpec,
        host: &Host,
        free: bool,
    ) {
        self.last += 1;
        question.key = self.last;
        let refused = self.open.len() >= MOST || self.is_flooded() || !question.can_be_answered();
        if refused || !self.put(&mut question, spec, host, free) {
            self.refused.push(question.refused());
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
    fn put(&mut self, question: &mut Question, spec: &LaunchSpec, host: &Host, free: bool) -> bool {
        if !self.has_somebody(host, free) {
            return false;
        }
        // It takes its time, which an app must not have spent for questions that nobody is asked.
        if self.open.len() < FEW {
            question.name_process();
        }
        match (&mut self.terminal, &mut self.window) {
            (Some(terminal), _) => terminal.ask(question, spec),
            (None, Some(window)) => window.ask(question, spec),
            (None, None) => false,
        }
    }

    /// Whether there is somebody to be asked.
    fn has_somebody(&mut self, host: &Host, free: bool) -> bool {
        if self.terminal.is_some() {
            return true;
        }
        if Window::is_possible(host) {
            if self.pause.is_some_and(|until| until > Instant::now()) {
                return false;
            }
            if self.window.is_none() {
                self.window = Window::open(host);
            }
            return self.window.is_some();
        }
        if free {
            self.terminal = Terminal::open();
        }
        self.terminal.is_some()
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn withdraw(&mut self, source: Source, number: u64) {
        if self.take_back(source, number) {
            self.withdrawn.truncate(MOST_WITHDRAWN);
            self.withdrawn.push_front(Instant::now());
        }
    }

    /// An answer to another question was one to this as well; no app is to blame for that.
    pub(crate) fn settle(&mut self, source: Source, number: u64) {
        self.take_back(source, number);
    }

    /// Whether it was open.
    fn take_back(&mut self, source: Source, number: u64) -> bool {
        let of = |question: &&Question| (question.source, question.number) == (source, number);
        let key = self.open.values().find(of).map(|question| question.key);
        let Some(key) = key else { return false };
        self.open.remove(&key);
        self.window.iter_mut().for_each(|window| window.withdraw(key));
        self.terminal.iter_mut().for_each(|terminal| terminal.withdraw(key));
        self.close_when_done();
        true
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
                decided.extend(self.open.keys().map(|key| Answer::no(*key)));
            }
        }
        if let Some(terminal) = &mut self.terminal {
            decided.extend(terminal.answers());
            if terminal.is_over() {
                self.terminal = None;
                decided.extend(self.open.keys().map(|key| Answer::no(*key)));
            }
        }
        let given = decided.into_iter().filter_map(|answer| {
            // One that was withdrawn, or answered before, is not answered.
            let question = self.open.remove(&answer.key)?;
            Some(give(&question, answer, spec))
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
fn give(question: &Question, answer: Answer, spec: &LaunchSpec) -> Given {
    let Answer { decision, scope, .. } = answer;
    let chosen = question.chosen(scope);
    // What was not offered cannot be chosen.
    if decision == Decision::No || (scope.is_some() && chosen.is_none()) {
        return question.refused();
    }
    let allow = decision != Decision::Never;
    let verdict = if allow { net::Verdict::Allow } else { net::Verdict::Deny };
    let rule = chosen.map(|rule| net::Rule { verdict, ..rule.clone() });
    if matches!(decision, Decision::Always | Decision::Never) {
        keep::keep(question, allow, rule.as_ref(), spec);
    }
    let Question { source, number, .. } = *question;
    Given { source, number, allow, lasts: decision != Decision::Once, rule }
}
