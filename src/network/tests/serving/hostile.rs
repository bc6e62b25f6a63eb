//! Apps that mean harm, or make no sense: nothing of it keeps others from being served.

use crate::place::{Place, SOON, Start, framed};
use crate::upstream::{Upstream, address, question, told};
use domain::base::iana::{Rcode, Rtype};
use std::io::Write as _;
use std::net::UdpSocket;

const RULES: &[(&str, &str)] = &[("allow", "*.a.example")];

fn place() -> (Upstream, Place) {
    let server = Upstream::new(|asked| vec![asked.with(&[address(&asked.name(), "8.8.8.1")])]);
    let place = Start::new(&[server.at], RULES).go();
    (server, place)
}

fn still_serves(place: &Place) {
    assert_eq!(told(&place.ask(&question("a.example", Rtype::A, 0))).addresses.len(), 1);
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as usize % bound
    }

    /// A message with a few mistakes in it, or no message at all.
    fn garbage(&mut self) -> Vec<u8> {
        if self.below(4) == 0 {
            return (0..self.below(600)).map(|_| self.below(256) as u8).collect();
        }
        let name = ["a.example", "b.a.example", "x.test"][self.below(3)];
        let mut bytes = question(name, Rtype::from_int(self.below(300) as u16), 1232);
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = 0xc0,
                2 => bytes.extend_from_within(at..),
                _ => bytes[at] = self.below(256) as u8,
            }
        }
        bytes
    }
}

#[test]
fn garbage_in_packets() {
    let (_server, place) = place();
    let mut random = Random(1);
    let app = place.packets();
    for number in 0..20_000 {
        let _ = app.send(&random.garbage());
        if number % 2000 == 0 {
            still_serves(&place);
        }
    }
    still_serves(&place);
}

#[test]
fn garbage_on_connections() {
    let (_server, place) = place();
    let mut random = Random(2);
    for _ in 0..300 {
        let mut stream = place.connect();
        for _ in 0..random.below(20) {
            let bytes = random.garbage();
            let bytes = if random.below(8) == 0 { bytes } else { framed(&bytes) };
            if stream.write_all(&bytes).is_err() {
                break;
            }
        }
    }
    still_serves(&place);
}

#[test]
fn what_is_no_question_is_answered_by_a_word_or_not_at_all() {
    let (_server, place) = place();
    let good = question("a.example", Rtype::A, 0);
    let rcode = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        let answer = place.ask(&bytes);
        answer[3] & 15
    };
    assert_eq!(rcode(|bytes| bytes.truncate(20)), 1);
    assert_eq!(rcode(|bytes| bytes[5] = 0), 1);
    assert_eq!(rcode(|bytes| bytes[5] = 2), 1);
    assert_eq!(rcode(|bytes| bytes[7] = 1), 1);
    assert_eq!(rcode(|bytes| bytes[2] |= 0x28), 4);
    // An answer is not answered, or two of a kind would talk for ever.
    let app = place.packets();
    app.send(&[&[0x12, 0x34, 0x80][..], &good[3..]].concat()).unwrap();
    app.send(&good[..11]).unwrap();
    app.send(&good).unwrap();
    assert_eq!(told(&place.answer(&app, SOON).unwrap()).addresses.len(), 1);
    // Whatever was to be said has been said before this.
    still_serves(&place);
    assert!(place.answer(&app, std::time::Duration::from_millis(1)).is_none());
}

#[test]
fn names_that_look_like_others_are_none() {
    let (server, place) = place();
    let mut odd = question("xxxxxxxxx", Rtype::A, 0);
    // One label with a dot in it, and then one with an end of line.
    for text in [&b"a.example"[..], b"a\nexampl\0"] {
        odd[13..22].copy_from_slice(text);
        assert_eq!(told(&place.ask(&odd)).rcode, Rcode::NXDOMAIN);
        let line = place.line(|line| line["kind"] == "name");
        assert!(line["would_allow"].is_null(), "{line}");
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn a_flood_is_bounded_and_told_in_a_few_lines() {
    let dead = UdpSocket::bind("127.0.0.1:0").unwrap();
    let start = Start::new(&[dead.local_addr().unwrap()], RULES);
    let place = start.with("timeout", serde_json::json!(60_000)).go();
    let app = place.packets();
    for number in 0..5000 {
        let _ = app.send(&question(&format!("x{number}.a.example"), Rtype::A, 0));
        let _ = app.send(&question(&format!("x{number}.evil.example"), Rtype::A, 0));
    }
    place.all(|_| false);
    let open = std::fs::read_dir(format!("/proc/{}/fd", place.pid())).unwrap().count();
    assert!(open < 300, "{open} descriptors");
    let lines = place.all(|line| line["event"] == "denied");
    assert!(lines.len() <= 300, "{} lines", lines.len());
    let status = std::fs::read_to_string(format!("/proc/{}/status", place.pid())).unwrap();
    assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "{status}");
}
