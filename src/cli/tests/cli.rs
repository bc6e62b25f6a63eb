//! The command line as a person or a script sees it, on the built program. Nothing is launched here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A home directory and shipped profiles of its own.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("arkose-cli-{}-{test}", std::process::id()));
        fs::create_dir_all(dir.join("shipped")).unwrap();
        fs::create_dir_all(dir.join("home/project")).unwrap();
        let place = Self(fs::canonicalize(dir).unwrap());
        place.write("shipped/eyes.toml", "name = \"Eyes\"\nsummary = \"Eyes that look\"\ncommand = [\"xeyes\", \"%f\"]\nnetwork = \"direct\"\n");
        place
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arkose"));
        let home = self.0.join("home");
        command.args(arguments).current_dir(home.join("project")).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", &home).env("USER", "ann");
        command.env("ARKOSE_PROFILES", self.0.join("shipped"));
        command
    }

    fn call(&self, arguments: &[&str]) -> Answer {
        Answer::of(self.command(arguments).output().unwrap())
    }

    fn path(&self, below: &str) -> String {
        self.0.join(below).to_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[derive(Debug)]
struct Answer {
    status: i32,
    out: String,
    err: String,
}

impl Answer {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn good(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.good()).unwrap()
    }
}

#[test]
fn a_failure_is_a_sentence_and_what_mends_it() {
    let place = Place::new("failures");
    for (line, expected) in [
        (
            &["run", "--netwrok", "x"][..],
            "arkose: there is no option “--netwrok”; did you mean “--network”?\n  arkose run --help\n",
        ),
        (&["run"], "arkose: <COMMAND>... is missing\n  arkose run --help\n"),
        (
            &["run", "--network=driect", "true"],
            "arkose: “network” cannot be “driect”; it takes one of: none, filtered, direct. Did you mean “direct”?\n",
        ),
        (&["run", "--chdir"], "arkose: “--chdir” needs a value\n  arkose run --help\n"),
        (
            &["run", "--via", "x", "true"],
            "arkose: “--via” cannot be “x”; it takes one of: auto, helper, user\n  arkose run --help\n",
        ),
        (
            &["run", "--network=none", "--network=none", "true"],
            "arkose: “--network” is given twice\n  arkose run --help\n",
        ),
        (&["run", "--events=x", "true"], "arkose: “--events” cannot be “x”\n  arkose run --help\n"),
        (
            &["run", "--hostname=a b", "true"],
            "arkose: “a b” cannot be the name of a computer; use at most 63 letters, digits, “-” and “.”\n",
        ),
        (
            &["run", "--set", "x", "true"],
            "arkose: “x” is not a setting; write KEY=VALUE, like network=none\n",
        ),
        (
            &["run", "--set", "netwrok=none", "true"],
            "arkose: there is no key “netwrok”; did you mean “network”?\n",
        ),
        (&["run", "--set", "home=cow", "true"], "arkose: “home” belongs in the table [files]\n"),
        (
            &["run", "--runas=root", "--dbus=both", "true"],
            "arkose: “runas = root” (changed for this launch) cannot go with “dbus = both” (changed for this launch): an app that runs as root would speak on the host's bus with root's authority\n",
        ),
        (
            &["run", "--bind=/srv", "--restrict=/srv", "true"],
            "arkose: “/srv” is in “files.restrict” and in “files.bind” (changed for this launch); keep one of them\n",
        ),
        (
            &["run", "--bind=no/../where", "true"],
            "arkose: the path “no/../where” leads nowhere\n  No such file or directory (os error 2)\n",
        ),
        (&["launch", "eye"], "arkose: there is no profile “eye”; did you mean “eyes”?\n"),
        (
            &["launch", "eyes", "a", "b"],
            "arkose: the command “xeyes %f” takes one file at a time\n",
        ),
        (
            &["launch", "./none.toml"],
            "arkose: the profile ./none.toml cannot be read\n  No such file or directory (os error 2)\n",
        ),
        (
            &["lanuch", "eyes"],
            "arkose: there is no subcommand “lanuch”; did you mean “launch”?\n  arkose --help\n",
        ),
        (
            &["--netwrok"],
            "arkose: there is no option “--netwrok”; did you mean “--network”?\n  arkose --help\n",
        ),
        (&["profile"], "arkose: a subcommand is missing\n  arkose profile --help\n"),
        (&["profile", "shwo"], "arkose: there is no subcommand “shwo”\n  arkose profile --help\n"),
        (
            &["profile", "set", "eyes"],
            "arkose: nothing to change: name settings as KEY=VALUE\n  arkose profile set --help\n",
        ),
        (
            &["explain", "eyes", "--profile=eyes"],
            "arkose: name the profile once, with “--profile” or without it\n",
        ),
        (&[], "arkose: nothing to do: name a subcommand or a command\n  arkose --help\n"),
    ] {
        let answer = place.call(line);
        assert_eq!(
            (answer.status, answer.err.as_str(), answer.out.as_str()),
            (125, expected, ""),
            "{line:?}"
        );
    }
}

#[test]
fn several_errors_are_told_at_once() {
    let place = Place::new("several");
    let file = place.write("a.toml", "runas = 1\n[files]\nbind = [\"x\"]\n");
    let answer = place.call(&["explain", file.to_str().unwrap()]);
    let file = file.display();
    let expected = format!(
        "arkose: there are errors in the profile\n  {file}:1:9: “runas” must be a text in quotes\n  {file}:3:9: “x” in “files.bind” is not an absolute path; begin it with / or ~/\n"
    );
    assert_eq!((answer.status, answer.err), (125, expected));
}

#[test]
fn a_home_must_be_known() {
    let place = Place::new("homeless");
    for (home, expected) in [
        (None, "arkose: the variable HOME is not set; set it to your home directory\n"),
        (
            Some("relative/x"),
            "arkose: HOME is “relative/x”, which is not a plain absolute path; set it to your home directory\n",
        ),
    ] {
        let mut command = place.command(&["explain", "eyes"]);
        match home {
            Some(home) => command.env("HOME", home),
            None => command.env_remove("HOME"),
        };
        let answer = Answer::of(command.output().unwrap());
        assert_eq!((answer.status, answer.err.as_str()), (125, expected));
    }
}

#[test]
fn explain_follows_the_options_and_names_their_origin() {
    let place = Place::new("explain");
    place.write("home/.config/arkose/profiles/eyes.toml", "pulseaudio = true\n");
    let told = place
        .call(&["explain", "eyes", "--bind", ".", "--set", "files.restrict=[\"~/.ssh\"]", "--json"])
        .json();
    assert_eq!(
        (&told["profile"], &told["name"], &told["level"]),
        (&"eyes".into(), &"Eyes".into(), &"open".into())
    );
    let line = |key: &str| {
        told["lines"].as_array().unwrap().iter().find(|line| line["key"] == key).unwrap().clone()
    };
    for (key, can, risk, origin) in [
        ("network", true, "open", "shipped"),
        ("pulseaudio", true, "partly-open", "user"),
        ("files.bind", true, "partly-open", "launch"),
        ("files.restrict", false, "contained", "launch"),
        ("dbus", false, "contained", "default"),
    ] {
        let line = line(key);
        assert_eq!((&line["can"], &line["origin"]), (&can.into(), &origin.into()), "{line}");
        assert!(line["risk"] == risk, "{line}");
    }
    assert_eq!(
        line("files.bind")["text"],
        format!("The app can read and change {}.", place.path("home/project"))
    );
    assert_eq!(
        line("files.restrict")["text"],
        format!("The app finds {} empty.", place.path("home/.ssh"))
    );
    let text = place.call(&["explain", "eyes"]).good();
    assert!(text.starts_with("Eyes: open\n\nWhat the app can do\n"), "{text}");
    assert!(text.contains("  ! The app can reach the internet, the local network and services of this computer. (network: shipped profile)\n"), "{text}");
    assert!(
        text.contains(
            "  + The app can play sound and record from the microphone. (pulseaudio: set by you)\n"
        ),
        "{text}"
    );
}

#[test]
fn the_language_is_the_persons() {
    let place = Place::new("language");
    let po = place.write("fr.po", "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n\nmsgid \"The app is offline.\"\nmsgstr \"L’application est hors ligne.\"\n");
    fs::create_dir_all(place.0.join("locale/fr/LC_MESSAGES")).unwrap();
    let made = Command::new("msgfmt")
        .arg(&po)
        .arg("-o")
        .arg(place.0.join("locale/fr/LC_MESSAGES/arkose.mo"))
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: msgfmt (package gettext) is not installed");
        return;
    }
    let mut command = place.command(&["explain"]);
    command.env("ARKOSE_LOCALEDIR", place.0.join("locale")).env("LANG", "fr_FR.UTF-8");
    let text = Answer::of(command.output().unwrap()).good();
    assert!(text.contains("L’application est hors ligne."), "{text}");
    assert!(text.contains("The app can talk to no service."), "{text}");
}

#[test]
fn profiles_are_listed_shown_and_checked() {
    let place = Place::new("profiles");
    assert_eq!(place.call(&["profile", "list"]).good(), "eyes  Eyes that look\n");
    assert_eq!(place.call(&["profile", "check"]).good(), "");
    let wrong = place.write("shipped/wrong.toml", "\nx = 1\n");
    assert_eq!(
        place.call(&["profile", "list"]).good(),
        "eyes   Eyes that look\nwrong  has errors: arkose profile check wrong\n"
    );
    let listed = place.call(&["profile", "list", "--json"]).json();
    assert_eq!((&listed[0]["id"], &listed[0]["overridden"]), (&"eyes".into(), &false.into()));
    assert!(listed[1]["error"].as_str().unwrap().contains("there is no key “x”"));
    let told = format!("{}:2:1: there is no key “x”\n", wrong.display());
    for line in [
        &["profile", "check"][..],
        &["profile", "check", "wrong"],
        &["profile", "check", wrong.to_str().unwrap(), "eyes"],
    ] {
        let answer = place.call(line);
        assert_eq!((answer.status, answer.out.as_str()), (1, told.as_str()));
    }
    // What is shown can be launched.
    let shown = place.call(&["profile", "show", "eyes"]).good();
    assert!(shown.contains("network = \"direct\"  # shipped profile\n"), "{shown}");
    let copy = place.write("copy.toml", &shown);
    assert_eq!(place.call(&["profile", "check", copy.to_str().unwrap()]).good(), "");
    assert_eq!(
        place.call(&["profile", "show", "eyes", "--json"]).json()["values"]["network"]["value"],
        "direct"
    );
}

#[test]
fn an_override_is_set_compared_and_forgotten() {
    let place = Place::new("override");
    let file = place.0.join("home/.config/arkose/profiles/eyes.toml");
    place
        .call(&[
            "profile",
            "set",
            "eyes",
            "network=none",
            "devices=video",
            "files.bind=[\"~/a\", \"/srv\"]",
            "pulseaudio=true",
        ])
        .good();
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "devices = [\"video\"]\nnetwork = \"none\"\npulseaudio = true\n\n[files]\nbind = [\"~/a\", \"/srv\"]\n"
    );
    assert_eq!(
        place.call(&["profile", "diff", "eyes"]).good(),
        "- files.bind = \n+ files.bind = ~/a, /srv\n- pulseaudio = false\n+ pulseaudio = true\n- network = direct\n+ network = none\n- devices = \n+ devices = video\n"
    );
    place
        .call(&[
            "profile",
            "set",
            "eyes",
            "--unset",
            "files.bind",
            "--unset",
            "devices",
            "--unset",
            "pulseaudio",
        ])
        .good();
    assert_eq!(fs::read_to_string(&file).unwrap(), "network = \"none\"\n");
    assert_eq!(place.call(&["profile", "diff", "eyes", "--json"]).json()[0]["after"], "none");
    // What could not be launched is not saved.
    let answer = place.call(&["profile", "set", "eyes", "runas=root", "dbus=session"]);
    assert_eq!(answer.status, 125);
    assert_eq!(fs::read_to_string(&file).unwrap(), "network = \"none\"\n");
    place.call(&["profile", "reset", "eyes"]).good();
    assert!(!file.exists());
    assert_eq!(place.call(&["profile", "reset", "ey"]).status, 125);
}

#[test]
fn entries_are_put_into_a_list_and_taken_out_of_it() {
    let place = Place::new("entries");
    place.write(
        "shipped/lists.toml",
        "command = [\"x\"]\ndevices = [\"video\", \"gpu\"]\nenvironment = [\"A=1\"]\n",
    );
    let own = "home/.config/arkose/profiles/lists.toml";
    place.write(own, "# mine\nenvironment = [\"B=2\"] # why\n");
    let set = |settings: &[&str]| {
        let answer = place.call(&[&["profile", "set", "lists"], settings].concat());
        let text = fs::read_to_string(place.path(own)).unwrap();
        (answer.status, answer.err, text)
    };
    // A file names a whole list, so that of the shipped profile is taken over.
    let (status, said, text) = set(&["devices+=sound", "environment+=C=x=y", "devices-=video"]);
    assert_eq!((status, said.as_str()), (0, ""));
    assert_eq!(
        text,
        "# mine\nenvironment = [\"B=2\", \"C=x=y\"] # why\ndevices = [\"gpu\", \"sound\"]\n"
    );
    // Twice is once; what is not there cannot be taken out, and nothing else is changed then.
    assert_eq!(set(&["devices+=[\"gpu\", \"sound\"]"]).2, text);
    let (status, said, left) = set(&["devices+=usb", "devices-=video"]);
    assert_eq!((status, left.as_str()), (125, text.as_str()));
    assert!(said.contains("“video” is not in “devices”"), "{said}");
    for (wrong, why) in [
        ("network+=direct", "has one value"),
        ("devices+=nonsense", "nonsense"),
        ("device+=gpu", "devices"),
    ] {
        let (status, said, left) = set(&[wrong]);
        assert_eq!((status, left.as_str()), (125, text.as_str()), "{wrong}");
        assert!(said.contains(why), "{wrong}: {said}");
    }
}

#[test]
fn a_profile_of_ones_own() {
    let place = Place::new("own");
    let path = place
        .call(&[
            "profile",
            "new",
            "mine",
            "--from",
            "eyes",
            "--bind",
            "~/a",
            "--network",
            "none",
            "--",
            "xlogo",
            "-x",
        ])
        .good();
    assert_eq!(
        fs::read_to_string(path.trim()).unwrap(),
        "name = \"Eyes\"\nsummary = \"Eyes that look\"\ncommand = [\"xlogo\", \"-x\"]\nnetwork = \"none\"\n\n[files]\nbind = [\"~/a\"]\n"
    );
    assert_eq!(
        place.call(&["profile", "new", "mine"]).err,
        "arkose: there is a profile “mine” already\n"
    );
    assert!(
        place.call(&["profile", "new", "../x"]).err.contains("cannot be the name of a profile")
    );
    let answer = place.call(&["profile", "reset", "mine"]);
    assert_eq!(
        answer.err,
        "arkose: “mine” is yours alone: nothing would be left of it\n  arkose profile reset --delete mine\n"
    );
    place.call(&["profile", "reset", "mine", "--delete"]).good();
    assert!(!place.0.join("home/.config/arkose/profiles/mine.toml").exists());
}

#[test]
fn profiles_of_the_original_are_converted() {
    let place = Place::new("convert");
    let conf = place.write(
        "x.conf",
        "[x]\ncmd=\"xeyes -center red\"\nnetwork=filtered\nfstype=ext4\nfssize=3\nmount_bind=~/a, /srv\n",
    );
    let answer = place.call(&["profile", "convert", conf.to_str().unwrap()]);
    let note = "“fstype=ext4” held changes on disk; they are held in memory now";
    assert_eq!((answer.status, answer.err), (0, format!("arkose: {note}\n")));
    assert_eq!(
        answer.out,
        format!(
            "# {note}\nname = \"x\"\ncommand = [\"xeyes\", \"-center\", \"red\"]\nnetwork = \"filtered\"\n\n[files]\nhome = \"cow\"\nbind = [\"~/a\", \"/srv\"]\n\n[network-rules]\nallow = [\"public\"]\n\n[limits]\ncow-size = \"3M\"\n"
        )
    );
    let toml = place.write("x.toml", &answer.out);
    let back = place.call(&["profile", "convert", toml.to_str().unwrap()]).good();
    assert_eq!(
        back,
        "[x]\ncmd=\"xeyes -center red\"\nnetwork=filtered\nfssize=3\nmount_bind=~/a, /srv\n"
    );
}

#[test]
fn words_for_a_terminal_are_made_visible() {
    let place = Place::new("escapes");
    let odd = place.write(
        "odd.toml",
        "name = \"a\\u001b[31m\"\n[files]\nbind = [\"/srv/\\u001b]0;x\\u0007\"]\n",
    );
    let odd = odd.to_str().unwrap();
    for line in [
        &["explain", odd][..],
        &["profile", "show", odd],
        &["explain", "--set", "network=\u{1b}[2J"],
        &["launch", "\u{1b}[2J"],
    ] {
        let answer = place.call(line);
        assert!(!answer.out.contains('\u{1b}') && !answer.err.contains('\u{1b}'), "{answer:?}");
    }
    let answer = Answer::of(
        place.command(&[OsStr::new("launch"), OsStr::from_bytes(b"\xff")]).output().unwrap(),
    );
    assert_eq!(answer.status, 125);
}

#[test]
fn help_and_completions() {
    let place = Place::new("help");
    let help = place.call(&["--help"]).good();
    for name in ["run", "launch", "explain", "plan", "profile", "doctor", "completions"] {
        assert!(help.contains(&format!("\n  {name} ")), "{help}");
        assert!(place.call(&[name, "--help"]).good().contains(&format!("Usage: arkose {name}")));
        assert_eq!(place.call(&["help", name]).good(), place.call(&[name, "--help"]).good());
    }
    assert!(place.call(&["profile", "set", "--help"]).good().contains("Usage: arkose profile set"));
    assert!(place.call(&["--version"]).good().starts_with("arkose "));
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.call(&["completions", shell]).good().contains("bind-read-only"));
    }
    let answer = place.call(&["completions", "csh"]);
    assert_eq!(
        (answer.status, answer.err.contains("it takes one of: bash, elvish, fish")),
        (125, true)
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new("pipe");
    let mut child = place
        .command(&["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
