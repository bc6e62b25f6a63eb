//! A question of an app's and the answer of a server, both as they come from the network: two bytes with
//! the length of the first, then one after the other.

use arkose_network::answer::{Judged, LONGEST};
use arkose_network::name;
use arkose_network::policy::{NameVerdict, Policy};
use arkose_network::query::{Query, Read, Transport, read};
use arkose_network::reply::{self, Why};
use arkose_profile::net::{Class, class};
use domain::base::iana::{Class as DnsClass, OptRcode, Rtype};
use domain::base::{Message, ParsedName, ToName as _};
use domain::rdata::{AllRecordData, svcb::value};
use std::net::IpAddr;

/// Lets everything through that is on the internet.
struct Public;

impl Policy for Public {
    fn name(&self, name: &str) -> NameVerdict {
        if name.ends_with("bad") { NameVerdict::Refuse } else { NameVerdict::Resolve }
    }

    fn may_reach(&self, address: IpAddr, _: &[String]) -> bool {
        class(address) == Class::Public
    }
}

/// Tries one question and its answer.
pub fn try_one(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk() else { return };
    let length = usize::from(u16::from_be_bytes(*length));
    let (question, answer) = rest.split_at(length.min(rest.len()));
    for transport in [Transport::Udp, Transport::Tcp] {
        match read(question, transport) {
            Read::Query(query) => answered(&query, question, answer),
            Read::Refused(told) => assert_eq!(told[..2], question[..2]),
            Read::Nothing => {}
        }
    }
}

fn answered(query: &Query, question: &[u8], answer: &[u8]) {
    if let Some(text) = name::text(&query.question.name) {
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(".."), "{text}");
        assert_eq!(text, text.to_ascii_lowercase());
    }
    assert_eq!(name::plain(&query.written), query.question.name);
    whole(query, &reply::failure(query, OptRcode::SERVFAIL, Some(Why::Nobody)), question);
    let Ok(message) = Message::from_slice(answer) else { return };
    let Some(judged) = Judged::of(message, &query.question, &Public) else { return };
    for learned in judged.learned() {
        assert!(class(learned.address) == Class::Public && learned.ttl <= LONGEST);
        assert!(learned.names.len() <= 16 && judged.names == learned.names);
    }
    let told = judged.write(message, query, &Public);
    whole(query, &told, question);
    for address in addresses(&told) {
        assert!(judged.kept.contains(&address.to_canonical()), "{address}");
    }
    // What was held against the rules once is the same the second time.
    let told = Message::from_slice(&told).expect("a message");
    if !told.header().tc() && query.question.kind != Rtype::ANY {
        let again = Judged::of(told, &query.question, &Public).expect("an answer");
        assert!(again.dropped.is_empty() && again.kept.len() <= judged.kept.len());
    }
}

/// What is told is a whole message, no longer than is taken, that repeats the question.
fn whole(query: &Query, told: &[u8], question: &[u8]) {
    assert!(told.len() <= query.limit() && told[..2] == question[..2] && told[2] & 0x80 != 0);
    let message = Message::from_slice(told).expect("a message");
    let asked = message.sole_question().expect("a question");
    assert!(asked.qname().name_eq(&query.written) && asked.qtype() == query.question.kind);
    for record in message.iter() {
        let (record, _) = record.expect("a record");
        assert!(record.class() == DnsClass::IN || record.rtype() == Rtype::OPT);
    }
    assert_eq!(message.opt().is_some(), query.edns.is_some());
}

/// Every address in an answer, in hints as well.
fn addresses(told: &[u8]) -> Vec<IpAddr> {
    let message = Message::from_slice(told).expect("a message");
    let mut found = Vec::new();
    for record in message.answer().expect("answers").flatten() {
        match record
            .to_any_record::<AllRecordData<&[u8], ParsedName<&[u8]>>>()
            .map(|one| one.into_data())
        {
            Ok(AllRecordData::A(one)) => found.push(one.addr().into()),
            Ok(AllRecordData::Aaaa(one)) => found.push(one.addr().into()),
            Ok(AllRecordData::Https(one)) => {
                let four = one.params().iter::<value::Ipv4Hint<_>>().flatten();
                found.extend(
                    four.flat_map(|hint| hint.iter().map(IpAddr::from).collect::<Vec<_>>()),
                );
                let six = one.params().iter::<value::Ipv6Hint<_>>().flatten();
                found
                    .extend(six.flat_map(|hint| hint.iter().map(IpAddr::from).collect::<Vec<_>>()));
            }
            _ => {}
        }
    }
    found
}
