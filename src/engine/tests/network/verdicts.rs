//! What each verdict does with each protocol of each family.

use crate::probe::{Probe, Seen};
use crate::servers::serve;
use crate::world::{App, HOST, addresses, in_world, rules};
use arkose_profile::net::{Protocol, Verdict};
use std::net::IpAddr;

fn all(list: &[&str]) -> Vec<IpAddr> {
    list.iter().map(|one| one.parse().unwrap()).collect()
}

#[test]
fn each_verdict_holds_for_each_protocol_of_each_family() {
    in_world("verdicts::each_verdict_holds_for_each_protocol_of_each_family", || {
        let targets = [
            (Verdict::Allow, "192.0.2.1", "2001:db8::1"),
            (Verdict::Deny, "192.0.2.2", "2001:db8::2"),
            (Verdict::Ask, "192.0.2.3", "2001:db8::3"),
        ];
        let list: Vec<_> = targets.iter().flat_map(|(_, v4, v6)| [*v4, *v6]).collect();
        addresses(&all(&list));
        serve(&all(&list), &[80]);
        let texts: Vec<_> = targets
            .iter()
            .flat_map(|(verdict, v4, v6)| [format!("{verdict} {v4}"), format!("{verdict} {v6}")])
            .collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        for default in ["allow", "deny", "ask"] {
            let mut app = App::start(&rules(default, &texts));
            let mut probes = Vec::new();
            let mut wanted = Vec::new();
            for (verdict, v4, v6) in targets {
                for protocol in Protocol::ALL {
                    for address in [v4, v6] {
                        probes.push(Probe::new(protocol, address, 80));
                        wanted.push(Seen::of(verdict));
                    }
                }
            }
            let seen = app.scan(&probes);
            for ((probe, seen), wanted) in probes.iter().zip(seen).zip(wanted) {
                assert_eq!(seen, wanted, "{probe} where the default is {default}");
            }
            drop(app);
        }
        let _ = HOST;
    });
}
