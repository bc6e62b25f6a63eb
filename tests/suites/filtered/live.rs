//! A network with rules while its app runs: what went where is known, and rules change at once.

use super::*;
use arkose_tests::Outcome;
use arkose_tests::registry::Place;
use arkose_tests::wait::{self, Lines};
use arkose_tests::world::say;
use serde_json::{Value, json};
use std::process::{Child, ChildStdin, Stdio};

/// Does what it is told to.
const TALKER: &str = include_str!("talker.py");

/// A running app, and where it is listed.
struct App {
    place: Place,
    id: String,
    child: Child,
    input: ChildStdin,
    lines: Lines,
}

impl App {
    fn start(world: &World, options: &[(&str, &str)]) -> Self {
        Self::of(world, ruled(options))
    }

    fn of(world: &World, call: Arkose) -> Self {
        let place = Place::new();
        let call = call.env("XDG_RUNTIME_DIR", place.path());
        let call = call.command(["/usr/bin/python3", "-c", TALKER]);
        let mut command = world.command(call, "");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = Lines::of(child.stdout.take().unwrap());
        lines.expect_line("ready");
        let input = child.stdin.take().unwrap();
        let mut list = Vec::new();
        assert!(wait::until(wait::LAUNCH, || {
            list = place.list();
            !list.is_empty()
        }));
        let id = list[0]["id"].as_str().unwrap().to_owned();
        Self { place, id, child, input, lines }
    }

    /// Has it do something: what came of it.
    fn does(&mut self, what: &str) -> String {
        say(&mut self.input, what);
        self.lines.next_line().unwrap()
    }

    fn call(&self, words: &[&str]) -> Outcome {
        self.place.call(words.iter().copied()).output()
    }

    /// What `arkose rules` says when it changes something.
    fn rules(&self, words: &[&str]) -> Outcome {
        let all: Vec<&str> = ["rules", &self.id].iter().chain(words).copied().collect();
        self.call(&all)
    }

    fn changes(&self, words: &[&str]) {
        assert_eq!(self.rules(words).success(), "", "{words:?}");
    }

    fn holding(&self) -> Value {
        serde_json::from_str(&self.rules(&["--json"]).success()).unwrap()
    }

    fn traffic(&self) -> Value {
        let info = self.call(&["info", &self.id, "--json"]).success();
        serde_json::from_str::<Value>(&info).unwrap()["traffic"].clone()
    }

    /// The numbers of one destination, and of a family: bytes sent and received, and connections.
    fn counted(&self, name: &str, port: u64, family: &str) -> [u64; 3] {
        let traffic = self.traffic();
        let all = traffic["destinations"].as_array().unwrap();
        let is_it = |one: &&Value| {
            let address = |one: &Value| one["addresses"].as_array().unwrap().contains(&json!(name));
            one["port"] == port && (one["name"] == name || address(one))
        };
        all.iter().find(is_it).map_or([0; 3], |one| numbers(&one[family]))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.call(&["stop", "--all"]);
        let _ = self.child.wait();
    }
}

fn numbers(of: &Value) -> [u64; 3] {
    ["sent", "received", "connections"].map(|key| of[key].as_u64().unwrap())
}

/// Whether so many bytes were counted, beside the headers and what a connection costs.
fn about(counted: u64, bytes: u64) -> bool {
    (bytes..bytes * 5 / 4 + 3000).contains(&counted)
}

#[test]
fn what_went_where_is_known_by_destination_and_family() {
    in_a_world("what_went_where_is_known_by_destination_and_family", |_| {
        let world = World::start();
        let mut app = App::start(&world, &[("allow", "good.example"), ("allow", "45.33.7.2")]);
        assert_eq!(numbers(&app.traffic()["ipv4"]), [0; 3]);
        let text = app.call(&["info", &app.id]).success();
        assert!(text.contains("Network traffic"), "{text}");
        // By the name that was asked for, whichever of its addresses is taken.
        for command in ["open six good.example 443", "send six 300000", "open other 45.33.7.2 80"] {
            assert_eq!(app.does(command), "ok", "{command}");
        }
        let [sent, received, connections] = app.counted("good.example", 443, "ipv6");
        assert!(about(sent, 300_000) && about(received, 300_000), "{sent} {received}");
        assert_eq!(connections, 1);
        assert_eq!(app.does("open four 45.33.7.1 443"), "ok");
        assert_eq!(app.does("send four 100000"), "ok");
        let [sent, received, connections] = app.counted("good.example", 443, "ipv4");
        assert!(about(sent, 100_000) && about(received, 100_000), "{sent} {received}");
        assert_eq!(connections, 1);
        let [sent, _, connections] = app.counted("45.33.7.2", 80, "ipv4");
        assert!(sent > 0 && sent < 1000 && connections == 1, "{sent} {connections}");
        let traffic = app.traffic();
        let (four, six) = (numbers(&traffic["ipv4"]), numbers(&traffic["ipv6"]));
        assert!(about(four[0], 100_000) && about(six[1], 300_000), "{traffic}");
        assert_eq!((four[2], six[2], &traffic["more"]), (2, 1, &json!(0)));
        // What has ended is counted, and is no connection.
        assert_eq!(app.does("close six"), "ok");
        let closed = || app.counted("good.example", 443, "ipv6")[2] == 0;
        assert!(wait::until(wait::LAUNCH, closed));
        assert!(app.counted("good.example", 443, "ipv6")[0] >= 300_000);
        let text = app.call(&["info", &app.id]).success();
        let line = text.lines().find(|line| line.contains("good.example") && line.contains("IPv6"));
        assert!(line.unwrap().contains("443/tcp"), "{text}");
    });
}

#[test]
fn what_went_where_is_told_to_who_follows() {
    in_a_world("what_went_where_is_told_to_who_follows", |_| {
        let world = World::start();
        let mut app = App::start(&world, &[("allow", "public")]);
        let mut following = app.place.call(["info", &app.id, "--follow"]).start();
        let mut lines = following.lines();
        assert_eq!(app.does("open one 45.33.7.1 443"), "ok");
        assert_eq!(app.does("send one 50000"), "ok");
        loop {
            let line = lines.next_line().unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["event"] == "traffic" && line["traffic"]["ipv4"]["sent"].as_u64() > Some(50_000)
            {
                break;
            }
        }
        drop(app);
        while lines.next_line().is_some() {}
    });
}

#[test]
fn a_change_cuts_what_it_refuses_at_once_and_lets_through_what_it_allows() {
    in_a_world("a_change_cuts_what_it_refuses_at_once_and_lets_through_what_it_allows", |_| {
        let world = World::start();
        let mut app = App::start(&world, &[("allow", "public:443"), ("deny", "45.33.7.2")]);
        for command in ["open one 45.33.7.1 443", "open two 2a0c:5::1 443", "send one 1000"] {
            assert_eq!(app.does(command), "ok", "{command}");
        }
        assert_eq!(app.does("open three 45.33.7.2 443"), "ECONNREFUSED");
        app.changes(&["--deny", "45.33.7.1", "--allow", "45.33.7.2"]);
        assert_eq!(app.does("send one 1000"), "ECONNRESET");
        assert_eq!(app.does("open one 45.33.7.1 443"), "ECONNREFUSED");
        // What both allow has noticed nothing; what was refused is let through.
        assert_eq!(app.does("send two 1000"), "ok");
        assert_eq!(app.does("open three 45.33.7.2 443"), "ok");
        assert_eq!(
            app.holding(),
            json!({ "default": "deny", "allow": ["public:443", "45.33.7.2"],
                "deny": ["45.33.7.1"], "ask": [] })
        );
        assert_eq!(app.counted("45.33.7.1", 443, "ipv4")[2], 0);
        assert_eq!(app.counted("2a0c:5::1", 443, "ipv6")[2], 1);
        app.changes(&["--remove", "public:443", "--remove", "45.33.7.2", "--default", "allow"]);
        assert_eq!(app.does("send three 1000"), "ok");
        assert_eq!(app.does("open four 2a0c:5::2 80"), "ok");
        let words = app.rules(&[]).success();
        let lines: Vec<&str> = words.lines().collect();
        assert_eq!(lines[0], "The app cannot reach 45.33.7.1. (deny 45.33.7.1)");
        assert!(lines.len() == 2 && lines[1].ends_with("(default allow)"), "{words}");
    });
}

#[test]
fn changes_lose_nothing_that_all_rules_allow() {
    in_a_world("changes_lose_nothing_that_all_rules_allow", |_| {
        let world = World::start();
        let mut app = App::start(&world, &[("allow", "public:443")]);
        say(&mut app.input, "load 5");
        let mut changes = 0;
        let end = Instant::now() + Duration::from_secs(4);
        while Instant::now() < end {
            let rule = format!("10.0.{}.0/24", changes % 200);
            app.changes(&["--deny", &rule, "--allow", "45.33.7.2:80"]);
            changes += 1;
        }
        assert_eq!(app.lines.next_line().unwrap(), "ok", "after {changes} changes");
        assert!(changes > 10, "{changes}");
    });
}

#[test]
fn what_cannot_be_changed_is_said_in_a_sentence_and_nothing_changes() {
    in_a_world("what_cannot_be_changed_is_said_in_a_sentence_and_nothing_changes", |_| {
        let world = World::start();
        let mut app = App::start(&world, &[("allow", "public:443")]);
        let before = app.holding();
        for (words, why) in [
            (
                &["--allow", "45.33.7.2", "--allow", "https://x.example/"][..],
                "write “x.example:443”",
            ),
            (&["--allow", "45.33.7.2", "--deny", "10.0.0.0/99"], "10.0.0.0/99"),
            (&["--allow", "45.33.7.2", "--remove", "10.0.0.1"], "no rule “10.0.0.1” holds"),
            (&["--allow", "45.33.7.2", "--allow", "host:631"], "services of this computer"),
            (&["--default", "perhaps"], "perhaps"),
        ] {
            let outcome = app.rules(words);
            assert_eq!(outcome.code(), 125, "{outcome}");
            let said = outcome.said();
            assert!(said.starts_with("arkose: ") && said.contains(why), "{said}");
        }
        assert_eq!(app.holding(), before);
        assert_eq!(app.does("open one 45.33.7.2 80"), "ECONNREFUSED");
        // Nor by whoever speaks to the supervisor without `arkose`.
        for line in [r#"{"ask":"change-rules"}"#, r#"{"ask":"change-rules","add":[]}"#] {
            assert!(app.place.answer(&app.id, line)["error"].is_string());
        }
        assert_eq!(app.holding(), before);
    });
}

#[test]
fn what_has_no_rules_says_so() {
    let place = Place::new();
    let mut running = place.run(Via::User).shell("echo ready; exec sleep 600").start();
    running.lines().expect_line("ready");
    let id = place.id(&running);
    for words in [&["rules", &id][..], &["rules", &id, "--allow", "public"]] {
        let outcome = place.call(words.iter().copied()).output();
        assert_eq!(outcome.code(), 125, "{outcome}");
        assert!(outcome.said().contains("is not filtered"), "{outcome}");
    }
    let info: Value = serde_json::from_str(&place.call(["info", &id, "--json"]).prints()).unwrap();
    assert_eq!(info["traffic"], Value::Null);
    assert_eq!(place.answer(&id, r#"{"ask":"traffic"}"#)["code"], "not-filtered");
}

#[test]
fn ten_thousand_rules_are_one_change() {
    in_a_world("ten_thousand_rules_are_one_change", |_| {
        let world = World::start();
        let mut app = App::start(&world, &[("allow", "45.33.7.1")]);
        assert_eq!(app.does("open one 45.33.7.1 443"), "ok");
        let rules: Vec<String> = (0..10_000_u32)
            .map(|n| format!("--deny=some-long-name-{n}.of-those.example:443/tcp"))
            .collect();
        let mut words: Vec<&str> = rules.iter().map(String::as_str).collect();
        words.push("--allow=45.33.7.2");
        app.changes(&words);
        assert_eq!(app.does("send one 1000"), "ok");
        assert_eq!(app.does("open two 45.33.7.2 443"), "ok");
        let holding = app.holding();
        assert_eq!(holding["deny"].as_array().unwrap().len(), 10_000);
        app.changes(&["--deny", "45.33.7.1"]);
        assert_eq!(app.does("send one 1000"), "ECONNRESET");
    });
}
