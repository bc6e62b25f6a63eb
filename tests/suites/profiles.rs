//! Profiles on the command line: those that are shipped, mistakes in them, the original's files,
//! and what `explain` says of them.

use arkose_tests::machine::machine;
use arkose_tests::{Arkose, Display, Scratch, both_ways};
use std::fs;

/// The original author's example, word for word.
const ORIGINAL_XEYES: &str = "[xeyes]\ncmd=\"xeyes\"\nrunas=user\nnetwork=false\nxserver=isolated\ndbus=none\npulseaudio=false\nmount_bind=\nmount_cow=\nmount_restrict=\n";

fn explained(arguments: &[&str]) -> serde_json::Value {
    let words = [&["explain", "--json"], arguments].concat();
    serde_json::from_str(&Arkose::call(words).prints()).unwrap()
}

/// Whether the app can, and how far that opens the sandbox, by the first line of an option.
fn line(explanation: &serde_json::Value, key: &str) -> (bool, String) {
    let lines = explanation["lines"].as_array().unwrap();
    let found = lines
        .iter()
        .find(|line| line["key"] == key)
        .unwrap_or_else(|| panic!("nothing is said of {key}: {explanation}"));
    (found["can"].as_bool().unwrap(), found["risk"].as_str().unwrap().to_owned())
}

#[test]
fn every_shipped_profile_is_listed_checked_and_explained() {
    let listed: serde_json::Value =
        serde_json::from_str(&Arkose::call(["profile", "list", "--json"]).prints()).unwrap();
    let listed = listed.to_string();
    let mut count = 0;
    for entry in fs::read_dir(&machine().profiles).unwrap().flatten() {
        let file = entry.file_name().into_string().unwrap();
        let Some(id) = file.strip_suffix(".toml") else { continue };
        count += 1;
        assert!(listed.contains(&format!("\"{id}\"")), "{id} is not in {listed}");
        let checked = Arkose::call(["profile", "check"]).arg(entry.path()).output();
        assert_eq!(checked.code(), 0, "{checked}");
        assert!(!explained(&[id])["lines"].as_array().unwrap().is_empty(), "{id}");
        assert!(!Arkose::call(["profile", "show", id]).prints().is_empty());
    }
    assert!(count > 0, "no profile is shipped");
}

#[test]
fn a_mistake_is_told_with_file_line_and_column() {
    let home = Scratch::home();
    let cases = [
        ("typo.toml", "name = \"x\"\ncommand = [\"x\"]\nxservr = \"none\"\n", ":3:1: ", "xserver"),
        ("type.toml", "command = [\"x\"]\npulseaudio = \"loud\"\n", ":2:14: ", "pulseaudio"),
        ("word.toml", "command = [\"x\"]\nnetwork = \"nun\"\n", ":2:11: ", "none"),
        ("path.toml", "command = [\"x\"]\n[files]\nbind = [\"a/b\"]\n", ":3:", "a/b"),
        ("climb.toml", "command = [\"x\"]\n[files]\nbind = [\"/a/../b\"]\n", ":3:", ".."),
        ("syntax.toml", "command = [\"x\"\n", ":", "syntax.toml"),
    ];
    for (name, text, place, word) in cases {
        let path = home.file(name, text);
        let outcome = Arkose::call(["profile", "check"]).arg(&path).output();
        let told = outcome.text() + &outcome.said();
        assert_ne!(outcome.code(), 0, "{outcome}");
        assert!(told.contains(&format!("{}{place}", path.display())), "{outcome}");
        assert!(told.contains(word), "{outcome}");
    }
}

/// What a user has tightened stays so, whatever the next version of the package brings.
#[test]
fn an_update_of_a_shipped_profile_loosens_nothing_that_the_user_tightened() {
    let home = Scratch::home();
    let explain = |shipped: &str| -> serde_json::Value {
        home.file("shipped/reader.toml", shipped);
        let call = Arkose::call(["explain", "--json", "reader"]);
        let call = call
            .env("ARKOSE_PROFILES", home.join("shipped"))
            .env("XDG_CONFIG_HOME", home.join("config"));
        serde_json::from_str(&call.prints()).unwrap()
    };
    home.file("config/arkose/profiles/reader.toml", "network = \"none\"\n");
    let first = "name = \"Reader\"\ncommand = [\"cat\"]\nnetwork = \"direct\"\n";
    assert!(!line(&explain(first), "network").0);
    let update = format!("{first}xserver = \"direct\"\n[files]\nhome = \"direct\"\n");
    assert!(!line(&explain(&update), "network").0);
}

#[test]
fn control_characters_of_a_profile_do_not_reach_the_terminal() {
    let home = Scratch::home();
    let path = home.file(
        "loud.toml",
        "name = \"\\u001b[2Jred\\u0007\"\ncommand = [\"x\", \"\\u001b]0;title\\u0007\"]\n",
    );
    for words in
        [["profile", "show"], ["profile", "check"], ["explain", "--profile"], ["plan", "--profile"]]
    {
        let outcome = Arkose::call(words).arg(&path).output();
        assert!(
            !outcome.stdout.contains(&0x1b) && !outcome.stderr.contains(&0x1b),
            "{words:?}: {:?}",
            outcome.stdout
        );
    }
}

#[test]
fn the_originals_example_converts_and_says_the_same() {
    let home = Scratch::home();
    let original = home.file("xeyes.conf", ORIGINAL_XEYES);
    let converted =
        home.file("converted.toml", Arkose::call(["profile", "convert"]).arg(&original).prints());
    let checked = Arkose::call(["profile", "check"]).arg(&converted).output();
    assert_eq!(checked.code(), 0, "{checked}");
    let before = explained(&["--profile", original.to_str().unwrap()]);
    let after = explained(&["--profile", converted.to_str().unwrap()]);
    let told = |explanation: &serde_json::Value| -> Vec<_> {
        explanation["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| (line["key"].clone(), line["text"].clone()))
            .collect()
    };
    assert_eq!(told(&before), told(&after));
}

#[test]
fn explain_tells_what_each_option_opens() {
    let closed = explained(&[]);
    for key in ["network", "xserver", "dbus", "pulseaudio", "wayland"] {
        let (can, risk) = line(&closed, key);
        assert!(!can, "{key}: {closed}");
        assert_eq!(risk, "contained", "{key}: {closed}");
    }
    for (key, options) in [
        ("network", &["--network=direct"][..]),
        ("xserver", &["--xserver=direct"]),
        ("dbus-rules.session.talk", &["--dbus=session", "--dbus-talk=*"]),
        ("dbus-rules.session.talk", &["--dbus=session", "--dbus-talk=org.freedesktop.systemd1"]),
        ("dbus-rules.session.own", &["--dbus=both", "--dbus-own=*"]),
        ("dbus-rules.system.talk", &["--dbus=system", "--system-dbus-talk=*"]),
    ] {
        let open = explained(options);
        let (can, risk) = line(&open, key);
        assert!(can, "{options:?}: {open}");
        assert_eq!(risk, "open", "{options:?}: {open}");
        assert_eq!(open["level"], "open", "{options:?}: {open}");
    }
    // A bus on which nothing is allowed opens nothing, and one that is not there neither.
    for silent in [&["--dbus=both"][..], &["--dbus=system", "--dbus-talk=*", "--dbus-preset=tray"]]
    {
        assert_eq!(explained(silent)["level"], "contained", "{silent:?}");
    }
    let some = explained(&["--dbus=session", "--dbus-preset=notifications"]);
    assert_eq!(some["level"], "partly-open", "{some}");
}

#[test]
fn a_wrong_rule_is_told_in_one_sentence_and_nothing_starts() {
    for (option, part) in [
        (["--dbus-talk", ":1.5"], "the number that a connection happens to have"),
        (["--dbus-call", "org.example.App"], "“call” takes a name, “=” and a method"),
        (["--dbus-own", "org.example.App=*"], "takes a name alone"),
        (["--dbus-preset", "secret"], "Did you mean “secrets”?"),
    ] {
        let run = Arkose::call(["run", option[0], option[1], "--", "echo", "started"]).output();
        let refusal = run.refusal();
        assert!(refusal.contains(part) && run.stdout.is_empty(), "{run}");
    }
}

#[test]
fn an_override_changes_its_keys_and_a_reset_brings_the_shipped_profile_back() {
    let home = Scratch::home();
    let call = |words: &[&str]| Arkose::call(words).env("XDG_CONFIG_HOME", home.path());
    let of = |words: &[&str]| -> serde_json::Value {
        serde_json::from_str(&call(words).prints()).unwrap()
    };
    let shipped = of(&["explain", "--json", "xeyes"]);
    home.file("arkose/profiles/xeyes.toml", "# mine\nnetwork = \"direct\"\n");
    let changed = of(&["explain", "--json", "xeyes"]);
    assert!(line(&changed, "network").0, "{changed}");
    assert_eq!(line(&changed, "xserver"), line(&shipped, "xserver"));
    assert!(call(&["profile", "diff", "xeyes"]).prints().contains("network"));
    let reset = call(&["profile", "reset", "xeyes"]).output();
    assert_eq!(reset.code(), 0, "{reset}");
    assert_eq!(of(&["explain", "--json", "xeyes"]), shipped);
}

#[test]
fn changes_at_the_same_time_are_all_kept() {
    let home = Scratch::home();
    let call = |words: &[&str]| Arkose::call(words).env("XDG_CONFIG_HOME", home.path());
    let entries: Vec<String> =
        (0..20).map(|number| format!("dbus-rules.session.talk+=org.example.N{number}")).collect();
    let start = |entry: &String| {
        call(&["profile", "set", "xeyes", "dbus=session", entry]).into_command().spawn().unwrap()
    };
    let mut running: Vec<_> = entries.iter().map(start).collect();
    assert!(running.iter_mut().all(|child| child.wait().unwrap().success()));
    let kept = fs::read_to_string(home.join("arkose/profiles/xeyes.toml")).unwrap();
    let lost: Vec<_> = (0..20).filter(|n| !kept.contains(&format!("org.example.N{n}\""))).collect();
    assert!(lost.is_empty(), "{lost:?} of {kept}");
}

#[test]
fn a_plan_is_printed_and_nothing_is_done() {
    let system = Scratch::system();
    let plan = Arkose::call(["plan", "--bind"]).arg(system.path()).prints();
    assert!(plan.contains(system.path().to_str().unwrap()), "{plan}");
}

/// A shipped profile before and after its update: after it, it asks for all that there is.
const SHIPPED: &str = "command = [\"true\"]\nnetwork = \"none\"\n[files]\nhome = \"empty\"\n";
const UPDATED: &str = "command = [\"true\"]\nnetwork = \"direct\"\nxserver = \"direct\"\nwayland = \"direct\"\ndbus = \"both\"\ndbus-presets = [\"secrets\"]\npulseaudio = true\nuser-namespaces = true\ndevices = [\"gpu\"]\nenvironment = [\"LANG\"]\n[files]\nhome = \"direct\"\nbind = [\"/srv\"]\nbind-read-only = [\"/mnt\"]\ncow = [\"/media\"]\n[dbus-rules.session]\ntalk = [\"*\"]\n";

/// Also where the user only confirmed what the shipped profile said anyway.
#[test]
fn an_update_of_a_shipped_profile_loosens_nothing_that_the_user_set() {
    let (shipped, config) = (Scratch::home(), Scratch::home());
    let call = |words: &[&str]| {
        Arkose::call(words)
            .env("ARKOSE_PROFILES", shipped.path())
            .env("XDG_CONFIG_HOME", config.path())
    };
    let told = || call(&["explain", "--json", "app"]).prints();
    shipped.file("app.toml", SHIPPED);
    let before = told();
    let closed = [
        "network=none",
        "xserver=none",
        "wayland=none",
        "dbus=none",
        "dbus-presets=[]",
        "dbus-rules.session.talk=[]",
        "pulseaudio=false",
        "user-namespaces=false",
        "devices=[]",
        "environment=[]",
        "files.home=empty",
        "files.bind=[]",
        "files.bind-read-only=[]",
        "files.cow=[]",
    ];
    let set = call(&[&["profile", "set", "app"], &closed[..]].concat()).output();
    assert_eq!(set.code(), 0, "{set}");
    shipped.file("app.toml", UPDATED);
    let after: serde_json::Value = serde_json::from_str(&told()).unwrap();
    let before: serde_json::Value = serde_json::from_str(&before).unwrap();
    let sentences = |told: &serde_json::Value| -> Vec<serde_json::Value> {
        told["lines"].as_array().unwrap().iter().map(|line| line["text"].clone()).collect()
    };
    assert_eq!(sentences(&after), sentences(&before));
    // The update is there: what the user lets go is as it says.
    let reset = call(&["profile", "reset", "app"]).output();
    assert_eq!(reset.code(), 0, "{reset}");
    assert!(line(&serde_json::from_str(&told()).unwrap(), "network").0);
}

both_ways! {
    fn an_updated_profile_is_launched_as_the_user_tightened_it(via) {
        let (shipped, config) = (Scratch::home(), Scratch::home());
        let data = shipped.file("data/file", "not granted");
        let profile = |network: &str, bind: &str| {
            let script = format!("cat {}; test -e /proc/net/dev && grep -c : /proc/net/dev", data.display());
            shipped.file("app.toml", format!("command = [\"sh\", \"-c\", \"{script}\"]\nnetwork = \"{network}\"\n[files]\nbind = [{bind}]\n"))
        };
        profile("none", "");
        config.file("arkose/profiles/app.toml", "network = \"none\"\n[files]\nbind = []\n");
        let launch = || Arkose::launch(via, "app").env("ARKOSE_PROFILES", shipped.path()).env("XDG_CONFIG_HOME", config.path()).prints();
        let before = launch();
        profile("direct", &format!("{:?}", data.parent().unwrap()));
        assert_eq!(launch(), before);
        fs::remove_file(config.join("arkose/profiles/app.toml")).unwrap();
        assert!(launch().contains("not granted"));
    }

    fn the_originals_example_runs_as_it_is(via) {
        let display = Display::start();
        let home = Scratch::home();
        let original = home.file("xeyes.conf", ORIGINAL_XEYES.replace("\"xeyes\"", "\"xwininfo -root -tree\""));
        let seen = display.give(Arkose::launch(via, &original)).prints();
        assert!(seen.contains("Root window"), "{seen}");
    }
}
