//! Everything that can be wrong with a profile, and the sentence and the place it is told with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use arkose_profile::{AbsPath, Context, Layer, Origin, Profile, Value};
use std::path::PathBuf;

fn origin() -> Origin {
    Origin::File(PathBuf::from("a.toml"))
}

/// A profile and the lines it is refused with.
const WRONG: &[(&str, &[&str])] = &[
    // Names.
    ("netwrok = \"none\"", &["1:1: there is no key “netwrok”; did you mean “network”?"]),
    ("\n  quux = 1", &["2:3: there is no key “quux”"]),
    ("home = \"empty\"", &["1:1: “home” belongs in the table [files]"]),
    (
        "[files]\nnetwork = \"none\"",
        &["2:1: “network” is not a key of [files]; write it above the first table"],
    ),
    ("[files]\nbnid = []", &["2:1: there is no key “files.bnid”; did you mean “files.bind”?"]),
    ("[fiels]\nbind = []", &["1:2: there is no table [fiels]; did you mean [files]?"]),
    ("[nothing-like-it]", &["1:2: there is no table [nothing-like-it]"]),
    ("files = 3", &["1:1: “files” is a table; write it as [files], with its keys below"]),
    (
        "[[files]]\nbind = []",
        &["1:3: “files” is a table; write it as [files], with its keys below"],
    ),
    ("[network]\nx = 1", &["1:2: “network” must be a text in quotes"]),
    ("\"files.home\" = \"direct\"", &["1:1: there is no key “files.home”"]),
    (
        "[files.bind]\nx = 1",
        &["1:8: “files.bind” must be a list of paths, like [\"~/Documents\", \"/srv\"]"],
    ),
    // Types.
    ("name = 3", &["1:8: “name” must be a text in quotes"]),
    ("pulseaudio = \"yes\"", &["1:14: “pulseaudio” must be true or false, without quotes"]),
    ("network = true", &["1:11: “network” must be a text in quotes"]),
    (
        "command = \"gedit\"",
        &["1:11: “command” must be a list of texts, like [\"program\", \"argument\"]"],
    ),
    ("command = [\"a\", 1]", &["1:17: “command” must be a list of texts"]),
    (
        "command = [\"\", \"x\"]",
        &["1:11: the first entry of “command” is the program, and must not be empty"],
    ),
    ("[files]\nbind = \"/srv\"", &["2:8: “files.bind” must be a list of paths"]),
    ("devices = true", &["1:11: “devices” must be a list of devices"]),
    ("environment = {A = \"b\"}", &["1:15: “environment” must be a list of variables"]),
    ("[limits]\ncow-size = 1.5", &["2:12: “limits.cow-size” must be a size in quotes"]),
    // Values.
    (
        "network = \"driect\"",
        &[
            "1:11: “network” cannot be “driect”; it takes one of: none, filtered, direct. Did you mean “direct”?",
        ],
    ),
    (
        "xserver = \"wherever\"",
        &["1:11: “xserver” cannot be “wherever”; it takes one of: none, isolated, direct"],
    ),
    ("runas = \"\"", &["1:9: “runas” cannot be “”; it takes one of: user, root"]),
    (
        "[limits]\ncow-size = \"lots\"",
        &["2:12: “lots” is not a size; write a number with K, M, G or T"],
    ),
    ("[limits]\ncow-size = -1", &["2:12: “-1” is not a size"]),
    ("[limits]\ncow-size = \"99999999T\"", &["2:12: “99999999T” is not a size"]),
    ("[limits]\ncow-size = \"M\"", &["2:12: “M” is not a size"]),
    (
        "[limits]\nprocesses = \"64\"",
        &["2:13: “limits.processes” must be a whole number, without quotes"],
    ),
    ("[limits]\nprocesses = 1.5", &["2:13: “limits.processes” must be a whole number"]),
    (
        "[limits]\nprocesses = -1",
        &["2:13: “limits.processes” cannot be -1; it takes a number from 0 to 4194304"],
    ),
    (
        "[limits]\ncpu-weight = 0",
        &["2:14: “limits.cpu-weight” cannot be 0; it takes a number from 1 to 10000"],
    ),
    ("[limits]\ncpu-weight = 10001", &["2:14: “limits.cpu-weight” cannot be 10001"]),
    ("[limits]\nmemory = \"plenty\"", &["2:10: “plenty” is not a size"]),
    ("processes = 5", &["1:1: “processes” belongs in the table [limits]"]),
    ("allow = [\"public\"]", &["1:1: “allow” belongs in the table [network-rules]"]),
    (
        "deny = [\"lan\"]\n[files]\nask = [\"public:443\"]",
        &[
            "1:1: “deny” belongs in one of the tables [dbus-rules.session], [dbus-rules.system], [network-rules], [system-calls]",
            "3:1: “ask” belongs in one of the tables [dbus-rules.session], [dbus-rules.system], [network-rules]",
        ],
    ),
    (
        "[network-rules]\ntalk = [\"org.example.App\"]",
        &["2:1: “talk” belongs in one of the tables [dbus-rules.session], [dbus-rules.system]"],
    ),
    (
        "devices = [\"gpu\", \"vidoe\"]",
        &[
            "1:19: there is no device class “vidoe”; it can be: video, gpu, sound, input, usb, serial, kvm, or a path below /dev. Did you mean “video”?",
        ],
    ),
    (
        "devices = [\"/etc/passwd\"]",
        &["1:12: “/etc/passwd” is not the path of a device; it must lie below /dev"],
    ),
    ("devices = [\"/dev/../etc\"]", &["1:12: “/dev/../etc” is not the path of a device"]),
    ("devices = [\"/dev\"]", &["1:12: “/dev” is not the path of a device"]),
    ("environment = [\"A B=c\"]", &["1:16: “A B=c” is not a variable; write NAME or NAME=VALUE"]),
    ("environment = [\"=c\"]", &["1:16: “=c” is not a variable"]),
    ("environment = [\"1A\"]", &["1:16: “1A” is not a variable"]),
    // Rules for the network.
    (
        "[network-rules]\nallow = \"public\"",
        &["2:9: “network-rules.allow” must be a list of targets"],
    ),
    (
        "[network-rules]\nallow = [\"example.org:443\", \"publik\"]\ndeny = [\n  \"10.0.0.0/33\",\n]",
        &[
            "2:29: “publik” is neither a word (*, public, lan, host) nor a name with a dot, like “example.org”. Did you mean “public”?",
            "4:3: “10.0.0.0/33” cannot be: behind the “/” stands how many bits are fixed, from 0 to 32",
        ],
    ),
    (
        "[network-rules]\nask = [\"example.org/tpc\"]",
        &[
            "2:8: “example.org/tpc”: “tpc” is no protocol; behind the “/” comes tcp, udp or icmp. Did you mean “tcp”?",
        ],
    ),
    (
        "[network-rules]\nzone = \"br 0\"\naddresses = [\"192.168.5.20\"]\nrouters = [\"::\"]",
        &[
            "2:8: “br 0” cannot be the name of a bridge",
            "3:14: “192.168.5.20” is not an address with the length of its network",
            "4:12: “::” is not the address of a router",
        ],
    ),
    ("[network-rules]\nzone = 3", &["2:8: “network-rules.zone” must be a text in quotes"]),
    (
        "[network-rules]\naddresses = \"10.0.0.1/8\"",
        &["2:13: “network-rules.addresses” must be a list of addresses"],
    ),
    ("[network-rules]\nallow = [\"host\"]", &["2:10: “host”: “host” needs the port"]),
    (
        "[network-rules]\nalow = []",
        &["2:1: there is no key “network-rules.alow”; did you mean “network-rules.allow”?"],
    ),
    (
        "[network-rules]\ndefault = \"alow\"",
        &[
            "2:11: “network-rules.default” cannot be “alow”; it takes one of: deny, ask, allow. Did you mean “allow”?",
        ],
    ),
    // Paths.
    (
        "[files]\nbind = [\"/srv\", \"srv\"]",
        &["2:17: “srv” in “files.bind” is not an absolute path; begin it with / or ~/"],
    ),
    ("[files]\ncow = [\"\"]", &["2:8: “” in “files.cow” is not an absolute path"]),
    (
        "[files]\nrestrict = [\"~/../bob\"]",
        &["2:13: “~/../bob” in “files.restrict” must not contain “..”"],
    ),
    (
        "[files]\nbind = [\"~bob/x\"]",
        &["2:9: “~bob/x” in “files.bind” is the home of someone else"],
    ),
    (
        "[files]\nbind = [\"$HOMELESS/x\"]",
        &["2:9: “$HOMELESS/x” in “files.bind” is not an absolute path"],
    ),
    ("[files]\nbind = [\"/a\\u0000b\"]", &["2:9: “files.bind” must not contain a NUL byte"]),
    ("[files]\nbind = [\"/\"]", &["2:9: “/” cannot be in “files.bind”: “files.root” says"]),
    (
        "[files]\nbind = [\"/dev/snd\"]",
        &["2:9: “/dev/snd” cannot be in “files.bind”: name it in “devices”"],
    ),
    ("[files]\nbind = [\"/proc/1\"]", &["2:9: “/proc/1” cannot be in “files.bind”"]),
    ("[files]\nbind = [\"//sys/./kernel\"]", &["2:9: “//sys/./kernel” cannot be in “files.bind”"]),
    // What a terminal would act on.
    ("network = \"\\u001b[2J\"", &["1:11: “network” cannot be “\\x1b[2J”"]),
    // Not TOML at all; only the place is ours.
    ("name = \"a", &["1:10: this is not valid TOML:"]),
    ("network = \"none\"\nnetwork = \"direct\"", &["2:1: this is not valid TOML: duplicate key"]),
    ("é = [", &["1:6: this is not valid TOML:"]),
    // All of it is told, in the order of the file; columns count characters.
    (
        "summary = \"é\" # ü\nrunas = 1\n[files]\nbind = [\"é\", \"a/b\"]\nxserver = 1",
        &[
            "2:9: “runas” must be",
            "4:9: “é” in “files.bind” is not",
            "4:14: “a/b” in “files.bind” is not",
            "5:1: “xserver” is not a key of [files]",
        ],
    ),
];

#[test]
fn each_error_has_its_place_and_its_remedy() {
    for (text, expected) in WRONG {
        let errors = Layer::parse(text, origin()).expect_err(text);
        let told: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), expected.len(), "{text}\n{told:#?}");
        for (told, expected) in told.iter().zip(*expected) {
            assert!(told.starts_with(&format!("a.toml:{expected}")), "{text}\n{told}\n{expected}");
        }
    }
}

#[test]
fn what_is_right_is_taken() {
    for text in [
        "",
        "# only a comment\n",
        "files.home = \"direct\"",
        "files = { home = \"direct\", bind = [\"~\", \"$HOME/a b\", \"/media/$USER\", \"/srv/$x\"] }",
        "[limits]\ncow-size = 0",
        "[limits]\ncow-size = \"10g\"",
        "[limits]\nmemory = \"200M\"\nprocesses = 64\ncpu-weight = 50",
        "command = [\"a\", \"\", \"-x\", \"line\\nbreak\"]",
        "devices = [\"kvm\", \"/dev/bus/usb/001\"]",
        "environment = [\"_A=\", \"B=c=d\"]",
        "\u{feff}name = \"with a byte order mark\"",
        "name = \"dos\"\r\nnetwork = \"none\"\r\n",
    ] {
        Layer::parse(text, origin()).expect(text);
    }
}

fn policy_errors(layers: Vec<Layer>) -> Vec<String> {
    let context = Context { home: AbsPath::new("/home/ann").unwrap(), user: String::new() };
    let errors = Profile::new("a", layers).policy(&context).expect_err("conflict");
    errors.0.iter().map(ToString::to_string).collect()
}

#[test]
fn a_path_stands_in_one_list() {
    let shipped = Layer::parse("[files]\nbind = [\"/srv\", \"~/x/\"]", origin()).unwrap();
    let mut launch = Layer::launch();
    launch.add("files.restrict", vec!["$HOME/x".into()]).unwrap();
    assert_eq!(
        policy_errors(vec![shipped, launch]),
        ["“$HOME/x” is in “files.restrict” and in “files.bind” (a.toml:2:17); keep one of them"]
    );
}

#[test]
fn a_conflict_names_both_places() {
    let shipped = Layer::parse("dbus = \"session\"", origin()).unwrap();
    let user = Layer::parse("\nrunas = \"root\"", Origin::User(PathBuf::from("u.toml"))).unwrap();
    let told = policy_errors(vec![shipped, user]);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with(
            "u.toml:2:9: “runas = root” (u.toml:2:9) cannot go with “dbus = session” (a.toml:1:8): "
        ),
        "{told:?}"
    );
}

#[test]
fn a_name_that_is_not_known_is_an_error_only_where_it_is_needed() {
    let layer = Layer::parse("[files]\nbind = [\"/srv/$USER\"]", origin()).unwrap();
    assert_eq!(
        policy_errors(vec![layer]),
        [
            "a.toml:2:9: “/srv/$USER” in “files.bind” needs your login name, but the variable USER is not set"
        ]
    );
}

#[test]
fn a_launch_is_checked_like_a_file() {
    let mut launch = Layer::launch();
    let told = |result: Result<(), arkose_profile::Errors>| result.unwrap_err().to_string();
    assert_eq!(
        told(launch.set("netwerk", Value::Bool(true))),
        "there is no key “netwerk”; did you mean “network”?"
    );
    assert_eq!(
        told(launch.set("network", Value::Bool(true))),
        "“network” must be a text in quotes"
    );
    assert!(told(launch.add("files.bind", vec!["x".into()])).contains("not an absolute path"));
    assert!(told(launch.add("network", vec!["x".into()])).contains("must be a text"));
    assert!(launch.is_empty());
}

#[test]
fn no_text_makes_the_reader_fall() {
    // Every prefix of a profile that has everything, and that profile with each byte changed.
    let whole = "name = \"é\"\ncommand = [\"a\"]\ndevices = [\"video\"]\n[files]\nbind = [\"~/a\"]\nhome = \"cow\"\n[limits]\ncow-size = \"1M\"\n";
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        let _ = Layer::parse(&whole[..end], origin());
        for other in ["\0", "\"", "[", "=", "\u{1F600}", "\n"] {
            let rest = &whole[end..].chars().skip(1).collect::<String>();
            if let Err(errors) = Layer::parse(&format!("{}{other}{rest}", &whole[..end]), origin())
            {
                assert!(errors.0.iter().all(|error| error.place.is_some()));
            }
        }
    }
}
