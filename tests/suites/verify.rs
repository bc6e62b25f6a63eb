//! `arkose verify`, over all pairs of values of all options, and over every shipped profile.

use arkose_profile::bus::Access;
use arkose_profile::options::{DEVICE_CLASSES, Kind, OPTIONS, Opt};
use arkose_tests::arkose::quiet;
use arkose_tests::machine::machine;
use arkose_tests::pairs::{Row, Value, pairs};
use arkose_tests::{Arkose, Display, Inventory, Outcome, Scratch, Via, both_ways};
use nix::sys::signal::Signal;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

/// The rows of [`pairs`] are shared by so many tests, which run side by side.
const SHARDS: usize = 4;

/// What the host of a test has, so that there is something to grant and to refuse.
struct Desktop {
    display: Display,
    scratch: Scratch,
    system: Scratch,
    sockets: Scratch,
    profile: String,
    _listeners: [UnixListener; 2],
}

impl Desktop {
    fn start(name: &str) -> Self {
        let (scratch, system, sockets) = (Scratch::home(), Scratch::system(), Scratch::system());
        let listen = |name: &str| {
            let path = sockets.join(name);
            let listener = UnixListener::bind(&path).unwrap();
            let (uid, gid) = (machine().uid.as_raw(), machine().gid.as_raw());
            std::os::unix::fs::chown(&path, Some(uid), Some(gid)).unwrap();
            listener
        };
        let listeners = [listen("wayland"), listen("pulse")];
        for directory in ["bound", "read", "copied", "hidden"] {
            scratch.file(format!("{directory}/below/file"), directory);
        }
        scratch.file("read/alone", "alone");
        system.file("file", "system");
        let profile = format!("verify-{name}-{}", std::process::id());
        scratch.file(format!("{profile}.toml"), "");
        Self { display: Display::start(), scratch, system, sockets, profile, _listeners: listeners }
    }

    /// A call of `arkose verify`.
    fn verify(&self, via: Via, what: &str) -> Arkose {
        self.display
            .give(Arkose::call(["verify", what, "--via", via.word(), "--json"]))
            .env("WAYLAND_DISPLAY", self.sockets.join("wayland"))
            .env("PULSE_SERVER", format!("unix:{}", self.sockets.join("pulse").display()))
            .env("PASSED", "from outside")
            .env("NOT_PASSED", "secret")
    }

    /// The same without xpra, which takes its time to start: its displays are tried by one profile.
    fn verify_quickly(&self, via: Via, what: &str) -> Arkose {
        let programs = self.scratch.directory("programs");
        for name in ["Xephyr", "pkexec", "setpriv"] {
            let _ = std::os::unix::fs::symlink(format!("/usr/bin/{name}"), programs.join(name));
        }
        self.verify(via, what).env("PATH", programs)
    }

    /// Those values with which something can be launched here.
    fn possible(&self, option: &Opt, via: Via, values: &[&str]) -> Vec<Value> {
        let can_be = |value: &&&str| {
            Arkose::run(via).option(option.flag, value).command(["true"]).output().code() == 0
        };
        values.iter().filter(can_be).map(|value| vec![(*value).to_owned()]).collect()
    }

    /// The values of an option that are tried.
    fn values(&self, option: &Opt, via: Via) -> Vec<Value> {
        let one = |value: &str| vec![value.to_owned()];
        let path = |name: &str| self.scratch.join(name).to_string_lossy().into_owned();
        let lists = |lists: &[&[&str]]| {
            lists.iter().map(|list| list.iter().map(|name| path(name)).collect()).collect()
        };
        match (option.kind, option.key) {
            // Where the kernel can, and only by the user.
            (_, "walls") => {
                let light = Arkose::run(via).option("walls", "light").option("root", "read-only");
                let can = light.command(["true"]).output().code() == 0;
                [one("full")].into_iter().chain(can.then(|| one("light"))).collect()
            }
            (Kind::Calls, _) => {
                vec![Vec::new(), vec!["ptrace".to_owned(), "setpriority".to_owned()]]
            }
            (Kind::Choice(choices), _) => choices.iter().map(|choice| one(choice.value)).collect(),
            (Kind::Switch(_), _) => vec![one("false"), one("true")],
            (Kind::Paths(_), "files.bind") => lists(&[&[], &["bound"]]),
            (Kind::Paths(_), "files.bind-read-only") => lists(&[&[], &["read", "read/alone"]]),
            (Kind::Paths(_), "files.cow") => lists(&[&[], &["copied"]]),
            (Kind::Paths(_), "files.restrict") => {
                lists(&[&[], &["hidden", "bound/below", "copied/below/file"]])
            }
            (Kind::Devices, _) => {
                let classes = DEVICE_CLASSES.iter().map(|class| one(class.name));
                let path = one("/dev/fuse");
                [Vec::new()].into_iter().chain(classes).chain([path]).collect()
            }
            (Kind::Environment, _) => vec![
                Vec::new(),
                vec!["PASSED".to_owned(), "GIVEN=a b".to_owned(), "MISSING".to_owned()],
            ],
            (Kind::BusRules(_, Access::Call | Access::Broadcast), _) => {
                vec![Vec::new(), one("org.example.Test=*")]
            }
            (Kind::BusRules(..), _) => vec![Vec::new(), one("org.example.Test")],
            (Kind::NetworkRules(_), _) => vec![Vec::new(), one("example.org:443")],
            (Kind::BusPresets, _) => {
                vec![Vec::new(), vec!["notifications".to_owned(), "portals".to_owned()]]
            }
            (Kind::Size, "limits.cow-size") => vec![one("0"), one("8M")],
            // What this machine can limit in this way.
            (Kind::Size, "limits.memory") => self.possible(option, via, &["0", "512M"]),
            (Kind::Number { .. }, "limits.processes") => self.possible(option, via, &["0", "64"]),
            (Kind::Number { .. }, "limits.cpu-weight") => {
                self.possible(option, via, &["100", "50"])
            }
            (_, key) => panic!("no values are known for “{key}”: name some here"),
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let data = machine().home.join(".local/share/arkose/homes");
        let _ = std::fs::remove_dir_all(data.join(&self.profile));
    }
}

/// The options that have a flag.
fn options() -> Vec<&'static Opt> {
    // A zone takes a bridge of the machine's and an administrator who names it: the suite `filtered` has both.
    let of_zones = ["network-rules.zone", "network-rules.addresses", "network-rules.routers"];
    let all = OPTIONS.iter().filter(|option| !option.flag.is_empty());
    all.filter(|option| !of_zones.contains(&option.key)).collect()
}

/// The row as words of a command line.
fn flags(options: &[&Opt], row: &Row) -> Vec<String> {
    let each = options.iter().zip(row).flat_map(|(option, values)| {
        values.iter().map(|value| format!("--{}={value}", option.flag))
    });
    each.collect()
}

/// Verifies every row of one shard, and tells all that is not as it is told.
fn shard(via: Via, number: usize) {
    let desktop = Desktop::start(&format!("{}-{number}", via.word()));
    let options = options();
    let values: Vec<_> = options.iter().map(|option| desktop.values(option, via)).collect();
    let profile = desktop.scratch.join(format!("{}.toml", desktop.profile));
    let mut wrong = String::new();
    let mut rows = 0;
    for row in pairs(&options, &values).iter().skip(number).step_by(SHARDS) {
        rows += 1;
        let mut flags = flags(&options, row);
        // The helper gives no socket of the host's to who is root inside, and says so.
        if via == Via::Helper && flags.iter().any(|flag| flag == "--runas=root") {
            let socket =
                |flag: &String| flag.starts_with("--xserver=") || flag.starts_with("--pulseaudio=");
            flags.retain(|flag| !socket(flag));
        }
        let call = flags
            .iter()
            .fold(desktop.verify_quickly(via, profile.to_str().unwrap()), |call, flag| {
                call.arg(flag)
            });
        if let Some(what) = mismatches(call) {
            wrong.push_str(&format!("{}\n{what}\n", flags.join(" ")));
        }
    }
    println!("{rows} rows");
    assert!(rows > 0 && wrong.is_empty(), "{wrong}");
    assert_eq!(desktop.scratch.read("copied/below/file"), "copied");
    assert_eq!(desktop.system.read("file"), "system");
}

/// What is not as it is told, if anything is.
fn mismatches(call: Arkose) -> Option<String> {
    let outcome = call.output();
    // Without mounts nothing below a grant can be hidden, and without a control group nothing counted;
    // that is said, and nothing is launched.
    let said = ["with light walls", "light walls cannot count"];
    if outcome.code() == 125 && said.iter().any(|said| outcome.said().contains(said)) {
        return None;
    }
    let Ok(report) = serde_json::from_slice::<serde_json::Value>(&outcome.stdout) else {
        return Some(outcome.to_string());
    };
    let mut wrong = String::new();
    for line in report["lines"].as_array().unwrap() {
        for trial in line["trials"].as_array().unwrap() {
            if trial["holds"] != true {
                wrong.push_str(&format!("  {}: {trial}\n", line["text"]));
            }
        }
        if line["not-tried"] == "nothing is known that would try it" {
            wrong.push_str(&format!("  {}: is not tried\n", line["text"]));
        }
    }
    assert_eq!(outcome.code(), i32::from(report["mismatches"] != 0), "{outcome}");
    assert!(report["trials"].as_u64().unwrap() > 100, "{outcome}");
    (!wrong.is_empty()).then_some(wrong)
}

both_ways! {
    fn pairs_of_options_1(via) { shard(via, 0) }
    fn pairs_of_options_2(via) { shard(via, 1) }
    fn pairs_of_options_3(via) { shard(via, 2) }
    fn pairs_of_options_4(via) { shard(via, 3) }

    fn every_shipped_profile(via) {
        let desktop = Desktop::start(&format!("shipped-{}", via.word()));
        let mut wrong = String::new();
        for entry in std::fs::read_dir(&machine().profiles).unwrap() {
            let path = entry.unwrap().path();
            let id = path.file_stem().unwrap().to_str().unwrap();
            let call = match id {
                "xeyes" => desktop.verify(via, id),
                _ => desktop.verify_quickly(via, id),
            };
            if let Some(what) = mismatches(call) {
                wrong.push_str(&format!("{id}\n{what}\n"));
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }
}

/// `arkose` in a directory of its own with another program in the place of the probe.
fn with_probe(scratch: &Scratch, script: &str) -> std::path::PathBuf {
    let directory = scratch.directory("bin");
    std::fs::copy(machine().programs.join("arkose"), directory.join("arkose")).unwrap();
    let probe = scratch.file("bin/arkose-probe", script);
    std::fs::set_permissions(probe, Permissions::from_mode(0o755)).unwrap();
    directory.join("arkose")
}

both_ways! {
    fn what_is_not_as_told_is_shown_with_both_sides(via) {
        let scratch = Scratch::home();
        // It claims to have been able to do everything.
        let arkose = with_probe(&scratch, "#!/bin/sh\nwhile read line; do echo '{\"found\":\"text\",\"text\":\"\"}'; done\n");
        let outcome = Outcome::of(machine().as_user(&arkose).args(["verify", "--via", via.word()]));
        assert_eq!(outcome.code(), 1, "{outcome}");
        let said = outcome.text();
        for words in ["✗", "tried: making a raw socket", "expected: it cannot be done", "found: it can be done", "(network)"] {
            assert!(said.contains(words), "{words}: {outcome}");
        }
    }

    fn a_probe_that_ends_too_early_is_no_success(via) {
        let scratch = Scratch::home();
        for script in ["#!/bin/sh\nexit 0\n", "#!/bin/sh\necho nonsense\n", "#!/bin/sh\nkill -9 $$\n"] {
            let arkose = with_probe(&scratch, script);
            let outcome = Outcome::of(machine().as_user(&arkose).args(["verify", "--via", via.word()]));
            assert!(outcome.refusal().contains("could not be tried to the end"), "{outcome}");
            assert_eq!(outcome.text(), "");
        }
    }

    fn a_grant_that_leads_nowhere_is_not_as_told(via) {
        let sockets = Scratch::system();
        // A sound server that has ended and left its socket.
        let socket = sockets.join("pulse");
        drop(UnixListener::bind(&socket).unwrap());
        let outcome = Arkose::call(["verify", "--via", via.word(), "--pulseaudio"])
            .env("PULSE_SERVER", format!("unix:{}", socket.display())).output();
        assert_eq!(outcome.code(), 1, "{outcome}");
        assert!(outcome.text().contains("play sound"), "{outcome}");
    }

    fn nothing_of_it_is_left_on_the_host(via) {
        let quiet = quiet();
        let verify = || Arkose::call(["verify", "--via", via.word(), "--home", "cow", "--network", "direct"]);
        let first = verify().output_alone(&quiet);
        assert_eq!(first.code(), 0, "{first}");
        let before = Inventory::take();
        assert_eq!(verify().output_alone(&quiet).code(), 0);
        before.restored();
        // Nor where it is ended in the middle of it.
        let running = verify().start_alone(&quiet);
        running.signal(Signal::SIGKILL);
        running.finish_killed();
        before.restored();
    }
}

#[test]
fn a_profile_that_is_not_there_is_refused() {
    let outcome = Arkose::call(["verify", "there-is-no-such-profile"]).output();
    assert!(outcome.refusal().contains("there-is-no-such-profile"), "{outcome}");
}
