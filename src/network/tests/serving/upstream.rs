//! A nameserver of the test's own, on the loopback.

use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::message_builder::{AnswerBuilder, MessageBuilder, StaticCompressor};
use domain::base::rdata::UnknownRecordData;
use domain::base::{Message, Name, ToName as _, Ttl};
use domain::rdata::{A, Aaaa, Cname, Mx, Txt};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

/// A question as a server gets it.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) message: Message<Vec<u8>>,
    pub(crate) tcp: bool,
    pub(crate) from: SocketAddr,
}

impl Asked {
    /// The name without its dot.
    pub(crate) fn name(&self) -> String {
        self.message.first_question().unwrap().qname().to_string()
    }

    pub(crate) fn kind(&self) -> Rtype {
        self.message.first_question().unwrap().qtype()
    }

    /// An answer with these records.
    pub(crate) fn with(&self, records: &[Record]) -> Vec<u8> {
        self.answer(Rcode::NOERROR, records)
    }

    pub(crate) fn answer(&self, rcode: Rcode, records: &[Record]) -> Vec<u8> {
        let target = StaticCompressor::new(Vec::new());
        let builder = MessageBuilder::from_target(target).unwrap();
        let mut builder = builder.start_answer(&self.message, rcode).unwrap();
        for record in records {
            push(record, &mut builder);
        }
        builder.finish().into_target()
    }
}

/// A record: the name, the time, and what it says.
pub(crate) type Record = (String, u32, Data);

#[derive(Clone)]
pub(crate) enum Data {
    Address(IpAddr),
    Alias(String),
    Mail(String),
    Text(String),
    Raw(u16, Vec<u8>),
}

fn push((owner, ttl, data): &Record, builder: &mut AnswerBuilder<StaticCompressor<Vec<u8>>>) {
    let (owner, ttl) = (name(owner), Ttl::from_secs(*ttl));
    match data {
        Data::Address(IpAddr::V4(one)) => builder.push((owner, ttl, A::from(*one))),
        Data::Address(IpAddr::V6(one)) => builder.push((owner, ttl, Aaaa::from(*one))),
        Data::Alias(to) => builder.push((owner, ttl, Cname::new(name(to)))),
        Data::Mail(to) => builder.push((owner, ttl, Mx::new(10, name(to)))),
        Data::Text(text) => {
            let text = Txt::<Vec<u8>>::build_from_slice(text.as_bytes()).unwrap();
            builder.push((owner, ttl, text))
        }
        Data::Raw(kind, octets) => {
            let kind = Rtype::from_int(*kind);
            builder.push((owner, ttl, UnknownRecordData::from_octets(kind, octets).unwrap()))
        }
    }
    .unwrap();
}

pub(crate) fn name(text: &str) -> Name<Vec<u8>> {
    Name::vec_from_str(text).unwrap()
}

pub(crate) fn address(owner: &str, address: &str) -> Record {
    (owner.to_owned(), 300, Data::Address(address.parse().unwrap()))
}

pub(crate) fn alias(owner: &str, to: &str) -> Record {
    (owner.to_owned(), 300, Data::Alias(to.to_owned()))
}

/// A server; what it does is a function of what it is asked.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) at: SocketAddr,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
}

impl Upstream {
    /// Answers with what `act` makes of a question; one packet for each.
    pub(crate) fn new(act: impl Fn(&Asked) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
                break (udp, tcp);
            }
        };
        let server = Self { at: udp.local_addr().unwrap(), asked: Arc::default() };
        let act = Arc::new(act);
        let (packets, of_packets) = (server.clone(), act.clone());
        thread::spawn(move || {
            let mut space = [0; 4096];
            while let Ok((count, from)) = udp.recv_from(&mut space) {
                let Ok(message) = Message::from_octets(space[..count].to_vec()) else { continue };
                let asked = Asked { message, tcp: false, from };
                packets.asked.lock().unwrap().push(asked.clone());
                for answer in of_packets(&asked) {
                    udp.send_to(&answer, from).unwrap();
                }
            }
        });
        let connections = server.clone();
        thread::spawn(move || {
            while let Ok((mut stream, from)) = tcp.accept() {
                let mut length = [0; 2];
                if stream.read_exact(&mut length).is_err() {
                    continue;
                }
                let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut message).unwrap();
                let message = Message::from_octets(message).unwrap();
                let asked = Asked { message, tcp: true, from };
                connections.asked.lock().unwrap().push(asked.clone());
                for answer in act(&asked) {
                    let _ = stream.write_all(&super::place::framed(&answer));
                }
            }
        });
        server
    }

    /// Answers every question about addresses of a name in this list, and no other name exists.
    pub(crate) fn of(records: Vec<Record>) -> Self {
        Self::new(move |asked| {
            let (mut chain, mut found) = (vec![asked.name()], Vec::new());
            for record in &records {
                if !chain.contains(&record.0) {
                    continue;
                }
                match &record.2 {
                    Data::Alias(to) => chain.push(to.clone()),
                    Data::Address(one) if (asked.kind() == Rtype::A) != one.is_ipv4() => continue,
                    _ => {}
                }
                found.push(record.clone());
            }
            let known = records.iter().any(|record| record.0 == asked.name());
            vec![asked.answer(if known { Rcode::NOERROR } else { Rcode::NXDOMAIN }, &found)]
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// A question: with what is said beside, unless `edns` is 0.
pub(crate) fn question(owner: &str, kind: Rtype, edns: u16) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(0x1234);
    builder.header_mut().set_rd(true);
    let mut builder = builder.question();
    builder.push((name(owner), kind, Class::IN)).unwrap();
    let mut builder = builder.additional();
    if edns > 0 {
        builder
            .opt(|opt| {
                opt.set_udp_payload_size(edns);
                Ok(())
            })
            .unwrap();
    }
    builder.finish()
}

/// An answer, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) rcode: Rcode,
    pub(crate) truncated: bool,
    /// Each as `NAME TTL CLASS TYPE DATA`.
    pub(crate) records: Vec<String>,
    pub(crate) addresses: Vec<IpAddr>,
    /// The number of an extended error.
    pub(crate) error: Option<u16>,
}

pub(crate) fn told(bytes: &[u8]) -> Told {
    use domain::base::opt::ExtendedError;
    use domain::rdata::AllRecordData;
    let message = Message::from_octets(bytes).unwrap();
    assert!(message.header().qr() && message.header().id() == 0x1234);
    let (mut records, mut addresses) = (Vec::new(), Vec::new());
    for record in message.answer().unwrap() {
        let record = record.unwrap();
        let record =
            record.to_any_record::<AllRecordData<_, domain::base::ParsedName<_>>>().unwrap();
        match record.data() {
            AllRecordData::A(one) => addresses.push(IpAddr::V4(one.addr())),
            AllRecordData::Aaaa(one) => addresses.push(IpAddr::V6(one.addr())),
            _ => {}
        }
        let owner = record.owner().to_vec();
        records.push(format!("{owner} {} {}", record.rtype(), record.data()));
    }
    let opt = message.opt();
    let error = opt.as_ref().and_then(|opt| opt.opt().first::<ExtendedError<_>>());
    Told {
        rcode: message.header().rcode(),
        truncated: message.header().tc(),
        records,
        addresses,
        error: error.map(|error| error.code().to_int()),
    }
}
