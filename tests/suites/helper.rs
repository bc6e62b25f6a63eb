//! What a hostile user tries on the helper, with requests, links and processes of their own. Each of
//! these worked once, or is next to one that did.

use arkose_tests::administrator::text;
use arkose_tests::arkose::quiet;
use arkose_tests::host::{descendants, while_swapped};
use arkose_tests::machine::machine;
use arkose_tests::owned::{both, names, roots, secret};
use arkose_tests::{Arkose, Outcome, Scratch, Via, by_helper};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;
use std::fs::{self};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

const HELPER: &str = "/usr/libexec/arkose-helper";

by_helper! {
    fn nothing_is_put_over_the_systems_own_places() {
        let home = Scratch::home();
        let system = Scratch::system();
        let victim = secret(&system, "victim");
        let offered = home.directory("offered");
        symlink(&victim, offered.join("link")).unwrap();
        // While a directory is made there, a link to the victim takes its name.
        while_swapped(&offered.join("link"), &offered.join("shm"), || {
            for place in ["/dev", "/dev/shm", "/proc", "/sys", "/run", "/run/user", "/"] {
                let mount = Arkose::crafted().option("mount", format!("{}={place}", text(&offered)));
                assert!(mount.output().refusal().contains("sandbox's own"), "{place}");
            }
        });
        assert_eq!(names(&offered), ["link"]);
        assert_eq!(victim.metadata().unwrap().mode() & 0o7777, 0o600);
    }

    fn nothing_is_made_on_the_host_as_root() {
        let system = Scratch::system();
        let directory = roots(&system, "roots");
        let bind = format!("bind={}", text(&directory));
        let made = directory.join("made");
        for (option, value) in [
            ("file", both(&made, Path::new("x"))),
            ("mount", both(&machine().home, &made)),
            ("hidden", text(&made).to_owned()),
            ("path", format!("cow={}", text(&made))),
        ] {
            let _ = Arkose::crafted().option("path", &bind).option(option, &value).output();
            assert!(names(&directory).is_empty(), "{option} made {:?}", names(&directory));
            let _ = Arkose::crafted_as_root().option("path", &bind).option(option, &value).output();
            assert!(names(&directory).is_empty(), "{option} made {:?} for root", names(&directory));
        }
    }

    fn what_is_made_in_a_directory_of_the_users_is_the_users() {
        for crafted in [Arkose::crafted(), Arkose::crafted_as_root()] {
            let home = Scratch::home();
            let outcome = crafted.option("path", format!("bind={}", text(home.path())))
                .option("file", both(&home.join("a/b/file"), Path::new("generated"))).option("hidden", home.join("c/d"))
                .command(["cat", text(&home.join("a/b/file"))]).output();
            assert_eq!(outcome.success(), "generated");
            for name in ["a", "a/b", "a/b/file", "c", "c/d"] {
                assert_eq!(home.join(name).symlink_metadata().unwrap().uid(), machine().uid.as_raw(), "{name}");
            }
        }
    }

    fn no_place_is_made_through_a_swapped_link() {
        let home = Scratch::home();
        let (work, other) = (home.directory("work"), home.directory("other"));
        home.directory("work/sub");
        symlink(&other, work.join("link")).unwrap();
        while_swapped(&work.join("link"), &work.join("sub"), || {
            for _ in 0..20 {
                let bind = |path: &Path| format!("bind={}", text(path));
                let _ = Arkose::crafted().option("path", bind(&work)).option("path", bind(&other))
                    .option("mount", both(&work, &work.join("sub/made"))).output();
            }
        });
        assert!(names(&other).is_empty());
    }

    fn no_kernel_setting_is_reached_by_what_a_request_mounts() {
        let home = Scratch::home();
        symlink("/proc", home.join("proc")).unwrap();
        symlink("/sys", home.join("sys")).unwrap();
        let before = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
        for source in [Path::new("/proc"), Path::new("/proc/sys"), Path::new("/sys"), &home.join("proc"), &home.join("sys")] {
            let outcome = Arkose::crafted_as_root().option("mount", both(source, Path::new("/mnt")))
                .shell("echo planted; find /mnt -maxdepth 2 -name core_pattern").output();
            assert!(!outcome.text().contains("planted"), "{outcome}");
        }
        assert_eq!(fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap(), before);
    }

    fn a_refusal_does_not_tell_what_is_in_a_closed_directory() {
        let system = Scratch::system();
        let closed = roots(&system, "closed");
        fs::create_dir(closed.join("directory")).unwrap();
        fs::write(closed.join("file"), "").unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        for option in ["mount", "file", "hidden", "home", "path"] {
            let said = |name: &str| {
                let path = closed.join(name);
                let value = match option {
                    "mount" => both(&machine().home, &path),
                    "file" => both(&path, Path::new("x")),
                    "path" => format!("restrict={}", text(&path)),
                    _ => text(&path).to_owned(),
                };
                let outcome = Arkose::crafted().option(option, value).command(["echo", "launched"]).output();
                (outcome.code(), outcome.text(), outcome.said().replace(name, "NAME"))
            };
            assert_eq!(said("directory"), said("absent"), "{option}");
            assert_eq!(said("file"), said("absent"), "{option}");
        }
    }

    /// A link that only root may read must not show by what it leads to.
    fn a_link_that_the_user_may_not_read_leads_nowhere() {
        let system = Scratch::system();
        let home = Scratch::home();
        let shown = system.directory("shown");
        fs::write(shown.join("file"), "").unwrap();
        let closed = roots(&system, "closed");
        symlink(&shown, closed.join("link")).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        symlink(closed.join("link"), home.join("link")).unwrap();
        let outcome = Arkose::crafted().option("home", home.join("link")).command(["ls", text(&shown)]).output();
        assert_eq!(outcome.success(), "file");
    }

    /// Nor one of the kernel's, to where a process of root's is.
    fn a_link_to_where_another_process_is_leads_nowhere() {
        let system = Scratch::system();
        let home = Scratch::home();
        let shown = system.directory("shown");
        fs::write(shown.join("file"), "").unwrap();
        let mut there = Command::new("sleep").arg("600").current_dir(&shown).spawn().unwrap();
        symlink(format!("/proc/{}/cwd", there.id()), home.join("link")).unwrap();
        let outcome = Arkose::crafted().option("home", home.join("link")).command(["ls", text(&shown)]).output();
        there.kill().unwrap();
        there.wait().unwrap();
        assert_eq!(outcome.success(), "file");
    }

    /// The kernel lets no user look there; neither may who copies a directory for one.
    fn what_a_mount_covers_does_not_show_in_a_copy() {
        for (kind, path) in [("tmpfs", "cow=/opt"), ("hugetlbfs", "cow=/opt"), ("hugetlbfs", "restrict=/srv")] {
            let script = format!("mount -t tmpfs none /opt; mkdir /opt/over; echo covered >/opt/over/file; mount -t {kind} none /opt/over");
            let call = Arkose::crafted().option("path", path);
            let outcome = Outcome::of(&mut call.shell("ls /opt; cat /opt/over/file; echo end").on_changed_host(&script));
            assert_eq!(outcome.text(), "over\nend", "{kind} {path}: {outcome}");
        }
    }

    fn a_file_system_below_a_closed_directory_is_no_obstacle() {
        let script = "mount -t tmpfs none /opt; mkdir -m 700 /opt/closed; mkdir /opt/closed/below; mount -t tmpfs none /opt/closed/below";
        let outcome = Outcome::of(&mut Arkose::run(Via::Helper).command(["echo", "launched"]).on_changed_host(script));
        assert_eq!(outcome.success(), "launched");
    }

    fn a_damaged_request_breaks_nothing() {
        let home = Scratch::home();
        for seed in 0..64 {
            // One that is whole by chance is obeyed.
            let outcome = Arkose::crafted().option("damage", seed.to_string())
                .option("path", format!("bind-read-only={}", text(home.path())))
                .option("file", "/tmp/generated=content").command(["echo", "launched"]).output();
            assert!(!outcome.said().contains("panicked"), "{seed}: {outcome}");
            assert!(outcome.code() != 125 || outcome.said().contains("refused: "), "{seed}: {outcome}");
            assert!(!outcome.said().contains("the helper is gone"), "{seed}: {outcome}");
        }
    }

    /// A request comes over a socket, and whoever made that asks.
    fn the_helper_serves_nobody_but_who_made_the_socket() {
        // A socket of root's, in the hands of the user.
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap();
        let mut command = machine().as_user("pkexec");
        let child = command.args([HELPER, "launch"]).stdin(theirs).stderr(Stdio::piped()).spawn().unwrap();
        drop((command, ours));
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("not the one"), "{said}");
    }

    /// Other programs took such a number for a negative one, and that for root.
    fn a_caller_whose_number_has_the_highest_bit_is_refused() {
        let script = "import os, socket, sys
uid = int(sys.argv[1])
os.seteuid(uid)
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
os.seteuid(0)
os.dup2(theirs.fileno(), 0)
theirs.close()
ours.close()
os.execve(sys.argv[2], [sys.argv[2], 'launch'], {'PKEXEC_UID': str(uid)})";
        let ends = |uid: &str| {
            let output = Command::new("python3").args(["-c", script, uid, HELPER]).output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        assert_eq!(ends(&machine().uid.to_string()).0, Some(0));
        for uid in ["2147483648", "4294967294"] {
            let (code, said) = ends(uid);
            assert_eq!(code, Some(2), "{uid}: {said}");
        }
    }

    fn an_empty_list_of_arguments_breaks_nothing() {
        let script = "import ctypes, os, sys
null = (ctypes.c_char_p * 1)(None)
ctypes.CDLL(None).execve(sys.argv[1].encode(), null, null)";
        let output = Command::new("python3").args(["-c", script, HELPER]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }

    /// Neither the name service nor the loader of what is inside runs in what may still have rights.
    fn the_first_process_loads_nothing_from_inside() {
        let mut running = Arkose::crafted().shell("echo ready; cat").start();
        running.lines().expect_line("ready");
        let maps = |pid: Pid| -> std::collections::BTreeSet<String> {
            let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
            maps.lines().filter_map(|line| line.split_whitespace().nth(5)).filter(|name| name.starts_with('/')).map(ToOwned::to_owned).collect()
        };
        let helpers: Vec<_> = descendants(running.pid()).into_iter().filter(|(_, name)| name.starts_with("arkose-helper")).collect();
        let [(outside, _), (first, _)] = helpers[..] else { panic!("{helpers:?}") };
        assert!(maps(outside).iter().any(|name| name == HELPER), "{:?}", maps(outside));
        assert_eq!(maps(outside).len(), maps(first).len(), "{:?}", maps(first));
        drop(running.stdin.take());
        let _ = running.finish();
    }

    fn root_keeps_no_file_on_the_host_for_a_sandbox() {
        let _alone = quiet();
        let roots = || {
            let found = Command::new("find").args(["/tmp", "/var/tmp", "/dev/shm", "/run", "-user", "root", "!", "-name", "arkose-tests*"]).output().unwrap();
            let mut lines: Vec<String> = String::from_utf8(found.stdout).unwrap().lines().map(ToOwned::to_owned).collect();
            lines.sort();
            lines
        };
        let before = roots();
        let mut running = Arkose::run(Via::Helper).option("home", "cow").shell("echo x >~/changed; echo x >/usr/changed; echo ready; cat").start_alone(&_alone);
        running.lines().expect_line("ready");
        let during = roots();
        let _ = running.finish();
        assert_eq!(during, before);
    }

    fn nothing_but_a_device_is_granted_as_one() {
        let name = format!("/dev/shm/arkose-test-{}", std::process::id());
        let place = Path::new(&name);
        fs::create_dir(place).unwrap();
        fs::write(place.join("file"), "for root only").unwrap();
        symlink("/etc/shadow", place.join("link")).unwrap();
        symlink("/opt", place.join("directory")).unwrap();
        let said: Vec<Outcome> = ["file", "link", "directory", ""].iter().map(|name| {
            let path = place.join(name);
            Arkose::crafted().option("device", &path).command(["cat", text(&path)]).output()
        }).collect();
        fs::remove_dir_all(place).unwrap();
        for outcome in said {
            let _ = outcome.refusal();
            assert_eq!(outcome.text(), "", "{outcome}");
        }
    }

    fn a_private_home_outside_the_data_directory_is_refused() {
        let home = Scratch::home();
        let data = home.directory("data");
        let victim = home.directory("victim");
        symlink(&victim, data.join("link")).unwrap();
        for private in [data.join("link"), victim.clone(), data.clone(), data.join("link/below")] {
            let outcome = Arkose::crafted().option("private", both(&data, &private)).shell("echo x >~/planted").output();
            assert_eq!(outcome.text(), "");
            let _ = outcome.refusal();
        }
        assert!(names(&victim).is_empty());
    }
}
