//! Rules that were drawn, and whether the kernel decides as they do: by trying to reach dozens of
//! addresses, and asking the rules themselves what should come of it.

use crate::probe::{Probe, Seen};
use crate::servers::serve;
use crate::world::{App, HOST, addresses, in_world};
use arkose_profile::net::{Flow, Protocol, Rule, Rules, Verdict};
use std::net::IpAddr;
use std::time::Duration;

const PORTS: [u16; 3] = [80, 443, 8080];
const ROUNDS: usize = 24;
/// How many are tried at once: beyond 50, the kernel sends no more errors of ICMP for a moment, and a
/// datagram that is refused is an error of sending it and no more.
const PROBES: usize = 45;

/// Public, local, special, and this computer's.
const ADDRESSES: [&str; 34] = [
    "1.1.1.1",
    "1.1.1.2",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.0",
    "172.32.0.1",
    "10.0.0.1",
    "10.1.2.3",
    "100.64.0.1",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.0.1",
    "192.168.1.1",
    "169.254.7.7",
    "192.0.2.1",
    "198.51.100.7",
    "203.0.113.7",
    HOST[0],
    "2606:4700::1111",
    "2606:4700::1112",
    "2001:4860:4860::8888",
    "2a00::1",
    "fc00::1",
    "fd12:3456::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "64:ff9b::c000:201",
    "3fff::1",
    HOST[1],
];

/// What names lead to.
const NAMES: [(&str, &[&str]); 5] = [
    ("example.org", &["1.1.1.1", "2606:4700::1111"]),
    ("www.example.org", &["1.1.1.2", "2606:4700::1112", "10.0.0.1"]),
    ("a.b.example.org", &["8.8.8.8", "fc00::1"]),
    ("example.com", &["93.184.216.34", "2a00::1", "1.1.1.1", HOST[0]]),
    ("www.example.com", &["192.0.2.1", "2001:4860:4860::8888"]),
];

const TARGETS: [&str; 10] = [
    "*",
    "public",
    "lan",
    "example.org",
    "*.example.org",
    "www.example.org",
    "*.example.com",
    "example.com",
    "0.0.0.0/0",
    "::/0",
];

/// xorshift64: numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn target(&mut self) -> String {
        match self.below(5) {
            0 | 1 => self.pick(&TARGETS).to_owned(),
            2 => self.pick(&ADDRESSES).to_owned(),
            _ => {
                let address = self.pick(&ADDRESSES);
                let most = if address.contains(':') { 129 } else { 33 };
                format!("{address}/{}", self.below(most))
            }
        }
    }

    fn ports(&mut self) -> String {
        let port = self.pick(&PORTS);
        match self.below(8) {
            0 => format!(":{port}"),
            1 => format!(":{port}/tcp"),
            2 => ":80-443/udp".to_owned(),
            3 => ":443-9000".to_owned(),
            4 => format!("/{}", self.pick(&Protocol::ALL)),
            _ => String::new(),
        }
    }

    /// A rule; what cannot be one is drawn again.
    fn rule(&mut self) -> Rule {
        loop {
            let verdict = self.pick(&Verdict::ALL);
            if self.below(12) == 0 {
                return Rule::parse(verdict, &format!("host:{}", self.pick(&PORTS))).unwrap();
            }
            let (target, ports) = (self.target(), self.ports());
            let text = match (target.contains(':'), ports.starts_with(':')) {
                (true, true) => format!("[{target}]{ports}"),
                _ => format!("{target}{ports}"),
            };
            if let Ok(rule) = Rule::parse(verdict, &text) {
                return rule;
            }
        }
    }

    fn rules(&mut self) -> Rules {
        let count = self.below(24);
        Rules { default: self.pick(&Verdict::ALL), list: (0..count).map(|_| self.rule()).collect() }
    }

    fn probe(&mut self) -> Probe {
        Probe::new(self.pick(&Protocol::ALL), self.pick(&ADDRESSES), self.pick(&PORTS))
    }
}

fn names_of(address: IpAddr) -> Vec<String> {
    let has = |list: &[&str]| list.iter().any(|one| one.parse() == Ok(address));
    NAMES.iter().filter(|(_, list)| has(list)).map(|(name, _)| (*name).to_owned()).collect()
}

fn wanted(rules: &Rules, probe: &Probe) -> Verdict {
    let names = names_of(probe.address);
    let port = if probe.protocol.has_ports() { probe.port } else { 0 };
    let is_host = HOST.iter().any(|host| host.parse() == Ok(probe.address));
    let flow =
        Flow { address: probe.address, protocol: probe.protocol, port, is_host, names: &names };
    rules.decide(&flow).verdict
}

#[test]
fn the_kernel_decides_as_the_rules_do() {
    in_world("differential::the_kernel_decides_as_the_rules_do", || {
        let list = ADDRESSES.map(|one| one.parse::<IpAddr>().unwrap());
        addresses(&list);
        serve(&list, &PORTS);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut app = App::start(&Rules::default());
        let mut met = [0; 3];
        for round in 0..ROUNDS {
            let rules = random.rules();
            let next = app.next(&rules);
            let mut live = Vec::new();
            for (name, list) in NAMES {
                for address in list {
                    let time = Duration::from_secs(600);
                    live.extend(next.live(name, address.parse().unwrap(), time));
                }
            }
            app.load_with(&rules, &live);
            let probes: Vec<_> = (0..PROBES).map(|_| random.probe()).collect();
            for (probe, seen) in probes.iter().zip(app.scan(&probes)) {
                let verdict = wanted(&rules, probe);
                met[verdict as usize] += 1;
                assert_eq!(seen, Seen::of(verdict), "round {round}: {probe} with {rules:#?}");
            }
        }
        println!("allowed, denied, asked: {met:?}");
        assert!(met.iter().all(|count| *count > 100), "{met:?}");
    });
}
