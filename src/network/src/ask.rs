//! Questions to the person: which are open, and for how long the same is not asked again.
//!
//! The kernel holds back the packets of a connection that a rule asks about, and the app sends them
//! again. A yes lets the next one through. Every way that no answer comes ends in no.

use crate::events::{Events, brief};
use crate::flow::Destination;
use arkose_profile::net::Protocol;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long after the last packet a question is open: longer than programs try in vain.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long the same question is not asked again after a no, or none.
pub const RESPITE: Duration = Duration::from_secs(30);
/// The most open questions.
const MOST: usize = 256;
/// The most addresses of a name that one question is about.
const MOST_ADDRESSES: usize = 64;
/// The most questions that rest.
const MOST_RESTING: usize = 4096;

/// What is asked about. Connections that agree in this are one question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    /// The name that the app asked for, else the address.
    place: String,
    protocol: Protocol,
    port: u16,
}

impl Question {
    fn new(to: &Destination, names: &[String]) -> Self {
        let place = names.first().cloned().unwrap_or_else(|| to.address.to_string());
        Self { place, protocol: to.protocol, port: to.port }
    }
}

#[derive(Debug)]
struct Open {
    number: u64,
    addresses: Vec<IpAddr>,
    until: Instant,
}

/// What an answer is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The name that the app asked for, if it did.
    pub name: Option<String>,
    /// Every address at which the app tried.
    pub destinations: Vec<Destination>,
}

/// All questions.
#[derive(Debug)]
pub struct Asks {
    next: u64,
    open: HashMap<Question, Open>,
    resting: HashMap<Question, Instant>,
}

impl Default for Asks {
    fn default() -> Self {
        Self { next: 1, open: HashMap::new(), resting: HashMap::new() }
    }
}

impl Asks {
    /// Whether a packet that was held back belongs to a question that is open already, or is not to be
    /// asked now.
    pub fn again(&mut self, to: &Destination, names: &[String], now: Instant) -> bool {
        let question = Question::new(to, names);
        let Some(open) = self.open.get_mut(&question) else {
            return self.resting.get(&question).is_some_and(|until| *until > now);
        };
        open.until = now + PATIENCE;
        if !open.addresses.contains(&to.address) && open.addresses.len() < MOST_ADDRESSES {
            open.addresses.push(to.address);
        }
        true
    }

    /// Asks a new question; `fields` is what is told of it.
    pub fn ask(
        &mut self,
        to: &Destination,
        names: &[String],
        fields: Value,
        events: &mut Events,
        now: Instant,
    ) {
        if self.open.len() >= MOST {
            events.lost(1);
            return;
        }
        let number = self.next;
        self.next += 1;
        let mut line = json!({ "ask": number });
        let told: Vec<&str> = names.iter().map(|name| brief(name)).collect();
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
            line.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
            line.insert("names".to_owned(), told.into());
        }
        events.line(&line);
        let open = Open { number, addresses: vec![to.address], until: now + PATIENCE };
        self.open.insert(Question::new(to, names), open);
    }

    /// The person answered: what about, if the question is still open.
    pub fn answer(&mut self, number: u64, allow: bool, now: Instant) -> Option<Answered> {
        let question = self.open.iter().find(|(_, open)| open.number == number)?.0.clone();
        let open = self.open.remove(&question)?;
        let to =
            |address| Destination { address, protocol: question.protocol, port: question.port };
        let destinations: Vec<Destination> = open.addresses.into_iter().map(to).collect();
        let is_address = question.place.parse::<IpAddr>().is_ok();
        let name = (!is_address).then(|| question.place.clone());
        if !allow {
            self.rest(question, now);
        }
        Some(Answered { name, destinations })
    }

    /// Withdraws questions whose app tries no more.
    pub fn tick(&mut self, events: &mut Events, now: Instant) {
        for (question, open) in
            self.open.extract_if(|_, open| open.until <= now).collect::<Vec<_>>()
        {
            events.line(&json!({ "withdrawn": open.number }));
            self.rest(question, now);
        }
    }

    /// Takes back questions about places that are all `decided` by now: nobody has to answer them.
    pub fn settle(&mut self, decided: impl Fn(&Destination) -> bool, events: &mut Events) {
        let is_settled = |question: &Question, open: &mut Open| {
            let Question { protocol, port, .. } = *question;
            let to = |address: &IpAddr| Destination { address: *address, protocol, port };
            open.addresses.iter().all(|address| decided(&to(address)))
        };
        for (_, open) in self.open.extract_if(is_settled) {
            events.line(&json!({ "settled": open.number }));
        }
    }

    /// When a question is to be withdrawn.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.open.values().map(|open| open.until).min()
    }

    fn rest(&mut self, question: Question, now: Instant) {
        self.resting.retain(|_, until| *until > now);
        if self.resting.len() < MOST_RESTING {
            self.resting.insert(question, now + RESPITE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(last: u8, port: u16) -> Destination {
        Destination { address: [192, 0, 2, last].into(), protocol: Protocol::Tcp, port }
    }

    fn ask(asks: &mut Asks, to: &Destination, names: &[String], events: &mut Events, now: Instant) {
        if !asks.again(to, names, now) {
            asks.ask(to, names, json!({ "port": to.port }), events, now);
        }
    }

    fn lines(events: &mut Events) -> Vec<String> {
        let text = String::from_utf8(events.lines().drain(..).collect()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn all_addresses_of_a_name_are_one_question() {
        let (mut asks, mut events, now) = (Asks::default(), Events::default(), Instant::now());
        let names = ["a.example".to_owned(), "cdn.example".to_owned()];
        for last in [1, 2, 1, 2, 1] {
            ask(&mut asks, &to(last, 443), &names, &mut events, now);
        }
        assert_eq!(
            lines(&mut events),
            [r#"{"ask":1,"names":["a.example","cdn.example"],"port":443}"#]
        );
        let answered = asks.answer(1, true, now).unwrap();
        assert_eq!(answered.name.as_deref(), Some("a.example"));
        assert_eq!(answered.destinations, [to(1, 443), to(2, 443)]);
        assert!(asks.answer(1, true, now).is_none());
        ask(&mut asks, &to(1, 80), &[], &mut events, now);
        assert_eq!(asks.answer(2, true, now).unwrap().name, None);
    }

    #[test]
    fn a_no_holds_for_a_while_and_silence_is_a_no() {
        let (mut asks, mut events, now) = (Asks::default(), Events::default(), Instant::now());
        let mut told = |asks: &mut Asks, now| {
            ask(asks, &to(1, 1), &[], &mut events, now);
            lines(&mut events).len()
        };
        assert_eq!(told(&mut asks, now), 1);
        asks.answer(1, false, now);
        assert_eq!(told(&mut asks, now), 0);
        assert_eq!(told(&mut asks, now + RESPITE), 1);
        let late = asks.deadline().unwrap();
        let mut events = Events::default();
        asks.tick(&mut events, late);
        assert_eq!(lines(&mut events), ["{\"withdrawn\":2}"]);
        assert!(asks.answer(2, true, late).is_none());
        ask(&mut asks, &to(1, 1), &[], &mut events, late);
        assert!(lines(&mut events).is_empty());
    }

    #[test]
    fn what_is_decided_by_now_is_asked_no_more() {
        let (mut asks, mut events, now) = (Asks::default(), Events::default(), Instant::now());
        let names = ["a.example".to_owned()];
        ask(&mut asks, &to(1, 443), &names, &mut events, now);
        ask(&mut asks, &to(2, 443), &names, &mut events, now);
        ask(&mut asks, &to(3, 80), &[], &mut events, now);
        lines(&mut events);
        asks.settle(|one| *one == to(1, 443), &mut events);
        assert!(lines(&mut events).is_empty());
        asks.settle(|one| one.port == 443, &mut events);
        assert_eq!(lines(&mut events), [r#"{"settled":1}"#]);
        assert!(asks.answer(1, true, now).is_none() && asks.answer(2, true, now).is_some());
    }

    #[test]
    fn open_questions_are_bounded() {
        let (mut asks, mut events, now) = (Asks::default(), Events::default(), Instant::now());
        for port in 0..1000 {
            ask(&mut asks, &to(1, port), &[], &mut events, now);
        }
        assert_eq!(lines(&mut events).len(), MOST);
    }
}
