//! Ten thousand entries, and more: how long they take, and that they hold.

use crate::probe::{Probe, Seen};
use crate::servers::serve;
use crate::world::{App, addresses, in_world, rules};
use arkose_engine::network::ruleset;
use arkose_profile::net::{IpNet, Ports, Protocol, Rule, Rules, Target, Verdict};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

fn rule(verdict: Verdict, address: IpAddr, prefix: u8, ports: Ports) -> Rule {
    Rule { verdict, target: Target::Network(IpNet::new(address, prefix).unwrap()), ports }
}

/// Every other address, so that no two become one range.
fn nth(n: u32) -> [IpAddr; 2] {
    let v4 = Ipv4Addr::from_bits(0xc612_0000 + n * 2);
    let v6 = Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) + u128::from(n) * 2);
    [v4.into(), v6.into()]
}

#[test]
fn ten_thousand_addresses_of_each_family_are_loaded_at_once() {
    in_world("many::ten_thousand_addresses_of_each_family_are_loaded_at_once", || {
        let list: Vec<_> = [7, 9999].into_iter().flat_map(nth).collect();
        let beside = nth(10_000);
        let all: Vec<_> = list.iter().chain(&beside).copied().collect();
        addresses(&all);
        serve(&all, &[80]);
        let mut app = App::start(&rules("deny", &[]));
        let ports = Ports::default();
        for (name, verdict, v4, v6) in
            [("addresses", Verdict::Allow, 32, 128), ("networks", Verdict::Deny, 31, 127)]
        {
            let entries = (0..10_000).flat_map(nth);
            let of = |address: IpAddr| if address.is_ipv4() { v4 } else { v6 };
            let list: Vec<_> =
                entries.map(|address| rule(verdict, address, of(address), ports)).collect();
            let default = if verdict == Verdict::Allow { Verdict::Deny } else { Verdict::Allow };
            load(&mut app, name, &Rules { default, list });
        }
        let probe =
            |address: &IpAddr| Probe { protocol: Protocol::Udp, address: *address, port: 80 };
        let inside: Vec<_> = list.iter().map(probe).collect();
        // All addresses of this range are denied now, for the networks touch each other.
        assert_eq!(app.scan(&inside), [Seen::Refused; 4]);
        assert_eq!(app.scan(&beside.each_ref().map(probe)), [Seen::Open; 2]);
        let allowed = (0..10_000).flat_map(nth);
        let of = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let list: Vec<_> = allowed.map(|one| rule(Verdict::Allow, one, of(one), ports)).collect();
        load(&mut app, "addresses again", &Rules { default: Verdict::Deny, list });
        assert_eq!(app.scan(&inside), [Seen::Open; 4]);
        assert_eq!(app.scan(&beside.each_ref().map(probe)), [Seen::Refused; 2]);
    });
}

#[test]
fn each_of_many_may_have_ports_of_its_own() {
    in_world("many::each_of_many_may_have_ports_of_its_own", || {
        let list: Vec<_> = nth(4999).into_iter().collect();
        addresses(&list);
        serve(&list, &[10_000 + 4999, 10_001]);
        let mut app = App::start(&rules("deny", &[]));
        let each = (0..5000_u16).flat_map(|n| nth(n.into()).map(|address| (n, address)));
        let rules = each.map(|(n, address)| {
            let ports = Ports { protocol: None, range: Some((10_000 + n, 10_000 + n)) };
            let prefix = if address.is_ipv4() { 32 } else { 128 };
            rule(Verdict::Allow, address, prefix, ports)
        });
        load(&mut app, "ports", &Rules { default: Verdict::Deny, list: rules.collect() });
        let at = |port| {
            let probe =
                |address: &IpAddr| Probe { protocol: Protocol::Udp, address: *address, port };
            list.iter().map(probe).collect::<Vec<_>>()
        };
        assert_eq!(app.scan(&at(10_000 + 4999)), [Seen::Open; 2]);
        assert_eq!(app.scan(&at(10_001)), [Seen::Refused; 2]);
    });
}

fn load(app: &mut App, name: &str, rules: &Rules) {
    let begin = Instant::now();
    let before = app.spec.generation;
    let next = app.next(rules);
    let made = ruleset(&next, &[], Some(before)).unwrap();
    let (built, (bytes, pieces)) = (begin.elapsed(), made.size());
    app.control.load(&made).unwrap();
    app.spec = next;
    let took = begin.elapsed();
    println!("{name}: {bytes} bytes in {pieces} pieces, made in {built:?}, loaded in {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}
