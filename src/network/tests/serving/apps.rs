//! How apps ask: connections, pipelines, slow ones and impatient ones, and the `dig` of BIND.

use crate::place::{Place, Start, framed, read_framed};
use crate::upstream::{Upstream, address, question, told};
use domain::base::iana::{Rcode, Rtype};
use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::process::Command;
use std::thread;
use std::time::Duration;

const RULES: &[(&str, &str)] = &[("allow", "*.a.example")];

fn place() -> Place {
    Start::new(&[server().at], RULES).go()
}

fn server() -> Upstream {
    Upstream::new(|asked| vec![asked.with(&[address(&asked.name(), "8.8.8.1")])])
}

#[test]
fn questions_come_one_after_another_on_a_connection() {
    let place = place();
    let mut stream = place.connect();
    let questions: Vec<u8> = (0..100)
        .flat_map(|number| framed(&question(&format!("x{number}.a.example"), Rtype::A, 0)))
        .collect();
    stream.write_all(&questions).unwrap();
    // What was asked is answered, also to whom says no more.
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let names: HashSet<String> =
        (0..100).map(|_| told(&read_framed(&mut stream)).records[0].clone()).collect();
    assert_eq!((stream.read(&mut [0]).unwrap(), names.len()), (0, 100));
}

#[test]
fn a_question_may_come_byte_by_byte() {
    let place = place();
    let mut stream = place.connect();
    stream.set_nodelay(true).unwrap();
    for byte in framed(&question("a.example", Rtype::A, 0)) {
        stream.write_all(&[byte]).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(told(&read_framed(&mut stream)).addresses.len(), 1);
}

#[test]
fn many_who_say_nothing_keep_nobody_from_asking_by_packets() {
    let place = place();
    let idle: Vec<_> = (0..100).map(|_| place.connect()).collect();
    assert_eq!(told(&place.ask(&question("a.example", Rtype::A, 0))).addresses.len(), 1);
    // Half a question is given up like none, and then others have their turn.
    (&idle[0]).write_all(&[0]).unwrap();
    let mut last = idle.last().unwrap();
    last.write_all(&framed(&question("b.example", Rtype::A, 0))).unwrap();
    let mut length = [0; 2];
    last.read_exact(&mut length).unwrap();
    assert_eq!((&idle[0]).read(&mut length).unwrap(), 0);
}

#[test]
fn dig_understands_the_answers() {
    if Command::new("dig").arg("-v").output().is_err() {
        println!("skipped: dig is not installed");
        return;
    }
    let server = Upstream::of(vec![address("x.a.example", "8.8.8.1")]);
    let place = Start::new(&[server.at], RULES).go();
    let dig = |words: &[&str]| {
        let mut command = Command::new("dig");
        let (address, port) = (place.udp.ip().to_string(), place.udp.port().to_string());
        command.arg(format!("@{address}")).args(["-p", &port]).args(words);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(dig(&["+short", "x.a.example"]).trim(), "8.8.8.1");
    let refused = dig(&["evil.example"]);
    assert!(refused.contains("NXDOMAIN") && refused.contains("EDE: 15 (Blocked)"), "{refused}");
    assert!(dig(&["+edns=1", "+noednsneg", "x.a.example"]).contains("BADVERS"));
    assert!(dig(&["CH", "TXT", "version.bind"]).contains("REFUSED"));
    assert!(dig(&["-t", "TYPE253", "x.a.example"]).contains("NOTIMP"));
}

#[test]
fn an_answer_repeats_the_question_as_it_was_written() {
    let place = place();
    let asked = question("wWw.A.eXample", Rtype::A, 0);
    let answer = place.ask(&asked);
    assert_eq!(answer[12..asked.len()], asked[12..]);
    assert_eq!(told(&answer).rcode, Rcode::NOERROR);
}
