//! How much an answer about a connection can be about: the rules that are offered for it.
//!
//! They are made here, from the place that the person is shown. The program that asks reads what an app and
//! the internet send, and its word would not do for a rule about more than that one place.

use arkose_profile::net::{
    Flow, IpNet, NamePattern, Ports, Protocol, Rule, Rules, Target, Verdict, canonical_name,
};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// How much an answer is about, beside the protocol and the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The name that the app asked for.
    Name,
    /// That name's domain.
    Domain,
    /// The address.
    Address,
    /// Every place, of those that the rule which asks is about.
    Everything,
}

impl Scope {
    const ALL: [Self; 4] = [Self::Name, Self::Domain, Self::Address, Self::Everything];

    /// The word for it between who asks and who is asked.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Domain => "domain",
            Self::Address => "address",
            Self::Everything => "everything",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// One of the rules that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) scope: Scope,
    /// What allows it.
    pub(crate) rule: Rule,
}

/// The connection that a line asks about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(super) address: IpAddr,
    pub(super) protocol: Protocol,
    /// To which port; 0 for an echo request.
    pub(super) port: u16,
    /// From which port; 0 where it is not known.
    pub(super) from: u16,
    names: Vec<String>,
    /// Whether the first of the names is the one that is shown.
    named: bool,
}

impl Asked {
    /// Reads it; none where no rule could be about it.
    pub(super) fn read(line: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| line.get(key).and_then(Value::as_str);
        let number = |key: &str| u16::try_from(line.get(key)?.as_u64()?).ok();
        let protocol = Protocol::parse(text("protocol")?)?;
        let port = number("port").filter(|port| protocol.has_ports() && *port > 0);
        let told = line.get("names").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let name = |name: &Value| canonical_name(name.as_str()?);
        (port.is_some() || !protocol.has_ports()).then_some(())?;
        Some(Self {
            address: text("address")?.parse::<IpAddr>().ok()?.to_canonical(),
            protocol,
            port: port.unwrap_or(0),
            from: number("source_port").unwrap_or(0),
            names: told.iter().filter_map(name).collect(),
            named: told.first().is_some_and(|first| name(first).is_some()),
        })
    }

    /// The rules that an answer can be, what is usually meant first. Each of them decides about what was asked:
    /// a rule that is less exact than the one which asks, or which a more exact one goes before, would change
    /// nothing. `host` are the addresses of this computer.
    pub(super) fn offers(&self, host: &[IpAddr], rules: &Rules) -> Vec<Offer> {
        let flow = self.flow(host);
        let mut rules = rules.clone();
        let asking = rules.decide(&flow).rule.and_then(|number| rules.list.get(number));
        let asking = asking.map(|rule| rule.target.clone());
        let mut offers: Vec<Offer> = Vec::new();
        for (scope, target) in self.targets(&flow, asking) {
            let rule = Rule { verdict: Verdict::Allow, target, ports: self.ports() };
            rules.list.push(rule.clone());
            let decides = rules.decide(&flow).verdict == Verdict::Allow;
            rules.list.pop();
            // Of two that are about everything, the first is the wider one.
            if decides && !offers.iter().any(|one| one.scope == scope) {
                offers.push(Offer { scope, rule });
            }
        }
        offers
    }

    fn flow(&self, host: &[IpAddr]) -> Flow<'_> {
        let Self { address, protocol, port, ref names, .. } = *self;
        Flow { address, protocol, port, is_host: host.contains(&address), names }
    }

    fn ports(&self) -> Ports {
        let range = self.protocol.has_ports().then_some((self.port, self.port));
        Ports { protocol: Some(self.protocol), range }
    }

    fn targets(&self, flow: &Flow<'_>, asking: Option<Target>) -> Vec<(Scope, Target)> {
        if flow.is_host {
            return vec![(Scope::Address, Target::Host)];
        }
        let mut targets = Vec::new();
        if let Some(name) = self.names.first().filter(|_| self.named) {
            let named =
                |name: &str, below| Target::Name(NamePattern { name: name.to_owned(), below });
            targets.push((Scope::Name, named(name, false)));
            targets.extend(domain(name).map(|domain| (Scope::Domain, named(domain, true))));
        }
        targets.push((Scope::Address, Target::Network(IpNet::single(self.address))));
        targets.push((Scope::Everything, Target::Everything));
        let is_wide = |target: &Target| match target {
            Target::Public | Target::Lan => true,
            Target::Network(net) => !net.is_single(),
            Target::Everything | Target::Host | Target::Name(_) => false,
        };
        targets.extend(asking.filter(is_wide).map(|target| (Scope::Everything, target)));
        targets
    }
}

/// The domain that a name lies in: what is above the name, else the name itself, of which others can lie below.
///
/// Everybody can have a name below a public suffix (`com`, `co.uk`, `github.io`), so that such a one is nobody's
/// domain. Which ones are is a list of people's (publicsuffix.org); no rule can be made of how many parts there
/// are. It is compiled in, since the list that some systems have may be missing or be years old. What it does not
/// know is taken to be a suffix if it has one part, and none if it has more. The nearest domain is
/// taken, and not the one that was registered: what lies far above a name may be another's.
fn domain(name: &str) -> Option<&str> {
    let above = name.split_once('.').map(|(_, above)| above);
    above.into_iter().chain([name]).find(|domain| psl::domain_str(domain).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HOST: [IpAddr; 1] = [IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 0, 1))];

    fn asked(address: &str, names: &[&str]) -> Asked {
        let line = json!({ "address": address, "protocol": "tcp", "port": 443, "names": names });
        Asked::read(line.as_object().unwrap()).unwrap()
    }

    fn offered(asked: &Asked, default: Verdict, list: &[(Verdict, &str)]) -> Vec<String> {
        let list = list.iter().map(|(verdict, rule)| Rule::parse(*verdict, rule).unwrap());
        let rules = Rules { default, list: list.collect() };
        let offers = asked.offers(&HOST, &rules);
        offers.iter().map(|one| format!("{} {}", one.scope.as_str(), one.rule)).collect()
    }

    #[test]
    fn only_what_would_decide_is_offered() {
        use Verdict::{Allow, Ask, Deny};
        let one = asked("8.8.8.8", &["www.good.example", "cdn.test"]);
        let all = [
            "name www.good.example:443/tcp",
            "domain *.good.example:443/tcp",
            "address 8.8.8.8:443/tcp",
            "everything *:443/tcp",
        ];
        assert_eq!(offered(&one, Ask, &[]), all);
        assert_eq!(offered(&one, Ask, &[(Allow, "lan"), (Deny, "*.evil.example")]), all);
        let last = |list: &[_]| offered(&one, Deny, list).pop().unwrap();
        assert_eq!(last(&[(Ask, "public")]), "everything public:443/tcp");
        assert_eq!(last(&[(Ask, "8.0.0.0/8")]), "everything 8.0.0.0/8:443/tcp");
        assert_eq!(offered(&one, Deny, &[(Ask, "*.good.example")]), all[..3]);
        assert_eq!(offered(&one, Deny, &[(Ask, "www.good.example:443")]), [all[0], all[2]]);
        assert_eq!(offered(&one, Deny, &[(Ask, "cdn.test")]), [all[0], all[2]]);
    }

    #[test]
    fn no_name_leads_into_the_local_network_and_nothing_else_to_this_computer() {
        use Verdict::{Ask, Deny};
        let local = ["address 10.0.0.1:443/tcp", "everything *:443/tcp"];
        assert_eq!(offered(&asked("10.0.0.1", &["a.b.example"]), Ask, &[]), local);
        let here = asked("192.168.0.1", &["a.b.example"]);
        assert_eq!(offered(&here, Deny, &[(Ask, "host:443")]), ["address host:443/tcp"]);
    }

    #[test]
    fn what_is_offered_is_read_as_what_it_is() {
        for (address, protocol) in [("8.8.8.8", "icmp"), ("2a0c:5::1", "udp"), ("fd00::1", "icmp")]
        {
            let line = json!({ "address": address, "protocol": protocol, "port": 53,
                "names": ["a.example.org"] });
            let asked = Asked::read(line.as_object().unwrap()).unwrap();
            for target in ["*", "public", "lan", "8.0.0.0/8", "2000::/3", "fd00::/8"] {
                let ask = Rule::parse(Verdict::Ask, target).unwrap();
                let rules = Rules { default: Verdict::Deny, list: vec![ask] };
                for Offer { rule, .. } in asked.offers(&HOST, &rules) {
                    assert_eq!(Rule::parse(Verdict::Allow, &rule.to_string()), Ok(rule));
                }
            }
        }
    }

    #[test]
    fn a_public_suffix_is_nobodys_domain() {
        for (name, expected) in [
            ("www.good.example", Some("good.example")),
            ("a.b.good.example", Some("b.good.example")),
            ("good.example", Some("good.example")),
            ("shop.co.uk", Some("shop.co.uk")),
            ("www.shop.co.uk", Some("shop.co.uk")),
            ("somebody.github.io", Some("somebody.github.io")),
            ("www.somebody.github.io", Some("somebody.github.io")),
            ("co.uk", None),
            ("github.io", None),
            ("example", None),
        ] {
            assert_eq!(domain(name), expected, "{name}");
        }
    }

    #[test]
    fn what_no_rule_can_be_about_is_not_asked() {
        let line = |port: Value, protocol: &str| {
            let line = json!({ "address": "::ffff:8.8.8.8", "protocol": protocol, "port": port });
            Asked::read(line.as_object().unwrap())
        };
        assert_eq!(line(json!(443), "tcp").unwrap().address, IpAddr::from([8, 8, 8, 8]));
        assert_eq!(line(json!(443), "icmp").unwrap().ports().range, None);
        for (port, protocol) in [(json!(0), "tcp"), (json!(null), "udp"), (json!(70_000), "tcp")] {
            assert_eq!(line(port, protocol), None);
        }
        assert_eq!(line(json!(443), "sctp"), None);
        // Nothing is derived from a name that is not the one that is shown.
        let odd = asked("8.8.8.8", &["*", "good.example"]);
        assert_eq!(offered(&odd, Verdict::Ask, &[])[0], "address 8.8.8.8:443/tcp");
    }
}
