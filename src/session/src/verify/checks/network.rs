//! The network: loopback, where the witnesses are, and no address beyond it.

use crate::doctor::keeps_abstract_sockets;
use crate::network::INTERFACE;
use crate::verify::check::{After, Checks, about, entry};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use arkose_probe::{Found, Trial, calls};
use arkose_profile::Network;
use arkose_profile::i18n::N_;
use std::collections::HashMap;
use std::net::SocketAddr;

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    let network = about("network");
    let direct = subject.policy.network == Network::Direct;
    for address in subject.witnesses.tcp.iter().filter_map(|tcp| tcp.local_addr().ok()) {
        let expect = if direct { Expect::Works } else { Expect::Refused };
        checks.add(network, Trial::ConnectTcp { address }, expect);
        // Its own loopback works in either case, but where there is none of its own.
        let own = SocketAddr::new(address.ip(), 0);
        let expect = if subject.light() && !direct { Expect::Refused } else { Expect::Works };
        checks.add(network, Trial::Loopback { address: own }, expect);
    }
    for address in subject.witnesses.udp.iter().filter_map(|udp| udp.local_addr().ok()) {
        let text = format!("{} {address}", subject.witnesses.name);
        let after = if direct { After::Heard(text.clone()) } else { After::NotHeard(text.clone()) };
        checks.add_after(network, Trial::SendUdp { address, text }, Expect::Anything, after);
    }
    let namespace = Trial::Namespace { kind: "net".to_owned() };
    if let (Found::Text { text }, true) = (subject.on_host(&namespace), direct || !subject.light())
    {
        let expect = if direct { Expect::Is(text) } else { Expect::IsNot(text) };
        checks.add(network, namespace, expect);
    }
    if !direct && !subject.light() {
        let expect = match subject.policy.network {
            Network::Filtered => Expect::only(["lo", INTERFACE]),
            _ => Expect::only(["lo"]),
        };
        checks.add(network, Trial::Interfaces, expect);
    }
    if !subject.as_root() {
        let raw = Trial::Family { family: calls::INTERNET, raw: true };
        checks.add(network, raw, Expect::Refused);
    }
    if subject.witnesses.abstract_socket.is_some() {
        // A network of its own has abstract sockets of its own; on the host's it takes Landlock.
        let kept = !direct || subject.light() || keeps_abstract_sockets();
        let expect = if kept { Expect::Refused } else { Expect::Works };
        let name = subject.witnesses.name.clone();
        checks.add(network, Trial::ConnectAbstract { name }, expect);
    }
    rules(subject, checks);
}

/// The lines of rules, and what is told of a filtered network beside: nothing is sent beyond loopback.
fn rules(subject: &Subject<'_>, checks: &mut Checks) {
    let filtered = subject.policy.network == Network::Filtered;
    let mut before: HashMap<&str, usize> = HashMap::new();
    for line in &subject.told.lines {
        let key = line.key;
        let number = before.entry(key).or_default();
        let beside = key == "network" && *number > 0;
        if beside || key.starts_with("network-rules.") {
            let reason = if filtered {
                N_("what rules are about lies outside, and nothing is sent there for a trial")
            } else {
                N_("that the app reaches nothing by rules is tried with “network”")
            };
            checks.not_tried(entry(key, *number), reason);
        }
        *number += 1;
    }
}
