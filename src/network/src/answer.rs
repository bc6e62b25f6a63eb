//! What a server answers, held against the rules: the names that a question led to, the addresses that
//! remain, and the answer that the app gets.
//!
//! Only what belongs to the question goes on: the records of its name and of those that it is an alias
//! of, and what says that there is none. Addresses that a server adds unasked do not: the app asks for
//! them, and then they are held against the rules under their own name.

use crate::name::{self, Plain};
use crate::policy::{Learned, NameVerdict, Policy};
use crate::query::{Query, Question};
use crate::reply::{self, Draft, Why};
use crate::service;
use domain::base::iana::{Class, OptRcode, Rtype};
use domain::base::message_builder::{AnswerBuilder, AuthorityBuilder, PushError};
use domain::base::{Message, ParsedName, ParsedRecord, ToName as _, Ttl};
use domain::rdata::{A, Aaaa, AllRecordData, Cname};
use std::net::IpAddr;

/// A name, the one that it is an alias of, and for how long.
type Alias<'a> = (ParsedName<&'a [u8]>, ParsedName<&'a [u8]>, Ttl);

/// The most names that one leads to another.
const LONGEST_CHAIN: usize = 16;
/// The most aliases in an answer that are looked at.
const MOST_ALIASES: usize = 64;
/// The most addresses of an answer.
const MOST_ADDRESSES: usize = 64;
/// The most seconds for which an app is told that something holds.
pub const LONGEST: u32 = 3600;

/// An answer that was held against the rules.
#[derive(Debug)]
pub struct Judged {
    /// The name that was asked for, and those it led to.
    chain: Vec<Plain>,
    /// The same as text.
    pub names: Vec<String>,
    /// The addresses that remain.
    pub kept: Vec<IpAddr>,
    /// The addresses that do not.
    pub dropped: Vec<IpAddr>,
    /// For how many seconds all of it holds.
    ttl: u32,
}

impl Judged {
    /// Holds an answer against the rules; none when it cannot be read.
    #[must_use]
    pub fn of(message: &Message<[u8]>, question: &Question, policy: &dyn Policy) -> Option<Self> {
        let mut judged = Self {
            chain: Vec::new(),
            names: Vec::new(),
            kept: Vec::new(),
            dropped: Vec::new(),
            ttl: LONGEST,
        };
        judged.follow(message, question)?;
        for record in message.answer().ok()? {
            let record = record.ok()?;
            if record.class() != Class::IN || !judged.has(&record.owner()) {
                continue;
            }
            match record.rtype() {
                Rtype::A | Rtype::AAAA => {
                    judged.address(address(&record)?, record.ttl(), policy);
                }
                Rtype::HTTPS | Rtype::SVCB => {
                    let may = |name: &str| policy.name(name) == NameVerdict::Resolve;
                    for hint in service::hints(&record, may).into_iter().flatten() {
                        judged.address(hint, record.ttl(), policy);
                    }
                }
                _ => {}
            }
        }
        Some(judged)
    }

    /// Finds the names that the question leads to.
    fn follow(&mut self, message: &Message<[u8]>, question: &Question) -> Option<()> {
        let mut aliases: Vec<Alias<'_>> = Vec::new();
        for record in message.answer().ok()?.limit_to_in::<Cname<_>>().take(MOST_ALIASES) {
            let record = record.ok()?;
            aliases.push((*record.owner(), *record.data().cname(), record.ttl()));
        }
        self.chain.push(question.name.clone());
        self.names.push(name::text(&question.name)?);
        while self.chain.len() < LONGEST_CHAIN {
            let last = self.chain.last()?;
            let Some((_, target, ttl)) = aliases.iter().find(|(owner, ..)| owner.name_eq(last))
            else {
                break;
            };
            // Where it cannot be written down, nothing that follows is known by a name.
            let Some(text) = name::text(target).filter(|_| !self.has(target)) else { break };
            self.ttl = self.ttl.min(ttl.as_secs());
            self.names.push(text);
            self.chain.push(name::plain(target));
        }
        Some(())
    }

    fn has(&self, name: &ParsedName<&[u8]>) -> bool {
        self.chain.iter().any(|known| name.name_eq(known))
    }

    fn address(&mut self, address: IpAddr, ttl: Ttl, policy: &dyn Policy) {
        let address = address.to_canonical();
        if self.kept.contains(&address) || self.kept.len() >= MOST_ADDRESSES {
            return;
        }
        if policy.may_reach(address, &self.names) {
            self.kept.push(address);
            self.ttl = self.ttl.min(ttl.as_secs());
        } else if !self.dropped.contains(&address) && self.dropped.len() < MOST_ADDRESSES {
            self.dropped.push(address);
        }
    }

    /// What the walls have to know before the app does.
    #[must_use]
    pub fn learned(&self) -> Vec<Learned> {
        let learned = |address: &IpAddr| Learned {
            address: *address,
            names: self.names.clone(),
            ttl: self.ttl,
        };
        self.kept.iter().map(learned).collect()
    }

    /// Writes the answer for the app.
    #[must_use]
    pub fn write(&self, message: &Message<[u8]>, query: &Query, policy: &dyn Policy) -> Vec<u8> {
        let header = message.header();
        let why = (self.kept.is_empty() && !self.dropped.is_empty()).then_some(Why::Addresses);
        let authentic = header.ad() && self.dropped.is_empty();
        let answers = |answer: &mut AnswerBuilder<Draft>| self.answers(message, answer, policy);
        let authority = |after: &mut AuthorityBuilder<Draft>| {
            negative(message, query.question.dnssec_ok, after)
        };
        let rcode = OptRcode::from(header.rcode());
        reply::write(query, rcode, authentic, why, answers, authority)
    }

    fn answers(
        &self,
        message: &Message<[u8]>,
        answer: &mut AnswerBuilder<Draft>,
        policy: &dyn Policy,
    ) -> Result<(), PushError> {
        let records = message.answer().into_iter().flatten().flatten();
        for record in records.filter(|record| record.class() == Class::IN) {
            let (owner, ttl) = (record.owner(), clamp(record.ttl()));
            if !self.has(&owner) && !self.is_above(&record) {
                continue;
            }
            match record.rtype() {
                Rtype::A | Rtype::AAAA => {
                    let Some(address) = address(&record) else { continue };
                    if !self.kept.contains(&address.to_canonical()) {
                        continue;
                    }
                    match address {
                        IpAddr::V4(address) => answer.push((owner, ttl, A::from(address)))?,
                        IpAddr::V6(address) => answer.push((owner, ttl, Aaaa::from(address)))?,
                    }
                }
                Rtype::HTTPS | Rtype::SVCB => {
                    let may = |name: &str| policy.name(name) == NameVerdict::Resolve;
                    if let Some(data) = service::without(&record, &self.kept, may) {
                        answer.push((owner, ttl, data))?;
                    }
                }
                kind if has_unknown_names(kind) => {}
                _ => {
                    let Ok(data) = record.to_any_record::<AllRecordData<_, ParsedName<_>>>() else {
                        continue;
                    };
                    answer.push((owner, ttl, data.data()))?;
                }
            }
        }
        Ok(())
    }

    /// Whether that renames a whole domain which a name of the question lies in, or is signed for one.
    fn is_above(&self, record: &ParsedRecord<'_, [u8]>) -> bool {
        matches!(record.rtype(), Rtype::DNAME | Rtype::RRSIG)
            && self.chain.iter().any(|name| name.ends_with(&record.owner()))
    }
}

/// Writes what says that there is nothing, and for how long that holds.
fn negative(
    message: &Message<[u8]>,
    signed: bool,
    after: &mut AuthorityBuilder<Draft>,
) -> Result<(), PushError> {
    let records = message.authority().into_iter().flatten().flatten();
    for record in records.filter(|record| record.class() == Class::IN) {
        let wanted = match record.rtype() {
            Rtype::SOA => true,
            Rtype::NSEC | Rtype::NSEC3 | Rtype::RRSIG => signed,
            _ => false,
        };
        if !wanted {
            continue;
        }
        if let Ok(data) = record.to_any_record::<AllRecordData<_, ParsedName<_>>>() {
            after.push((record.owner(), clamp(record.ttl()), data.data()))?;
        }
    }
    Ok(())
}

fn clamp(ttl: Ttl) -> Ttl {
    Ttl::from_secs(ttl.as_secs().min(LONGEST))
}

/// The address in a record of one.
fn address(record: &ParsedRecord<'_, [u8]>) -> Option<IpAddr> {
    if let Ok(Some(four)) = record.to_record::<A>() {
        return Some(IpAddr::V4(four.data().addr()));
    }
    let six = record.to_record::<Aaaa>().ok()??;
    Some(IpAddr::V6(six.data().addr()))
}

/// Old types whose names may be shortened by pointing to elsewhere in the message, and that the library
/// does not know (RFC 3597, 4): AFSDB, RT, SIG, PX, NXT, KX and A6.
fn has_unknown_names(kind: Rtype) -> bool {
    matches!(kind.to_int(), 18 | 21 | 24 | 26 | 30 | 36 | 38)
}
