//! Rules as a whole: their text, and what they decide.

mod drawn;

use super::*;
use std::net::IpAddr;

fn rule(verdict: Verdict, text: &str) -> Result<String, String> {
    Rule::parse(verdict, text).map(|rule| rule.to_string()).map_err(|why| why.to_string())
}

fn rules(default: Verdict, list: &[(Verdict, &str)]) -> Rules {
    let parsed = list.iter().map(|(verdict, text)| Rule::parse(*verdict, text).expect(text));
    Rules { default, list: parsed.collect() }
}

const NOBODY: &[String] = &[];

fn flow(address: &str, port: u16) -> Flow<'static> {
    let address = address.parse().expect(address);
    Flow { address, protocol: Protocol::Tcp, port, is_host: false, names: NOBODY }
}

/// The verdict and the text of the rule that decides.
fn told(rules: &Rules, flow: &Flow<'_>) -> String {
    let Decision { verdict, rule } = rules.decide(flow);
    rule.map_or(verdict.to_string(), |rule| format!("{verdict} {}", rules.list[rule]))
}

#[test]
fn rules_are_written_as_they_are_read() {
    for text in [
        "*",
        "*:443",
        "*:1-1023/udp",
        "*/icmp",
        "public",
        "lan:22/tcp",
        "host:631",
        "192.0.2.1",
        "10.0.0.0/8",
        "10.0.0.0/8:53/udp",
        "10.0.0.0/8/icmp",
        "2001:db8::1",
        "2001:db8::/32",
        "2001:db8::/32/tcp",
        "[2001:db8::1]:443",
        "[2001:db8::/32]:443-444/tcp",
        "example.org",
        "www.example.org:443",
        "*.example.org",
        "*.example.org:443/udp",
        "*.local",
        "xn--bcher-kva.example/tcp",
    ] {
        for verdict in Verdict::ALL {
            assert_eq!(rule(verdict, text), Ok(text.to_owned()));
        }
        let parsed = Rule::parse(Verdict::Ask, text).unwrap();
        let json = serde_json::to_string(&parsed).unwrap();
        assert_eq!(json, format!("{{\"verdict\":\"ask\",\"rule\":\"{text}\"}}"));
        assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), parsed);
    }
}

#[test]
fn other_ways_to_write_the_same_come_to_one() {
    for (text, wanted) in [
        ("PUBLIC:443/TCP", "public:443/tcp"),
        ("Example.ORG.", "example.org"),
        ("*.Example.org.:80", "*.example.org:80"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("10.1.2.3/32:1-1", "10.1.2.3:1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("[2001:db8::1]/udp", "2001:db8::1/udp"),
        ("[::ffff:10.0.0.1]:80", "10.0.0.1:80"),
        ("::ffff:10.0.0.1/104", "10.0.0.0/8"),
        ("2001:db8::1:443", "2001:db8::1:443"),
    ] {
        assert_eq!(rule(Verdict::Allow, text), Ok(wanted.to_owned()), "{text}");
    }
    assert_eq!(rule(Verdict::Deny, "host"), Ok("host".to_owned()));
}

#[test]
fn every_mistake_has_its_sentence() {
    for (text, part) in [
        ("", "the target is missing"),
        (":443", "the target is missing"),
        ("/tcp", "the target is missing"),
        ("publik", "Did you mean “public”?"),
        ("publik:443", "Did you mean “public”?"),
        ("lna", "Did you mean “lan”?"),
        ("hosst:631", "Did you mean “host”?"),
        ("internet", "Did you mean “public”?"),
        ("ANY", "Did you mean “*”?"),
        ("printer", "nor a name with a dot"),
        ("host", "needs the port of a service"),
        ("host/tcp", "needs the port of a service"),
        ("host/icmp", "needs the port of a service"),
        ("localhost:80", "always reaches; for a service of this computer write “host”"),
        ("127.0.0.1:80", "always reaches"),
        ("[::1]:80", "always reaches"),
        ("0.0.0.0", "the address of nobody"),
        ("https://example.org/x", "write “example.org:443”"),
        ("http://example.org", "write “example.org:80”"),
        ("ssh://example.org:22", "write “example.org”, “:” and the port"),
        ("example.org/tpc", "Did you mean “tcp”?"),
        ("example.org/icmpv6", "Did you mean “icmp”?"),
        ("example.org/", "behind the “/” comes tcp, udp or icmp"),
        ("example.org/sctp:9", "behind the “/” comes tcp, udp or icmp"),
        ("example.org/24", "only behind an address"),
        ("example.org:", "the port is missing"),
        ("example.org:-80", "the port is missing"),
        ("example.org:80-", "the port is missing"),
        ("example.org:0", "“0” is no port"),
        ("example.org:65536", "“65536” is no port"),
        ("example.org:+80", "“+80” is no port"),
        ("example.org:https", "“https” is no port"),
        ("example.org:*", "leave “:*” out"),
        ("example.org:90-80", "end before they begin"),
        ("example.org:80/icmp", "“icmp” has no ports"),
        ("*example.org", "stands alone, or before a dot"),
        ("www.*.org", "stands alone, or before a dot"),
        ("*.*.org", "stands alone, or before a dot"),
        ("*.", "empty part"),
        (".example.org", "write “*.example.org”"),
        ("example..org", "empty part"),
        ("-a.org", "begins or ends with a “-”"),
        ("a b.org", "“ ” cannot be in"),
        ("a@b.org", "“@” cannot be in"),
        ("bücher.example", "begins with “xn--”"),
        ("*.bücher.example", "begins with “xn--”"),
        ("300.1.2.3", "is no address"),
        ("10.0.0.01", "is no address"),
        ("1.2.3", "is no address"),
        ("10.0.0.0/33", "from 0 to 32"),
        ("2001:db8::/129", "from 0 to 128"),
        ("2001:db8::/32:443", "from 0 to 128"),
        ("2001:db8::x", "[ADDRESS]:PORT"),
        ("2001:db8:1:443", "[ADDRESS]:PORT"),
        ("fe80::1%eth0", "leave the “%”"),
        ("[2001:db8::1:443", "is not closed"),
        ("[2001:db8::1]443", "behind the “]” comes “:”"),
        ("[10.0.0.1]:80", "an address of IPv6 alone"),
        ("[example.org]:80", "an address of IPv6 alone"),
    ] {
        let why = rule(Verdict::Allow, text).expect_err(text);
        assert!(why.contains(part), "{text:?}: {why}");
        assert!(why.contains(text), "{text:?}: {why}");
    }
    let long = format!("{}.org", "a".repeat(64));
    assert!(rule(Verdict::Allow, &long).unwrap_err().contains("at most 63 letters"));
    let long = format!("{}org", "a.".repeat(126));
    assert!(rule(Verdict::Allow, &long).unwrap_err().contains("at most 253 letters"));
}

#[test]
fn nothing_is_reached_without_a_rule() {
    let none = Rules::default();
    assert_eq!(told(&none, &flow("1.1.1.1", 443)), "deny");
    assert_eq!(none.name("example.org"), NameVerdict::Refuse(None));
    assert!(!none.may_reach("1.1.1.1".parse().unwrap(), NOBODY) && !none.may_reach_host());
}

#[test]
fn words_stand_for_what_they_say() {
    let words = rules(
        Verdict::Deny,
        &[(Verdict::Allow, "public:443"), (Verdict::Ask, "lan"), (Verdict::Allow, "host:631")],
    );
    assert_eq!(told(&words, &flow("1.1.1.1", 443)), "allow public:443");
    assert_eq!(told(&words, &flow("1.1.1.1", 80)), "deny");
    assert_eq!(told(&words, &flow("2606:4700::1111", 443)), "allow public:443");
    assert_eq!(told(&words, &flow("192.168.1.1", 443)), "ask lan");
    assert_eq!(told(&words, &flow("::ffff:192.168.1.1", 443)), "ask lan");
    assert_eq!(told(&words, &flow("ff02::fb", 5353)), "ask lan");
    assert_eq!(told(&words, &flow("203.0.113.1", 443)), "deny");
    let here = |port| Flow { is_host: true, ..flow("10.0.2.2", port) };
    assert_eq!(told(&words, &here(631)), "allow host:631");
    assert_eq!(told(&words, &here(443)), "deny");
}

#[test]
fn this_computer_has_rules_of_its_own() {
    let here = Flow { is_host: true, ..flow("10.0.2.2", 22) };
    for verdict in [Verdict::Allow, Verdict::Ask] {
        let all = rules(
            verdict,
            &[(verdict, "*"), (verdict, "lan"), (verdict, "10.0.2.2"), (verdict, "10.0.0.0/8")],
        );
        assert_eq!(told(&all, &here), "deny");
        assert!(!all.may_reach_host());
    }
    let some = rules(Verdict::Deny, &[(Verdict::Deny, "10.0.0.0/8"), (Verdict::Ask, "host:22")]);
    assert_eq!(told(&some, &here), "ask host:22");
    assert!(some.may_reach_host());
    let both = rules(Verdict::Deny, &[(Verdict::Deny, "host"), (Verdict::Allow, "host:22")]);
    assert_eq!(told(&both, &here), "deny host");
    assert!(!both.may_reach_host());
}

#[test]
fn the_more_exact_goes_first_and_refusing_before_allowing_before_asking() {
    let names = ["www.example.org".to_owned()];
    let all = rules(
        Verdict::Ask,
        &[
            (Verdict::Allow, "*"),
            (Verdict::Deny, "*:25"),
            (Verdict::Ask, "public:22"),
            (Verdict::Deny, "8.0.0.0/8"),
            (Verdict::Allow, "8.8.0.0/16"),
            (Verdict::Allow, "*.example.org"),
            (Verdict::Ask, "*.example.org"),
            (Verdict::Ask, "www.example.org:80"),
            (Verdict::Deny, "8.8.8.8:80/udp"),
        ],
    );
    assert_eq!(told(&all, &flow("1.1.1.1", 443)), "allow *");
    assert_eq!(told(&all, &flow("1.1.1.1", 25)), "deny *:25");
    assert_eq!(told(&all, &flow("1.1.1.1", 22)), "ask public:22");
    assert_eq!(told(&all, &flow("8.8.8.8", 443)), "deny 8.0.0.0/8");
    let www = |port| Flow { names: &names, ..flow("8.8.8.8", port) };
    assert_eq!(told(&all, &www(443)), "allow *.example.org");
    assert_eq!(told(&all, &www(80)), "ask www.example.org:80");
    let datagram = Flow { protocol: Protocol::Udp, ..www(80) };
    assert_eq!(told(&all, &datagram), "deny 8.8.8.8:80/udp");
    let order: Vec<_> = all.ordered().iter().map(|(_, rule)| rule.to_string()).collect();
    assert_eq!(
        order,
        [
            "8.8.8.8:80/udp",
            "www.example.org:80",
            "*.example.org",
            "*.example.org",
            "8.0.0.0/8",
            "8.8.0.0/16",
            "public:22",
            "*:25",
            "*",
        ]
    );
    assert!(all.ordered().is_sorted_by_key(|(tier, _)| *tier));
}

#[test]
fn a_name_alone_leads_to_no_local_address() {
    let names = ["nas.example.org".to_owned()];
    let lan: IpAddr = "192.168.1.10".parse().unwrap();
    let by_name = rules(Verdict::Deny, &[(Verdict::Allow, "*.example.org")]);
    assert_eq!(told(&by_name, &Flow { names: &names, ..flow("192.168.1.10", 443) }), "deny");
    assert_eq!(told(&by_name, &Flow { names: &names, ..flow("127.0.0.1", 443) }), "deny");
    assert!(!by_name.may_reach(lan, &names));
    assert!(by_name.may_reach("1.1.1.1".parse().unwrap(), &names));
    assert!(!by_name.may_reach("1.1.1.1".parse().unwrap(), NOBODY));
    for text in ["192.168.1.10:443", "192.168.0.0/16", "lan:443", "*"] {
        let both = rules(Verdict::Deny, &[(Verdict::Allow, "*.example.org"), (Verdict::Ask, text)]);
        assert!(both.may_reach(lan, &names), "{text}");
        let through = Flow { names: &names, ..flow("192.168.1.10", 443) };
        assert_eq!(told(&both, &through), format!("ask {text}"));
    }
    // What is refused by its name is refused wherever it leads.
    let refused = rules(Verdict::Allow, &[(Verdict::Deny, "nas.example.org")]);
    let through = Flow { names: &names, ..flow("192.168.1.10", 443) };
    assert_eq!(told(&refused, &through), "deny nas.example.org");
}

#[test]
fn a_name_is_looked_up_where_something_could_come_of_it() {
    use NameVerdict::{Refuse, Resolve};
    let named = rules(
        Verdict::Deny,
        &[
            (Verdict::Allow, "*.example.org:443"),
            (Verdict::Deny, "bad.example.org"),
            (Verdict::Deny, "mail.example.org:25"),
            (Verdict::Ask, "other.example.com"),
        ],
    );
    assert_eq!(named.name("www.example.org"), Resolve);
    assert_eq!(named.name("Example.ORG."), Resolve);
    assert_eq!(named.name("bad.example.org"), Refuse(Some(1)));
    assert_eq!(named.name("mail.example.org"), Resolve);
    assert_eq!(named.name("other.example.com"), Resolve);
    assert_eq!(named.name("example.com"), Refuse(None));
    for (default, list, wanted) in [
        (Verdict::Deny, &[(Verdict::Allow, "public:443")][..], Resolve),
        (Verdict::Deny, &[(Verdict::Ask, "10.0.0.1")], Resolve),
        (Verdict::Deny, &[(Verdict::Deny, "lan")], Refuse(None)),
        (Verdict::Allow, &[], Resolve),
        (Verdict::Ask, &[(Verdict::Deny, "*:25")], Resolve),
        (Verdict::Allow, &[(Verdict::Deny, "*")], Refuse(None)),
        (Verdict::Allow, &[(Verdict::Deny, "*.example.org")], Refuse(Some(0))),
    ] {
        assert_eq!(rules(default, list).name("example.org"), wanted, "{default} {list:?}");
    }
}

#[test]
fn the_rule_that_would_allow_a_connection_is_narrow_and_allows_it() {
    let names = ["www.example.org".to_owned()];
    let one = flow("1.1.1.1", 443);
    for (flow, wanted) in [
        (one, Some("1.1.1.1:443/tcp")),
        (Flow { names: &names, ..one }, Some("www.example.org:443/tcp")),
        (Flow { protocol: Protocol::Icmp, port: 0, ..one }, Some("1.1.1.1/icmp")),
        (Flow { names: &names, ..flow("fd00::1", 22) }, Some("[fd00::1]:22/tcp")),
        (Flow { is_host: true, ..flow("10.0.2.2", 631) }, Some("host:631/tcp")),
        (Flow { is_host: true, protocol: Protocol::Icmp, port: 0, ..one }, None),
    ] {
        let rule = Rule::allowing(&flow);
        assert_eq!(rule.as_ref().map(ToString::to_string).as_deref(), wanted);
        let Some(rule) = rule else { continue };
        assert_eq!(Rule::parse(Verdict::Allow, &rule.to_string()).unwrap(), rule);
        let rules = Rules { default: Verdict::Deny, list: vec![rule] };
        assert_eq!(rules.decide(&flow).verdict, Verdict::Allow);
    }
}

/// As long as this takes no time to speak of, no step looks at every pair of rules.
#[test]
fn ten_thousand_rules_are_no_burden() {
    let texts: Vec<_> = (0..10_000_u32)
        .map(|n| match n % 3 {
            0 => format!("*.d{n}.example.org:443"),
            1 => format!("h{n}.example.org"),
            _ => format!("10.{}.{}.0/24", n / 256 % 256, n % 256),
        })
        .collect();
    let list = texts.iter().map(|text| Rule::parse(Verdict::Allow, text).unwrap()).collect();
    let rules = Rules { default: Verdict::Deny, list };
    assert_eq!(rules.ordered().len(), 10_000);
    let names = ["www.d9999.example.org".to_owned()];
    for _ in 0..1_000 {
        let flow = Flow { names: &names, ..flow("1.1.1.1", 443) };
        assert_eq!(rules.decide(&flow).rule, Some(9_999));
    }
    assert!(rules.may_reach("1.1.1.1".parse().unwrap(), &names));
}
