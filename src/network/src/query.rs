//! What an app asks: one question, and what it can take as an answer. Everything else is answered
//! without being looked at any further, or not at all.

use crate::name::{self, Plain};
use crate::reply;
use domain::base::iana::{Class, Opcode, OptRcode, Rcode, Rtype};
use domain::base::{Message, ToName as _};

/// The most bytes of an answer by UDP, in one packet everywhere (DNS flag day 2020).
pub const PAYLOAD: u16 = 1232;
/// The most bytes of an answer by UDP to whom did not say how many they take.
const SMALL: u16 = 512;

/// How a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In a packet.
    Udp,
    /// On a connection.
    Tcp,
}

/// What an app says of itself, beside the question (RFC 6891).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns {
    /// The most bytes of a packet that it takes.
    pub payload: u16,
    /// Whether it wants signatures.
    pub dnssec_ok: bool,
}

/// What is asked, as far as two questions with the same are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name in lower case.
    pub name: Plain,
    /// The type.
    pub kind: Rtype,
    /// Whether signatures are wanted.
    pub dnssec_ok: bool,
    /// Whether they are not to be checked.
    pub unchecked: bool,
}

/// One question with what belongs to the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The number of the message.
    pub id: u16,
    /// The name as it was written: the answer repeats it.
    pub written: Plain,
    /// The question.
    pub question: Question,
    /// Its class, which is that of the internet where it is answered.
    pub class: Class,
    /// Whether it asks for all the work to be done.
    pub recursion: bool,
    /// What is said beside.
    pub edns: Option<Edns>,
    /// How it came.
    pub transport: Transport,
}

impl Query {
    /// The most bytes of an answer.
    #[must_use]
    pub fn limit(&self) -> usize {
        match (self.transport, self.edns) {
            (Transport::Tcp, _) => usize::from(u16::MAX),
            (Transport::Udp, Some(edns)) => usize::from(edns.payload.clamp(SMALL, PAYLOAD)),
            (Transport::Udp, None) => usize::from(SMALL),
        }
    }
}

/// What a message comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// A question.
    Query(Query),
    /// None that is answered; this is what is said to it.
    Refused(Vec<u8>),
    /// Nothing that is worth a word.
    Nothing,
}

/// Reads a message of an app's.
#[must_use]
pub fn read(bytes: &[u8], transport: Transport) -> Read {
    let Ok(message) = Message::from_slice(bytes) else { return Read::Nothing };
    let header = message.header();
    if header.qr() {
        return Read::Nothing;
    }
    if header.opcode() != Opcode::QUERY {
        return Read::Refused(reply::bare(header, Rcode::NOTIMP));
    }
    let Some(query) = parse(message, transport) else {
        return Read::Refused(reply::bare(header, Rcode::FORMERR));
    };
    let kind = query.question.kind;
    if edns_version(message) != Some(0) {
        return Read::Refused(reply::failure(&query, OptRcode::BADVERS, None));
    }
    if query.class != Class::IN {
        return Read::Refused(reply::failure(&query, OptRcode::REFUSED, None));
    }
    match kind.to_int() {
        // Not types of records: numbers for what goes on between servers.
        0 | 41 => Read::Refused(reply::failure(&query, OptRcode::FORMERR, None)),
        128..=254 => Read::Refused(reply::failure(&query, OptRcode::NOTIMP, None)),
        _ => Read::Query(query),
    }
}

/// The parts of a message in which there is one question and nothing broken.
fn parse(message: &Message<[u8]>, transport: Transport) -> Option<Query> {
    let counts = message.header_counts();
    if counts.qdcount() != 1 || counts.ancount() != 0 || counts.nscount() != 0 {
        return None;
    }
    let question = message.sole_question().ok()?;
    let mut edns = None;
    for record in message.additional().ok()? {
        let record = record.ok()?;
        if record.rtype() != Rtype::OPT {
            continue;
        }
        if edns.is_some() || !record.owner().is_root() {
            return None;
        }
        // The time to live of such a record is flags (RFC 6891, 6.1.3).
        let dnssec_ok = record.ttl().as_secs() & 0x8000 != 0;
        edns = Some(Edns { payload: record.class().to_int(), dnssec_ok });
    }
    let header = message.header();
    let name = question.qname();
    Some(Query {
        id: header.id(),
        written: name.to_vec(),
        question: Question {
            name: name::plain(name),
            kind: question.qtype(),
            dnssec_ok: edns.is_some_and(|edns| edns.dnssec_ok),
            unchecked: header.cd(),
        },
        class: question.qclass(),
        recursion: header.rd(),
        edns,
        transport,
    })
}

/// The version that is spoken; 0 where none is.
fn edns_version(message: &Message<[u8]>) -> Option<u32> {
    let records = message.additional().ok()?;
    let mut opt = records.flatten().filter(|record| record.rtype() == Rtype::OPT);
    Some(opt.next().map_or(0, |record| record.ttl().as_secs() >> 16 & 0xff))
}
