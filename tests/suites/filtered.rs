//! A network with rules: what an app reaches by names, addresses and words, what it does not, and what is
//! left. All of it happens in a small world of the tests' own.

#[path = "filtered/asking.rs"]
mod asking;
#[path = "filtered/flood.rs"]
mod flood;
#[path = "filtered/leaks.rs"]
mod leaks;
#[path = "filtered/live.rs"]
mod live;
#[path = "filtered/zone.rs"]
mod zone;

use arkose_tests::arkose::quiet;
use arkose_tests::host::descendants;
use arkose_tests::machine::with_way;
use arkose_tests::wait;
use arkose_tests::{Arkose, Inventory, Via, World};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Tries what it is told to, and says what came of it.
const PROBE: &str = include_str!("filtered/probe.py");

/// A sandbox with a filtered network and these options.
fn ruled(options: &[(&str, &str)]) -> Arkose {
    let call = Arkose::run(WAY.get()).option("network", "filtered");
    options.iter().fold(call, |call, (name, value)| call.option(name, value))
}

fn probing(call: Arkose, words: &[&str]) -> Arkose {
    let command = ["/usr/bin/python3", "-c", PROBE];
    call.command(command).command_arguments(words)
}

/// What came of each.
fn tries(world: &World, call: Arkose, words: &[&str]) -> BTreeMap<String, String> {
    let said = world.run(probing(call, words)).success();
    let lines = said.lines().filter_map(|line| line.split_once(' '));
    let all: BTreeMap<_, _> =
        lines.map(|(word, came)| (word.to_owned(), came.to_owned())).collect();
    assert_eq!(all.len(), words.len(), "{said}");
    all
}

/// What of these is reached; the others are refused at once, and by nothing else than that.
fn reached<'w>(world: &World, options: &[(&str, &str)], words: &[&'w str]) -> Vec<&'w str> {
    let came = tries(world, ruled(options), words);
    let is_refused = |came: &str| {
        ["ECONNREFUSED", "EPERM", "EACCES", "EHOSTUNREACH", "no such name"].contains(&came)
    };
    words
        .iter()
        .filter(|word| {
            let came = &came[**word];
            assert!(came != "nothing", "{word} is not refused at once: {options:?}");
            !is_refused(came)
        })
        .copied()
        .collect()
}

/// A place of each class and family, by each protocol.
const PLACES: [&str; 14] = [
    "tcp:45.33.7.1:443",
    "tcp:45.33.7.1:80",
    "tcp:45.33.7.2:443",
    "tcp:2a0c:5::1:443",
    "tcp:2a0c:5::2:80",
    "udp:45.33.7.1:443",
    "udp:2a0c:5::1:80",
    "tcp:10.9.8.7:443",
    "tcp:fd12:3456::1:443",
    "udp:192.168.77.1:80",
    "udp:fd12:3456::1:80",
    "tcp:100.100.0.2:8080",
    "tcp:2a0b:1::2:8080",
    "tcp:100.100.0.1:443",
];

fn of(picked: &[usize]) -> Vec<&'static str> {
    picked.iter().map(|index| PLACES[*index]).collect()
}

/// Options, and which of the places they reach.
type Case = (&'static [(&'static str, &'static str)], &'static [usize]);

thread_local!(static WAY: std::cell::Cell<Via> = const { std::cell::Cell::new(Via::User) });

/// In the way that there is.
fn in_a_world(name: &str, body: fn(Via)) {
    for via in [Via::User, Via::Helper] {
        WAY.set(via);
        with_way(via, name, body);
    }
}

#[test]
fn a_rule_reaches_what_it_says_and_nothing_else() {
    in_a_world("a_rule_reaches_what_it_says_and_nothing_else", |_| {
        let world = World::start();
        let cases: &[Case] = &[
            (&[], &[]),
            (&[("allow", "public")], &[0, 1, 2, 3, 4, 5, 6]),
            (&[("allow", "public:443")], &[0, 2, 3, 5]),
            (&[("allow", "public:443/tcp")], &[0, 2, 3]),
            (&[("allow", "public/udp")], &[5, 6]),
            (&[("allow", "public:400-500/tcp")], &[0, 2, 3]),
            (&[("allow", "lan")], &[7, 8, 9, 10, 13]),
            (&[("allow", "45.33.7.1")], &[0, 1, 5]),
            (&[("allow", "45.33.7.0/31:443/tcp")], &[0]),
            (&[("allow", "45.33.7.0/24:443/tcp")], &[0, 2]),
            (&[("allow", "2a0c:5::/64")], &[3, 4, 6]),
            (&[("allow", "[2a0c:5::1]:443/tcp")], &[3]),
            (&[("allow", "public"), ("deny", "45.33.7.1")], &[2, 3, 4, 6]),
            (&[("allow", "public"), ("deny", "public:80")], &[0, 2, 3, 5]),
            (&[("deny", "lan"), ("allow", "10.9.8.7")], &[7]),
            (&[("allow", "*")], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13]),
            (&[("network-default", "allow"), ("deny", "lan")], &[0, 1, 2, 3, 4, 5, 6]),
            (&[("network-default", "allow"), ("deny", "*:443/tcp")], &[1, 4, 5, 6, 9, 10]),
        ];
        for (options, expected) in cases {
            assert_eq!(reached(&world, options, &PLACES), of(expected), "{options:?}");
        }
    });
}

#[test]
fn a_name_is_resolved_and_reached_where_a_rule_says_so() {
    in_a_world("a_name_is_resolved_and_reached_where_a_rule_says_so", |_| {
        let world = World::start();
        let names = ["name:good.example", "name:www.good.example", "name:other.example"];
        let places = ["tcp:45.33.7.1:443", "tcp:2a0c:5::1:443", "tcp:45.33.7.2:443"];
        let words: Vec<&str> = names.into_iter().chain(places).collect();
        let cases: &[Case] = &[
            (&[("allow", "good.example")], &[0, 3, 4]),
            (&[("allow", "*.good.example")], &[0, 1, 3, 4]),
            (&[("allow", "good.example:80")], &[0]),
            (&[("allow", "public"), ("deny", "good.example")], &[2, 3, 4, 5]),
            (&[("allow", "public"), ("deny", "*.good.example")], &[2, 3, 4, 5]),
            // An alias leads to what it is one of, and no further than that.
            (&[("allow", "www.good.example"), ("deny", "good.example")], &[]),
        ];
        for (options, expected) in cases {
            let expected: Vec<&str> = expected.iter().map(|index| words[*index]).collect();
            assert_eq!(reached(&world, options, &words), expected, "{options:?}");
        }
        // An address counts from the moment on at which its name was asked for.
        let before = ["tcp:45.33.7.1:443", "name:good.example"];
        assert_eq!(reached(&world, &[("allow", "good.example")], &before), ["name:good.example"]);
    });
}

#[test]
fn a_name_does_not_lead_to_where_no_rule_for_addresses_does() {
    in_a_world("a_name_does_not_lead_to_where_no_rule_for_addresses_does", |_| {
        let world = World::start();
        let words = [
            "name:rebinding.example",
            "name:both.example",
            "name:here.example",
            "tcp:10.9.8.7:443",
            "tcp:192.168.77.1:443",
            "tcp:100.100.0.2:8080",
            "tcp:45.33.7.1:443",
        ];
        let came = tries(&world, ruled(&[("allow", "*.example")]), &words);
        let no_address = |name: &str| ["no such name", ""].contains(&came[name].as_str());
        assert!(
            no_address("name:rebinding.example") && no_address("name:here.example"),
            "{came:?}"
        );
        assert_eq!(came["name:both.example"], "45.33.7.1");
        for place in &words[3..6] {
            assert_eq!(came[*place], "ECONNREFUSED", "{place}");
        }
        assert_eq!(came["tcp:45.33.7.1:443"], "45.33.7.1 443");
        // Where a rule for the local network says so, the name leads there.
        let options = [("allow", "rebinding.example"), ("allow", "lan:443/tcp")];
        let came = tries(&world, ruled(&options), &words[..1]);
        assert_eq!(came[words[0]], "10.9.8.7 fd12:3456::1");
    });
}

#[test]
fn services_of_this_computer_are_reached_port_by_port() {
    in_a_world("services_of_this_computer_are_reached_port_by_port", |_| {
        let world = World::start();
        // The router of the sandbox is this computer where a rule says so, and its loopback.
        let words = ["tcp:100.100.0.1:8080", "tcp:100.100.0.1:8081", "tcp:2a0b:1::1:8080"];
        let came = tries(&world, ruled(&[("allow", "host:8080/tcp")]), &words);
        assert_eq!(came[words[0]], "127.0.0.1 8080");
        assert_eq!(came[words[1]], "ECONNREFUSED");
        assert_eq!(came[words[2]], "::1 8080");
        // No other rule leads there, whatever address of this computer it is about.
        let words = ["tcp:10.77.0.1:8080", "tcp:10.9.8.7:443"];
        for options in [&[("allow", "*")], &[("allow", "lan")], &[("allow", "10.0.0.0/8")]] {
            assert_eq!(reached(&world, options, &words), words[1..], "{options:?}");
        }
        // Without such a rule it is the router.
        let came = tries(&world, ruled(&[("network-default", "allow")]), &["tcp:100.100.0.1:80"]);
        assert_eq!(came["tcp:100.100.0.1:80"], "100.100.0.1 80");
    });
}

#[test]
fn a_host_answers_an_echo_request_where_a_rule_says_so() {
    in_a_world("a_host_answers_an_echo_request_where_a_rule_says_so", |_| {
        let world = World::start();
        let words = ["ping:45.33.7.1", "ping:2a0c:5::1", "ping:10.9.8.7"];
        // The way out of an ordinary user's carries them where the kernel lets that user send any.
        world.as_root("echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range");
        assert_eq!(reached(&world, &[("allow", "public/icmp")], &words), words[..2]);
        assert_eq!(reached(&world, &[("allow", "public:443")], &words), [""; 0]);
    });
}

/// Who serves a network, by what they are called.
/// pasta is another name of passt.
const SERVERS: [&str; 2] = ["pas", "arkose-network"];

#[test]
fn whoever_dies_nothing_of_the_network_is_left() {
    in_a_world("whoever_dies_nothing_of_the_network_is_left", |via| {
        let quiet = quiet();
        // Root's helper, and the first process, which is one as well.
        let builders: &[&str] = match via {
            Via::User => &["arkose-sandbox"],
            Via::Helper => &["arkose-helper", "arkose-helper first"],
        };
        for killed in ["arkose", SERVERS[0], SERVERS[1]].iter().chain(builders) {
            let before = Inventory::take();
            let call = Arkose::run(via).option("network", "filtered").option("allow", "public");
            let mut running = call.shell("echo up; exec sleep 60").start_alone(&quiet);
            running.lines().expect_line("up");
            let mut all = Vec::new();
            let serves = |all: &[(Pid, String)], one: &str| {
                all.iter().any(|(_, name)| name.starts_with(one))
            };
            let there = wait::until(wait::LAUNCH, || {
                all = descendants(running.pid());
                SERVERS.into_iter().all(|one| serves(&all, one))
            });
            assert!(there, "{all:?}");
            let (name, skipped) =
                killed.strip_suffix(" first").map_or((*killed, 0), |name| (name, 1));
            let victim = match name {
                "arkose" => running.pid(),
                _ => {
                    let named = { all.iter() }.filter(|(_, one)| one.starts_with(name));
                    named
                        .map(|(pid, _)| *pid)
                        .nth(skipped)
                        .unwrap_or_else(|| panic!("{killed}: {all:?}"))
                }
            };
            kill(victim, Signal::SIGKILL).unwrap();
            let end = Instant::now();
            match name {
                "arkose" => running.finish_killed(),
                _ => drop(running.finish()),
            }
            assert!(end.elapsed() < Duration::from_secs(4), "{killed}");
            before.restored();
        }
    });
}

#[test]
fn ten_thousand_rules_count_at_once() {
    in_a_world("ten_thousand_rules_count_at_once", |_| {
        let world = World::start();
        let mut rules: Vec<String> =
            (0..10_000_u32).map(|n| format!("\"77.{}.{}.1:443/tcp\"", n / 250, n % 250)).collect();
        rules.push("\"45.33.7.1:443/tcp\"".to_owned());
        let text = format!(
            "name = \"Many\"\ncommand = [\"true\"]\nnetwork = \"filtered\"\n[network-rules]\nallow = [{}]\n",
            rules.join(", ")
        );
        let profile = world.scratch().file("many.toml", &text);
        let call = Arkose::run(WAY.get()).option("profile", profile);
        let came = tries(&world, call, &["tcp:45.33.7.1:443", "tcp:45.33.7.2:443"]);
        assert_eq!(came["tcp:45.33.7.1:443"], "45.33.7.1 443");
        assert_eq!(came["tcp:45.33.7.2:443"], "ECONNREFUSED");
    });
}
