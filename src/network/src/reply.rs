//! What is said to an app: every answer is written anew, with the app's own number and question, and
//! no longer than it takes.

use crate::name::Plain;
use crate::query::{Edns, PAYLOAD, Query};
use domain::base::iana::{ExtendedErrorCode, OptRcode, Rcode};
use domain::base::message_builder::{
    AdditionalBuilder, AnswerBuilder, AuthorityBuilder, MessageBuilder, PushError, StaticCompressor,
};
use domain::base::opt::ExtendedError;
use domain::base::{Header, Ttl};
use domain::rdata::{A, Aaaa, Ptr};
use std::net::IpAddr;

/// A message that is being written.
pub type Draft = StaticCompressor<Vec<u8>>;

/// The bytes that are kept for what is said beside (RFC 6891): its header, and one error.
const BESIDE: usize = 11 + 6 + 64;

/// Why an answer is not what the app hoped for (RFC 8914).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The rules refuse the name.
    Name,
    /// The rules refuse every address of it.
    Addresses,
    /// No server answered.
    Nobody,
    /// The walls could not be told.
    Walls,
}

impl Why {
    fn told(self) -> (ExtendedErrorCode, &'static str) {
        match self {
            Self::Name => (ExtendedErrorCode::BLOCKED, "no rule of the sandbox allows this name"),
            Self::Addresses => {
                (ExtendedErrorCode::FILTERED, "no rule of the sandbox allows its addresses")
            }
            Self::Nobody => (ExtendedErrorCode::NO_REACHABLE_AUTHORITY, "no server answered"),
            Self::Walls => (ExtendedErrorCode::OTHER, "the sandbox could not take the answer"),
        }
    }
}

/// A record that is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// An address.
    Address(IpAddr),
    /// A name.
    Name(Plain),
}

/// The answer to what is no question: only the header.
#[must_use]
pub fn bare(asked: Header, rcode: Rcode) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    let header = builder.header_mut();
    header.set_id(asked.id());
    header.set_qr(true);
    header.set_opcode(asked.opcode());
    header.set_rd(asked.rd());
    header.set_ra(true);
    header.set_rcode(rcode);
    builder.finish()
}

/// An answer without records.
#[must_use]
pub fn failure(query: &Query, rcode: OptRcode, why: Option<Why>) -> Vec<u8> {
    write(query, rcode, false, why, |_| Ok(()), |_| Ok(()))
}

/// An answer of what is known here.
#[must_use]
pub fn known(query: &Query, records: &[Known], ttl: u32, why: Option<Why>) -> Vec<u8> {
    let (owner, ttl) = (&query.written, Ttl::from_secs(ttl));
    let push = |answer: &mut AnswerBuilder<Draft>| {
        records.iter().try_for_each(|record| match record {
            Known::Address(IpAddr::V4(address)) => answer.push((owner, ttl, A::from(*address))),
            Known::Address(IpAddr::V6(address)) => answer.push((owner, ttl, Aaaa::from(*address))),
            Known::Name(name) => answer.push((owner, ttl, Ptr::new(name))),
        })
    };
    write(query, OptRcode::NOERROR, false, why, push, |_| Ok(()))
}

/// Writes an answer. Where the records are too many, there are none, and the app is told to come again
/// by TCP.
pub fn write(
    query: &Query,
    rcode: OptRcode,
    authentic: bool,
    why: Option<Why>,
    answers: impl Fn(&mut AnswerBuilder<Draft>) -> Result<(), PushError>,
    authority: impl Fn(&mut AuthorityBuilder<Draft>) -> Result<(), PushError>,
) -> Vec<u8> {
    let full = || {
        let mut answer = begin(query, rcode, authentic).ok()?;
        answers(&mut answer).ok()?;
        let mut after = answer.authority();
        authority(&mut after).ok()?;
        Some(finish(query, rcode, why, after.additional()))
    };
    full().unwrap_or_else(|| {
        let Ok(mut answer) = begin(query, rcode, false) else { return Vec::new() };
        answer.header_mut().set_tc(true);
        finish(query, rcode, None, answer.additional())
    })
}

fn begin(
    query: &Query,
    rcode: OptRcode,
    authentic: bool,
) -> Result<AnswerBuilder<Draft>, PushError> {
    let mut builder = MessageBuilder::from_target(StaticCompressor::new(Vec::with_capacity(512)))
        .map_err(|_| PushError::ShortBuf)?;
    builder.set_push_limit(query.limit() - BESIDE);
    let header = builder.header_mut();
    header.set_id(query.id);
    header.set_qr(true);
    header.set_rd(query.recursion);
    header.set_ra(true);
    header.set_ad(authentic);
    header.set_cd(query.question.unchecked);
    header.set_rcode(rcode.rcode());
    let mut builder = builder.question();
    builder.push((&query.written, query.question.kind, query.class))?;
    Ok(builder.answer())
}

/// Says what is said beside, to whom knows of it.
fn finish(
    query: &Query,
    rcode: OptRcode,
    why: Option<Why>,
    mut builder: AdditionalBuilder<Draft>,
) -> Vec<u8> {
    builder.clear_push_limit();
    if let Some(Edns { dnssec_ok, .. }) = query.edns {
        // A vector takes what it is given.
        let _ = builder.opt(|opt| {
            opt.set_udp_payload_size(PAYLOAD);
            opt.set_dnssec_ok(dnssec_ok);
            opt.set_rcode(rcode);
            let Some((code, text)) = why.map(Why::told) else { return Ok(()) };
            match ExtendedError::<Vec<u8>>::new_with_str(code, text) {
                Ok(error) => opt.push(&error),
                Err(_) => Ok(()),
            }
        });
    }
    builder.finish().into_target()
}
