//! What the administrator allows: each key, whom a rule is for, files that are not to be trusted or
//! understood, and what is told of it.

#[path = "administrator/bad_files.rs"]
mod bad_files;

use arkose_tests::administrator::{Etc, FILE, FORKS, Guarded, reading, text, without_limits};
use arkose_tests::machine::{machine, skip};
use arkose_tests::wait::{LAUNCH, until};
use arkose_tests::{Arkose, Scratch, both_ways};
use bad_files::BAD;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// The cap, the options that go beyond it, what the refusal names, and options that do not.
const CAPS: &[(&str, &[&str], &str, &[&str])] = &[
    ("runas-root = false", &["--runas", "root"], "runas = root", &["--runas", "user"]),
    ("network = [\"none\"]", &["--network", "direct"], "network = direct", &["--network", "none"]),
    ("network = []", &["--network", "direct"], "network = direct", &["--network", "none"]),
    ("xserver = [\"none\", \"direct\"]", &["--xserver", "isolated"], "xserver = isolated", &[]),
    (
        "xserver = [\"isolated\"]",
        &["--xserver", "direct"],
        "xserver = direct",
        &["--xserver", "none"],
    ),
    ("wayland = []", &["--wayland", "direct"], "wayland = direct", &["--wayland", "none"]),
    ("dbus = [\"session\"]", &["--dbus", "both"], "dbus = both", &["--dbus", "none"]),
    ("dbus = [\"session\"]", &["--dbus", "system"], "dbus = system", &[]),
    ("dbus = [\"system\"]", &["--dbus", "session"], "dbus = session", &[]),
    ("pulseaudio = false", &["--pulseaudio"], "pulseaudio = true", &["--pulseaudio=false"]),
    ("user-namespaces = false", &["--user-namespaces"], "user-namespaces = true", &[]),
    ("devices = []", &["--device", "sound"], "sound", &[]),
    ("devices = [\"sound\"]", &["--device", "gpu"], "gpu", &["--device", "sound"]),
    (
        "devices = [\"/dev/nul*\"]",
        &["--device", "/dev/zero"],
        "/dev/zero",
        &["--device", "/dev/null"],
    ),
    ("home = [\"private\"]", &["--home", "cow"], "home = cow", &["--home", "empty"]),
    ("home = [\"cow\"]", &["--home", "direct"], "home = direct", &["--home", "cow"]),
    ("max-cow-size = \"8M\"", &["--cow-size", "9M"], "8M", &["--cow-size", "7M"]),
];

/// A sandbox with light walls is held by the file as others are, and so is what enters it.
#[test]
fn light_walls_keep_to_the_file() {
    let (guarded, place) = (Guarded::make(), arkose_tests::registry::Place::new());
    let etc = guarded.closed();
    let (secret, open) = (guarded.join("secret/file"), guarded.join("open/file"));
    let light = || {
        let call = Arkose::call(["run", "--walls", "light", "--root", "read-only"]);
        call.env("XDG_RUNTIME_DIR", place.path())
    };
    let outcome = etc.run(reading(light(), &[&secret, &open]));
    if outcome.said().contains("Landlock") {
        return skip("light_walls_keep_to_the_file", "this kernel has no light walls");
    }
    assert_eq!(outcome.text(), "shownend", "{outcome}");
    let said = etc.refuses(light().option("bind-read-only", &guarded.0).command(["true"]));
    assert!(said.contains("light walls"), "{said}");
    let mut running = etc.ready(light().command(["sleep", "600"])).spawn().unwrap();
    let listed = || place.list().first().map(|one| one["id"].as_str().unwrap().to_owned());
    assert!(until(LAUNCH, || listed().is_some()));
    let id = listed().unwrap();
    let enter = |input: &Path| {
        let call = place.call(["enter", &id]).command(["cat"]);
        call.start_reading(File::open(input).unwrap()).finish()
    };
    assert_eq!(enter(&open).success(), "shown");
    let entered = enter(&secret);
    assert!(entered.refusal().contains("lets no sandbox reach"), "{entered}");
    assert_eq!(place.call(["stop", &id, "--grace", "0"]).output().success(), "");
    running.wait().unwrap();
}

both_ways! {
    fn what_goes_beyond_a_cap_is_refused_and_the_cap_is_named(via) {
        for (cap, beyond, named, within) in CAPS {
            let etc = Etc::with(format!("[default]\n{cap}\n"));
            let with = |options: &[&str]| options.iter().fold(Arkose::run(via), |call, word| call.arg(word));
            let said = etc.refuses(with(beyond).command(["echo", "launched"]));
            assert!(said.contains(named) && said.contains(&format!("{FILE}:2:")), "{cap}: {said}");
            assert!(said.contains("administrator"), "{cap}: {said}");
            assert_eq!(etc.run(with(within).command(["echo", "launched"])).success(), "launched", "{cap}");
        }
    }

    fn without_a_file_everything_may_be_asked(via) {
        for etc in [Etc::empty(), Etc::with(""), Etc::with("[default]\n[[rule]]\nusers = [0]\nnetwork = []\n")] {
            let call = Arkose::run(via).option("network", "direct").option("home", "direct").option("device", "/dev/null");
            assert_eq!(etc.run(call.command(["echo", "launched"])).success(), "launched");
        }
    }

    fn the_first_rule_that_fits_counts_and_the_default_fills_it(via) {
        let (uid, gid, user) = (machine().uid, machine().gid, &machine().user);
        let video = nix::unistd::Group::from_name("video").unwrap().expect("the group video").gid;
        let network = |etc: &Etc| etc.run(Arkose::run(via).option("network", "direct").command(["echo", "launched"]));
        let home = |etc: &Etc| etc.run(Arkose::run(via).option("home", "direct").command(["echo", "launched"]));
        // The test user belongs to the group video by the kernel's account.
        for whom in [
            format!("users = [\"{user}\"]"), format!("users = [0, {uid}]"),
            format!("groups = [\"{user}\"]"), format!("groups = [{gid}]"),
            "groups = [\"daemon\", \"video\"]".to_owned(), format!("groups = [{video}]"),
            format!("users = [\"root\"]\ngroups = [{video}]"),
        ] {
            let etc = Etc::with(format!("[default]\nnetwork = []\nhome = []\n[[rule]]\n{whom}\nnetwork = [\"direct\"]\n[[rule]]\nusers = [{uid}]\nnetwork = []\n"));
            assert_eq!(network(&etc).success(), "launched", "{whom}");
            assert!(home(&etc).refusal().contains(&format!("{FILE}:3:8")), "{whom}");
        }
        for whom in ["users = [\"root\", 4242]", "groups = [\"daemon\", 4242]", "users = []"] {
            let etc = Etc::with(format!("[[rule]]\n{whom}\nnetwork = [\"direct\"]\n[[rule]]\nusers = [{uid}]\nnetwork = []\n"));
            assert!(network(&etc).refusal().contains(&format!("{FILE}:6:11")), "{whom}");
        }
    }

    fn a_bad_file_refuses_every_launch_and_names_the_place(via) {
        for (content, place, near) in BAD {
            let etc = Etc::with(content);
            let said = etc.refuses(Arkose::run(via).command(["echo", "launched"]));
            assert!(said.contains(&format!("{FILE}:{place}: ")), "{content}: {said}");
            assert!(said.contains(near), "{content}: {said}");
        }
    }

    fn a_file_that_others_could_have_written_refuses_every_launch(via) {
        let refuses = |why: &str, change: &dyn Fn(&Etc)| {
            let etc = Etc::with("[default]\n");
            assert_eq!(etc.run(Arkose::run(via).command(["echo", "launched"])).success(), "launched");
            change(&etc);
            let said = etc.refuses(Arkose::run(via).command(["echo", "launched"]));
            assert!(said.contains(why), "{why}: {said}");
        };
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let uid = Some(machine().uid.as_raw());
        let moved = |etc: &Etc| {
            fs::rename(etc.file(), etc.0.join("real")).unwrap();
            symlink("real", etc.file()).unwrap();
        };
        refuses("belongs to user", &|etc| chown(etc.file(), uid, None).unwrap());
        refuses("others than root may write", &|etc| mode(&etc.file(), 0o664));
        refuses("others than root may write", &|etc| mode(&etc.file(), 0o646));
        refuses("others than root may write", &|etc| mode(&etc.0, 0o777));
        refuses("belongs to user", &|etc| chown(&etc.0, uid, None).unwrap());
        refuses("belongs to user", &|etc| {
            moved(etc);
            lchown(etc.file(), uid, None).unwrap();
        });
        refuses("belongs to user", &|etc| {
            moved(etc);
            chown(etc.0.join("real"), uid, None).unwrap();
        });
        refuses("cannot be read", &|etc| {
            moved(etc);
            fs::remove_file(etc.0.join("real")).unwrap();
        });
        refuses("is not a file", &|etc| {
            fs::remove_file(etc.file()).unwrap();
            nix::unistd::mkfifo(&etc.file(), nix::sys::stat::Mode::from_bits_truncate(0o644)).unwrap();
        });
        refuses("UTF-8", &|etc| fs::write(etc.file(), b"# \xff\n").unwrap());
        refuses("larger", &|etc| fs::write(etc.file(), vec![b'#'; (1 << 20) + 1]).unwrap());
        // Root's own link is as good as the file.
        let etc = Etc::with("[default]\nhome = []\n");
        moved(&etc);
        assert!(etc.refuses(Arkose::run(via).option("home", "cow").command(["true"])).contains("home = cow"));
    }

    fn a_service_that_is_not_allowed_does_not_come_as_a_path(via) {
        let runtime = &machine().runtime;
        let path = runtime.join(format!("socket-{}-{}", std::process::id(), via.word()));
        let _listener = UnixListener::bind(&path).unwrap();
        chown(&path, Some(machine().uid.as_raw()), None).unwrap();
        let connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1]); print('connected')";
        let bound = |cap: &str, path: &Path| {
            let etc = Etc::with(format!("[default]\n{cap}\n"));
            etc.run(Arkose::run(via).option("bind", path).command(["python3", "-c", connect, text(path)]))
        };
        let results: Vec<_> = ["dbus = [\"system\"]", "wayland = []", "pulseaudio = false"].iter().map(|cap| bound(cap, &path)).collect();
        let open = bound("dbus = [\"both\"]", &path);
        fs::remove_file(&path).unwrap();
        for outcome in results {
            assert!(outcome.refusal().contains("services listen"), "{outcome}");
        }
        assert_eq!(open.success(), "connected");
        let etc = Etc::with("[default]\nxserver = [\"isolated\"]\n");
        let seen = etc.run(Arkose::run(via).option("bind", "/tmp").command(["ls", "-A", "/tmp/.X11-unix"]));
        assert!(seen.text().is_empty(), "{seen}");
    }

    fn neither_a_profile_nor_a_tweak_raises_a_cap(via) {
        let config = Scratch::home();
        let etc = Etc::with("[default]\nnetwork = []\n");
        config.file("arkose/profiles/mine.toml", "command = [\"echo\", \"launched\"]\nnetwork = \"direct\"\n");
        let launch = || Arkose::launch(via, "mine").env("XDG_CONFIG_HOME", config.path());
        assert!(etc.refuses(launch()).contains("network = direct"));
        assert!(etc.refuses(Arkose::run(via).option("set", "network=direct").command(["echo", "launched"])).contains("network = direct"));
        assert_eq!(etc.run(launch().option("network", "none")).success(), "launched");
        // Nor does a file where the user may write.
        config.file("arkose/helper.toml", "[default]\nnetwork = [\"direct\"]\n");
        assert!(etc.refuses(launch()).contains("network = direct"));
    }

    fn a_launch_that_names_no_size_gets_the_largest(via) {
        let etc = Etc::with("[default]\nmax-cow-size = \"8M\"\n");
        let size = |call: Arkose| etc.run(call.command(["sh", "-c", "df --output=size / | tail -1"])).success().trim().to_owned();
        assert_eq!(size(Arkose::run(via)), "8192");
        assert_eq!(size(Arkose::run(via).option("cow-size", "4M")), "4096");
    }

    fn a_launch_that_names_no_limit_gets_the_largest(via) {
        let etc = Etc::with("[default]\nmax-processes = 20\nmax-memory = \"50M\"\n");
        for (option, more, place) in [("processes", "21", "2:17"), ("memory", "51M", "3:14")] {
            let said = etc.refuses(Arkose::run(via).option(option, more).command(["echo", "launched"]));
            assert!(said.contains(&format!("{FILE}:{place}")), "{said}");
        }
        let etc = Etc::with("[default]\nmax-processes = 20\n");
        if let Some(reason) = without_limits(via, "processes", "20") {
            return skip("a_launch_that_names_no_limit_gets_the_largest", &reason);
        }
        let most = |call: Arkose| -> u32 { etc.run(call.command(["python3", "-c", FORKS])).success().parse().unwrap() };
        assert!((15..=20).contains(&most(Arkose::run(via))));
        assert!((5..=10).contains(&most(Arkose::run(via).option("processes", "10"))));
        if let Some(reason) = without_limits(via, "memory", "50M") {
            return skip("a_launch_that_names_no_limit_gets_the_largest (memory)", &reason);
        }
        let hog = Arkose::run(via).command(["python3", "-c", "x = bytearray(200 << 20)"]);
        let etc = Etc::with("[default]\nmax-memory = \"50M\"\n");
        assert_ne!(etc.run(hog).code(), 0);
    }
}

#[test]
fn explain_tells_what_the_administrator_takes_away() {
    let guarded = Guarded::make();
    let secret = guarded.join("secret");
    let etc = Etc::with(format!(
        "[default]\nnetwork = []\nmax-cow-size = \"8M\"\noff-limits = [\"{}\"]\n",
        secret.display()
    ));
    let told = |options: &[&str]| -> serde_json::Value {
        let words = [&["explain", "--json"], options].concat();
        serde_json::from_str(&etc.run(Arkose::call(words)).success()).unwrap()
    };
    let lines = |told: &serde_json::Value, wanted: &str| -> Vec<String> {
        let lines = told["lines"].as_array().unwrap().iter();
        lines.map(ToString::to_string).filter(|line| line.contains(wanted)).collect()
    };
    let plain = told(&[]);
    assert!(lines(&plain, "\"denied\"").is_empty(), "{plain}");
    for wanted in ["8M", text(&secret)] {
        let found = lines(&plain, wanted);
        assert_eq!(found.len(), 1, "{wanted}: {plain}");
        assert!(
            found[0].contains("\"origin\":\"administrator\"") && found[0].contains(FILE),
            "{found:?}"
        );
    }
    let asked = told(&["--network", "direct", "--bind", text(&secret)]);
    let denied = lines(&asked, "\"denied\":true");
    assert_eq!(denied.len(), 2, "{asked}");
    assert!(denied[0].contains(&format!("{FILE}:2:11")), "{denied:?}");
    assert!(lines(&asked, "internet").is_empty(), "{asked}");
    assert_eq!(asked["level"], "contained", "{asked}");
    let words = ["explain", "--network", "direct"];
    let text = etc.run(Arkose::call(words)).success();
    assert!(text.contains("does not allow") && text.contains(&format!("{FILE}:2:11")), "{text}");
}

#[test]
fn doctor_tells_whether_the_file_is_good() {
    let doctor = |etc: &Etc, json: bool| {
        etc.run(Arkose::call(["doctor"].into_iter().chain(json.then_some("--json"))))
    };
    assert!(doctor(&Etc::empty(), false).text().contains("limits nothing"));
    let good = Etc::with("[default]\n");
    assert!(doctor(&good, false).text().contains(FILE));
    let bad = Etc::with("[default]\nnetwrok = []\nhome = [\"emty\"]\n");
    let outcome = doctor(&bad, false);
    assert_ne!(outcome.code(), 0, "{outcome}");
    for place in ["2:1", "3:9"] {
        assert!(outcome.text().contains(&format!("{FILE}:{place}: ")), "{outcome}");
    }
    let outcome = doctor(&bad, true);
    assert_ne!(outcome.code(), 0, "{outcome}");
    let report: serde_json::Value = serde_json::from_str(&outcome.text()).unwrap();
    assert_eq!(report["administrator"]["errors"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(report["administrator"]["file"], FILE);
}
