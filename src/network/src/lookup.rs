//! One question to the host's nameservers: who is asked, for how long, and which answer counts.
//!
//! Each time that a server is asked, it is with a new number and from a new port, on a socket that is
//! connected to that server, so that the kernel drops what others send. An answer has to repeat the
//! number and the question (RFC 5452); what does not is passed over.

use crate::name::Plain;
use crate::nameservers::Nameservers;
use crate::query::{PAYLOAD, Question};
use crate::random;
use domain::base::iana::{Class, Opcode, Rcode};
use domain::base::message_builder::MessageBuilder;
use domain::base::{Message, ToName as _};
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with,
};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// The most bytes of a packet that is read: what does not fit is none of ours.
const PACKET: usize = 4096;
/// How many packets that are no answer are passed over: with more of them somebody guesses, and a
/// connection is asked for, which nobody can guess.
const MOST_STRANGE: u32 = 16;

/// How a server is asked.
#[derive(Debug)]
enum Way {
    Packet(OwnedFd),
    Connection { socket: OwnedFd, out: Vec<u8>, got: Vec<u8> },
}

/// What an answer comes to.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is the answer.
    Good,
    /// It is none.
    Strange,
    /// It did not fit.
    Truncated,
    /// The server does not know what is said beside the question.
    TooNew,
    /// The server cannot help.
    Useless,
}

/// How far a question has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer is waited for.
    Waits,
    /// This is the answer.
    Answer(Vec<u8>),
    /// No server has one.
    Nobody,
}

/// A question that is being asked.
#[derive(Debug)]
pub struct Lookup {
    question: Question,
    id: u16,
    way: Option<Way>,
    server: Option<SocketAddr>,
    wait: Duration,
    deadline: Instant,
    tries: VecDeque<(SocketAddr, Duration)>,
    /// Whether it is said what can be taken; some old servers do not know that.
    edns: bool,
    strange: u32,
}

impl Lookup {
    /// A question that nobody was asked yet.
    #[must_use]
    pub fn new(question: Question, tries: Vec<(SocketAddr, Duration)>, now: Instant) -> Self {
        Self {
            question,
            id: 0,
            way: None,
            server: None,
            wait: Duration::ZERO,
            deadline: now,
            tries: tries.into(),
            edns: true,
            strange: 0,
        }
    }

    /// What is asked.
    #[must_use]
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// When the server has had its time.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The socket, and what it is waited for.
    #[must_use]
    pub fn wanted(&self) -> Option<(&OwnedFd, PollFlags)> {
        Some(match self.way.as_ref()? {
            Way::Packet(socket) => (socket, PollFlags::IN),
            Way::Connection { socket, out, .. } if !out.is_empty() => (socket, PollFlags::OUT),
            Way::Connection { socket, .. } => (socket, PollFlags::IN),
        })
    }

    /// Asks the next server that can be asked.
    pub fn next(&mut self, servers: &mut Nameservers, now: Instant) -> Outcome {
        while let Some((server, wait)) = self.tries.pop_front() {
            (self.server, self.wait, self.edns) = (Some(server), wait, true);
            if self.ask(false, now).is_ok() {
                return Outcome::Waits;
            }
            servers.answered(server, false, now);
        }
        self.way = None;
        Outcome::Nobody
    }

    /// Asks the server, by a packet or on a connection.
    fn ask(&mut self, connection: bool, now: Instant) -> Result<(), Errno> {
        let server = self.server.ok_or(Errno::DESTADDRREQ)?;
        let family = if server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let kind = if connection { SocketType::STREAM } else { SocketType::DGRAM };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        self.id = random::number()?;
        let socket = socket_with(family, kind, flags, None)?;
        match connect(&socket, &server) {
            Ok(()) => {}
            Err(Errno::INPROGRESS) if connection => {}
            Err(errno) => return Err(errno),
        }
        let message = self.written();
        self.way = Some(if connection {
            let length = u16::try_from(message.len()).map_err(|_| Errno::MSGSIZE)?;
            let out = [&length.to_be_bytes()[..], &message].concat();
            Way::Connection { socket, out, got: Vec::new() }
        } else {
            send(&socket, &message, SendFlags::NOSIGNAL)?;
            Way::Packet(socket)
        });
        self.strange = 0;
        self.deadline = now + self.wait;
        Ok(())
    }

    /// The question as it is sent.
    fn written(&self) -> Vec<u8> {
        let mut builder = MessageBuilder::new_vec();
        let header = builder.header_mut();
        header.set_id(self.id);
        header.set_rd(true);
        header.set_cd(self.question.unchecked);
        let mut builder = builder.question();
        // A vector takes what it is given.
        let _ = builder.push((&self.question.name, self.question.kind, Class::IN));
        let mut builder = builder.additional();
        if self.edns {
            let _ = builder.opt(|opt| {
                opt.set_udp_payload_size(PAYLOAD);
                opt.set_dnssec_ok(self.question.dnssec_ok);
                Ok(())
            });
        }
        builder.finish()
    }

    /// The socket is ready.
    pub fn ready(&mut self, servers: &mut Nameservers, now: Instant) -> Outcome {
        let came = match &mut self.way {
            Some(Way::Packet(socket)) => packets(socket),
            Some(Way::Connection { socket, out, got }) => pass(socket, out, got),
            None => return Outcome::Nobody,
        };
        let Ok(came) = came else {
            return self.failed(servers, now);
        };
        for message in came {
            let verdict = self.judge(&message);
            if verdict == Verdict::Strange {
                self.strange += 1;
                continue;
            }
            if let Some(server) = self.server {
                servers.answered(server, verdict != Verdict::Useless, now);
            }
            match verdict {
                Verdict::Good => return Outcome::Answer(message),
                Verdict::Truncated => return self.again(true, servers, now),
                Verdict::TooNew => {
                    self.edns = false;
                    let connection = matches!(self.way, Some(Way::Connection { .. }));
                    return self.again(connection, servers, now);
                }
                Verdict::Strange | Verdict::Useless => return self.next(servers, now),
            }
        }
        match (self.strange, &self.way) {
            (0, _) => Outcome::Waits,
            (_, Some(Way::Connection { .. })) => self.failed(servers, now),
            (strange, _) if strange >= MOST_STRANGE => self.again(true, servers, now),
            _ => Outcome::Waits,
        }
    }

    /// The server had its time.
    pub fn late(&mut self, servers: &mut Nameservers, now: Instant) -> Outcome {
        self.failed(servers, now)
    }

    fn failed(&mut self, servers: &mut Nameservers, now: Instant) -> Outcome {
        if let Some(server) = self.server {
            servers.answered(server, false, now);
        }
        self.next(servers, now)
    }

    fn again(&mut self, connection: bool, servers: &mut Nameservers, now: Instant) -> Outcome {
        match self.ask(connection, now) {
            Ok(()) => Outcome::Waits,
            Err(_) => self.failed(servers, now),
        }
    }

    fn judge(&self, bytes: &[u8]) -> Verdict {
        let Ok(message) = Message::from_slice(bytes) else { return Verdict::Strange };
        let header = message.header();
        if header.id() != self.id || !header.qr() || header.opcode() != Opcode::QUERY {
            return Verdict::Strange;
        }
        let unknown = matches!(header.rcode(), Rcode::FORMERR | Rcode::NOTIMP) && self.edns;
        if unknown && message.header_counts().qdcount() == 0 {
            return Verdict::TooNew;
        }
        let same = message.sole_question().is_ok_and(|question| {
            let Question { name, kind, .. } = &self.question;
            let name: &Plain = name;
            question.qname().name_eq(name)
                && question.qtype() == *kind
                && question.qclass() == Class::IN
        });
        if !same {
            return Verdict::Strange;
        }
        if header.tc() && matches!(self.way, Some(Way::Packet(_))) {
            return Verdict::Truncated;
        }
        match header.rcode() {
            Rcode::NOERROR | Rcode::NXDOMAIN => Verdict::Good,
            _ if unknown => Verdict::TooNew,
            _ => Verdict::Useless,
        }
    }
}

/// The packets that came, a few at a time.
fn packets(socket: &OwnedFd) -> Result<Vec<Vec<u8>>, Errno> {
    let mut space = [0; PACKET];
    let mut packets = Vec::new();
    while packets.len() < 4 {
        match recv(socket, &mut space[..], RecvFlags::DONTWAIT) {
            Ok((count, _)) => packets.push(space.get(..count).unwrap_or_default().to_vec()),
            Err(Errno::AGAIN) => break,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(packets)
}

/// Sends what is left of the question, and reads what is there of the answer: the whole of it, once it
/// is there.
fn pass(socket: &OwnedFd, out: &mut Vec<u8>, got: &mut Vec<u8>) -> Result<Vec<Vec<u8>>, Errno> {
    while !out.is_empty() {
        match send(socket, out, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(sent) => drop(out.drain(..sent.min(out.len()))),
            Err(Errno::AGAIN) => return Ok(Vec::new()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    let mut space = [0; PACKET];
    loop {
        match recv(socket, &mut space[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Err(Errno::PIPE),
            Ok((count, _)) => got.extend_from_slice(space.get(..count).unwrap_or_default()),
            Err(Errno::AGAIN) => return Ok(Vec::new()),
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        }
        if let Some((length, rest)) = got.split_first_chunk::<2>()
            && let Some(message) = rest.get(..usize::from(u16::from_be_bytes(*length)))
        {
            return Ok(vec![message.to_vec()]);
        }
    }
}
