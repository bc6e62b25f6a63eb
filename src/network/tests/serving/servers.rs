//! Nameservers that are dead, slow, old, or somebody else.

use crate::place::{Place, SOON, Start, file};
use crate::upstream::{Asked, Data, Told, Upstream, address, question, told};
use domain::base::Message;
use domain::base::iana::{Rcode, Rtype};
use serde_json::Value;
use std::collections::HashSet;
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const RULES: &[(&str, &str)] = &[("allow", "*.a.example")];

fn ask(place: &Place, name: &str) -> Told {
    told(&place.ask(&question(name, Rtype::A, 1232)))
}

fn good(asked: &Asked) -> Vec<u8> {
    asked.with(&[address(&asked.name(), "8.8.8.1")])
}

/// Takes questions and says nothing.
fn dead() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    (socket, at)
}

#[test]
fn a_dead_server_is_a_failure_after_its_time() {
    let (_socket, at) = dead();
    let place = Start::new(&[at], RULES).go();
    let begun = Instant::now();
    let answer = ask(&place, "a.example");
    assert_eq!((answer.rcode, answer.error), (Rcode::SERVFAIL, Some(22)));
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[test]
fn another_server_is_asked_and_remembered() {
    let (socket, at) = dead();
    let server = Upstream::new(|asked| vec![good(asked)]);
    let place = Start::new(&[at, server.at], RULES).go();
    for number in 0..5 {
        assert_eq!(ask(&place, &format!("x{number}.a.example")).addresses.len(), 1);
    }
    socket.set_nonblocking(true).unwrap();
    let mut space = [0; 512];
    assert!(socket.recv(&mut space).is_ok());
    assert!(socket.recv(&mut space).is_err(), "it was asked again");
    // One that is not there at all costs no time, and one that cannot help is not believed.
    let broken = Upstream::new(|asked| vec![asked.answer(Rcode::REFUSED, &[])]);
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Start::new(&[nobody, broken.at, server.at], RULES).go();
    assert_eq!(ask(&place, "y.a.example").addresses.len(), 1);
}

#[test]
fn what_does_not_fit_is_fetched_on_a_connection() {
    let many: Vec<_> = (0..60).map(|last| address("a.example", &format!("8.8.8.{last}"))).collect();
    let server = Upstream::new(move |asked| {
        let mut answer = asked.with(if asked.tcp { &many } else { &[] });
        if !asked.tcp {
            answer[2] |= 2;
        }
        vec![answer]
    });
    let place = Start::new(&[server.at], RULES).go();
    let answer = ask(&place, "a.example");
    assert_eq!(answer.addresses.len(), 60, "{answer:?}");
    assert_eq!(server.count(), 2);
    // The same on the way to the app.
    let small = told(&place.ask(&question("a.example", Rtype::A, 0)));
    assert!(small.truncated && small.records.is_empty());
    let mut stream = place.connect();
    stream.write_all(&crate::place::framed(&question("a.example", Rtype::A, 0))).unwrap();
    assert_eq!(told(&crate::place::read_framed(&mut stream)).addresses.len(), 60);
}

#[test]
fn answers_of_others_are_passed_over() {
    let server = Upstream::new(|asked| {
        let fake = |change: fn(&mut Vec<u8>)| {
            let mut fake = asked.with(&[address(&asked.name(), "6.6.6.6")]);
            change(&mut fake);
            fake
        };
        // From another port.
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        other.send_to(&fake(|_| {}), asked.from).unwrap();
        vec![
            fake(|bytes| bytes[0] ^= 1),
            fake(|bytes| bytes[2] &= 0x7f),
            fake(|bytes| bytes[13] ^= 1),
            fake(|bytes| bytes.truncate(11)),
            fake(|bytes| bytes[5] = 0),
            good(asked),
        ]
    });
    let place = Start::new(&[server.at], RULES).go();
    let answer = ask(&place, "a.example");
    assert_eq!(answer.records, ["a.example A 8.8.8.1"]);
}

#[test]
fn with_many_wrong_answers_a_connection_is_asked_for() {
    let server = Upstream::new(|asked| {
        let mut wrong = asked.with(&[address(&asked.name(), "6.6.6.6")]);
        wrong[0] ^= 1;
        if asked.tcp { vec![good(asked)] } else { vec![wrong; 40] }
    });
    let place = Start::new(&[server.at], RULES).go();
    assert_eq!(ask(&place, "a.example").records, ["a.example A 8.8.8.1"]);
}

#[test]
fn numbers_and_ports_are_new_each_time() {
    let server = Upstream::new(|asked| vec![good(asked)]);
    let place = Start::new(&[server.at], RULES).go();
    for number in 0..32 {
        ask(&place, &format!("x{number}.a.example"));
    }
    let asked = server.asked.lock().unwrap();
    let ids: HashSet<u16> = asked.iter().map(|asked| asked.message.header().id()).collect();
    let ports: HashSet<u16> = asked.iter().map(|asked| asked.from.port()).collect();
    assert!(ids.len() > 28 && ports.len() > 28, "{ids:?} {ports:?}");
}

#[test]
fn a_server_that_knows_nothing_beside_the_question_is_asked_without() {
    let server = Upstream::new(|asked| {
        if asked.message.opt().is_some() {
            return vec![asked.answer(Rcode::FORMERR, &[])];
        }
        vec![good(asked)]
    });
    let place = Start::new(&[server.at], RULES).go();
    assert_eq!(ask(&place, "a.example").addresses.len(), 1);
    assert_eq!(server.count(), 2);
}

#[test]
fn the_same_question_is_asked_once_for_all_who_wait() {
    static HELD: AtomicU32 = AtomicU32::new(0);
    let server = Upstream::new(|asked| {
        HELD.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        vec![good(asked)]
    });
    let place = Start::new(&[server.at], RULES).go();
    let apps: Vec<UdpSocket> = (0..10).map(|_| place.packets()).collect();
    for app in &apps {
        // Twice, as who has no patience does.
        app.send(&question("a.example", Rtype::A, 0)).unwrap();
        app.send(&question("a.example", Rtype::A, 0)).unwrap();
    }
    for app in &apps {
        assert_eq!(told(&place.answer(app, SOON).unwrap()).addresses.len(), 1);
    }
    assert_eq!(HELD.load(Ordering::SeqCst), 1);
}

#[test]
fn a_name_is_asked_for_as_it_is_whatever_is_searched() {
    let server = Upstream::new(|asked| vec![asked.answer(Rcode::NXDOMAIN, &[])]);
    let place = Start::new(&[server.at], &[("allow", "*")]).go();
    assert_eq!(ask(&place, "printer").rcode, Rcode::NXDOMAIN);
    let asked = server.asked.lock().unwrap();
    assert!(asked.len() == 1 && asked[0].name() == "printer");
}

#[test]
fn the_hosts_servers_are_those_that_its_file_names_now() {
    let conf = file("nameserver 127.0.0.77\noptions timeout:1 attempts:1\n");
    let start = Start::new(&[], RULES);
    let mut line = start.line.clone();
    line["nameservers"] = Value::Null;
    line["resolv_conf"] = conf.to_str().unwrap().into();
    let place = Start { line, ..start }.go();
    // Nobody is there, and the kernel says so at once.
    assert_eq!(ask(&place, "a.example").rcode, Rcode::SERVFAIL);
    assert!(place.ends());
    std::fs::remove_file(conf).unwrap();
}

#[test]
fn a_server_may_say_what_it_likes() {
    let next = AtomicU32::new(0);
    let server = Upstream::new(move |asked| {
        let seed = next.fetch_add(1, Ordering::SeqCst);
        let mut answer = asked.with(&[
            address(&asked.name(), "8.8.8.1"),
            (asked.name(), 1, Data::Alias("b.a.example".to_owned())),
            (asked.name(), 1, Data::Raw(65, vec![0, 1, 0, 0, 4, 0, 4, 8, 8, 8, 8])),
        ]);
        let mut mixed = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for _ in 0..=seed % 4 {
            mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let at = 12 + (mixed >> 8) as usize % (answer.len() - 12);
            answer[at] = mixed as u8;
        }
        vec![answer, good(asked)]
    });
    let place = Start::new(&[server.at], RULES).go();
    for number in 0..1500 {
        let answer = place.ask(&question(&format!("x{number}.a.example"), Rtype::A, 1232));
        assert!(Message::from_octets(answer).is_ok());
    }
}
