//! Rules for a filtered network: as a profile has them, what they come to, and how that is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use arkose_profile::explain::{Explanation, explain};
use arkose_profile::net::Verdict;
use arkose_profile::options::Risk;
use arkose_profile::{
    AbsPath, Context, Layer, Network, Origin, Policy, Profile, Value, edited, to_toml,
};

fn context() -> Context {
    Context { home: AbsPath::new("/home/ann").unwrap(), user: "ann".to_owned() }
}

fn shipped(text: &str) -> Layer {
    Layer::parse(text, Origin::Shipped("/shipped/a.toml".into())).expect(text)
}

fn told(profile: &Profile) -> Explanation {
    let policy = profile.policy(&context()).unwrap();
    explain(profile, &policy, &context(), &|text: &str| text.to_owned())
}

/// A profile with a filtered network and these rules.
fn filtered(rules: &str) -> Profile {
    Profile::new("a", vec![shipped(&format!("network = \"filtered\"\n[network-rules]\n{rules}"))])
}

fn list(policy: &Policy) -> Vec<String> {
    let rules = policy.network_rules.list.iter();
    rules.map(|rule| format!("{} {rule}", rule.verdict)).collect()
}

#[test]
fn rules_are_layered_as_every_list_is() {
    let below = shipped(
        "network = \"filtered\"\n[network-rules]\nallow = [\"example.org\", \"EXAMPLE.org.\"]\ndeny = [\"lan\"]\n",
    );
    let user = Layer::parse(
        "[network-rules]\ndefault = \"ask\"\ndeny = [\"*.example.com\"]\n",
        Origin::User("/user/a.toml".into()),
    );
    let mut launch = Layer::launch();
    launch.add("network-rules.allow", vec!["public:443".into()]).unwrap();
    launch.add("network-rules.ask", vec!["lan:22".into()]).unwrap();
    let profile = Profile::new("a", vec![below, user.unwrap(), launch]);
    let policy = profile.policy(&context()).unwrap();
    assert_eq!((policy.network, policy.network_rules.default), (Network::Filtered, Verdict::Ask));
    assert_eq!(
        list(&policy),
        ["allow example.org", "allow public:443", "deny *.example.com", "ask lan:22"]
    );
    let origins: Vec<_> =
        told(&profile).about("network-rules.allow").map(|line| line.origin.word()).collect();
    assert_eq!(origins, ["shipped", "shipped", "launch"]);
}

#[test]
fn a_zone_is_told_with_what_the_app_is_called_there() {
    let zone = "zone = \"br0\"\naddresses = [\"192.168.5.20/24\"]\nrouters = [\"192.168.5.1\"]\n";
    let profile = filtered(zone);
    let zone_of = profile.policy(&context()).unwrap().zone.unwrap();
    assert_eq!((zone_of.bridge().as_str(), zone_of.routers().len()), ("br0", 1));
    let text = |profile: &Profile, key: &str| -> Vec<String> {
        told(profile).about(key).map(|line| line.text.clone()).collect()
    };
    assert!(text(&profile, "network-rules.zone")[0].contains("the bridge br0"));
    assert_eq!(
        text(&profile, "network-rules.addresses"),
        ["The app has the address 192.168.5.20/24 at its bridge."]
    );
    assert!(text(&profile, "network-rules.routers")[0].contains("the router 192.168.5.1"));
    let wrong =
        filtered("zone = \"br0\"\nrouters = [\"10.0.0.1\"]\n").policy(&context()).unwrap_err();
    assert!(wrong.to_string().contains("4:11: the router “10.0.0.1” lies in"), "{wrong}");
    // Without a bridge, or a network that could be joined to it, these come to nothing.
    let none = filtered("addresses = [\"192.168.5.20/24\"]\n");
    assert_eq!(none.policy(&context()).unwrap().zone, None);
    assert!(text(&none, "network-rules.addresses")[0].contains("names no bridge"));
    let direct = format!("network = \"direct\"\n[network-rules]\n{zone}");
    let direct = Profile::new("a", vec![shipped(&direct)]);
    assert_eq!(direct.policy(&context()).unwrap().zone, None);
    assert!(text(&direct, "network-rules.zone")[0].contains("is not “filtered”"));
}

#[test]
fn without_a_filtered_network_rules_give_nothing_and_that_is_told() {
    for network in ["none", "direct"] {
        let text = format!(
            "network = \"{network}\"\n[network-rules]\ndefault = \"allow\"\nallow = [\"*\"]\nask = [\"lan\"]\n"
        );
        let profile = Profile::new("a", vec![shipped(&text)]);
        let policy = profile.policy(&context()).unwrap();
        assert!(policy.network_rules.list.is_empty());
        assert_eq!(policy.network_rules.default, Verdict::Deny);
        let told = told(&profile);
        for (key, rule) in [("default", "allow"), ("allow", "*"), ("ask", "lan")] {
            let lines: Vec<_> = told.about(&format!("network-rules.{key}")).cloned().collect();
            assert_eq!(lines.len(), 1, "{key}");
            assert_eq!(
                lines[0].text,
                format!("The rule {rule} gives the app nothing: “network” is not “filtered”.")
            );
            assert!(!lines[0].can && lines[0].risk == Risk::Contained);
        }
    }
}

#[test]
fn light_walls_filter_no_network() {
    let profile = Profile::new("a", vec![shipped("network = \"filtered\"\nwalls = \"light\"\n")]);
    let errors = profile.policy(&context()).unwrap_err().to_string();
    assert!(errors.contains("“walls = light”"), "{errors}");
    assert!(errors.contains("no network of its own that could be filtered"), "{errors}");
}

#[test]
fn rules_are_as_open_as_what_they_let_through() {
    for (rules, level) in [
        ("", Risk::Partial),
        ("allow = [\"example.org:443\"]", Risk::Partial),
        ("allow = [\"public\"]", Risk::Partial),
        ("allow = [\"lan\", \"host:631\"]", Risk::Partial),
        ("allow = [\"*:443\"]", Risk::Partial),
        ("allow = [\"*/udp\"]", Risk::Partial),
        ("ask = [\"*\"]", Risk::Partial),
        ("default = \"ask\"", Risk::Partial),
        ("allow = [\"*\"]", Risk::Open),
        ("allow = [\"*:1-65535/tcp\"]", Risk::Open),
        ("allow = [\"0.0.0.0/0\"]", Risk::Open),
        ("default = \"allow\"", Risk::Open),
        ("default = \"allow\"\ndeny = [\"lan:445\"]", Risk::Open),
        ("default = \"allow\"\ndeny = [\"lan\"]", Risk::Partial),
        ("allow = [\"*\"]\ndeny = [\"lan\"]", Risk::Partial),
    ] {
        assert_eq!(told(&filtered(rules)).level, level, "{rules}");
    }
}

#[test]
fn every_rule_has_a_sentence() {
    for (key, rule, sentence) in [
        ("allow", "example.org", "The app can reach example.org."),
        (
            "allow",
            "*.example.org:443/tcp",
            "The app can reach example.org and everything below it, on port 443 (TCP).",
        ),
        ("allow", "public:80", "The app can reach the internet, on port 80."),
        ("allow", "host:631", "The app can reach services of this computer, on port 631."),
        (
            "allow",
            "10.0.0.0/8:8000-9000/udp",
            "The app can reach every address in 10.0.0.0/8, on the ports 8000 to 9000 (UDP).",
        ),
        ("allow", "[2001:db8::1]:1-2", "The app can reach 2001:db8::1, on the ports 1 to 2."),
        ("allow", "*", "The app can reach every address but those of this computer."),
        ("ask", "lan", "You are asked before the app reaches the local network."),
        (
            "ask",
            "lan/icmp",
            "You are asked before the app reaches the local network, with echo requests (ping).",
        ),
        ("deny", "example.org", "The app cannot reach example.org."),
        ("deny", "1.1.1.1/tcp", "The app cannot reach 1.1.1.1, over TCP."),
        (
            "deny",
            "lan",
            "The app cannot reach the local network, unless a more exact rule allows it.",
        ),
        (
            "deny",
            "*:25",
            "The app cannot reach every address but those of this computer, on port 25, unless a more exact rule allows it.",
        ),
    ] {
        let told = told(&filtered(&format!("{key} = [\"{rule}\"]")));
        let key = format!("network-rules.{key}");
        let lines: Vec<_> = told.about(&key).collect();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].text, sentence, "{rule}");
        assert_eq!(lines[0].can, !key.ends_with("deny"));
        let line = told.to_json()["lines"]
            .as_array()
            .unwrap()
            .iter()
            .find(|line| line["key"] == key)
            .cloned()
            .unwrap();
        assert_eq!((&line["text"], &line["file"]), (&sentence.into(), &"/shipped/a.toml".into()));
    }
}

#[test]
fn what_rules_cannot_do_is_told() {
    const LAN: &str = "The app cannot reach the local network.";
    const HOST: &str = "The app cannot reach services of this computer over the network.";
    const SHARED: &str =
        "The app can reach whatever else has the address of a name that it may reach.";
    const HTTPS: &str = "The app can have a server that it may reach over HTTPS look names up for it, or pass on what it says.";
    for (rules, wanted) in [
        ("", &["The app can reach nothing over the network: no rule allows it."][..]),
        ("deny = [\"lan\"]", &["The app can reach nothing over the network: no rule allows it."]),
        ("allow = [\"example.org\"]", &[LAN, HOST, SHARED, HTTPS]),
        ("allow = [\"example.org:22\"]", &[LAN, HOST, SHARED]),
        ("allow = [\"public\"]", &[LAN, HOST, HTTPS]),
        ("allow = [\"public:22\"]\ndeny = [\"lan\"]", &[HOST]),
        ("allow = [\"lan:443\"]", &[HOST]),
        ("allow = [\"192.168.1.1:22\"]", &[HOST]),
        ("allow = [\"192.0.0.0/8:22\"]", &[HOST]),
        ("allow = [\"8.8.8.8:53\"]", &[LAN, HOST]),
        ("ask = [\"host:631\"]", &[LAN]),
        ("default = \"ask\"", &[HOST, HTTPS]),
    ] {
        let told = told(&filtered(rules));
        let lines: Vec<_> = told.about("network").skip(1).map(|line| line.text.as_str()).collect();
        assert_eq!(lines, wanted, "{rules}");
    }
}

#[test]
fn rules_are_saved_in_their_table() {
    let mut layer = Layer::launch();
    layer.set("network", Value::Text("filtered".into())).unwrap();
    layer.set("network-rules.default", Value::Text("ask".into())).unwrap();
    layer.set("network-rules.allow", Value::List(vec!["*.example.org".into()])).unwrap();
    let text = to_toml(&layer);
    assert_eq!(
        text,
        "network = \"filtered\"\n\n[network-rules]\ndefault = \"ask\"\nallow = [\"*.example.org\"]\n"
    );
    let again = shipped(&text);
    assert_eq!(again.iter().collect::<Vec<_>>(), layer.iter().collect::<Vec<_>>());
    let without =
        edited(&text, &Layer::launch(), &["network-rules.default", "network-rules.allow"]);
    assert_eq!(without.unwrap().trim(), "network = \"filtered\"");
}

#[test]
fn ten_thousand_rules_are_read_and_explained() {
    let rules: Vec<_> = (0..10_000).map(|n| format!("\"h{n}.example.org:443\"")).collect();
    let profile = filtered(&format!("allow = [{}]", rules.join(", ")));
    assert_eq!(profile.policy(&context()).unwrap().network_rules.list.len(), 10_000);
    assert_eq!(told(&profile).about("network-rules.allow").count(), 10_000);
}
