//! Requests to the helper that no `arkose` would make: `arkose-request` refuses nothing, and what the
//! administrator does not allow is refused by the helper itself.

#[path = "administrator/bad_files.rs"]
mod bad_files;

use arkose_tests::administrator::{Etc, FILE, FORKS, Guarded, reading, text, without_limits};
use arkose_tests::machine::{machine, skip};
use arkose_tests::wait::until;
use arkose_tests::{Arkose, Scratch, Via, by_helper};
use bad_files::BAD;
use std::fs::{self};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

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
        let guarded = Guarded::make();
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
        assert!(until(Duration::from_secs(5), || fs::remove_dir(&group).is_ok()));
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
}
