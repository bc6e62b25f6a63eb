//! The resolver: what becomes of a question, from the app to its answer.
//!
//! A name that no rule allows does not exist. What the host knows by itself is answered at once, and
//! all else is asked of its nameservers, the same question once for all who wait for it. An address is
//! told to the app when the walls know it, and not before.

use crate::answer::Judged;
use crate::hosts::{self, Hosts};
use crate::lookup::{Lookup, Outcome};
use crate::name::{self, Reverse};
use crate::nameservers::Nameservers;
use crate::policy::{Learned, NameVerdict, NotTaken, Note, World};
use crate::query::{Query, Question};
use crate::reply::{self, Known, Why};
use domain::base::Message;
use domain::base::iana::{OptRcode, Rtype};
use rustix::event::PollFlags;
use rustix::net::SocketAddrAny;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Instant;

/// The most questions that are asked at once.
const MOST: usize = 256;
/// The most answers that are waited for, and the most by one client.
const MOST_WAITING: usize = 512;
const MOST_OF_ONE: usize = 64;
/// For how many seconds holds what the host knows by itself.
const OWN_TTL: u32 = 60;
/// A browser asks for this name before it asks others than this resolver, and does not if there is no
/// such name (<https://support.mozilla.org/kb/canary-domain-use-application-dnsnet>).
const CANARY: &str = "use-application-dns.net";

/// Who gets an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Client {
    /// Whoever sent a packet to that socket.
    Packet(usize, SocketAddrAny),
    /// Whoever has the connection with that number.
    Connection(u64),
}

/// Somebody who waits.
#[derive(Debug)]
struct Waiter {
    client: Client,
    query: Query,
}

/// A question that is being asked, and for whom.
#[derive(Debug)]
struct Asked {
    lookup: Lookup,
    waiters: Vec<Waiter>,
}

/// All questions.
#[derive(Debug)]
pub struct Resolver {
    servers: Nameservers,
    hosts: Hosts,
    asked: Vec<Option<Asked>>,
    out: Vec<(Client, Vec<u8>)>,
}

impl Resolver {
    /// Asks those servers, and reads that file.
    #[must_use]
    pub fn new(servers: Nameservers, hosts: Hosts) -> Self {
        Self { servers, hosts, asked: Vec::new(), out: Vec::new() }
    }

    /// The answers there are, taken away.
    pub fn answers(&mut self) -> Vec<(Client, Vec<u8>)> {
        std::mem::take(&mut self.out)
    }

    /// How many answers a client waits for.
    #[must_use]
    pub fn waiting(&self, client: &Client) -> usize {
        self.waiters().filter(|waiter| waiter.client == *client).count()
    }

    fn waiters(&self) -> impl Iterator<Item = &Waiter> {
        self.asked.iter().flatten().flat_map(|asked| &asked.waiters)
    }

    /// A client is gone.
    pub fn forget(&mut self, client: &Client) {
        for asked in self.asked.iter_mut().flatten() {
            asked.waiters.retain(|waiter| waiter.client != *client);
        }
    }

    /// A client asks.
    pub fn ask(&mut self, query: Query, client: Client, world: &mut dyn World, now: Instant) {
        if let Some(answer) = self.at_once(&query, &client, world, now) {
            self.out.push((client, answer));
        }
    }

    /// The answer, unless somebody has to be asked.
    fn at_once(
        &mut self,
        query: &Query,
        client: &Client,
        world: &mut dyn World,
        now: Instant,
    ) -> Option<Vec<u8>> {
        let question = &query.question;
        let no_such = |why| Some(reply::failure(query, OptRcode::NXDOMAIN, why));
        let Some(text) = name::text(&question.name) else {
            world.note(Note::Name(&name::shown(&question.name)));
            return no_such(Some(Why::Name));
        };
        if let Some(known) = hosts::loopback(&text, question) {
            return Some(reply::known(query, &known, OWN_TTL, None));
        }
        if text == CANARY {
            return no_such(None);
        }
        let allowed = match name::reverse(&text) {
            Some(Reverse::Of(address)) => world.may_reach(address, &world.names(address)),
            Some(Reverse::Other) => false,
            None => world.name(&text) == NameVerdict::Resolve,
        };
        if !allowed {
            world.note(Note::Name(&text));
            return no_such(Some(Why::Name));
        }
        let again = |waiter: &Waiter| waiter.client == *client && waiter.query == *query;
        if self.waiters().any(again) {
            // It has lost patience and asks once more.
            return None;
        }
        if self.waiters().count() >= MOST_WAITING || self.waiting(client) >= MOST_OF_ONE {
            return Some(reply::failure(query, OptRcode::SERVFAIL, None));
        }
        if let Some(answer) = self.by_host(&text, query, world) {
            return Some(answer);
        }
        self.by_servers(query, client, now)
    }

    /// What the host's own file says; none when it has nothing.
    fn by_host(&mut self, text: &str, query: &Query, world: &mut dyn World) -> Option<Vec<u8>> {
        if let (Rtype::PTR, Some(Reverse::Of(address))) = (query.question.kind, name::reverse(text))
        {
            let names = self.hosts.names(address);
            let names: Vec<Known> = names.iter().filter_map(|name| hosts::pointer(name)).collect();
            return (!names.is_empty()).then(|| reply::known(query, &names, OWN_TTL, None));
        }
        let of_kind = match query.question.kind {
            Rtype::A => IpAddr::is_ipv4,
            Rtype::AAAA => IpAddr::is_ipv6,
            _ => return None,
        };
        let found = self.hosts.addresses(text)?;
        let names = [text.to_owned()];
        // A list of names that are not to be reached has this, and it is not an address of anybody.
        let found = found.into_iter().filter(|one| of_kind(one) && !one.is_unspecified());
        let (kept, dropped): (Vec<IpAddr>, Vec<IpAddr>) =
            found.partition(|address| world.may_reach(address.to_canonical(), &names));
        if !dropped.is_empty() {
            world.note(Note::Addresses(&names, &dropped));
        }
        let learned = |address: &IpAddr| Learned {
            address: address.to_canonical(),
            names: names.to_vec(),
            ttl: OWN_TTL,
        };
        let learned: Vec<Learned> = kept.iter().map(learned).collect();
        let known: Vec<Known> = kept.into_iter().map(Known::Address).collect();
        let why = (known.is_empty() && !dropped.is_empty()).then_some(Why::Addresses);
        Some(match tell(world, &learned) {
            Ok(()) => reply::known(query, &known, OWN_TTL, why),
            Err(_) => reply::failure(query, OptRcode::SERVFAIL, Some(Why::Walls)),
        })
    }

    /// Asks the servers, unless they are being asked: an answer when that cannot be.
    fn by_servers(&mut self, query: &Query, client: &Client, now: Instant) -> Option<Vec<u8>> {
        let waiter = Waiter { client: client.clone(), query: query.clone() };
        let mut asked = self.asked.iter_mut().flatten();
        if let Some(asked) = asked.find(|asked| *asked.lookup.question() == query.question) {
            asked.waiters.push(waiter);
            return None;
        }
        let free = self.asked.iter().position(Option::is_none);
        if free.is_none() && self.asked.len() >= MOST {
            return Some(reply::failure(query, OptRcode::SERVFAIL, None));
        }
        let tries = self.servers.tries(now);
        let mut lookup = Lookup::new(query.question.clone(), tries, now);
        if lookup.next(&mut self.servers, now) == Outcome::Nobody {
            return Some(reply::failure(query, OptRcode::SERVFAIL, Some(Why::Nobody)));
        }
        let asked = Some(Asked { lookup, waiters: vec![waiter] });
        match free.and_then(|index| self.asked.get_mut(index)) {
            Some(place) => *place = asked,
            None => self.asked.push(asked),
        }
        None
    }

    /// The sockets, each with its number and what it is waited for.
    pub fn wanted(&self) -> impl Iterator<Item = (usize, &OwnedFd, PollFlags)> {
        self.asked.iter().enumerate().filter_map(|(index, asked)| {
            let (socket, flags) = asked.as_ref()?.lookup.wanted()?;
            Some((index, socket, flags))
        })
    }

    /// A socket is ready.
    pub fn ready(&mut self, index: usize, world: &mut dyn World, now: Instant) {
        let Some(Some(asked)) = self.asked.get_mut(index) else { return };
        let outcome = asked.lookup.ready(&mut self.servers, now);
        self.came(index, outcome, world);
    }

    /// When something is late.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let asked = self.asked.iter().flatten().map(|asked| asked.lookup.deadline());
        asked.min()
    }

    /// Does what is due.
    pub fn tick(&mut self, world: &mut dyn World, now: Instant) {
        for index in 0..self.asked.len() {
            let Some(Some(asked)) = self.asked.get_mut(index) else { continue };
            if asked.lookup.deadline() <= now {
                let outcome = asked.lookup.late(&mut self.servers, now);
                self.came(index, outcome, world);
            }
        }
    }

    fn came(&mut self, index: usize, outcome: Outcome, world: &mut dyn World) {
        let message = match outcome {
            Outcome::Waits => return,
            Outcome::Answer(message) => Some(message),
            Outcome::Nobody => None,
        };
        let Some(Asked { lookup, waiters }) = self.asked.get_mut(index).and_then(Option::take)
        else {
            return;
        };
        let Some(message) = message else { return self.fail(waiters, Why::Nobody) };
        let Some(judged) = judge(&message, lookup.question(), world) else {
            return self.fail(waiters, Why::Nobody);
        };
        if !judged.dropped.is_empty() {
            world.note(Note::Addresses(&judged.names, &judged.dropped));
        }
        match tell(world, &judged.learned()) {
            Ok(()) => self.answer(&message, &judged, waiters, world),
            Err(_) => self.fail(waiters, Why::Walls),
        }
    }

    fn answer(&mut self, message: &[u8], judged: &Judged, waiters: Vec<Waiter>, world: &dyn World) {
        let Ok(message) = Message::from_slice(message) else { return };
        for Waiter { client, query } in waiters {
            self.out.push((client, judged.write(message, &query, world)));
        }
    }

    fn fail(&mut self, waiters: Vec<Waiter>, why: Why) {
        for Waiter { client, query } in waiters {
            self.out.push((client, reply::failure(&query, OptRcode::SERVFAIL, Some(why))));
        }
    }
}

fn judge(message: &[u8], question: &Question, world: &dyn World) -> Option<Judged> {
    Judged::of(Message::from_slice(message).ok()?, question, world)
}

fn tell(world: &mut dyn World, learned: &[Learned]) -> Result<(), NotTaken> {
    if learned.is_empty() { Ok(()) } else { world.learn(learned) }
}
