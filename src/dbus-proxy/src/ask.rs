//! Questions to the person: which are open, what was answered, and for how long that holds.
//!
//! The calls that wait are held by their connections. Every way that no answer comes ends in no.

use crate::events::{Events, LONGEST, brief};
use serde_json::{Map, json};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Duration, Instant};

/// How long a call waits: as long as libdbus and GDBus do.
pub const PATIENCE: Duration = Duration::from_secs(25);
/// How long the same question is not asked again after a no, or none.
const RESPITE: Duration = Duration::from_secs(30);
/// The most open questions.
const MOST: usize = 256;
/// The most answers that are remembered.
const MOST_ANSWERS: usize = 4096;

/// What is asked about, and what an answer that lasts is one to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// Which bus.
    pub bus: String,
    /// Whom the call is for.
    pub destination: String,
    /// The interface, which a call need not name.
    pub interface: Option<String>,
    /// The method.
    pub member: String,
    /// The object.
    pub path: String,
    /// The first argument, where it says what the call is about: where the rule looks at it, or the method
    /// is one for all interfaces of the object.
    pub arg0: Option<String>,
}

impl Question {
    /// Whether all of it can be shown.
    fn is_short(&self) -> bool {
        let arg0 = self.arg0.as_deref().unwrap_or_default();
        self.path.len() <= LONGEST && arg0.len() <= LONGEST
    }
}

/// What a call carries, which a person is not shown all of.
#[derive(Debug, Clone, Copy)]
pub struct Carried<'a> {
    /// The first argument if it is a text.
    pub arg0: Option<&'a str>,
    /// The types of the body.
    pub signature: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// The number of a question, as it is told.
pub type Number = u64;

/// A question as it is put: a yes to one call is none to another that carries something else. By a
/// hash, of which no app knows the key.
type Shown = (Question, u64);

#[derive(Debug)]
struct Open {
    shown: Shown,
    waiting: usize,
}

/// What becomes of a call that a rule asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Answered before.
    Known(bool),
    /// It waits for that question.
    Wait(Number),
}

/// All questions.
#[derive(Debug)]
pub struct Asks {
    /// Whether anybody can be asked.
    somebody: bool,
    next: Number,
    hasher: RandomState,
    open: HashMap<Number, Open>,
    numbers: HashMap<Shown, Number>,
    answers: HashMap<Question, bool>,
    refused: HashMap<Question, Instant>,
}

impl Asks {
    /// Nothing was asked yet.
    #[must_use]
    pub fn new(somebody: bool) -> Self {
        Self {
            somebody,
            next: 1,
            hasher: RandomState::new(),
            open: HashMap::new(),
            numbers: HashMap::new(),
            answers: HashMap::new(),
            refused: HashMap::new(),
        }
    }

    /// What is known of an answer without asking.
    #[must_use]
    pub fn known(&self, question: &Question) -> Option<bool> {
        if let Some(answer) = self.answers.get(question) {
            return Some(*answer);
        }
        let resting = self.refused.get(question).is_some_and(|until| *until > Instant::now());
        (resting || !self.somebody).then_some(false)
    }

    /// A call begins to wait; its question is told if it is a new one.
    pub fn ask(
        &mut self,
        question: &Question,
        carried: Carried<'_>,
        rule: &str,
        events: &mut Events,
    ) -> Asked {
        if let Some(known) = self.known(question) {
            return Asked::Known(known);
        }
        let hash = self.hasher.hash_one((carried.signature, carried.body));
        let shown = (question.clone(), hash);
        if let Some(number) = self.numbers.get(&shown) {
            if let Some(open) = self.open.get_mut(number) {
                open.waiting += 1;
            }
            return Asked::Wait(*number);
        }
        if self.open.len() >= MOST || events.is_full() || !question.is_short() {
            return Asked::Known(false);
        }
        let number = self.next;
        self.next += 1;
        let mut line = Map::new();
        let texts = [
            ("bus", Some(question.bus.as_str())),
            ("destination", Some(&question.destination)),
            ("path", Some(&question.path)),
            ("interface", question.interface.as_deref()),
            ("member", Some(&question.member)),
            ("arg0", carried.arg0),
            ("rule", Some(rule)),
        ];
        line.insert("ask".to_owned(), number.into());
        for (key, text) in texts {
            line.extend(text.map(|text| (key.to_owned(), brief(text).into())));
        }
        events.line(&line.into());
        self.numbers.insert(shown.clone(), number);
        self.open.insert(number, Open { shown, waiting: 1 });
        Asked::Wait(number)
    }

    /// The person answered: the question, if it is still open, and all that are answered with it. `launch`:
    /// this holds from now on.
    pub fn answer(
        &mut self,
        number: Number,
        allow: bool,
        launch: bool,
        events: &mut Events,
    ) -> Option<(Question, Vec<Number>)> {
        let question = self.close(number)?;
        let mut answered = vec![number];
        if launch && self.answers.len() < MOST_ANSWERS {
            self.answers.insert(question.clone(), allow);
            let same = |open: &Open| open.shown.0 == question;
            let others = self.open.iter().filter(|(_, open)| same(open));
            let others: Vec<Number> = others.map(|(number, _)| *number).collect();
            for other in others {
                self.close(other);
                events.line(&json!({ "withdrawn": other }));
                answered.push(other);
            }
        } else if !allow {
            self.rest(question.clone());
        }
        Some((question, answered))
    }

    /// Calls do not wait any more: they have waited in vain, or their caller is gone.
    pub fn give_up(&mut self, number: Number, in_vain: bool, events: &mut Events) {
        let Some(open) = self.open.get_mut(&number) else { return };
        open.waiting -= 1;
        if open.waiting == 0 {
            let question = self.close(number);
            if in_vain {
                question.into_iter().for_each(|question| self.rest(question));
            }
            events.line(&json!({ "withdrawn": number }));
        }
    }

    fn close(&mut self, number: Number) -> Option<Question> {
        let open = self.open.remove(&number)?;
        self.numbers.remove(&open.shown);
        Some(open.shown.0)
    }

    fn rest(&mut self, question: Question) {
        let now = Instant::now();
        self.refused.retain(|_, until| *until > now);
        if self.refused.len() < MOST_ANSWERS {
            self.refused.insert(question, now + RESPITE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Detail;

    fn question(member: &str) -> Question {
        Question {
            bus: "session".to_owned(),
            destination: "org.a.A".to_owned(),
            interface: Some("org.a.I".to_owned()),
            member: member.to_owned(),
            path: "/".to_owned(),
            arg0: None,
        }
    }

    /// A call that carries that text.
    fn carried(text: &str) -> Carried<'_> {
        Carried { arg0: Some(text), signature: "s", body: text.as_bytes() }
    }

    #[test]
    fn repeats_are_one_question_and_a_no_holds_for_a_while() {
        let (mut asks, mut events) = (Asks::new(true), Events::new(Detail::Denied));
        let ask = |asks: &mut Asks, events: &mut Events| {
            asks.ask(&question("M"), carried("a"), "ask org.a.A", events)
        };
        assert_eq!(ask(&mut asks, &mut events), Asked::Wait(1));
        assert_eq!(ask(&mut asks, &mut events), Asked::Wait(1));
        assert!(asks.answer(1, false, false, &mut events).is_some());
        assert!(asks.answer(1, true, true, &mut events).is_none());
        assert_eq!(ask(&mut asks, &mut events), Asked::Known(false));
        assert_eq!(events.lines().iter().filter(|byte| **byte == b'\n').count(), 1);
    }

    #[test]
    fn an_answer_holds_once_or_for_the_launch() {
        let (mut asks, mut events) = (Asks::new(true), Events::new(Detail::Denied));
        let ask = |asks: &mut Asks, events: &mut Events, text| {
            asks.ask(&question("M"), carried(text), "ask org.a.A", events)
        };
        assert_eq!(ask(&mut asks, &mut events, "a"), Asked::Wait(1));
        asks.answer(1, true, false, &mut events);
        assert_eq!(ask(&mut asks, &mut events, "a"), Asked::Wait(2));
        // What is carried is another question, which an answer for good answers as well.
        assert_eq!(ask(&mut asks, &mut events, "b"), Asked::Wait(3));
        let (_, answered) = asks.answer(2, true, true, &mut events).unwrap();
        assert_eq!(answered, [2, 3]);
        assert_eq!(ask(&mut asks, &mut events, "c"), Asked::Known(true));
    }

    #[test]
    fn what_cannot_be_shown_is_not_asked() {
        let (mut asks, mut events) = (Asks::new(true), Events::new(Detail::Denied));
        let long = "/a".repeat(LONGEST);
        let path = Question { path: long.clone(), ..question("M") };
        let arg0 = Question { arg0: Some(long), ..question("M") };
        for one in [path, arg0] {
            assert_eq!(asks.ask(&one, carried("a"), "", &mut events), Asked::Known(false));
        }
    }

    #[test]
    fn without_anybody_or_with_too_many_it_is_no() {
        let mut events = Events::new(Detail::Denied);
        let mut nobody = Asks::new(false);
        let no = Asked::Known(false);
        assert_eq!(nobody.ask(&question("M"), carried("a"), "", &mut events), no);
        let mut asks = Asks::new(true);
        for number in 0..MOST {
            let one = question(&format!("M{number}"));
            assert!(matches!(asks.ask(&one, carried("a"), "", &mut events), Asked::Wait(_)));
        }
        assert_eq!(asks.ask(&question("M"), carried("a"), "", &mut events), no);
    }

    #[test]
    fn what_nobody_waits_for_is_withdrawn() {
        let (mut asks, mut events) = (Asks::new(true), Events::new(Detail::Denied));
        asks.ask(&question("M"), carried("a"), "", &mut events);
        asks.ask(&question("M"), carried("a"), "", &mut events);
        events.lines().clear();
        asks.give_up(1, false, &mut events);
        assert!(events.lines().is_empty());
        asks.give_up(1, false, &mut events);
        assert_eq!(events.lines().make_contiguous(), b"{\"withdrawn\":1}\n");
        assert_eq!(asks.known(&question("M")), None);
    }
}
