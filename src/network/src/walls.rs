//! What enforces the rules: tables of the kernel's, in the sandbox's own network.
//!
//! Where the user built the sandbox, this program may change them by itself, over a socket that was
//! opened in there. Where root did, it may not, and hands what is to be changed to its supervisor, who
//! has it done and says so.

use crate::flow::{Connection, Destination, Traffic};
use crate::names::Live;
use crate::policy::{NotTaken, Progress};
use arkose_profile::net::Rules;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// The number of a set of rules: each that follows has a higher one.
pub type Generation = NonZeroU32;

/// The rules that are enforced.
#[derive(Debug, Clone)]
pub struct Table {
    /// The rules.
    pub rules: Rules,
    /// The addresses by which this computer is reached.
    pub host: Vec<IpAddr>,
    /// Their number.
    pub generation: Generation,
}

/// What the person said about one destination, for a short while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Where it goes.
    pub to: Destination,
    /// Whether it may.
    pub allow: bool,
    /// For how long further connections of the same kind follow it.
    pub time: Duration,
}

/// Who changes the tables.
pub trait Control: Debug {
    /// Puts a set of rules in the place of another, with what names lead to now.
    ///
    /// # Errors
    /// When it cannot be; those before it then stand.
    fn load(
        &mut self,
        table: &Table,
        before: Generation,
        names: &[Live],
    ) -> Result<Progress, NotTaken>;

    /// Adds what names lead to.
    ///
    /// # Errors
    /// When it cannot be.
    fn learn(&mut self, table: &Table, names: &[Live]) -> Result<Progress, NotTaken>;

    /// Adds what was answered.
    ///
    /// # Errors
    /// When it cannot be.
    fn answer(&mut self, table: &Table, answers: &[Answer]) -> Result<Progress, NotTaken>;

    /// What went where so far; none when somebody else is to be asked.
    fn traffic(&mut self) -> Option<Vec<Traffic>>;

    /// The connections that there are; none when that is not known.
    fn connections(&mut self) -> Option<Vec<Connection>> {
        None
    }

    /// The next line that the supervisor has to hear.
    fn line(&mut self) -> Option<Value> {
        None
    }
}

/// The most lines of which it is not known what became of them.
const MOST: usize = 256;
/// The most addresses in a line.
const MOST_NAMES: usize = 128;

/// Hands everything to the supervisor.
#[derive(Debug, Default)]
pub struct Handed {
    next: u64,
    lines: VecDeque<Value>,
}

impl Handed {
    fn hand(&mut self, key: &str, value: Value) -> Result<Progress, NotTaken> {
        if self.lines.len() >= MOST {
            return Err(NotTaken);
        }
        self.next += 1;
        let mut line = json!({ "walls": self.next });
        if let Value::Object(line) = &mut line {
            line.insert(key.to_owned(), value);
        }
        self.lines.push_back(line);
        Ok(Progress::Waits(self.next))
    }
}

impl Control for Handed {
    fn load(
        &mut self,
        table: &Table,
        before: Generation,
        names: &[Live],
    ) -> Result<Progress, NotTaken> {
        let (first, rest) = names.split_at(names.len().min(MOST_NAMES));
        let load = json!({
            "rules": table.rules,
            "host": table.host,
            "generation": table.generation,
            "before": before,
            "names": live(first),
        });
        let progress = self.hand("load", load);
        for names in rest.chunks(MOST_NAMES) {
            self.hand("names", live(names))?;
        }
        progress
    }

    fn learn(&mut self, _: &Table, names: &[Live]) -> Result<Progress, NotTaken> {
        self.hand("names", live(names))
    }

    fn answer(&mut self, _: &Table, answers: &[Answer]) -> Result<Progress, NotTaken> {
        let answer = |Answer { to, allow, time }: &Answer| {
            json!({
                "address": to.address,
                "protocol": to.protocol,
                "port": to.port,
                "allow": allow,
                "seconds": time.as_secs(),
            })
        };
        self.hand("answers", answers.iter().map(answer).collect())
    }

    fn traffic(&mut self) -> Option<Vec<Traffic>> {
        None
    }

    fn line(&mut self) -> Option<Value> {
        self.lines.pop_front()
    }
}

fn live(names: &[Live]) -> Value {
    let live = |Live { address, names, time }: &Live| json!({ "address": address, "names": names, "seconds": time.as_secs() });
    names.iter().map(live).collect()
}
