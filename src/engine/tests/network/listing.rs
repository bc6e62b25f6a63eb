//! What the kernel was told, as nft reads it back: a reader of netlink that is not ours.

use crate::world::{App, in_world, rules, sh};
use std::time::Duration;

const RULES: [&str; 8] = [
    "allow 192.0.2.0/24:80-90/tcp",
    "allow 192.0.2.128/25:80-90/tcp",
    "allow 198.51.100.0/24:80-90/tcp",
    "deny 2001:db8::/32",
    "allow www.example.org:443",
    "ask lan",
    "allow */icmp",
    "allow host:631/tcp",
];

/// The lines of a chain or a set.
fn block<'a>(listed: &'a [String], name: &str) -> Vec<&'a str> {
    let begin = listed.iter().rposition(|line| line == &format!("{name} {{")).expect(name);
    let lines = listed[begin + 1..].iter().map(String::as_str);
    lines.take_while(|line| *line != "}").collect()
}

/// Without what one nft writes in another way than the next.
fn plain(line: &str) -> String {
    let line = line.replace(" [invalid type]", "").replace("ct original protocol", "ct protocol");
    line.replace("icmpx type", "icmpx").trim().to_owned()
}

#[test]
fn the_rules_read_as_they_are_meant() {
    in_world("listing::the_rules_read_as_they_are_meant", || {
        if std::process::Command::new("nft").arg("--version").output().is_err() {
            eprintln!("skipped: nft is not installed");
            return;
        }
        let rules = rules("deny", &RULES);
        let mut app = App::start(&rules);
        let address = "1.1.1.1".parse().unwrap();
        let live = app.spec.live("www.example.org", address, Duration::from_secs(300));
        app.load_with(&rules, &live);
        let inside = format!("nsenter --net=/proc/{}/ns/net", app.pid);
        let listed = sh(&format!("{inside} nft -s list ruleset"));
        println!("{listed}");
        let listed: Vec<_> = listed.lines().map(plain).collect();
        let tables: Vec<_> = listed.iter().filter(|line| line.starts_with("table")).collect();
        assert_eq!(tables, ["table inet arkose-count {", "table inet arkose-2 {"]);
        bases(&listed);
        verdicts(&listed);
        groups(&listed);
    });
}

fn bases(listed: &[String]) {
    let near = |kind: &str| format!("ip6 hoplimit 255 icmpv6 type nd-{kind} accept");
    let base = |hook, interface, first, direction| {
        [
            format!("type filter hook {hook} priority filter; policy drop;"),
            format!("{interface} \"lo\" accept"),
            "ip hdrlength != 5 drop".to_owned(),
            "ct mark 0x00000002 accept".to_owned(),
            near(first),
            near("neighbor-solicit"),
            near("neighbor-advert"),
            "ct state invalid drop".to_owned(),
            format!("ct direction {direction} goto judge"),
        ]
    };
    assert_eq!(block(listed, "chain output"), base("output", "oif", "router-solicit", "original"));
    assert_eq!(block(listed, "chain input"), base("input", "iif", "router-advert", "reply"));
    assert_eq!(
        block(listed, "chain forward"),
        ["type filter hook forward priority filter; policy drop;"]
    );
}

fn verdicts(listed: &[String]) {
    assert_eq!(
        block(listed, "chain judge"),
        ["meta nfproto ipv4 goto judge-v4", "meta nfproto ipv6 goto judge-v6", "drop"]
    );
    assert_eq!(
        block(listed, "chain judge-v6"),
        [
            "ct protocol tcp goto groups-v6",
            "ct protocol udp goto groups-v6",
            "ct protocol ipv6-icmp ct original proto-dst 0x8000 goto groups-v6",
            "drop",
        ]
    );
    assert_eq!(block(listed, "chain allow"), ["ct mark set 0x00000002 accept"]);
    assert_eq!(
        block(listed, "chain deny"),
        [
            "limit rate 20/second burst 100 packets log group 2 snaplen 128 queue-threshold 1",
            "ct direction reply drop",
            "meta l4proto tcp reject with tcp reset",
            "reject with icmpx admin-prohibited",
        ]
    );
    let flow = "ct original ip daddr . ct protocol . ct original proto-dst";
    assert_eq!(
        block(listed, "chain ask-v4"),
        [
            format!("{flow} @allow-once-v4 goto allow").as_str(),
            &format!("{flow} @deny-once-v4 goto deny"),
            "limit rate 50/second burst 100 packets log group 1 snaplen 128 queue-threshold 1",
            "drop",
        ]
    );
}

fn groups(listed: &[String]) {
    assert_eq!(
        block(listed, "chain groups-v4"),
        [
            "ct original ip daddr @host-v4 goto host-v4",
            "ct protocol != icmp ct original proto-dst 0x1bb ct original ip daddr @names0-v4 goto allow",
            "ct protocol tcp ct original proto-dst 0x50-0x5a ct original ip daddr @group2-v4 goto allow",
            "ct original ip daddr @group3-v4 goto ask-v4",
            "ct protocol icmp goto allow",
            "goto deny",
        ]
    );
    assert_eq!(
        block(listed, "chain groups-v6"),
        [
            "ct original ip6 daddr @host-v6 goto host-v6",
            "ct protocol != ipv6-icmp ct original proto-dst 0x1bb ct original ip6 daddr @names0-v6 goto allow",
            "ct original ip6 daddr 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff goto deny",
            "ct original ip6 daddr @group3-v6 goto ask-v6",
            "ct protocol ipv6-icmp goto allow",
            "goto deny",
        ]
    );
    assert_eq!(
        block(listed, "chain host-v4"),
        ["ct protocol tcp ct original proto-dst 0x277 goto allow", "goto deny"]
    );
    // The second network lies in the first.
    assert!(
        block(listed, "set group2-v4").contains(&"elements = { 192.0.2.0/24, 198.51.100.0/24 }")
    );
    assert!(block(listed, "set host-v4").contains(&"elements = { 10.200.0.1 }"));
    let name = "elements = { 1.1.1.1 timeout 5m";
    assert!(block(listed, "set names0-v4").iter().any(|line| line.starts_with(name)));
}
