//! What the kernel was told, as nft reads it back: a reader of netlink that is not ours.

use crate::world::{App, in_world, rules, sh};
use std::time::Duration;

#[test]
fn the_rules_read_as_they_are_meant() {
    in_world("listing::the_rules_read_as_they_are_meant", || {
        if std::process::Command::new("nft").arg("--version").output().is_err() {
            eprintln!("skipped: nft is not installed");
            return;
        }
        let texts = [
            "allow 192.0.2.0/24:80-90/tcp",
            "allow 192.0.2.128/25:80-90/tcp",
            "deny 2001:db8::/32",
            "allow www.example.org:443",
            "ask lan",
            "allow */icmp",
            "allow host:631/tcp",
        ];
        let rules = rules("deny", &texts);
        let mut app = App::start(&rules);
        let address = "1.1.1.1".parse().unwrap();
        let live = app.spec.live("www.example.org", address, Duration::from_secs(300));
        app.load_with(&rules, &live);
        let listed = sh(&format!("nsenter --net=/proc/{}/ns/net nft -s list ruleset", app.pid));
        let times = |line: &str| line.split(" expires").next().unwrap_or_default().to_owned();
        let listed: Vec<_> = listed.lines().map(times).collect();
        println!("{}", listed.join("\n"));
    });
}
