//! Layers, their order, and what they come to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use arkose_profile::options::Risk;
use arkose_profile::{
    AbsPath, Access, Context, DBus, Device, Home, Layer, Network, Origin, Profile, RunAs, Value,
    explain,
};
use std::path::PathBuf;

fn context() -> Context {
    Context { home: AbsPath::new("/home/ann").unwrap(), user: "ann".to_owned() }
}

fn shipped(text: &str) -> Layer {
    Layer::parse(text, Origin::Shipped(PathBuf::from("/shipped/a.toml"))).unwrap()
}

fn user(text: &str) -> Layer {
    Layer::parse(text, Origin::User(PathBuf::from("/user/a.toml"))).unwrap()
}

#[test]
fn nothing_said_means_nothing_reached() {
    let policy = Profile::new("a", vec![]).policy(&context()).unwrap();
    assert_eq!(policy.runas, RunAs::User);
    assert_eq!(policy.network, Network::None);
    assert_eq!(policy.dbus, DBus::None);
    assert_eq!(policy.home, Home::Empty);
    assert!(policy.devices.is_empty() && policy.paths.is_empty() && policy.environment.is_empty());
    assert!(!policy.pulseaudio && !policy.user_namespaces);
    assert_eq!(policy.cow_size, 0);
}

#[test]
fn the_stronger_layer_wins_key_by_key() {
    let mut launch = Layer::launch();
    launch.set("xserver", Value::Text("direct".into())).unwrap();
    let profile = Profile::new(
        "a",
        vec![
            shipped("network = \"direct\"\ndbus = \"session\"\ndevices = [\"video\", \"gpu\"]"),
            user("dbus = \"none\"\ndevices = [\"/dev/ttyUSB0\"]"),
        ],
    )
    .with_layer(launch);
    let policy = profile.policy(&context()).unwrap();
    assert_eq!((policy.network, policy.dbus), (Network::Direct, DBus::None));
    assert_eq!(policy.devices, [Device::Path(AbsPath::new("/dev/ttyUSB0").unwrap())]);
    assert_eq!(profile.origin("network").word(), "shipped");
    assert_eq!(profile.origin("dbus").word(), "user");
    assert_eq!(profile.origin("xserver"), &Origin::Launch);
    assert_eq!(profile.origin("wayland"), &Origin::Default);
    assert_eq!(profile.without_launch().value("xserver"), Value::Text("none".into()));
    assert_eq!(profile.without_user().value("dbus"), Value::Text("session".into()));
}

#[test]
fn a_launch_adds_to_lists() {
    let mut launch = Layer::launch();
    launch.add("files.bind", vec!["~/b".into()]).unwrap();
    launch.add("files.bind", vec!["/srv/$USER/x".into(), "~/a".into()]).unwrap();
    let profile = Profile::new("a", vec![shipped("[files]\nbind = [\"~/a\"]")]).with_layer(launch);
    let policy = profile.policy(&context()).unwrap();
    let paths: Vec<_> = policy.paths.iter().map(|rule| rule.path.to_string()).collect();
    assert_eq!(paths, ["/home/ann/a", "/home/ann/b", "/srv/ann/x"]);
    let origins: Vec<_> =
        profile.entries_with_origin("files.bind").iter().map(|(_, o)| o.word()).collect();
    assert_eq!(origins, ["shipped", "launch", "launch"]);
}

#[test]
fn parents_come_before_children() {
    let layer = shipped(
        "[files]\nbind = [\"/srv/a/b\", \"/srv/ab\"]\nrestrict = [\"/srv/a\", \"/srv/a/b/c\"]",
    );
    let policy = Profile::new("a", vec![layer]).policy(&context()).unwrap();
    let order: Vec<_> =
        policy.paths.iter().map(|rule| (rule.path.to_string(), rule.access)).collect();
    assert_eq!(
        order,
        [
            ("/srv/a".to_owned(), Access::Restrict),
            ("/srv/a/b".to_owned(), Access::Bind),
            ("/srv/a/b/c".to_owned(), Access::Restrict),
            ("/srv/ab".to_owned(), Access::Bind),
        ]
    );
}

#[test]
fn every_right_has_a_sentence_and_a_level() {
    let english = |text: &str| text.to_owned();
    let told = |text: &str| {
        let profile = Profile::new("a", vec![shipped(text)]);
        let policy = profile.policy(&context()).unwrap();
        explain::explain(&profile, &policy, &context(), &english)
    };
    let closed = told("");
    assert_eq!(closed.level, Risk::Contained);
    for option in arkose_profile::options::OPTIONS {
        // That there is no bus and no network says all of their rules as well.
        let rights = !matches!(option.key, "name" | "summary" | "command" | "app")
            && !["dbus-", "network-"].iter().any(|start| option.key.starts_with(start));
        assert_eq!(closed.about(option.key).next().is_some(), rights, "{}", option.key);
    }
    for (text, level) in [
        ("dbus = \"session\"", Risk::Contained),
        ("dbus = \"session\"\ndbus-presets = [\"notifications\"]", Risk::Partial),
        ("dbus = \"system\"\ndbus-presets = [\"notifications\"]", Risk::Contained),
        ("dbus = \"session\"\n[dbus-rules.session]\ntalk = [\"org.example.App\"]", Risk::Partial),
        ("dbus = \"system\"\n[dbus-rules.session]\ntalk = [\"*\"]", Risk::Contained),
        ("dbus = \"both\"\n[dbus-rules.system]\ntalk = [\"*\"]", Risk::Open),
        (
            "dbus = \"session\"\n[dbus-rules.session]\ncall = [\"*=org.freedesktop.DBus.Properties.Set\"]",
            Risk::Open,
        ),
        ("dbus = \"session\"\n[dbus-rules.session]\nask = [\"*\"]", Risk::Partial),
        ("dbus = \"session\"\n[dbus-rules.session]\ndeny = [\"*\"]", Risk::Contained),
        ("xserver = \"direct\"", Risk::Open),
        ("xserver = \"isolated\"", Risk::Contained),
        ("pulseaudio = true", Risk::Partial),
        ("[files]\nbind = [\"~/Documents\"]", Risk::Partial),
        ("[files]\nbind = [\"~/.config\"]", Risk::Open),
        ("[files]\nbind = [\"/home\"]", Risk::Open),
        ("[files]\nbind = [\"~\"]\nrestrict = [\"/srv\"]", Risk::Open),
        ("[files]\nbind-read-only = [\"/run/user/1000\"]", Risk::Open),
        ("[files]\ncow = [\"/tmp\"]", Risk::Open),
        ("[files]\nbind = [\"/tmp/.X11-unix/X0\"]", Risk::Open),
        ("[files]\nbind = [\"/tmp/build\"]", Risk::Partial),
        ("runas = \"root\"", Risk::Partial),
        // What is granted it sees as the caller does, but for devices, which are nobody's files.
        ("runas = \"root\"\n[files]\nbind = [\"/srv\"]", Risk::Partial),
        ("runas = \"root\"\ndevices = [\"kvm\"]", Risk::Open),
        ("[files]\nrestrict = [\"~/.ssh\"]", Risk::Contained),
    ] {
        assert_eq!(told(text).level, level, "{text}");
    }
    let hidden = told("[files]\nbind = [\"/srv/a\\u001b[31m\"]");
    assert!(hidden.about("files.bind").any(|line| line.text.contains("/srv/a\\x1b[31m")));
    assert_eq!(hidden.about("files.bind").next().unwrap().origin.word(), "shipped");
    let json = hidden.to_json();
    assert_eq!(json["level"], "partly-open");
    assert!(json["lines"].as_array().unwrap().iter().any(|line| line["file"] == "/shipped/a.toml"));
}

#[test]
fn rules_for_the_buses_are_layered_and_come_with_their_presets() {
    let user = "[dbus-rules.session]\ntalk = [\"org.example.B\"]\n";
    let below = "dbus = \"session\"\ndbus-presets = [\"accessibility\", \"portals\"]\n[dbus-rules.session]\ntalk = [\"org.example.A\"]\nask = [\"org.example.C\"]\n[dbus-rules.system]\ntalk = [\"*\"]\n";
    let mut launch = Layer::launch();
    launch.add("dbus-rules.session.talk", vec!["org.example.D".to_owned()]).unwrap();
    let over = Layer::parse(user, Origin::User("/user/a.toml".into())).unwrap();
    let profile = Profile::new("a", vec![shipped(below), over, launch]);
    let buses = profile.policy(&context()).unwrap().buses;
    let own: Vec<_> = buses
        .session
        .iter()
        .map(|rule| format!("{} {rule}", rule.access))
        .filter(|rule| rule.contains("org.example"))
        .collect();
    assert_eq!(own, ["talk org.example.B", "talk org.example.D", "ask org.example.C"]);
    assert!(buses.session.iter().any(|rule| rule.to_string() == "org.freedesktop.portal.Desktop"));
    assert!(buses.portals && buses.system.is_empty());
    assert!(buses.accessibility.is_some_and(|rules| !rules.is_empty()));
    let mut away = Layer::launch();
    away.set("dbus", Value::Text("system".to_owned())).unwrap();
    let buses = profile.with_layer(away).policy(&context()).unwrap().buses;
    assert!(buses.session.is_empty() && buses.accessibility.is_none() && !buses.portals);
    assert_eq!(buses.system.len(), 1);
}
