//! The sockets at which apps ask: packets, and connections with one question after another on them
//! (RFC 7766). They are in the sandbox's own network, and were made by somebody else.

use crate::query::{self, Query, Read, Transport};
use crate::resolver::Client;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{
    RecvFlags, SendFlags, SocketAddrAny, SocketFlags, accept_with, recv, recvfrom, send, sendto,
};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// The most connections.
const MOST: usize = 32;
/// The most bytes of a question: what is longer is none.
const LONGEST: usize = 4096;
/// The most questions on one connection that are not answered yet.
const MOST_ASKED: usize = 16;
/// The most bytes that wait to be read by an app before it is heard again.
const FULL: usize = 128 << 10;
/// How long a connection may do nothing.
const IDLE: Duration = Duration::from_secs(10);
/// How many packets are read before others have their turn.
const TURN: usize = 32;

/// One connection.
#[derive(Debug)]
struct Connection {
    number: u64,
    socket: OwnedFd,
    got: Vec<u8>,
    out: Vec<u8>,
    sent: usize,
    /// Questions that are not answered yet.
    asked: usize,
    /// Whether the app says no more.
    ended: bool,
    until: Instant,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A socket for packets.
    Packets(usize),
    /// A socket for connections.
    Listener(usize),
    /// A connection, by its number.
    Connection(u64),
}

/// All of them.
#[derive(Debug)]
pub struct Doors {
    packets: Vec<OwnedFd>,
    listeners: Vec<OwnedFd>,
    connections: Vec<Connection>,
    next: u64,
}

impl Doors {
    /// Serves these sockets.
    ///
    /// # Errors
    /// When they are no sockets.
    pub fn new(packets: Vec<OwnedFd>, listeners: Vec<OwnedFd>) -> Result<Self, Errno> {
        for socket in packets.iter().chain(&listeners) {
            rustix::io::ioctl_fionbio(socket, true)?;
        }
        Ok(Self { packets, listeners, connections: Vec::new(), next: 1 })
    }

    /// Every socket, with what it is waited for.
    pub fn wanted(&self) -> impl Iterator<Item = (Door, &OwnedFd, PollFlags)> {
        let packets = self.packets.iter().enumerate();
        let packets = packets.map(|(index, socket)| (Door::Packets(index), socket, PollFlags::IN));
        let room = self.connections.len() < MOST || self.idle().is_some();
        let listeners = self.listeners.iter().enumerate().filter(move |_| room);
        let listeners =
            listeners.map(|(index, socket)| (Door::Listener(index), socket, PollFlags::IN));
        let connections = self.connections.iter().map(|one| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, one.hears());
            flags.set(PollFlags::OUT, one.waiting() > 0);
            (Door::Connection(one.number), &one.socket, flags)
        });
        packets.chain(listeners).chain(connections.filter(|(.., flags)| !flags.is_empty()))
    }

    /// A socket is ready: the questions that came. What is none was answered.
    pub fn ready(&mut self, door: Door, now: Instant) -> Vec<(Query, Client)> {
        match door {
            Door::Packets(index) => self.receive(index),
            Door::Listener(index) => {
                self.accept(index, now);
                Vec::new()
            }
            Door::Connection(number) => {
                let find = |one: &&mut Connection| one.number == number;
                let Some(one) = self.connections.iter_mut().find(find) else { return Vec::new() };
                one.flush(now);
                let questions = one.hear(now);
                questions.into_iter().map(|one| (one, Client::Connection(number))).collect()
            }
        }
    }

    fn receive(&mut self, index: usize) -> Vec<(Query, Client)> {
        let mut questions = Vec::new();
        let Some(socket) = self.packets.get(index) else { return questions };
        let mut space = [0; LONGEST];
        for _ in 0..TURN {
            let (count, from) = match recvfrom(socket, &mut space[..], RecvFlags::DONTWAIT) {
                Ok((count, _, Some(from))) => (count, from),
                Err(Errno::AGAIN) => break,
                // An answer that nobody was there for any more is told as an error of the socket.
                Ok(_) | Err(_) => continue,
            };
            match query::read(space.get(..count).unwrap_or_default(), Transport::Udp) {
                Read::Query(query) => questions.push((query, Client::Packet(index, from))),
                Read::Refused(answer) => packet(socket, &from, &answer),
                Read::Nothing => {}
            }
        }
        questions
    }

    fn accept(&mut self, index: usize, now: Instant) {
        let Some(listener) = self.listeners.get(index) else { return };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let Ok(socket) = accept_with(listener, flags) else { return };
        if self.connections.len() >= MOST
            && let Some(idle) = self.idle()
        {
            // Whoever has said nothing for longest makes room (RFC 7766, 6.2.3).
            self.connections.swap_remove(idle);
        }
        let number = self.next;
        self.next += 1;
        self.connections.push(Connection {
            number,
            socket,
            got: Vec::new(),
            out: Vec::new(),
            sent: 0,
            asked: 0,
            ended: false,
            until: now + IDLE,
        });
    }

    /// The connection that has done nothing for longest.
    fn idle(&self) -> Option<usize> {
        let idle = self.connections.iter().enumerate().filter(|(_, one)| one.is_idle());
        Some(idle.min_by_key(|(_, one)| one.until)?.0)
    }

    /// Sends an answer.
    pub fn answer(&mut self, client: &Client, answer: &[u8], now: Instant) {
        match client {
            Client::Packet(index, to) => {
                if let Some(socket) = self.packets.get(*index) {
                    packet(socket, to, answer);
                }
            }
            Client::Connection(number) => {
                if let Some(one) = self.connections.iter_mut().find(|one| one.number == *number) {
                    one.asked = one.asked.saturating_sub(1);
                    one.say(answer);
                    one.flush(now);
                }
            }
        }
    }

    /// Ends the connections that are over or do nothing: who they were.
    pub fn sweep(&mut self, now: Instant) -> Vec<Client> {
        let over = self.connections.extract_if(.., |one| one.is_over(now));
        over.map(|one| Client::Connection(one.number)).collect()
    }

    /// When a connection has done nothing for too long.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.connections.iter().filter_map(Connection::deadline).min()
    }

    /// Whole questions that were read before and are not served yet, because there were too many.
    pub fn more(&mut self, now: Instant) -> Vec<(Query, Client)> {
        let mut questions = Vec::new();
        for one in self.connections.iter_mut().filter(|one| one.whole().is_some()) {
            let number = one.number;
            let more = one.questions(now).into_iter();
            questions.extend(more.map(|query| (query, Client::Connection(number))));
        }
        questions
    }
}

impl Connection {
    /// Bytes that were not sent yet.
    fn waiting(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Whether it is read from.
    fn hears(&self) -> bool {
        !self.ended && self.may_ask() && self.whole().is_none()
    }

    /// Whether nothing is asked or being said on it.
    fn is_idle(&self) -> bool {
        self.asked == 0 && self.waiting() == 0
    }

    fn may_ask(&self) -> bool {
        self.asked < MOST_ASKED && self.waiting() < FULL
    }

    fn deadline(&self) -> Option<Instant> {
        // Who waits for an answer is not idle.
        (self.asked == 0 || self.waiting() > 0).then_some(self.until)
    }

    fn is_over(&self, now: Instant) -> bool {
        let done = self.ended && self.asked == 0 && self.waiting() == 0 && self.whole().is_none();
        done || self.deadline().is_some_and(|until| until <= now)
    }

    /// Reads what is there: whole questions.
    fn hear(&mut self, now: Instant) -> Vec<Query> {
        if !self.hears() {
            return Vec::new();
        }
        let mut space = [0; LONGEST];
        match recv(&self.socket, &mut space[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => self.ended = true,
            Ok((count, _)) => self.got.extend_from_slice(space.get(..count).unwrap_or_default()),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.give_up(),
        }
        self.questions(now)
    }

    /// Takes whole questions from what was read, as many as may be asked.
    fn questions(&mut self, now: Instant) -> Vec<Query> {
        let mut questions = Vec::new();
        while self.may_ask() {
            if self.length().is_some_and(|length| length > LONGEST) {
                self.give_up();
            }
            let Some(length) = self.whole() else { break };
            let message: Vec<u8> = self.got.drain(..2 + length).skip(2).collect();
            // Only what is whole counts as doing something: one byte after another does not.
            self.until = now + IDLE;
            match query::read(&message, Transport::Tcp) {
                Read::Query(query) => {
                    self.asked += 1;
                    questions.push(query);
                }
                Read::Refused(answer) => self.say(&answer),
                Read::Nothing => self.give_up(),
            }
        }
        self.flush(now);
        questions
    }

    /// The length of the message that is being read.
    fn length(&self) -> Option<usize> {
        self.got.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)))
    }

    /// The same, if all of it is there.
    fn whole(&self) -> Option<usize> {
        self.length().filter(|length| self.got.len() >= 2 + length)
    }

    fn say(&mut self, answer: &[u8]) {
        if let Ok(length) = u16::try_from(answer.len()) {
            self.out.extend_from_slice(&length.to_be_bytes());
            self.out.extend_from_slice(answer);
        }
    }

    fn flush(&mut self, now: Instant) {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match send(&self.socket, rest, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(sent) => {
                    self.sent += sent;
                    self.until = now + IDLE;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => return self.give_up(),
            }
        }
        self.out = Vec::new();
        self.sent = 0;
    }

    /// Nothing more is said or heard.
    fn give_up(&mut self) {
        (self.got, self.out) = (Vec::new(), Vec::new());
        (self.sent, self.asked, self.ended) = (0, 0, true);
    }
}

fn packet(socket: &OwnedFd, to: &SocketAddrAny, answer: &[u8]) {
    // One that does not go out now is asked for again.
    let _ = sendto(socket, answer, SendFlags::NOSIGNAL | SendFlags::DONTWAIT, to);
}
