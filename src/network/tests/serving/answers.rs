//! What an app is told: what the rules allow, and nothing else.

use crate::place::{Start, Walls, file};
use crate::upstream::{Data, Told, Upstream, address, alias, question, told};
use domain::base::iana::{Rcode, Rtype};
use serde_json::json;

const ALLOWED: &[(&str, &str)] = &[("allow", "a.example:443"), ("deny", "*.bad.example")];

fn ask(place: &crate::place::Place, name: &str, kind: Rtype) -> Told {
    told(&place.ask(&question(name, kind, 1232)))
}

#[test]
fn an_allowed_name_is_resolved_once_the_walls_know_it() {
    let server = Upstream::of(vec![
        alias("a.example", "cdn.test"),
        address("cdn.test", "8.8.8.1"),
        address("cdn.test", "2606:4700::1"),
    ]);
    let place = Start::new(&[server.at], ALLOWED).go();
    let answer = ask(&place, "A.Example", Rtype::A);
    assert_eq!(answer.records, ["A.Example CNAME cdn.test.", "cdn.test A 8.8.8.1"]);
    assert_eq!((answer.rcode, answer.error), (Rcode::NOERROR, None));
    let line = place.line(|line| line.get("walls").is_some());
    let wanted =
        json!([{ "address": "8.8.8.1", "names": ["a.example", "cdn.test"], "seconds": 900 }]);
    assert_eq!(line["names"], wanted);
    assert_eq!(ask(&place, "a.example", Rtype::AAAA).addresses.len(), 1);
    // What is asked of the server says nothing of how it was written, and asks for all the work.
    let asked = server.asked.lock().unwrap()[0].clone();
    assert!(asked.name() == "a.example" && asked.message.header().rd());
    assert!(place.ends());
}

#[test]
fn a_name_that_no_rule_allows_does_not_exist_and_nobody_is_asked() {
    let server = Upstream::of(vec![address("b.example", "8.8.8.1")]);
    let place = Start::new(&[server.at], ALLOWED).go();
    for name in ["b.example", "x.a.example", "example", "use-application-dns.net"] {
        let answer = ask(&place, name, Rtype::A);
        let error = (name != "use-application-dns.net").then_some(15);
        assert_eq!((answer.rcode, answer.error), (Rcode::NXDOMAIN, error), "{name}");
    }
    // Who does not know of errors is not told of them.
    let answer = told(&place.ask(&question("b.example", Rtype::A, 0)));
    assert_eq!((answer.rcode, answer.error), (Rcode::NXDOMAIN, None));
    assert_eq!(server.count(), 0);
    let line = place.line(|line| line["name"] == "b.example");
    let told = (&line["event"], &line["kind"], &line["would_allow"]);
    assert_eq!(told, (&json!("denied"), &json!("name"), &json!("b.example")));
}

#[test]
fn an_alias_of_a_refused_name_leads_nowhere() {
    let rules = [("allow", "*.example"), ("deny", "*.tracker.test"), ("allow", "good.test")];
    let server = Upstream::of(vec![
        alias("a.example", "x.tracker.test"),
        address("x.tracker.test", "8.8.8.1"),
        alias("b.example", "other.test"),
        address("other.test", "8.8.8.2"),
        alias("loop.example", "loop2.example"),
        alias("loop2.example", "loop.example"),
        address("loop.example", "8.8.8.3"),
    ]);
    let place = Start::new(&[server.at], &rules).go();
    let answer = ask(&place, "a.example", Rtype::A);
    assert_eq!((answer.rcode, answer.addresses.len(), answer.error), (Rcode::NOERROR, 0, Some(17)));
    let line = place.line(|line| line["kind"] == "addresses");
    assert_eq!(line["names"], json!(["a.example", "x.tracker.test"]));
    assert_eq!(line["addresses"], json!(["8.8.8.1"]));
    assert_eq!(ask(&place, "b.example", Rtype::A).addresses.len(), 1);
    assert_eq!(ask(&place, "loop.example", Rtype::A).addresses.len(), 1);
}

#[test]
fn an_allowed_name_does_not_lead_into_the_local_network() {
    let server = Upstream::of(vec![
        address("a.example", "192.168.1.1"),
        address("a.example", "10.9.9.9"),
        address("a.example", "8.8.8.8"),
        address("a.example", "127.0.0.1"),
        address("a.example", "::ffff:192.168.1.1"),
        address("a.example", "fd00::1"),
    ]);
    let rules = [("allow", "a.example"), ("allow", "10.9.9.9:80")];
    let place = Start::new(&[server.at], &rules).with("host", json!(["8.8.4.4"])).go();
    let answer = ask(&place, "a.example", Rtype::A);
    let kept: Vec<String> = answer.addresses.iter().map(ToString::to_string).collect();
    assert_eq!((kept, answer.error), (vec!["10.9.9.9".to_owned(), "8.8.8.8".to_owned()], None));
    let answer = ask(&place, "a.example", Rtype::AAAA);
    assert_eq!((answer.addresses.len(), answer.error), (0, Some(17)));
    let line = place.line(|line| line["kind"] == "addresses");
    assert_eq!(line["addresses"], json!(["192.168.1.1", "127.0.0.1"]));
}

#[test]
fn this_computer_is_no_answer() {
    let server = Upstream::of(vec![address("a.example", "8.8.4.4")]);
    let start = Start::new(&[server.at], &[("allow", "*")]);
    let place = start.with("host", json!(["8.8.4.4"])).go();
    assert_eq!(ask(&place, "a.example", Rtype::A).addresses.len(), 0);
}

#[test]
fn services_keep_the_addresses_that_remain() {
    let hints = |target: &[u8], mandatory: bool| {
        let mut data = [&[0, 1][..], target].concat();
        if mandatory {
            data.extend([0, 0, 0, 2, 0, 4]);
        }
        data.extend([0, 1, 0, 3, 2, b'h', b'2']);
        data.extend([0, 4, 0, 8, 8, 8, 8, 8, 192, 168, 1, 1]);
        data.extend([0, 6, 0, 16, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        data
    };
    let lan = vec![0, 1, 0, 0, 0, 0, 2, 0, 4, 0, 4, 0, 4, 192, 168, 1, 1];
    let one = |data| (("a.example").to_owned(), 300, Data::Raw(65, data));
    let refused = b"\x03bad\x04test\0";
    let server = Upstream::of(vec![one(hints(b"\0", false)), one(lan), one(hints(refused, false))]);
    let place = Start::new(&[server.at], ALLOWED).go();
    let answer = ask(&place, "a.example", Rtype::HTTPS);
    assert_eq!(answer.records, ["a.example HTTPS 1 . alpn=h2 ipv4hint=8.8.8.8"]);
    let line = place.line(|line| line.get("walls").is_some());
    assert_eq!(line["names"][0]["address"], "8.8.8.8");
}

#[test]
fn other_records_of_allowed_names_go_on() {
    let raw = |kind, data: &[u8]| ("a.example".to_owned(), 99999, Data::Raw(kind, data.to_vec()));
    let server = Upstream::new(move |asked| {
        let records = match asked.kind() {
            Rtype::TXT => vec![("a.example".to_owned(), 9, Data::Text("hello".to_owned()))],
            Rtype::MX => vec![("a.example".to_owned(), 9, Data::Mail("mail.a.example".to_owned()))],
            // One that nobody knows, and one that may have pointers which nobody here would follow.
            _ => vec![
                raw(65280, b"\x01\x02"),
                raw(18, b"\0\x01\xc0\x0c"),
                raw(33, b"\0\0\0\0\x01\xbb\x01b\0"),
            ],
        };
        vec![asked.with(&records)]
    });
    let place = Start::new(&[server.at], ALLOWED).go();
    assert_eq!(ask(&place, "a.example", Rtype::TXT).records, ["a.example TXT \"hello\""]);
    assert_eq!(ask(&place, "a.example", Rtype::MX).records, ["a.example MX 10 mail.a.example."]);
    let answer = ask(&place, "a.example", Rtype::SRV);
    assert_eq!(answer.records[0], "a.example TYPE65280 \\# 2 01 02");
    assert_eq!((answer.records.len(), answer.records[1].as_str()), (2, "a.example SRV 0 0 443 b"));
}

#[test]
fn records_of_names_that_were_not_asked_for_are_left_out() {
    let server = Upstream::new(|asked| {
        let records = [address("a.example", "8.8.8.1"), address("bank.test", "8.8.8.2")];
        vec![asked.with(&records)]
    });
    let place = Start::new(&[server.at], ALLOWED).go();
    assert_eq!(ask(&place, "a.example", Rtype::A).records, ["a.example A 8.8.8.1"]);
}

#[test]
fn what_the_walls_do_not_take_is_not_told() {
    let server = Upstream::of(vec![address("a.example", "8.8.8.1")]);
    for walls in [Walls::Refused, Walls::Silent] {
        let place = Start::new(&[server.at], ALLOWED).walls(walls).go();
        let answer = ask(&place, "a.example", Rtype::A);
        assert_eq!((answer.rcode, answer.addresses.len()), (Rcode::SERVFAIL, 0));
    }
}

#[test]
fn the_host_knows_some_names_by_itself() {
    let hosts = file(
        "8.8.8.7 a.example\n192.168.1.7 a.example\n0.0.0.0 ads.a.example\n127.0.0.1 localhost\n",
    );
    let server = Upstream::of(Vec::new());
    let rules = [("allow", "*.a.example"), ("allow", "8.8.8.0/24")];
    let place = Start::new(&[server.at], &rules).with("hosts", json!(hosts)).go();
    let addresses = |name, kind| {
        let told = ask(&place, name, kind);
        (told.rcode, told.addresses.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let found = |one: &str| (Rcode::NOERROR, vec![one.to_owned()]);
    assert_eq!(addresses("a.example", Rtype::A), found("8.8.8.7"));
    assert_eq!(addresses("a.example", Rtype::AAAA), (Rcode::NOERROR, vec![]));
    assert_eq!(addresses("ads.a.example", Rtype::A), (Rcode::NOERROR, vec![]));
    assert_eq!(addresses("localhost", Rtype::A), found("127.0.0.1"));
    assert_eq!(addresses("x.localhost", Rtype::AAAA), found("::1"));
    let pointer = |name| ask(&place, name, Rtype::PTR).records;
    assert_eq!(pointer("1.0.0.127.in-addr.arpa"), ["1.0.0.127.in-addr.arpa PTR localhost."]);
    assert_eq!(pointer("7.8.8.8.in-addr.arpa"), ["7.8.8.8.in-addr.arpa PTR a.example."]);
    assert_eq!(server.count(), 0);
    // The names of what is reachable are asked for, and of nothing else.
    ask(&place, "9.8.8.8.in-addr.arpa", Rtype::PTR);
    assert_eq!(server.count(), 1);
    for name in ["9.9.9.9.in-addr.arpa", "8.8.8.in-addr.arpa", "1.1.168.192.in-addr.arpa"] {
        assert_eq!(ask(&place, name, Rtype::PTR).rcode, Rcode::NXDOMAIN, "{name}");
    }
    assert_eq!(server.count(), 1);
    std::fs::remove_file(hosts).unwrap();
}
