//! The program with a kernel that enforces: in a network of its own, as a sandbox has one, with an app
//! in it that is this program once more. Its packets lead nowhere, and those that are let through
//! are seen by what is counted.

use crate::place::{Place, Start, framed_fds};
use crate::upstream::{Upstream, address, question, told};
use arkose_engine::network::{self, Generation, Spec};
use arkose_profile::net::Rules;
use domain::base::iana::Rtype;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const INSIDE: &str = "ARKOSE_TEST_INSIDE";

/// An app in a network of its own.
struct App {
    process: Child,
    lines: BufReader<UnixStream>,
}

impl App {
    /// Begins it, and the program that serves it.
    fn begin(servers: &[SocketAddr], rules: &[(&str, &str)]) -> Option<(Self, Place)> {
        let start = Start::new(servers, rules);
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .unwrap();
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net"]).arg(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "kernel::inside", "--nocapture"]);
        command.env(INSIDE, "1").stdin(Stdio::from(theirs)).stdout(Stdio::null());
        let Ok(mut process) = command.spawn() else { return None };
        let mut lines = UnixStream::from(ours);
        lines.write_all(format!("{}\n", start.line["rules"]).as_bytes()).unwrap();
        let Some(fds) = framed_fds(lines.as_fd()) else {
            process.wait().unwrap();
            return None;
        };
        let borrowed: Vec<BorrowedFd<'_>> = fds.iter().map(OwnedFd::as_fd).collect();
        let roles = json!(["udp", "tcp", "nflog", "nfnetlink"]);
        let place = start.with("descriptors", roles).go_with(&borrowed);
        Some((Self { process, lines: BufReader::new(lines) }, place))
    }

    /// Has it do something, and hears how that went.
    fn act(&mut self, what: &Value) -> Value {
        self.lines.get_mut().write_all(format!("{what}\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn resolve(&mut self, name: &str) -> Value {
        self.act(&json!({ "resolve": name }))
    }

    fn connect(&mut self, to: &str) -> Value {
        self.act(&json!({ "connect": to }))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The app: what the first process of a sandbox does, and then what it is told.
#[test]
#[ignore = "it is started by other tests"]
fn inside() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let socket = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let mut lines = BufReader::new(socket.try_clone().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let rules: Rules = serde_json::from_str(&line).unwrap();
    network::bring_loopback_up().unwrap();
    let ip = |words: &str| {
        assert!(Command::new("ip").args(words.split(' ')).status().unwrap().success(), "{words}");
    };
    ip("link add name out type veth peer name beyond");
    ip("link set beyond up");
    ip("addr add 10.0.2.100/24 dev out");
    ip("link set out up");
    ip("route add default dev out");
    let opened = network::open().unwrap();
    let spec = Spec::new(&rules, &[], Generation::MIN);
    opened.control.load(&network::ruleset(&spec, &[], None).unwrap()).unwrap();
    opened.control.apply(&network::accounting().unwrap()).unwrap();
    let (log, control) = (opened.log.as_fd(), opened.control.as_fd());
    let fds = [opened.dns4.udp.as_fd(), opened.dns4.tcp.as_fd(), log, control];
    crate::place::first(socket.as_fd(), &json!({}), &fds);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let said = if let Some(name) = line["resolve"].as_str() {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect("127.0.0.1:53").unwrap();
            socket.send(&question(name, Rtype::A, 1232)).unwrap();
            let mut space = [0; 1232];
            let count = socket.recv(&mut space).unwrap();
            json!(told(&space[..count]).addresses)
        } else if let Some(to) = line["flood"].as_str() {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            let sent = (1..3000).map(|port| socket.send_to(b"x", (to, port)));
            json!(sent.filter(Result::is_ok).count())
        } else {
            let to: SocketAddr = line["connect"].as_str().unwrap().parse().unwrap();
            let tried = TcpStream::connect_timeout(&to, Duration::from_millis(300));
            json!(tried.unwrap_err().kind().to_string())
        };
        (&socket).write_all(format!("{said}\n").as_bytes()).unwrap();
    }
}

/// Bytes that went to an address so far.
fn sent(place: &Place, to: &str) -> u64 {
    place.say(&json!({ "traffic": 1 }));
    let told = place.line(|line| line["traffic"] == 1)["told"].clone();
    let all = told["destinations"].as_array().unwrap();
    let there = all.iter().filter(|one| one["addresses"].as_array().unwrap().contains(&json!(to)));
    there.filter_map(|one| one["ipv4"]["sent"].as_u64()).sum()
}

fn server() -> Upstream {
    Upstream::of(vec![
        address("a.example", "8.8.8.1"),
        address("ask.example", "8.8.8.2"),
        address("ask.example", "8.8.8.3"),
        address("evil.example", "8.8.8.4"),
    ])
}

const RULES: &[(&str, &str)] =
    &[("allow", "a.example:443"), ("ask", "ask.example"), ("deny", "evil.example")];

#[test]
fn a_name_opens_its_addresses_and_no_others() {
    let server = server();
    let Some((mut app, place)) = App::begin(&[server.at], RULES) else {
        println!("skipped: no network of one's own can be had here");
        return;
    };
    // The address alone is of no use before the name was asked for.
    assert_eq!(app.connect("8.8.8.1:443"), "connection refused");
    let line = place.line(|line| line["event"] == "denied");
    assert_eq!(
        (&line["address"], &line["would_allow"]),
        (&json!("8.8.8.1"), &json!("8.8.8.1:443/tcp"))
    );
    assert_eq!(sent(&place, "8.8.8.1"), 0);
    assert_eq!(app.resolve("a.example"), json!(["8.8.8.1"]));
    assert_ne!(app.connect("8.8.8.1:443"), "connection refused");
    assert!(sent(&place, "8.8.8.1") > 0);
    assert_eq!(app.connect("8.8.8.1:80"), "connection refused");
    let line = place.line(|line| line["port"] == 80);
    assert_eq!(
        (&line["names"], &line["would_allow"]),
        (&json!(["a.example"]), &json!("a.example:80/tcp"))
    );
    assert_eq!(app.resolve("evil.example"), json!([]));
    assert_eq!(app.connect("8.8.8.4:443"), "connection refused");
}

#[test]
fn a_person_is_asked_once_about_a_name_and_the_answer_holds() {
    let server = server();
    let Some((mut app, place)) = App::begin(&[server.at], RULES) else { return };
    assert_eq!(app.resolve("ask.example"), json!(["8.8.8.2", "8.8.8.3"]));
    for to in ["8.8.8.2:443", "8.8.8.3:443", "8.8.8.2:443"] {
        assert_ne!(app.connect(to), "connection refused");
    }
    let asked = place.all(|line| line.get("ask").is_some());
    assert_eq!(asked.len(), 1, "{asked:?}");
    let (rule, allowing) = (&asked[0]["rule"], &asked[0]["would_allow"]);
    assert_eq!((rule, allowing), (&json!("ask ask.example"), &json!("ask.example:443/tcp")));
    assert_eq!((sent(&place, "8.8.8.2"), sent(&place, "8.8.8.3")), (0, 0));
    place.say(&json!({ "answer": asked[0]["ask"], "allow": true, "for": "once" }));
    place.line(|line| line["event"] == "answered");
    for to in ["8.8.8.2:443", "8.8.8.3:443"] {
        app.connect(to);
        assert!(sent(&place, to.strip_suffix(":443").unwrap()) > 0, "{to}");
    }
    // Another port is another question; a no for the launch is a rule.
    app.connect("8.8.8.2:80");
    let asked = place.line(|line| line["port"] == 80);
    place.say(&json!({ "answer": asked["ask"], "allow": false, "for": "launch", "rule": "ask.example:80" }));
    let line = place.line(|line| line["event"] == "answered");
    assert_eq!(line["rule"], "deny ask.example:80");
    assert_eq!(app.connect("8.8.8.3:80"), "connection refused");
    let line = place.line(|line| line["event"] == "denied");
    assert_eq!(line["rule"], "deny ask.example:80");
}

#[test]
fn other_rules_take_the_place_of_those_before() {
    let server = server();
    let Some((mut app, place)) = App::begin(&[server.at], RULES) else { return };
    assert_eq!(app.resolve("a.example"), json!(["8.8.8.1"]));
    let change = |default: &str, add: &[&str], remove: &[&str]| {
        let allow = |rule: &&str| json!({ "verdict": "allow", "rule": rule });
        let list = |rules: &[&str]| rules.iter().map(allow).collect::<Value>();
        let change = json!({ "default": default, "add": list(add), "remove": list(remove) });
        assert_eq!(place.change(&change)["done"], true);
    };
    change("deny", &["b.example"], &["a.example:443"]);
    assert_eq!(app.connect("8.8.8.1:443"), "connection refused");
    // What the name led to is still known.
    change("deny", &["a.example:443"], &[]);
    assert_ne!(app.connect("8.8.8.1:443"), "connection refused");
    // What was answered for the launch stays.
    change("ask", &[], &["a.example:443", "b.example", "ask.example", "evil.example"]);
    app.connect("1.1.1.1:443");
    let asked = place.line(|line| line.get("ask").is_some());
    assert_eq!(asked["would_allow"], "1.1.1.1:443/tcp");
    place.say(&json!({ "answer": asked["ask"], "allow": true, "for": "launch" }));
    let line = place.line(|line| line["event"] == "answered");
    assert_eq!(line["rule"], "allow 1.1.1.1:443/tcp");
    change("deny", &["b.example"], &[]);
    assert_eq!(place.rules(), ["allow 1.1.1.1:443/tcp", "allow b.example", "deny"]);
    let before = sent(&place, "1.1.1.1");
    app.connect("1.1.1.1:443");
    assert!(sent(&place, "1.1.1.1") > before);
}

#[test]
fn a_flood_of_packets_is_a_few_lines_and_questions() {
    let server = server();
    let rules = &[("allow", "a.example"), ("ask", "8.8.8.2:1000-9000")];
    let Some((mut app, place)) = App::begin(&[server.at], rules) else { return };
    for to in ["8.8.8.1", "8.8.8.2"] {
        app.act(&json!({ "flood": to }));
    }
    assert_eq!(app.resolve("a.example"), json!(["8.8.8.1"]));
    let lines = place.all(|line| line.get("ask").is_some());
    assert!((1..=256).contains(&lines.len()), "{} questions", lines.len());
    let lines = place.all(|line| line["event"] == "denied");
    assert!((1..=300).contains(&lines.len()), "{} lines", lines.len());
}
