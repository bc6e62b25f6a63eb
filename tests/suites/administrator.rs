//! What the administrator allows: each key, whom a rule is for, files that are not to be trusted or
//! understood, and every way that leads to what is off limits.
//!
//! Each test has an `/etc/arkose` of its own, in a mount namespace that the caller is started in:
//! pkexec starts the helper there as well. What `arkose` itself refuses is sent to the helper once
//! more by `arkose-request`, which refuses nothing.

use arkose_tests::host::while_swapped;
use arkose_tests::machine::{machine, skip, with_way};
use arkose_tests::{Arkose, Outcome, Scratch, Via, both_ways};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const FILE: &str = "/etc/arkose/helper.toml";

/// An `/etc/arkose` of root's.
struct Etc(PathBuf);

impl Etc {
    fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("etc-arkose-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new("/opt").join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn with(text: impl AsRef<str>) -> Self {
        let etc = Self::empty();
        fs::write(etc.file(), text.as_ref()).unwrap();
        etc
    }

    fn file(&self) -> PathBuf {
        self.0.join("helper.toml")
    }

    /// Puts it where it belongs, for whoever is in the same mount namespace.
    fn script(&self) -> String {
        format!("mount --bind {} /etc/arkose", self.0.display())
    }

    fn ready(&self, call: Arkose) -> Command {
        let mut command = call.on_changed_host(&self.script());
        command.stdin(Stdio::piped());
        command
    }

    fn run(&self, call: Arkose) -> Outcome {
        Outcome::of(&mut self.ready(call))
    }

    /// The refusal of a call that must not have launched anything.
    fn refuses(&self, call: Arkose) -> String {
        let outcome = self.run(call);
        assert_eq!(outcome.text(), "", "{outcome}");
        outcome.refusal()
    }
}

impl Drop for Etc {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Something of root's that everybody may read: a directory with `secret/file` and `open/file` in it.
struct Guarded(PathBuf);

impl Guarded {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("guarded-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new("/opt").join(name);
        for (directory, word) in [("secret", "hidden"), ("open", "shown")] {
            fs::create_dir_all(path.join(directory)).unwrap();
            fs::write(path.join(directory).join("file"), word).unwrap();
        }
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn closed(&self) -> Etc {
        Etc::with(format!("[default]\noff-limits = [\"{}\"]\n", self.join("secret").display()))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Prints every file below the arguments.
fn reading(call: Arkose, paths: &[&Path]) -> Arkose {
    let script = r#"find "$@" -type f -exec cat {} + ; echo end"#;
    let words = ["sh", "-c", script, "sh"].into_iter().chain(paths.iter().map(|path| text(path)));
    call.command(words.collect::<Vec<_>>())
}

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

    fn what_is_off_limits_is_reached_by_no_grant(via) {
        let guarded = Guarded::new();
        let (etc, home) = (guarded.closed(), Scratch::home());
        let secret = guarded.join("secret");
        symlink(&secret, home.join("link")).unwrap();
        symlink(secret.join("file"), home.join("file-link")).unwrap();
        symlink(&guarded.0, home.join("parent")).unwrap();
        for option in ["bind", "bind-read-only", "cow"] {
            for path in [secret.clone(), secret.join("file"), home.join("link"), home.join("file-link"), home.join("parent/secret")] {
                let said = etc.refuses(reading(Arkose::run(via).option(option, &path), &[&path]));
                assert!(said.contains("lets no sandbox reach") && said.contains(&format!("{FILE}:2:15")), "{option}: {said}");
            }
            for path in [guarded.0.clone(), home.join("parent")] {
                let seen = etc.run(reading(Arkose::run(via).option(option, &path), &[&path, &path.join("."), &secret]));
                assert_eq!(seen.text().replace("shown", ""), "end", "{option} {}: {seen}", path.display());
                assert!(seen.text().contains("shown"), "{option}: {seen}");
            }
        }
    }

    fn what_is_off_limits_among_the_systems_files_is_hidden(via) {
        let guarded = Guarded::new();
        let etc = guarded.closed();
        for root in ["cow", "read-only"] {
            let seen = etc.run(reading(Arkose::run(via).option("root", root), &[&guarded.0]));
            assert_eq!(seen.success(), "shownend", "{root}");
        }
        let all = Etc::with("[default]\noff-limits = [\"/opt\", \"/etc/passwd\"]\n");
        let seen = all.run(Arkose::run(via).shell("ls -A /opt; cat /etc/passwd; echo end"));
        assert_eq!(seen.success(), "end", "{seen}");
    }

    fn what_is_off_limits_in_the_home_is_hidden_in_every_home(via) {
        let home = Scratch::home();
        home.file("secret/deep/file", "hidden");
        let below = home.path().strip_prefix(&machine().home).unwrap();
        let closed = format!("~/{}/secret", below.display());
        let etc = Etc::with(format!("[default]\noff-limits = [\"{closed}\"]\n"));
        for mode in ["direct", "cow"] {
            let seen = etc.run(reading(Arkose::run(via).option("home", mode), &[home.path()]));
            assert_eq!(seen.success(), "end", "{mode}: {seen}");
        }
        // Another HOME of the caller's is not the home that the system knows.
        let call = Arkose::run(via).env("HOME", "/opt").option("bind", home.path());
        assert_eq!(etc.run(reading(call, &[home.path()])).success(), "end");
    }

    fn what_is_off_limits_cannot_be_moved_from_inside(via) {
        let home = Scratch::home();
        home.file("work/a/b/secret/file", "hidden");
        let work = home.join("work");
        let etc = Etc::with(format!("[default]\noff-limits = [\"{}\"]\n", work.join("a/b/secret").display()));
        let script = r#"cd "$1"; mv a/b/secret moved && echo moved; mv a/b moved && echo moved; mv a moved && echo moved; rm -rf a; mkdir -p new; echo end"#;
        let seen = etc.run(Arkose::run(via).option("bind", &work).command(["sh", "-c", script, "sh", text(&work)]));
        assert_eq!(seen.text(), "end", "{seen}");
        assert_eq!(home.read("work/a/b/secret/file"), "hidden");
        assert!(home.has("work/new"));
    }

    fn what_is_off_limits_is_no_standard_descriptor(via) {
        let guarded = Guarded::new();
        let etc = guarded.closed();
        let through = |name: &str| {
            let mut command = etc.ready(Arkose::run(via).command(["cat"]));
            Outcome::of(command.stdin(File::open(guarded.join(name)).unwrap()))
        };
        assert_eq!(through("open/file").success(), "shown");
        let outcome = through("secret/file");
        assert!(outcome.refusal().contains("lets no sandbox reach"), "{outcome}");
        assert_eq!(outcome.text(), "");
    }

    /// Whatever the name stands for at each moment, it is what was opened that counts.
    fn a_name_that_changes_leads_to_nothing_that_is_off_limits(via) {
        let guarded = Guarded::new();
        let etc = guarded.closed();
        // One launch after the other: a race is won once in many.
        let again = r#"end=$(($(date +%s) + 4)); n=0; while [ $n -lt 24 ] || [ "$(date +%s)" -lt "$end" ]; do "$@" 2>&1 || true; n=$((n + 1)); done"#;
        for (target, option) in [(guarded.join("secret"), "bind"), (guarded.join("secret"), "cow"), (guarded.0.clone(), "bind")] {
            let home = Scratch::home();
            home.file("name/file", "mine");
            symlink(&target, home.join("link")).unwrap();
            let name = home.join("name");
            let call = Arkose::run(via).option(option, &name).command(["cat", text(&name.join("file")), text(&name.join("secret/file"))]);
            let mut said = String::new();
            while_swapped(&name, &home.join("link"), || {
                said = Outcome::of(&mut call.on_changed_host(&format!("{}\n{again}", etc.script()))).text();
            });
            assert!(!said.contains("hidden"), "{option}: {said}");
            // A race that is never won by either side tests nothing.
            let refused = if target == guarded.0 { "name/file: No such file" } else { "lets no sandbox reach" };
            assert!(said.contains("mine") && said.contains(refused), "{option}: {said}");
        }
    }

    fn a_rule_adds_to_what_is_off_limits_and_opens_nothing(via) {
        let guarded = Guarded::new();
        let (secret, open, uid) = (guarded.join("secret"), guarded.join("open"), machine().uid);
        let default = format!("[default]\noff-limits = [\"{}\"]\n[[rule]]\nusers = [{uid}]\n", secret.display());
        for (rule, seen) in [("", "shownend"), ("off-limits = []", "shownend"), (&*format!("off-limits = [\"{}\"]", open.display()), "end")] {
            let etc = Etc::with(format!("{default}{rule}\n"));
            assert_eq!(etc.run(reading(Arkose::run(via), &[&guarded.0])).success(), seen, "{rule}");
        }
    }

    fn only_what_lies_in_the_roots_is_granted(via) {
        let guarded = Guarded::new();
        let home = Scratch::home();
        home.file("in/file", "mine");
        home.file("out/file", "not granted");
        let below = home.path().strip_prefix(&machine().home).unwrap();
        let etc = Etc::with(format!("[default]\nbind-roots = [\"~/{}/in\", \"{}\"]\n", below.display(), guarded.join("open").display()));
        symlink(home.join("out"), home.join("in/link")).unwrap();
        symlink(home.join("in"), home.join("out/link")).unwrap();
        for option in ["bind", "bind-read-only", "cow"] {
            for inside in [home.join("in"), home.join("in/file"), home.join("out/link"), guarded.join("open")] {
                let seen = etc.run(reading(Arkose::run(via).option(option, &inside), &[&inside.join("."), &inside]));
                assert!(!seen.text().contains("not granted") && seen.text().contains("end"), "{option}: {seen}");
            }
            for outside in [home.join("out"), home.join("in/link"), home.path().to_owned(), guarded.0.clone(), guarded.join("secret/file"), "/tmp".into()] {
                let said = etc.refuses(Arkose::run(via).option(option, &outside).command(["echo", "launched"]));
                assert!(said.contains(&format!("{FILE}:2:14")), "{option} {}: {said}", outside.display());
            }
        }
        for mode in ["direct", "cow"] {
            assert!(etc.refuses(Arkose::run(via).option("home", mode).command(["true"])).contains("lets sandboxes reach only"));
        }
        assert_eq!(etc.run(Arkose::run(via).command(["echo", "launched"])).success(), "launched");
    }

    fn a_root_that_the_user_makes_a_link_widens_nothing(via) {
        let home = Scratch::home();
        let victim = Guarded::new();
        symlink(victim.join("open"), home.join("root")).unwrap();
        lchown(home.join("root"), Some(machine().uid.as_raw()), None).unwrap();
        let etc = Etc::with(format!("[default]\nbind-roots = [\"{}\"]\n", home.join("root").display()));
        for path in [home.join("root"), victim.join("open")] {
            let said = etc.refuses(Arkose::run(via).option("bind", &path).command(["echo", "launched"]));
            assert!(said.contains("lets sandboxes reach only"), "{said}");
        }
        // One of root's is followed.
        let link = victim.join("link");
        symlink("open", &link).unwrap();
        let etc = Etc::with(format!("[default]\nbind-roots = [\"{}\"]\n", link.display()));
        assert_eq!(etc.run(reading(Arkose::run(via).option("bind", &link), &[&link.join(".")])).success(), "shownend");
    }

    fn a_private_home_needs_no_root(via) {
        let home = Scratch::home();
        let etc = Etc::with("[default]\nbind-roots = [\"/srv\"]\n");
        let id = format!("administrator-{}-{}", std::process::id(), via.word());
        let profile = home.file(format!("{id}.toml"), "command = [\"sh\", \"-c\", \"echo launched >~/file; cat ~/file\"]\n[files]\nhome = \"private\"\n");
        let kept = machine().home.join(".local/share/arkose/homes").join(&id);
        assert_eq!(etc.run(Arkose::launch(via, &profile)).success(), "launched");
        fs::remove_dir_all(kept).unwrap();
        // Where the caller says that data lies elsewhere, it is a path as any other.
        let said = etc.refuses(Arkose::launch(via, &profile).env("XDG_DATA_HOME", home.join("data")));
        assert!(said.contains("lets sandboxes reach only"), "{said}");
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

/// Starts as many processes as it can, and says how many.
const FORKS: &str = "
import os, signal
started = 0
try:
    while started < 100:
        if os.fork() == 0:
            signal.pause()
        started += 1
except BlockingIOError:
    pass
print(started, flush=True)
os._exit(0)
";

/// Why this machine cannot hold that limit in that way.
fn without_limits(via: Via, option: &str, most: &str) -> Option<String> {
    let outcome = Arkose::run(via).option(option, most).command(["true"]).output();
    (outcome.code() != 0).then(|| outcome.said().lines().next().unwrap_or_default().to_owned())
}

/// Bad files, where the mistake is, and what the sentence offers.
const BAD: &[(&str, &str, &str)] = &[
    ("[default\n", "1:9", "TOML"),
    ("[default]\nnetwrok = []\n", "2:1", "network"),
    ("[defualt]\n", "1:2", "default"),
    ("[[rules]]\nusers = [1]\n", "1:3", "rule"),
    ("network = []\n", "1:1", "[default]"),
    ("[default]\nnetwork = \"none\"\n", "2:11", "list"),
    ("[default]\nnetwork = [\"dirct\"]\n", "2:12", "direct"),
    ("[default]\nhome = [\"cow\", 1]\n", "2:16", "list of texts"),
    ("[default]\nrunas-root = \"no\"\n", "2:14", "true or false"),
    ("[default]\ndevices = [\"vidoe\"]\n", "2:12", "video"),
    ("[default]\ndevices = [\"/srv/x\"]\n", "2:12", "/dev"),
    ("[default]\nbind-roots = [\"srv\"]\n", "2:15", "absolute"),
    ("[default]\noff-limits = [\"/srv/../x\"]\n", "2:15", ".."),
    ("[default]\noff-limits = [\"/\"]\n", "2:15", "off-limits"),
    ("[default]\nmax-cow-size = 5\n", "2:16", "500M"),
    ("[default]\nmax-cow-size = \"5Q\"\n", "2:16", "500M"),
    ("[default]\nmax-processes = \"5\"\n", "2:17", "512"),
    ("[default]\nmax-processes = -5\n", "2:17", "512"),
    ("[default]\nactions = [\"lunch\"]\n", "2:12", "launch"),
    ("[default]\nusers = [0]\n", "2:1", "rule"),
    ("[[rule]]\nnetwork = []\n", "1:1", "users"),
    ("[[rule]]\nusers = [\"roto\"]\n", "2:10", "root"),
    ("[[rule]]\ngroups = [\"adm\", \"deamon\"]\n", "2:18", "daemon"),
    ("[[rule]]\nusers = [-1]\n", "2:10", "-1"),
    ("[[rule]]\nusers = [4294967295]\n", "2:10", "4294967295"),
    (
        "[default]\nnetwork = [\"none\"]\n# é\n[[rule]]\nusers = [0]\nsomething = 1\n",
        "6:1",
        "something",
    ),
];

/// Tests of the helper alone.
macro_rules! by_helper {
    ($($(#[$meta:meta])* fn $name:ident() $body:block)+) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            fn body(_: Via) $body
            with_way(Via::Helper, stringify!($name), body);
        }
    )+};
}

by_helper! {
    fn the_helper_takes_no_ones_word_for_what_is_allowed() {
        for (cap, beyond, named) in [
            ("runas-root = false", &["--action", "admin", "--runas-root"][..], "runas = root"),
            ("actions = [\"launch\"]", &["--action", "admin"], "as root"),
            ("actions = [\"admin\"]", &[], "helper"),
            ("actions = []", &["--action", "admin", "--runas-root"], "as root"),
            ("network = []", &["--network", "direct"], "network = direct"),
            ("xserver = [\"isolated\"]", &["--xserver", "direct"], "xserver = direct"),
            ("wayland = []", &["--wayland", "direct"], "wayland = direct"),
            ("dbus = [\"system\"]", &["--dbus", "both"], "dbus = both"),
            ("pulseaudio = false", &["--pulseaudio"], "pulseaudio = true"),
            ("user-namespaces = false", &["--user-namespaces"], "user-namespaces = true"),
            ("devices = [\"sound\"]", &["--device", "/dev/zero"], "/dev/zero"),
            ("devices = [\"sound\"]", &["--class", "gpu"], "gpu"),
            ("home = [\"private\"]", &["--home-mode", "direct"], "home = direct"),
            ("max-cow-size = \"8M\"", &["--cow-size", "9000000"], "8M"),
            ("max-memory = \"8M\"", &["--memory", "9000000"], "8M"),
            ("max-processes = 20", &["--processes", "21"], "20"),
        ] {
            let etc = Etc::with(format!("[default]\n{cap}\n"));
            let call = beyond.iter().fold(Arkose::crafted(), |call, word| call.arg(word));
            let said = etc.refuses(call.command(["echo", "launched"]));
            assert!(said.contains(named) && said.contains(&format!("{FILE}:2:")), "{cap}: {said}");
        }
        let etc = Etc::with("[default]\nmax-cow-size = \"8M\"\n");
        let size = etc.run(Arkose::crafted().command(["sh", "-c", "df --output=size / | tail -1"])).success();
        assert_eq!(size.trim(), "8192");
    }

    fn the_helper_serves_nobody_with_a_bad_file() {
        for (content, place, _) in BAD {
            let said = Etc::with(content).refuses(Arkose::crafted().command(["echo", "launched"]));
            assert!(said.contains(&format!("{FILE}:{place}: ")), "{content}: {said}");
        }
        let etc = Etc::with("[default]\n");
        chown(etc.file(), Some(machine().uid.as_raw()), None).unwrap();
        assert!(etc.refuses(Arkose::crafted().command(["true"])).contains("belongs to user"));
        // Who could have taken the file away is not trusted to have left it.
        let etc = Etc::empty();
        fs::set_permissions(&etc.0, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(etc.refuses(Arkose::crafted().command(["true"])).contains("others than root"));
    }

    fn what_is_off_limits_is_reached_by_no_crafted_request() {
        let guarded = Guarded::new();
        let (etc, home) = (guarded.closed(), Scratch::home());
        let secret = guarded.join("secret");
        symlink(&secret, home.join("link")).unwrap();
        symlink(&guarded.0, home.join("parent")).unwrap();
        let mount = |source: &Path| format!("{}=/mnt/there", text(source));
        for crafted in [Arkose::crafted as fn() -> Arkose, Arkose::crafted_as_root] {
            for path in [&secret, &home.join("link"), &secret.join("file"), &home.join("parent/secret")] {
                for option in ["mount", "mount-read-only"] {
                    let outcome = etc.run(reading(crafted().option(option, mount(path)), &[Path::new("/mnt")]));
                    assert!(outcome.refusal().contains("lets no sandbox reach"), "{option}: {outcome}");
                }
                let private = format!("{}={}", text(path.parent().unwrap()), text(path));
                let outcome = etc.run(reading(crafted().option("private", private), &[&machine().home]));
                assert!(outcome.code() == 125 && !outcome.text().contains("hidden"), "{outcome}");
                for mode in ["direct", "cow"] {
                    let outcome = etc.run(reading(crafted().option("home", path).option("home-mode", mode), &[path]));
                    assert!(outcome.code() == 125 && !outcome.text().contains("hidden"), "{mode}: {outcome}");
                }
            }
            // What holds it shows all but that.
            for source in [&guarded.0, &home.join("parent")] {
                for option in ["mount", "mount-read-only"] {
                    let seen = etc.run(reading(crafted().option(option, mount(source)), &[Path::new("/mnt"), &guarded.0]));
                    assert_eq!(seen.text(), "shownshownend", "{option}: {seen}");
                }
                let private = format!("{}={}", text(Path::new("/opt")), text(&guarded.0));
                let seen = etc.run(reading(crafted().option("private", private), &[&machine().home]));
                assert_eq!(seen.text(), "shownend", "{seen}");
                for mode in ["direct", "cow"] {
                    let seen = etc.run(reading(crafted().option("home", source).option("home-mode", mode), &[&source.join(".")]));
                    assert_eq!(seen.text(), "shownend", "{mode}: {seen}");
                }
            }
        }
    }

    fn a_mount_of_a_crafted_request_is_held_to_the_roots() {
        let home = Scratch::home();
        home.file("out/file", "not granted");
        let etc = Etc::with("[default]\nbind-roots = [\"/srv\"]\n");
        for source in [home.join("out"), home.join("out/file"), "/etc/hostname".into()] {
            let call = Arkose::crafted().option("mount", format!("{}=/mnt/there", text(&source)));
            let said = etc.refuses(reading(call, &[Path::new("/mnt")]));
            assert!(said.contains("lets sandboxes reach only"), "{said}");
        }
        let private = format!("{}={}", text(home.path()), text(&home.join("out")));
        let said = etc.refuses(reading(Arkose::crafted().option("private", private), &[&machine().home]));
        assert!(said.contains("lets sandboxes reach only"), "{said}");
    }

    fn a_socket_comes_only_with_the_service_behind_it() {
        let home = Scratch::home();
        let path = home.join("socket");
        let _listener = UnixListener::bind(&path).unwrap();
        chown(&path, Some(machine().uid.as_raw()), None).unwrap();
        let mount = format!("{}=/mnt/socket", text(&path));
        let connect = "import socket; socket.socket(socket.AF_UNIX).connect('/mnt/socket'); print('connected')";
        let call = || Arkose::crafted().option("mount", &mount).command(["python3", "-c", connect]);
        assert_eq!(Etc::with("[default]\nhome = []\nbind-roots = []\n").run(call()).success(), "connected");
        let etc = Etc::with("[default]\ndbus = [\"session\"]\n");
        assert!(etc.refuses(call()).contains("socket"));
        assert_eq!(etc.run(call().option("dbus", "session")).success(), "connected");
        let system = Path::new("/run/dbus/system_bus_socket");
        if !system.exists() {
            return skip("a_socket_comes_only_with_the_service_behind_it", "this machine has no system bus");
        }
        let bus = |dbus: &str| Arkose::crafted().option("dbus", dbus).option("mount", format!("{}=/mnt/socket", text(system)));
        assert!(etc.refuses(bus("session").command(["true"])).contains("socket"));
    }

    /// What the user could lift does not hold what the administrator limits.
    fn a_control_group_of_the_users_stands_for_no_limit() {
        let name = "a_control_group_of_the_users_stands_for_no_limit";
        if let Some(reason) = without_limits(Via::Helper, "processes", "20") {
            return skip(name, &reason);
        }
        // Where groups of the first version are as well, those of the second are below.
        let mut roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(Path::new).into_iter();
        let Some(root) = roots.find(|root| root.join("cgroup.controllers").exists()) else {
            return skip(name, "this machine has no control groups of the second version at their usual places");
        };
        let group = root.join(format!("administrator-{}", std::process::id()));
        fs::create_dir(&group).unwrap();
        for path in [group.clone(), group.join("cgroup.procs")] {
            chown(&path, Some(machine().uid.as_raw()), Some(machine().gid.as_raw())).unwrap();
        }
        let started = |etc: &Etc| {
            let call = Arkose::crafted().option("group", &group).option("processes", "20");
            etc.run(call.command(["python3", "-c", FORKS])).success()
        };
        let (free, held) = (started(&Etc::empty()), started(&Etc::with("[default]\nmax-processes = 20\n")));
        // It goes when the last process in it has.
        assert!(arkose_tests::wait::until(Duration::from_secs(5), || fs::remove_dir(&group).is_ok()));
        assert_eq!(free, "100", "the group limits nothing");
        assert!(held.parse::<u32>().unwrap() <= 20, "{held}");
    }

    /// A device is judged by the node that was opened.
    fn a_device_behind_another_name_is_that_device() {
        let directory = Path::new("/dev").join(format!("arkose-admin-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        symlink("/dev/zero", directory.join("null")).unwrap();
        let caps = |caps: &str| Etc::with(format!("[default]\ndevices = [\"{caps}\"]\n"));
        let asked = || Arkose::crafted().option("device", directory.join("null")).command(["echo", "launched"]);
        let node = caps("/dev/null").run(asked());
        let elsewhere = caps("/dev/zero").run(asked());
        let link = caps(text(&directory.join("null"))).run(asked());
        fs::remove_dir_all(&directory).unwrap();
        assert!(node.refusal().contains("does not allow the device"), "{node}");
        assert_eq!(elsewhere.success(), "launched");
        assert_eq!(link.success(), "launched");
    }

    fn root_inside_finds_nothing_that_is_off_limits() {
        let guarded = Guarded::new();
        let etc = Etc::with(format!("[default]\noff-limits = [\"/etc/shadow\", \"{}\"]\n", guarded.join("secret").display()));
        for root in ["cow", "read-only"] {
            let call = Arkose::run(Via::Helper).option("runas", "root").option("root", root);
            let seen = etc.run(reading(call, &[Path::new("/etc/shadow"), &guarded.0]));
            assert_eq!(seen.success(), "shownend", "{root}");
        }
    }
}

#[test]
fn explain_tells_what_the_administrator_takes_away() {
    let guarded = Guarded::new();
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
