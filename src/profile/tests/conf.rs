//! The original's profiles: read as they are, written back without loss.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use arkose_profile::net::Verdict;
use arkose_profile::{AbsPath, Context, DBus, to_toml};
use arkose_profile::{Home, Layer, Network, Origin, Profile, RunAs, Value, XServer, conf};
use std::path::PathBuf;

/// The author's example, byte by byte.
const XEYES: &str = "[xeyes]
cmd=\"xeyes\"
runas=user
network=false
xserver=isolated
dbus=none
pulseaudio=false
mount_bind=
mount_cow=
mount_restrict=
";

fn origin() -> Origin {
    Origin::File(PathBuf::from("x.conf"))
}

fn read(text: &str) -> (Layer, Vec<String>) {
    let (layer, notes) = conf::read(text, origin()).expect(text);
    (layer, notes.iter().map(ToString::to_string).collect())
}

#[test]
fn the_authors_xeyes_is_read_verbatim() {
    let (layer, notes) = read(XEYES);
    assert_eq!(notes, [""; 0]);
    let profile = Profile::new("xeyes", vec![layer]);
    assert_eq!((profile.name().as_str(), profile.command()), ("xeyes", vec!["xeyes".to_owned()]));
    let context = Context { home: AbsPath::new("/home/ann").unwrap(), user: "ann".into() };
    let policy = profile.policy(&context).unwrap();
    assert_eq!((policy.runas, policy.network), (RunAs::User, Network::None));
    assert_eq!(
        (policy.xserver, policy.dbus, policy.home),
        (XServer::Isolated, DBus::None, Home::Cow)
    );
    assert!(!policy.pulseaudio && policy.paths.is_empty() && policy.devices.is_empty());
}

#[test]
fn every_key_is_understood() {
    let (layer, notes) = read(
        "# the Skype preset, more or less\n[skype]\ncmd = sh -c 'echo \"a b\"'\nrunas = root\nnetwork = true\n\
         xserver=direct # a comment\ndbus='none'\npulseaudio=True\nvideo=yes\ndevice=/dev/ttyUSB0, /dev/bus/usb\n\
         root=/\nfstype=tmpfs\nfssize=500\nmount_bind=~/.Skype, \"$HOME/a, b\", /dev/dri/card0\n\
         mount_cow=/srv/$USER,\nmount_restrict=/opt\n",
    );
    assert_eq!(notes, [""; 0]);
    let list = |items: &[&str]| Value::List(items.iter().map(|&item| item.to_owned()).collect());
    for (key, value) in [
        ("command", list(&["sh", "-c", "echo \"a b\""])),
        ("runas", Value::Text("root".into())),
        ("network", Value::Text("direct".into())),
        ("xserver", Value::Text("direct".into())),
        ("dbus", Value::Text("none".into())),
        ("pulseaudio", Value::Bool(true)),
        ("devices", list(&["video", "/dev/ttyUSB0", "/dev/bus/usb", "/dev/dri/card0"])),
        ("limits.cow-size", Value::Text("500M".into())),
        ("files.home", Value::Text("cow".into())),
        ("files.bind", list(&["~/.Skype", "$HOME/a, b"])),
        ("files.cow", list(&["/srv/$USER"])),
        ("files.restrict", list(&["/opt"])),
    ] {
        assert_eq!(layer.get(key), Some(&value), "{key}");
    }
}

#[test]
fn what_cannot_be_enforced_never_opens_anything() {
    let (layer, notes) =
        read("[a]\ndbus=session\ndbusproxy=\"outgoing;org.a.*;*;*\", incoming;a.b;/c;D\n");
    assert_eq!(layer.get("dbus-rules.session.call"), None);
    let heard = Value::List(vec!["*=a.b.D@/c".to_owned()]);
    assert_eq!(layer.get("dbus-rules.session.broadcast"), Some(&heard));
    assert_eq!(layer.get("dbus-rules.system.broadcast"), None);
    assert_eq!(
        notes,
        [
            "the line “outgoing;org.a.*;*;*” of “dbusproxy” has no exact equal among the rules, and is left out"
        ]
    );
    let (layer, notes) = read("[a]\nfstype=ext4\n");
    assert_eq!(layer.get("limits.cow-size"), Some(&Value::Text("2048M".into())));
    assert_eq!(notes.len(), 1);
}

#[test]
fn a_filtered_network_reaches_the_internet_and_nothing_local() {
    let (layer, notes) = read("[a]\nnetwork=filtered\n");
    assert_eq!(notes, [""; 0]);
    let context = Context { home: AbsPath::new("/home/ann").unwrap(), user: "ann".into() };
    let policy = Profile::new("a", vec![layer]).policy(&context).unwrap();
    assert_eq!(policy.network, Network::Filtered);
    assert_eq!(policy.network_rules.default, Verdict::Deny);
    let rules: Vec<_> = policy.network_rules.list.iter().map(ToString::to_string).collect();
    assert_eq!(rules, ["public"]);
}

#[test]
fn other_rules_for_the_network_are_written_as_none_and_told() {
    for (rules, parts) in [
        (
            "allow = [\"public:443\"]",
            &["network = filtered", "network-rules.allow = public:443"][..],
        ),
        (
            "allow = [\"public\", \"lan\"]",
            &["network = filtered", "network-rules.allow = public, lan"],
        ),
        (
            "allow = [\"public\"]\ndeny = [\"*:25\"]",
            &["network = filtered", "network-rules.allow", "network-rules.deny = *:25"],
        ),
        ("default = \"ask\"", &["network = filtered", "network-rules.default = ask"]),
    ] {
        let text =
            format!("network = \"filtered\"\n[files]\nhome = \"cow\"\n[network-rules]\n{rules}");
        let (written, lost) = conf::write(&Layer::parse(&text, origin()).unwrap());
        let lost: Vec<_> = lost.iter().map(ToString::to_string).collect();
        assert_eq!(lost.len(), parts.len(), "{lost:?}");
        for part in parts {
            assert!(lost.iter().any(|note| note.contains(part)), "{part}: {lost:?}");
        }
        assert!(written.contains("network=none\n"), "{written}");
    }
}

#[test]
fn a_line_for_a_shell_goes_to_a_shell() {
    let (layer, _) = read("[a]\ncmd=\"cd /tmp; exec xterm\"\n");
    let command = ["/bin/sh", "-c", "cd /tmp; exec xterm"].map(str::to_owned);
    assert_eq!(layer.get("command"), Some(&Value::List(command.to_vec())));
}

#[test]
fn wrong_lines_are_told_with_their_place() {
    for (text, expected) in [
        ("[a]\nnetwrok=true", "x.conf:2:1: there is no key “netwrok”; did you mean “network”?"),
        (
            "[a]\n  xserver = izolated",
            "x.conf:2:13: “xserver” cannot be “izolated”; it takes one of: none, isolated, direct. Did you mean “isolated”?",
        ),
        ("[a]\nnetwork=maybe", "x.conf:2:9: “network” cannot be “maybe”"),
        ("[a]\npulseaudio=maybe", "x.conf:2:12: “pulseaudio” is true or false, not “maybe”"),
        ("[a]\nmount_bind=/a, b", "x.conf:2:16: “b” in “files.bind” is not an absolute path"),
        ("[a]\nmount_bind=/a, \"/b", "x.conf:2:16: this quote is never closed"),
        ("[a]\nmount_bind=\"/a\" /b", "x.conf:2:12: a comma is missing behind this quoted text"),
        (
            "[a]\ncmd=\"a\" b",
            "x.conf:2:5: there is more behind the closing quote; quote the whole value",
        ),
        ("[a]\ncmd=\"\"\"a\n", "x.conf:2:5: these three quotes are never closed"),
        ("[a]\n[b]", "x.conf:2:1: a profile has one section, and this is a second one"),
        ("[a\n", "x.conf:1:1: this is not a section; write it as [name]"),
        ("[a]\nwhat", "x.conf:2:1: this line is neither a section nor “key=value”"),
        ("[a]\nrunas=user\nrunas=root", "x.conf:3:1: “runas” is set twice"),
        ("[a]\nroot=/srv/x", "x.conf:2:6: “root=/srv/x” is not possible"),
        (
            "[a]\nfstype=btrfs",
            "x.conf:2:8: “fstype” cannot be “btrfs”; it takes one of: ext4, tmpfs",
        ),
        (
            "[a]\ndbus=session\ndbusproxy=outgoing;*;*;*, out;*;*;*",
            "x.conf:3:27: “out;*;*;*” is no line of “dbusproxy”",
        ),
        ("[a]\nfssize=2G", "x.conf:2:8: “fssize” is a number of megabytes, not “2G”"),
        ("[a]\ndevice=/dev/../etc", "x.conf:2:8: “/dev/../etc” is not the path of a device"),
    ] {
        let errors = conf::read(text, origin()).expect_err(text);
        assert_eq!(errors.0.len(), 1, "{errors}");
        assert!(errors.to_string().starts_with(expected), "{errors}\n{expected}");
    }
}

/// Settings of a layer without their places.
fn settings(layer: &Layer) -> Vec<(&'static str, Value)> {
    layer.iter().map(|(key, value)| (key, value.clone())).collect()
}

#[test]
fn there_and_back_again() {
    for text in [
        XEYES,
        "[a b]\ncmd='''two \"words\" and it's'''\nvideo=true\ndevice=/dev/x,\n",
        "[a]\ncmd=\"cd $PWD; $SHELL\"\nmount_bind=\"/a,b\", '/c\"d', \"/e \"\nfssize=3\n",
        "[a]\ndbus=both\ndbusproxy=outgoing;org.a.I;/p;*, outgoing;org.a.I;/p/*;*, incoming;*;*;*\n",
        "[a]\ndbus=system\ndbusproxy=outgoing;*;*;*,\n",
        "[a]\nnetwork=filtered\n",
        "[a]\ncmd=\"\"\"sh -c 'one\ntwo'\"\"\"\nnetwork=true\npulseaudio=true\nmount_restrict=~/.ssh\n",
    ] {
        let (layer, _) = read(text);
        // Through TOML, as `convert` goes, and back.
        let toml = Layer::parse(&to_toml(&layer), origin()).expect(text);
        assert_eq!(settings(&toml), settings(&layer), "{text}\n{}", to_toml(&layer));
        let (written, lost) = conf::write(&toml);
        assert_eq!(lost, [], "{text}");
        let (again, notes) = read(&written);
        assert_eq!(notes, [""; 0]);
        let mut expected = settings(&layer);
        expected.retain(|(key, value)| *key != "limits.cow-size" || value.as_text() != "0");
        let mut again = settings(&again);
        // Writing names what was only meant.
        again.retain(|(key, value)| {
            expected.iter().any(|(known, _)| known == key) || !value.as_list().is_empty()
        });
        assert_eq!(again, expected, "{written}");
    }
}

#[test]
fn what_a_conf_cannot_say_is_said() {
    let layer = Layer::parse(
        "summary = \"s\"\nwayland = \"direct\"\ndevices = [\"gpu\"]\nenvironment = [\"A\"]\n[files]\nhome = \"empty\"\nbind = [\"/a'\\\"\"]\n[limits]\ncow-size = \"1K\"",
        origin(),
    )
    .unwrap();
    let (text, lost) = conf::write(&layer);
    let lost: Vec<_> = lost.iter().map(ToString::to_string).collect();
    for part in [
        "summary = s",
        "wayland = direct",
        "class “gpu”",
        "environment = A",
        "files.home = empty",
        "files.bind = /a'\"",
        "limits.cow-size = 1K",
    ] {
        assert!(lost.iter().any(|note| note.contains(part)), "{part}: {lost:#?}");
    }
    assert_eq!(lost.len(), 7);
    read(&text);
}
