//! What leaves when nothing is allowed to: nothing, by any way that an app without rights has.

use crate::capture::{Capture, Packet};
use crate::probe::{Probe, Seen};
use crate::servers::serve;
use crate::world::{App, HOST, addresses, in_world, rules, sh};
use arkose_profile::net::Protocol;
use std::net::IpAddr;

const V4: &str = "192.0.2.1";
const V6: &str = "2001:db8::1";

fn world() {
    let list = [V4, V6, HOST[0], HOST[1]].map(|one| one.parse::<IpAddr>().unwrap());
    addresses(&list);
    serve(&list, &[80, 631]);
}

/// Neighbours that look for each other.
fn is_neighbours(packet: &Packet) -> bool {
    packet.protocol == 58 && matches!(packet.first, 133 | 135 | 136)
}

fn others(capture: &Capture) -> Vec<Packet> {
    let mut packets = capture.of_the_app();
    packets.retain(|packet| !is_neighbours(packet));
    packets
}

#[test]
fn nothing_leaves_that_no_rule_allows() {
    in_world("leaks::nothing_leaves_that_no_rule_allows", || {
        world();
        for default in ["deny", "ask"] {
            let capture = Capture::start();
            let mut app = App::start(&rules(default, &[]));
            let probes: Vec<_> = Protocol::ALL
                .iter()
                .flat_map(|protocol| {
                    [V4, V6, HOST[0], HOST[1]].map(|to| Probe::new(*protocol, to, 80))
                })
                .collect();
            assert!(app.scan(&probes).iter().all(|seen| *seen != Seen::Open));
            for address in [V4, V6] {
                println!("{}", app.ask(&format!("leak {address}")));
            }
            assert_eq!(others(&capture), [], "where the default is {default}");
        }
    });
}

#[test]
fn what_is_allowed_is_no_way_for_the_rest() {
    in_world("leaks::what_is_allowed_is_no_way_for_the_rest", || {
        world();
        let capture = Capture::start();
        let mut app = App::start(&rules("deny", &[&format!("allow {V4}"), &format!("allow {V6}")]));
        let probe = Probe::new(Protocol::Udp, V4, 80);
        assert_eq!(app.scan(&[probe]), [Seen::Open]);
        // This one shows that what leaves is seen.
        let packets = others(&capture);
        assert!(packets.iter().any(|one| one.to == probe.address && one.protocol == 17));
        for address in [V4, V6] {
            println!("{}", app.ask(&format!("leak {address}")));
        }
        let mut packets = others(&capture);
        // TCP, as MPTCP is to whoever looks at it, and the echo, are allowed; UDP-Lite and SCTP are not.
        let allowed = [V4, V6].map(|one| one.parse::<IpAddr>().unwrap());
        packets.retain(|one| !allowed.contains(&one.to) || !matches!(one.protocol, 6 | 1 | 58));
        assert_eq!(packets, []);
    });
}

#[test]
fn no_router_and_no_interface_of_the_apps_choice_leads_elsewhere() {
    in_world("leaks::no_router_and_no_interface_of_the_apps_choice_leads_elsewhere", || {
        addresses(&[V4, "192.0.2.9"].map(|one| one.parse().unwrap()));
        serve(&[V4, "192.0.2.9"].map(|one| one.parse().unwrap()), &[80]);
        let capture = Capture::start();
        let mut app = App::start(&rules("deny", &[&format!("allow {V4}")]));
        // Where the computer forwards, what it makes does so as well.
        sh(&format!("nsenter --net=/proc/{}/ns/net sysctl -qw net.ipv4.ip_forward=1", app.pid));
        let told = app.ask(&format!("tricks {V4} 192.0.2.9"));
        println!("{told}");
        let told: Vec<_> = told.split(' ').collect();
        assert_eq!(told[0], "EPERM");
        assert!(
            told[1..].iter().all(|told| matches!(*told, "silent" | "EPERM" | "EAGAIN")),
            "{told:?}"
        );
        assert_eq!(others(&capture), []);
    });
}

#[test]
fn large_datagrams_pass_in_pieces() {
    in_world("leaks::large_datagrams_pass_in_pieces", || {
        world();
        let mut app = App::start(&rules("deny", &[&format!("allow {V4}"), &format!("allow {V6}")]));
        for address in [V4, V6] {
            let probe = Probe::new(Protocol::Udp, address, 80);
            assert_eq!(app.ask(&format!("large {probe}")), "Some(9000) Some(9000)");
        }
    });
}

#[test]
fn this_computer_needs_a_rule_of_its_own() {
    in_world("leaks::this_computer_needs_a_rule_of_its_own", || {
        world();
        let texts = ["allow *", "allow lan", "allow 10.200.0.1", "allow fd00:200::1"];
        let mut app = App::start(&rules("allow", &texts));
        let at = |port| HOST.map(|host| Probe::new(Protocol::Tcp, host, port));
        assert_eq!(app.scan(&at(631)), [Seen::Refused; 2]);
        app.load(&rules("allow", &["allow host:631/tcp", "deny *"]));
        assert_eq!(app.scan(&at(631)), [Seen::Open; 2]);
        assert_eq!(app.scan(&at(80)), [Seen::Refused; 2]);
    });
}

#[test]
fn nobody_outside_reaches_the_app() {
    in_world("leaks::nobody_outside_reaches_the_app", || {
        world();
        let mut app = App::start(&rules("allow", &[]));
        assert_eq!(app.ask("serve"), "serving");
        for address in crate::world::APP {
            for protocol in Protocol::ALL {
                let probe = Probe::new(protocol, address, 8080);
                if protocol == Protocol::Icmp {
                    continue;
                }
                assert_eq!(probe.run(), Seen::Silent, "{probe}");
            }
        }
        // The app itself does, over its loopback.
        let own = crate::world::APP.map(|one| Probe::new(Protocol::Tcp, one, 8080));
        assert_eq!(app.scan(&own), [Seen::Open; 2]);
        let own = ["127.0.0.1", "::1"].map(|one| Probe::new(Protocol::Udp, one, 8080));
        assert_eq!(app.scan(&own), [Seen::Open; 2]);
    });
}
