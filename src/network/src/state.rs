//! What is known at one time: the rules, the names, what is open, and what is to be told.

use crate::ask::{self, Answered, Asks};
use crate::control::{Given, Span};
use crate::events::{Events, brief};
use crate::flow::{Connection, Destination, Packet};
use crate::fold::{Fold, Refused};
use crate::names::Names;
use crate::policy::{Learned, NameVerdict, NotTaken, Note, Policy, Sets, World};
use crate::traffic::Told;
use crate::walls::{Answer, Table, Walls};
use arkose_profile::net::{self, Change, Flow, Rule, Rules, Unchanged, Verdict};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a yes to one connection lets others of the same kind through: as long as an app may take
/// to try again.
const ONCE: Duration = Duration::from_secs(60);
/// The most of these at once that are about more than one place.
const MOST_RECENT: usize = 1024;
/// How many rules are told in one line.
const TOGETHER: usize = 100;

/// All of it.
#[derive(Debug)]
pub struct State {
    table: Table,
    /// What a yes of the last minute is about, and until when.
    recent: Vec<(Rule, Instant)>,
    names: Names,
    walls: Walls,
    asks: Asks,
    fold: Fold,
    /// What is to be told.
    pub events: Events,
    /// The time, as of the last look at the clock.
    pub now: Instant,
}

impl State {
    /// These rules are enforced already.
    #[must_use]
    pub fn new(table: Table, walls: Walls) -> Self {
        Self {
            table,
            recent: Vec::new(),
            names: Names::default(),
            walls,
            asks: Asks::default(),
            fold: Fold::default(),
            events: Events::default(),
            now: Instant::now(),
        }
    }

    /// The rules.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    fn is_host(&self, address: IpAddr) -> bool {
        self.table.host.contains(&address)
    }

    /// A packet was held back or refused.
    pub fn packet(&mut self, packet: &Packet) {
        let (to, what) = (packet.to, Refused::Connection(packet.to));
        let names = self.names.of(to.address, self.now);
        if packet.ask && self.follows_another(&to, &names) {
            return;
        }
        // Most of them are repeats, and cost no more than finding that out.
        if packet.ask && !self.asks.again(&to, &names, self.now) {
            let mut fields = self.decided(&to, &names);
            if let (Value::Object(fields), true) = (&mut fields, packet.from > 0) {
                fields.insert("source_port".to_owned(), packet.from.into());
            }
            self.asks.ask(&to, &names, fields, &mut self.events, self.now);
        } else if !packet.ask && !self.fold.again(&what) {
            let fields = self.decided(&to, &names);
            self.fold.refused(what, fields, &mut self.events, self.now);
        }
    }

    /// Whether what is asked about is of the kind that a yes of the last minute is about; then it is let through.
    ///
    /// Such a yes is no rule of the kernel's: rules without it would have to take the place of those with it when
    /// its minute is over, and would judge again what it has let through. And a rule can decide about more than
    /// what is asked.
    fn follows_another(&mut self, to: &Destination, names: &[String]) -> bool {
        self.recent.retain(|(_, until)| *until > self.now);
        let flow = flow(&self.table, to, names);
        let until = self.recent.iter().filter(|(rule, _)| allows(rule, &flow));
        let Some(until) = until.map(|(_, until)| *until).max() else { return false };
        let time = until.saturating_duration_since(self.now);
        let answer = Answer { to: *to, allow: true, time };
        if self.walls.answer(&[answer]).is_err() {
            self.failed();
        }
        true
    }

    /// What is told of a connection: where it goes, which rule decides, and which would allow it.
    fn decided(&self, to: &Destination, names: &[String]) -> Value {
        let flow = flow(&self.table, to, names);
        let rule = self.table.rules.decide(&flow).rule;
        let mut fields = to.fields(names);
        if let Value::Object(fields) = &mut fields {
            fields.insert("kind".to_owned(), "connection".into());
            fields.insert("rule".to_owned(), json!(rule.and_then(|rule| self.rule(rule))));
            let allowing = Rule::allowing(&flow).map(|rule| rule.to_string());
            fields.insert("would_allow".to_owned(), json!(allowing));
        }
        fields
    }

    /// A rule as it is told.
    fn rule(&self, number: usize) -> Option<String> {
        self.table.rules.list.get(number).map(|rule| format!("{} {rule}", rule.verdict))
    }

    /// The person answered.
    pub fn answered(&mut self, given: &Given) {
        let Some(about) = self.asks.answer(given.answer, given.allow, self.now) else { return };
        let rule = self.chosen(given, &about).unwrap_or_else(|why| {
            self.events.tell("failed", json!({ "reason": brief(&why) }));
            None
        });
        self.tell_answer(given, &about, rule.as_ref());
        match rule {
            Some(rule) if given.span == Span::Launch => {
                let rules = Change::adding(rule).of(&self.table.rules).ok();
                if rules.is_some_and(|rules| self.load(rules).is_err()) {
                    self.failed();
                }
            }
            Some(rule) if given.allow && self.recent.len() < MOST_RECENT => {
                self.recent.push((rule, self.now + ONCE));
            }
            _ => {}
        }
        // Beside the rule, which may be about something else than what was asked.
        let time = if given.allow { ONCE } else { ask::RESPITE };
        let answer = |to: &Destination| Answer { to: *to, allow: given.allow, time };
        let answers: Vec<Answer> = about.destinations.iter().map(answer).collect();
        if self.walls.answer(&answers).is_err() {
            self.failed();
        }
        self.settle();
    }

    /// The rule that an answer comes to.
    fn chosen(&self, given: &Given, about: &Answered) -> Result<Option<Rule>, String> {
        let verdict = if given.allow { Verdict::Allow } else { Verdict::Deny };
        match (&given.rule, given.span) {
            (Some(text), _) => Rule::parse(verdict, text).map(Some).map_err(|why| why.to_string()),
            (None, Span::Launch) => {
                let names: Vec<String> = about.name.iter().cloned().collect();
                let to = about.destinations.first();
                let rule = to.and_then(|to| Rule::allowing(&flow(&self.table, to, &names)));
                let rule = rule.ok_or_else(|| "no rule is about it".to_owned())?;
                Ok(Some(Rule { verdict, ..rule }))
            }
            (None, Span::Once) => Ok(None),
        }
    }

    fn tell_answer(&mut self, given: &Given, about: &Answered, rule: Option<&Rule>) {
        let Some(to) = about.destinations.first() else { return };
        let names: Vec<&str> = about.name.iter().map(|name| brief(name)).collect();
        let lasting = rule.filter(|_| given.span == Span::Launch);
        let fields = json!({
            "address": to.address, "protocol": to.protocol, "port": to.port, "names": names,
            "allow": given.allow, "rule": lasting.map(|rule| format!("{} {rule}", rule.verdict)),
        });
        self.events.tell("answered", fields);
    }

    /// Takes back the open questions that an answer to another has decided as well.
    fn settle(&mut self) {
        let Self { asks, events, table, names, recent, now, .. } = self;
        let decided = |to: &Destination| {
            let names = names.of(to.address, *now);
            let flow = flow(table, to, &names);
            table.rules.decide(&flow).verdict != Verdict::Ask
                || recent.iter().any(|(rule, until)| *until > *now && allows(rule, &flow))
        };
        asks.settle(decided, events);
    }

    /// Changes the rules, and tells whether that was done.
    pub fn change(&mut self, number: u64, change: std::io::Result<Change>) {
        let refused = |why: &str| json!({ "change": number, "done": false, "why": brief(why) });
        let rules = match change.map(|change| change.of(&self.table.rules)) {
            Ok(Ok(rules)) => rules,
            Ok(Err(Unchanged::Missing(rule))) => {
                let missing = rule.to_string();
                let missing =
                    json!({ "change": number, "done": false, "missing": brief(&missing) });
                return self.events.line(&missing);
            }
            Ok(Err(Unchanged::TooMany)) => {
                return self.events.line(&refused("there would be too many rules"));
            }
            Err(error) => return self.events.line(&refused(&error.to_string())),
        };
        match self.load(rules) {
            Ok(()) => self.events.line(&json!({ "change": number, "done": true })),
            Err(error) => self.events.line(&refused(&error.to_string())),
        }
    }

    /// Other rules from now on: what they refuse is cut off.
    fn load(&mut self, rules: Rules) -> Result<(), NotTaken> {
        let generation = self.table.generation.checked_add(1).ok_or(NotTaken)?;
        let table = Table { rules, generation, host: self.table.host.clone() };
        // What was let through by a name is judged again, and goes on where it still may: the name may have
        // been looked up long ago.
        for open in self.walls.connections().unwrap_or_default() {
            self.names.prolong(open.to.address, self.now);
        }
        let names = self.names.all(self.now);
        self.walls.load(&table, &names)?;
        self.table = table;
        Ok(())
    }

    /// Tells the rules that hold, some at a time: there may be more than a line has room for.
    pub fn tell_rules(&mut self, number: u64) {
        let Rules { default, list } = &self.table.rules;
        // No rules are one line as well.
        let lines = list.len().div_ceil(TOGETHER).max(1);
        for (line, left) in (0..lines).zip((0..lines).rev()) {
            let some: Vec<_> = list.iter().skip(line * TOGETHER).take(TOGETHER).collect();
            let line =
                json!({ "rules": number, "default": default, "list": some, "more": left > 0 });
            self.events.line(&line);
        }
    }

    fn failed(&mut self) {
        self.events.tell("failed", json!({ "reason": NotTaken.to_string() }));
    }

    /// Tells what went where.
    pub fn traffic(&mut self, number: u64) {
        let counts = self.walls.traffic();
        let open = self.walls.connections().map(|mut open| {
            open.retain(|one| self.goes_on(one));
            open
        });
        let told = counts.map(|counts| {
            let name = |address| self.names.last(address).map(|name| brief(name).to_owned());
            Told::of(&counts, open.as_deref(), name)
        });
        self.events.line(&json!({ "traffic": number, "told": told }));
    }

    /// Whether a connection is let through. What rules before these have allowed is judged by its next packet,
    /// and the kernel remembers for long what was cut off then.
    fn goes_on(&self, open: &Connection) -> bool {
        let to = open.to;
        open.generation == self.table.generation.get() || {
            let names = self.names.of(to.address, self.now);
            self.table.rules.decide(&flow(&self.table, &to, &names)).verdict == Verdict::Allow
        }
    }

    /// When something is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let all = [self.asks.deadline(), self.fold.deadline(), self.events.deadline()];
        all.into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn tick(&mut self) {
        self.asks.tick(&mut self.events, self.now);
        self.fold.tick(&mut self.events, self.now);
        self.events.tick(self.now);
    }
}

/// A connection to there, by these names.
fn flow<'a>(table: &Table, to: &Destination, names: &'a [String]) -> Flow<'a> {
    let is_host = table.host.contains(&to.address);
    Flow { address: to.address, protocol: to.protocol, port: to.port, is_host, names }
}

/// Whether a rule by itself allows a connection.
fn allows(rule: &Rule, flow: &Flow<'_>) -> bool {
    let alone = Rules { default: Verdict::Deny, list: vec![rule.clone()] };
    alone.decide(flow).verdict == Verdict::Allow
}

impl Policy for State {
    fn name(&self, name: &str) -> NameVerdict {
        match self.table.rules.name(name) {
            net::NameVerdict::Resolve => NameVerdict::Resolve,
            net::NameVerdict::Refuse(_) => NameVerdict::Refuse,
        }
    }

    fn may_reach(&self, address: IpAddr, names: &[String]) -> bool {
        if self.is_host(address) {
            return self.table.rules.may_reach_host();
        }
        self.table.rules.may_reach(address, names)
    }
}

impl Sets for State {
    fn learn(&mut self, learned: &[Learned]) -> Result<(), NotTaken> {
        let live = Names::live(learned);
        self.walls.learn(&live)?;
        self.names.learn(&live, self.now);
        Ok(())
    }
}

impl World for State {
    fn note(&mut self, note: Note<'_>) {
        match note {
            Note::Name(name) => {
                let what = Refused::Name(brief(name).to_owned());
                if self.fold.again(&what) {
                    return;
                }
                let rule = match self.table.rules.name(name) {
                    net::NameVerdict::Refuse(Some(rule)) => self.rule(rule),
                    _ => None,
                };
                let allowing = net::canonical_name(name);
                let fields = json!({
                    "kind": "name", "name": brief(name), "rule": rule, "would_allow": allowing,
                });
                self.fold.refused(what, fields, &mut self.events, self.now);
            }
            Note::Addresses(names, addresses) => {
                let name = names.first().map_or("", |name| brief(name)).to_owned();
                let what = Refused::Addresses(name);
                if self.fold.again(&what) {
                    return;
                }
                let fields = json!({ "kind": "addresses", "names": names, "addresses": addresses });
                self.fold.refused(what, fields, &mut self.events, self.now);
            }
        }
    }

    fn names(&self, address: IpAddr) -> Vec<String> {
        self.names.of(address, self.now)
    }
}
