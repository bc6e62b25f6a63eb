//! What changes while an app runs: answers, names, and the rules themselves.

use crate::probe::{Probe, Seen};
use crate::servers::serve;
use crate::world::{APP, App, addresses, in_world, rules};
use arkose_engine::network::{Answer, Log, Logged, Told, add_answer, add_names};
use arkose_profile::net::{Protocol, Verdict};
use rustix::event::{PollFd, PollFlags, Timespec};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

const V4: &str = "192.0.2.1";
const V6: &str = "2001:db8::1";
const HOUR: Duration = Duration::from_secs(3600);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn world() {
    let list = [ip(V4), ip(V6), ip("1.1.1.1"), ip("2606:4700::1111"), ip("192.168.7.7")];
    addresses(&list);
    serve(&list, &[80, 443]);
}

/// Waits until something is told.
fn told(log: &Log<OwnedFd>) -> Vec<Logged> {
    let patience = Timespec { tv_sec: 5, tv_nsec: 0 };
    let begin = Instant::now();
    rustix::event::poll(&mut [PollFd::new(log, PollFlags::IN)], Some(&patience)).unwrap();
    println!("told after {:?}", begin.elapsed());
    let mut lost = false;
    let told = log.receive(&mut lost).unwrap();
    assert!(!lost);
    told
}

#[test]
fn what_is_asked_about_is_told_and_passes_once_it_is_answered() {
    in_world("live::what_is_asked_about_is_told_and_passes_once_it_is_answered", || {
        world();
        let mut app = App::start(&rules("ask", &[]));
        for (protocol, address) in
            Protocol::ALL.iter().flat_map(|protocol| [(*protocol, V4), (*protocol, V6)])
        {
            let probe = Probe::new(protocol, address, 80);
            assert!(told_nothing(&app.log));
            // A connection tries again by itself, and datagrams do not.
            let patient = protocol == Protocol::Tcp;
            if patient {
                app.tell(&format!("patiently {probe}"));
            } else {
                assert_eq!(app.scan(&[probe]), [Seen::Silent]);
            }
            let one = told(&app.log)[0];
            let source = ip(APP[usize::from(probe.address.is_ipv6())]);
            let port = if protocol.has_ports() { 80 } else { 0 };
            assert_eq!((one.told, one.inbound, one.protocol), (Told::Asked, false, protocol));
            assert_eq!((one.source, one.address, one.port), (source, probe.address, port));
            assert!(one.uid.is_some() && (one.source_port > 0) == protocol.has_ports());
            let generation = app.spec.generation;
            let answer =
                Answer { address: one.address, protocol, port: one.port, allow: true, time: HOUR };
            app.control.apply(&add_answer(generation, &answer).unwrap()).unwrap();
            if patient {
                assert_eq!(app.answer(), "Open");
            }
            assert_eq!(app.scan(&[probe]), [Seen::Open], "{probe}");
            // Another port is another question.
            if protocol.has_ports() {
                let other = Probe { port: 443, ..probe };
                assert_eq!(app.scan(&[other]), [Seen::Silent]);
            }
            // The other answer takes its place, for what begins from now on.
            let answer = Answer { allow: false, ..answer };
            app.control.apply(&add_answer(generation, &answer).unwrap()).unwrap();
            assert_eq!(app.scan(&[probe]), [Seen::Refused], "{probe}");
            let mut lost = false;
            let told = app.log.receive(&mut lost).unwrap();
            assert!(
                told.iter().any(|one| one.told == Told::Denied && one.address == probe.address)
            );
            // An answer for a moment.
            let answer = Answer { allow: true, time: Duration::from_millis(300), ..answer };
            app.control.apply(&add_answer(generation, &answer).unwrap()).unwrap();
            assert_eq!(app.scan(&[probe]), [Seen::Open], "{probe}");
            until(|| app.scan(&[probe]) == [Seen::Silent]);
            app.log.receive(&mut lost).unwrap();
        }
    });
}

fn told_nothing(log: &Log<OwnedFd>) -> bool {
    let mut lost = false;
    log.receive(&mut lost).unwrap().is_empty() && !lost
}

/// Waits until it is so.
fn until(mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(Instant::now() < end, "it never came");
    }
}

#[test]
fn a_change_of_the_rules_cuts_what_lives() {
    in_world("live::a_change_of_the_rules_cuts_what_lives", || {
        world();
        for address in [V4, V6] {
            let allow = [format!("allow {address}")];
            let allow = rules("deny", &[allow[0].as_str()]);
            let mut app = App::start(&allow);
            let probe = Probe::new(Protocol::Tcp, address, 80);
            assert_eq!(app.ask(&format!("hold {probe}")), "held");
            assert_eq!(app.ask("echo"), "alive");
            // It stays when the new rules allow it as well.
            app.load(&allow);
            assert_eq!(app.ask("echo"), "alive");
            app.load(&rules("deny", &[]));
            let begin = Instant::now();
            let told = app.ask("echo");
            assert!(told == "ConnectionReset" || told == "ConnectionRefused", "{told}");
            assert!(begin.elapsed() < Duration::from_millis(300));
            // One that is asked about is held back, and goes on when it is answered.
            app.load(&allow);
            assert_eq!(app.ask(&format!("hold {probe}")), "held");
            let mut lost = false;
            app.log.receive(&mut lost).unwrap();
            app.load(&rules("ask", &[]));
            assert_eq!(app.ask("echo"), "WouldBlock");
            let one = self::told(&app.log)[0];
            assert_eq!((one.told, one.address, one.port), (Told::Asked, probe.address, 80));
            let answer = Answer {
                address: one.address,
                protocol: one.protocol,
                port: one.port,
                allow: true,
                time: HOUR,
            };
            app.control.apply(&add_answer(app.spec.generation, &answer).unwrap()).unwrap();
            // What was sent then comes at last.
            assert_eq!(app.ask("wait"), "heard");
            assert_eq!(app.ask("echo"), "alive");
        }
    });
}

#[test]
fn what_a_flow_is_sent_is_judged_as_well() {
    in_world("live::what_a_flow_is_sent_is_judged_as_well", || {
        world();
        for address in [V4, V6] {
            let allow = [format!("allow {address}")];
            let allow = rules("deny", &[allow[0].as_str()]);
            let mut app = App::start(&allow);
            let probe = Probe::new(Protocol::Tcp, address, 80);
            // The server speaks again later.
            assert_eq!(app.ask(&format!("hold {probe}")), "held");
            assert_eq!(app.ask("later"), "sent");
            app.load(&rules("ask", &[]));
            assert_eq!(app.ask("listen"), "WouldBlock");
            let one = told(&app.log)[0];
            assert!(one.inbound && one.told == Told::Asked, "{one:?}");
            assert_eq!((one.address, one.port), (probe.address, 80));
            app.load(&allow);
            assert_eq!(app.ask("wait"), "heard");
            assert_eq!(app.ask("later"), "sent");
            app.load(&rules("deny", &[]));
            assert_eq!(app.ask("listen"), "WouldBlock");
        }
    });
}

#[test]
fn names_lead_where_they_may_for_a_time() {
    in_world("live::names_lead_where_they_may_for_a_time", || {
        world();
        let allow = rules("deny", &["allow *.example.org:80", "deny bad.example.org"]);
        let mut app = App::start(&allow);
        let probes = [
            Probe::new(Protocol::Tcp, "1.1.1.1", 80),
            Probe::new(Protocol::Udp, "2606:4700::1111", 80),
            Probe::new(Protocol::Tcp, "192.168.7.7", 80),
        ];
        let [open, refused] = [Seen::Open, Seen::Refused];
        assert_eq!(app.scan(&probes), [refused; 3]);
        let live = |app: &App, name: &str, time| {
            let mut live = Vec::new();
            for probe in &probes {
                live.extend(app.spec.live(name, probe.address, time));
            }
            live
        };
        let add = |app: &App, live: &[_]| {
            let batch = add_names(&app.spec, live).unwrap();
            app.control.apply(&batch.unwrap()).unwrap();
        };
        add(&app, &live(&app, "www.example.org", Duration::from_millis(1500)));
        assert_eq!(app.scan(&probes), [open, open, refused]);
        assert_eq!(app.scan(&[Probe { port: 443, ..probes[0] }]), [refused]);
        // Told again, they stay for the new time; from the beginning, or for less.
        for time in [HOUR, Duration::from_secs(4)] {
            add(&app, &live(&app, "www.example.org", time));
        }
        std::thread::sleep(Duration::from_millis(1600));
        assert_eq!(app.scan(&probes), [open, open, refused]);
        // New rules are given what is known.
        let known = live(&app, "www.example.org", HOUR);
        app.load_with(&allow, &known);
        assert_eq!(app.scan(&probes), [open, open, refused]);
        // Of its groups only that which denies: in the other, the time would be a shorter one.
        let mut denied = live(&app, "bad.example.org", Duration::from_secs(1));
        denied.retain(|live| app.spec.groups[live.group].verdict == Verdict::Deny);
        add(&app, &denied);
        assert_eq!(app.scan(&probes), [refused; 3]);
        until(|| app.scan(&probes) == [open, open, refused]);
        app.load(&allow);
        assert_eq!(app.scan(&probes), [refused; 3]);
    });
}

#[test]
fn what_goes_where_is_counted_across_changes() {
    in_world("live::what_goes_where_is_counted_across_changes", || {
        world();
        let mut app = App::start(&rules("allow", &["deny 1.1.1.1"]));
        let probes: Vec<_> = Protocol::ALL
            .iter()
            .flat_map(|protocol| [V4, V6].map(|address| Probe::new(*protocol, address, 80)))
            .collect();
        for round in 1..=2 {
            assert_eq!(app.scan(&probes), vec![Seen::Open; probes.len()]);
            assert_eq!(app.scan(&[Probe::new(Protocol::Udp, "1.1.1.1", 80)]), [Seen::Refused]);
            let counts = app.control.counts().unwrap();
            assert_eq!(counts.len(), probes.len(), "{counts:?}");
            for probe in &probes {
                let port = if probe.protocol.has_ports() { 80 } else { 0 };
                let one = counts
                    .iter()
                    .find(|one| one.address == probe.address && one.protocol == probe.protocol)
                    .unwrap();
                assert_eq!(one.port, port);
                let header = if probe.address.is_ipv4() { 20 } else { 40 };
                match probe.protocol {
                    Protocol::Udp => {
                        for way in [one.sent, one.received] {
                            assert_eq!((way.packets, way.bytes), (round, round * (header + 8 + 5)));
                        }
                    }
                    Protocol::Icmp => {
                        for way in [one.sent, one.received] {
                            assert_eq!((way.packets, way.bytes), (round, round * (header + 10)));
                        }
                    }
                    Protocol::Tcp => {
                        assert!(one.sent.packets > 2 * round && one.received.packets > round);
                        assert!(one.sent.bytes > 100 * round && one.received.bytes > 50 * round);
                    }
                }
            }
            app.load(&rules("allow", &["deny 1.1.1.1"]));
        }
    });
}
