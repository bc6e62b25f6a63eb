//! Repeats of what was refused: the first is told at once, and the others with how many they were, once
//! in a while. Programs knock at a closed door again and again.

use crate::events::Events;
use crate::flow::Destination;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long repeats are gathered.
const WHILE: Duration = Duration::from_secs(10);
/// The most different refusals that are gathered; what comes beyond them is told each time.
const MOST: usize = 256;

/// What was refused. Refusals that agree in this are repeats.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Refused {
    /// A name.
    Name(String),
    /// Addresses of a name.
    Addresses(String),
    /// A connection.
    Connection(Destination),
}

#[derive(Debug)]
struct Repeats {
    until: Instant,
    count: u64,
    fields: Value,
}

/// All that was refused lately.
#[derive(Debug, Default)]
pub struct Fold {
    seen: HashMap<Refused, Repeats>,
}

impl Fold {
    /// Whether that is a repeat, which is then counted.
    pub fn again(&mut self, what: &Refused) -> bool {
        let seen = self.seen.get_mut(what);
        seen.is_some_and(|repeats| {
            repeats.count += 1;
            true
        })
    }

    /// Something was refused that is no repeat; `fields` is what is told of it.
    pub fn refused(&mut self, what: Refused, fields: Value, events: &mut Events, now: Instant) {
        events.tell("denied", fields.clone());
        if self.seen.len() < MOST {
            self.seen.insert(what, Repeats { until: now + WHILE, count: 0, fields });
        }
    }

    /// Tells repeats that were gathered long enough.
    pub fn tick(&mut self, events: &mut Events, now: Instant) {
        self.seen.retain(|_, repeats| {
            if repeats.until > now {
                return true;
            }
            let count = std::mem::take(&mut repeats.count);
            if count > 0
                && let Value::Object(mut fields) = repeats.fields.clone()
            {
                fields.insert("count".to_owned(), json!(count));
                events.tell("denied", fields.into());
                repeats.until = now + WHILE;
            }
            count > 0
        });
    }

    /// When there is something to tell.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.seen.values().filter(|repeats| repeats.count > 0).map(|repeats| repeats.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_one_line_in_a_while() {
        let (mut fold, mut events, now) = (Fold::default(), Events::default(), Instant::now());
        let lines = |events: &mut Events| {
            let text = String::from_utf8(events.lines().drain(..).collect()).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
        };
        let name = || Refused::Name("a".to_owned());
        for _ in 0..1000 {
            if !fold.again(&name()) {
                fold.refused(name(), json!({ "name": "a" }), &mut events, now);
            }
        }
        assert_eq!(lines(&mut events).len(), 1);
        assert_eq!(fold.deadline(), Some(now + WHILE));
        fold.tick(&mut events, now + WHILE);
        let told = lines(&mut events);
        assert!(told.len() == 1 && told[0]["count"] == 999);
        fold.tick(&mut events, now + WHILE * 2);
        assert!(lines(&mut events).is_empty() && fold.seen.is_empty() && fold.deadline().is_none());
        for number in 0..2 * MOST {
            fold.refused(Refused::Name(number.to_string()), json!({}), &mut events, now);
        }
        assert_eq!(fold.seen.len(), MOST);
    }
}
