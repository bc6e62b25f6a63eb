//! What an attacker tries: an app that is hostile, or a user who writes their own requests to the
//! helper. Each of these worked once, or is next to one that did.

use arkose_tests::arkose::quiet;
use arkose_tests::host::{descendants, while_swapped};
use arkose_tests::machine::{Machine, machine, with_way};
use arkose_tests::{Arkose, Outcome, Scratch, Via, both_ways};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::IoSlice;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

const HELPER: &str = "/usr/libexec/arkose-helper";

/// Tests that only the helper's way has.
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

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn both(one: &Path, other: &Path) -> String {
    format!("{}={}", text(one), text(other))
}

/// A file of root's that nobody else may read.
fn secret(scratch: &Scratch, name: &str) -> std::path::PathBuf {
    let path = scratch.join(name);
    fs::write(&path, "for root only").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// A directory of root's that everybody may read.
fn roots(scratch: &Scratch, name: &str) -> std::path::PathBuf {
    let path = scratch.join(name);
    fs::create_dir(&path).unwrap();
    path
}

/// Gives a directory and what is in it to the test user.
fn own_all(path: &Path) {
    let status = Command::new("chown").args(["-R", &machine().user]).arg(path).status().unwrap();
    assert!(status.success());
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

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

    /// A file, a device or a named pipe of the host would be root's to give away.
    fn root_inside_gets_no_file_of_the_host_as_a_standard_descriptor() {
        let home = Scratch::home();
        let file = home.file("file", "");
        let pipe = home.join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o666)).unwrap();
        for path in [&file, &pipe, Path::new("/dev/null")] {
            let open = || File::options().read(true).write(true).open(path).unwrap();
            let script = "import os; os.fchown(1, 0, 0); os.fchmod(1, 0o4755)";
            let mut command = Arkose::crafted_as_root().command(["python3", "-c", script]).into_command();
            let outcome = Outcome::of(command.stdin(Stdio::piped()).stdout(open()));
            assert!(outcome.refusal().contains("standard descriptors"), "{outcome}");
        }
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o644);
    }

    /// What somebody outside hands over to root inside would be root's to give away, out there.
    fn root_inside_is_handed_no_file_of_the_host() {
        let home = Scratch::home();
        let file = home.file("file", "");
        let (ours, theirs) = UnixStream::pair().unwrap();
        let opened = File::open(&file).unwrap();
        let fds = [opened.as_raw_fd()];
        sendmsg::<()>(ours.as_raw_fd(), &[IoSlice::new(b"x")], &[ControlMessage::ScmRights(&fds)], MsgFlags::empty(), None).unwrap();
        let script = "import array, os, socket
_, control, *_ = socket.socket(fileno=0).recvmsg(1, 99)
fd = array.array('i', control[0][2])[0]
os.fchown(fd, 0, 0); os.fchmod(fd, 0o4755); print('owned')";
        let mut command = Arkose::crafted_as_root().command(["python3", "-c", script]).into_command();
        let outcome = Outcome::of(command.stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()));
        assert!(outcome.refusal().contains("standard descriptors"), "{outcome}");
        let now = file.metadata().unwrap();
        assert_eq!((now.uid(), now.mode() & 0o7777), (machine().uid.as_raw(), 0o644));
    }

    /// Over it, files of the host could be handed to it, and files of root's out.
    fn root_inside_connects_to_no_socket_of_the_users() {
        let home = Scratch::home();
        let (shared, data) = (home.directory("shared"), home.directory("data/private"));
        let script = "import os, socket, sys
for at in sys.argv[1:]:
    try: socket.socket(socket.AF_UNIX).connect(at); print('connected', at)
    except OSError as error: print('no', type(error).__name__, file=sys.stderr)
    try: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', at); print('sent', at)
    except OSError as error: print('no', type(error).__name__, file=sys.stderr)
socket.socketpair(); socket.socket(socket.AF_INET); print('end')";
        let sockets = [shared.join("socket"), data.join("socket")];
        let letters = shared.join("letters");
        let letterbox = UnixDatagram::bind(&letters).unwrap();
        letterbox.set_nonblocking(true).unwrap();
        std::os::unix::fs::chown(&letters, Some(machine().uid.as_raw()), Some(machine().gid.as_raw())).unwrap();
        let listeners = sockets.each_ref().map(|path| {
            let listener = UnixListener::bind(path).unwrap();
            listener.set_nonblocking(true).unwrap();
            std::os::unix::fs::chown(path, Some(machine().uid.as_raw()), Some(machine().gid.as_raw())).unwrap();
            listener
        });
        let bind = format!("bind={}", text(&shared));
        let private = both(data.parent().unwrap(), &data);
        let words = ["python3", "-c", script, text(&sockets[0]), text(&letters), "/mnt/socket", "/mnt/letters", &format!("{}/socket", text(&machine().home))];
        for crafted in [
            Arkose::crafted_as_root().option("path", &bind),
            Arkose::crafted_as_root().option("path", bind.replace("bind=", "bind-read-only=")),
            Arkose::crafted_as_root().option("mount", both(&shared, Path::new("/mnt"))),
            Arkose::crafted_as_root().option("private", &private),
        ] {
            let outcome = crafted.command(words).output();
            assert_eq!(outcome.success(), "end", "{outcome}");
        }
        let outcome = Arkose::crafted_as_root().option("mount", both(&sockets[0], Path::new("/mnt/socket")))
            .command(words).output();
        assert!(outcome.refusal().contains("cannot be given to an app that the helper makes root"), "{outcome}");
        assert!(letterbox.recv(&mut [0]).is_err(), "a datagram came in");
        for listener in &listeners {
            assert!(listener.accept().is_err(), "a connection came in");
        }
        // The user is not kept from it, nor root inside from sockets where nobody outside can listen.
        let user = Arkose::crafted().option("path", &bind).command(words).output();
        assert!(user.text().contains("connected"), "{user}");
        let own = "import socket; socket.socket(socket.AF_UNIX).bind('/tmp/own'); print('bound')";
        assert_eq!(Arkose::crafted_as_root().command(["python3", "-c", own]).output().success(), "bound");
    }

    fn what_root_inside_writes_to_a_file_arrives_and_the_file_stays_the_users() {
        let home = Scratch::home();
        let file = home.file("file", "");
        let script = "import os; print('words', flush=True); os.fchown(1, 0, 0); os.fchmod(1, 0o4755)";
        let mut command = Arkose::run(Via::Helper).option("runas", "root").command(["python3", "-c", script]).into_command();
        let outcome = Outcome::of(command.stdin(Stdio::null()).stdout(File::create(&file).unwrap()));
        assert_eq!(outcome.code(), 0, "{outcome}");
        assert_eq!(home.read("file"), "words\n");
        let now = file.metadata().unwrap();
        assert_eq!((now.uid(), now.mode() & 0o7777), (machine().uid.as_raw(), 0o644));
    }

    fn root_inside_is_the_caller_to_what_a_request_mounts() {
        let system = Scratch::system();
        let directory = roots(&system, "roots");
        secret(&system, "roots/secret");
        let outcome = Arkose::crafted_as_root().option("mount", both(&directory, Path::new("/mnt")))
            .shell("cat /mnt/secret; echo x >/mnt/planted; chmod 777 /mnt; chown 1 /mnt; echo end").output();
        assert_eq!(outcome.success(), "end");
        assert_eq!(names(&directory), ["secret"]);
        assert_eq!(directory.metadata().unwrap().mode() & 0o7777, 0o755);
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

    /// Whoever listens would take it for root of the machine.
    fn root_inside_connects_to_no_socket_of_the_system() {
        let system = Scratch::system();
        let path = system.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let pipe = system.join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        let _reader = File::options().read(true).write(true).open(&pipe).unwrap();
        let script = "import os, socket, sys
for at in sys.argv[1:]:
    try: socket.socket(socket.AF_UNIX).connect(at + '/socket'); print('connected', at)
    except OSError: pass
    try: os.open(at + '/pipe', os.O_WRONLY | os.O_NONBLOCK); print('wrote', at)
    except OSError: pass
print('end')";
        let bind = format!("bind={}", text(system.path()));
        for crafted in [
            Arkose::crafted_as_root(),
            Arkose::crafted_as_root().arg("--root-read-only"),
            Arkose::crafted_as_root().option("path", &bind),
            Arkose::crafted_as_root().option("path", bind.replace("bind=", "bind-read-only=")),
            Arkose::crafted_as_root().option("path", bind.replace("bind=", "cow=")),
            Arkose::crafted_as_root().option("mount", both(system.path(), Path::new("/mnt"))),
            Arkose::crafted_as_root().option("mount-read-only", both(system.path(), Path::new("/mnt"))),
        ] {
            let outcome = crafted.command(["python3", "-c", script, text(system.path()), "/mnt"]).output();
            assert_eq!(outcome.success(), "end", "{outcome}");
        }
        assert!(listener.accept().is_err(), "a connection came in");
        // The same socket, for the user: what is refused above is refused to root alone.
        let user = Arkose::crafted().option("path", &bind).command(["python3", "-c", script, text(system.path())]).output();
        assert!(user.text().contains("connected"), "{user}");
    }

    fn root_inside_cannot_change_a_device_node() {
        let directory = Path::new("/dev").join(format!("arkose-test-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let node = directory.join("null");
        assert!(Command::new("mknod").arg(&node).args(["-m", "666", "c", "1", "3"]).status().unwrap().success());
        let state = || {
            let of = |path: &Path| path.metadata().map(|meta| (meta.mode(), meta.uid(), meta.gid())).ok();
            (of(&node), of(&directory), names(&directory), of(Path::new("/dev/full")))
        };
        let before = state();
        let outcome = Arkose::run(Via::Helper).option("runas", "root").option("device", &directory).command(["sh", "-c",
            r#"cd "$1"; echo x >null && echo opened; chmod 600 null . /dev/full; chown 1 null . /dev/full; echo x >planted; rm null; echo end"#,
            "sh", text(&directory)]).output();
        let after = state();
        let _ = fs::set_permissions("/dev/full", fs::Permissions::from_mode(0o666));
        let _ = std::os::unix::fs::chown("/dev/full", Some(0), Some(0));
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(outcome.success(), "opened\nend");
        assert_eq!(after, before);
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

    /// There it could mount control groups, and freeze what is not in the sandbox.
    fn root_inside_makes_no_user_namespaces() {
        let outcome = Arkose::crafted_as_root().arg("--user-namespaces").command(["echo", "launched"]).output();
        assert!(outcome.refusal().contains("user namespaces"), "{outcome}");
        let outcome = Arkose::crafted_as_root().command(["unshare", "--user", "--cgroup", "--mount", "echo", "made"]).output();
        assert_eq!(outcome.text(), "", "{outcome}");
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

    fn the_first_process_is_out_of_the_reach_of_root_inside() {
        let outcome = Arkose::crafted_as_root().shell(
            "cat /proc/1/mem /proc/1/environ; ls /proc/1/root/; readlink /proc/1/exe /proc/1/cwd /proc/1/fd/*; echo end").output();
        assert_eq!(outcome.success(), "end");
    }

    fn root_inside_needs_what_only_an_administrator_allows() {
        let outcome = Arkose::crafted().arg("--runas-root").command(["id", "-u"]).output();
        assert!(outcome.refusal().contains("administrator"), "{outcome}");
        assert_eq!(outcome.text(), "");
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

/// Starts a command that finds its children collected by the kernel, so that their ids are free at once.
fn ignoring_children(command: &Command) -> Command {
    let script = "import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])";
    let mut around = Command::new("timeout");
    around
        .args(["20", "python3", "-c", script])
        .arg(command.get_program())
        .args(command.get_args());
    around.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    around
}

both_ways! {
    fn a_caller_that_ignores_its_children_is_told_how_the_app_ended(via) {
        let command = match via {
            Via::User => Arkose::run(via),
            Via::Helper => Arkose::crafted(),
        };
        let command = command.command(["sh", "-c", "true; exit 3"]).into_command();
        let outcome = Outcome::of(&mut ignoring_children(&command));
        assert_eq!(outcome.code(), 3, "{outcome}");
    }

    fn a_link_in_the_place_of_a_private_home_is_not_followed(via) {
        let home = Scratch::home();
        let victim = home.file("victim/letter", "not granted");
        let name = format!("planted-{}-{}", via.word(), std::process::id());
        let profile = home.file(format!("{name}.toml"),
            "name = \"Planted\"\ncommand = [\"sh\", \"-c\", \"cat ~/letter; echo x >~/planted\"]\n[files]\nhome = \"private\"\n");
        let launch = || Arkose::launch(via, &profile).directory(home.path()).env("XDG_DATA_HOME", home.join("data")).output();
        assert_eq!(launch().code(), 0);
        let private = home.join("data/arkose/homes").join(&name);
        assert_eq!(names(&private), ["planted"]);
        fs::remove_dir_all(&private).unwrap();
        symlink(victim.parent().unwrap(), &private).unwrap();
        let outcome = launch();
        assert!(!outcome.text().contains("not granted"), "{outcome}");
        assert_eq!(names(victim.parent().unwrap()), ["letter"]);
        let _ = outcome.refusal();
    }

    /// What is in a private home came from a sandbox; the next launch makes and mounts things there.
    fn a_link_planted_in_a_private_home_leads_nowhere(via) {
        let home = Scratch::home();
        let victim = home.directory("victim");
        home.directory("granted");
        let name = format!("links-{}-{}", via.word(), std::process::id());
        let granted = machine().home.join("planted/granted");
        let grant = machine().home.join("planted");
        let profile = home.file(format!("{name}.toml"), format!(
            "name = \"Links\"\ncommand = [\"sh\", \"-c\", \"ln -s {} ~/planted; echo launched\"]\n[files]\nhome = \"private\"\n", text(&victim)));
        let launch = |options: &[(&str, &Path)]| {
            let call = Arkose::launch(via, &profile).directory(home.path()).env("XDG_DATA_HOME", home.join("data"));
            options.iter().fold(call, |call, (option, path)| call.option(option, path)).output()
        };
        assert_eq!(launch(&[]).success(), "launched");
        // Below the link a place for a grant of the host's own directory of that name would be made.
        fs::create_dir_all(&granted).unwrap();
        own_all(&grant);
        let outcome = launch(&[("bind", &granted)]);
        fs::remove_dir_all(&grant).unwrap();
        assert!(names(&victim).is_empty(), "{outcome}");
        assert!(outcome.refusal().contains("symbolic link"), "{outcome}");
    }

    fn a_link_swapped_in_below_a_grant_is_not_followed(via) {
        let home = Scratch::home();
        home.file("not-granted/letter", "not granted");
        home.file("work/sub/letter", "granted");
        let work = home.join("work");
        symlink(home.join("not-granted"), work.join("link")).unwrap();
        while_swapped(&work.join("link"), &work.join("sub"), || {
            for _ in 0..30 {
                let outcome = Arkose::run(via).option("bind", &work).option("bind", work.join("sub"))
                    .command(["sh", "-c", r#"cat "$1"/*/letter"#, "sh", text(&work)]).output();
                assert!(!outcome.text().contains("not granted"), "{outcome}");
            }
        });
    }

    fn a_copy_for_root_inside_shows_no_file_of_others(via) {
        let home = Scratch::home();
        let own = home.file("own", "the user's");
        let system = Scratch::system();
        let secret = secret(&system, "secret");
        std::os::unix::fs::chown(&secret, Some(65534), Some(65534)).unwrap();
        let hidden = home.join("secret");
        fs::copy(&secret, &hidden).unwrap();
        fs::set_permissions(&hidden, fs::Permissions::from_mode(0o600)).unwrap();
        let outcome = Arkose::run(via).option("runas", "root").option("cow", home.path()).option("cow", system.path())
            .command(["cat", text(&own), text(&secret), text(&hidden)]).output();
        assert_eq!(outcome.text(), "the user's", "{outcome}");
    }

    fn a_home_behind_a_link_is_hidden_where_it_is(via) {
        let home = Scratch::home();
        let file = home.file("letter", "not granted");
        let real = Path::new("/var").join(file.strip_prefix("/").unwrap());
        // What is mounted to be tried lies in the way of the overlay, and is shown in it as well.
        let script = format!("mount -t tmpfs none /mnt
mkdir -p /mnt/upper/var/home /mnt/work /mnt/root
ln -s var/home /mnt/upper/home
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work none /mnt/root
cd /mnt/root
mount --rbind /home var/home
for d in proc sys dev run tmp usr/libexec {}; do mount --rbind /$d ./$d; done
/sbin/pivot_root . media; cd /; umount -l /media", machine().programs.display());
        let call = Arkose::run(via).command(["sh", "-c", r#"cat "$1"; echo; test -e "$1" && cat "$1"; echo end"#, "sh", text(&real)]);
        let outcome = Outcome::of(&mut call.on_changed_host(&script));
        assert_eq!(outcome.text().trim(), "end", "{outcome}");
    }

    fn families_of_sockets_that_nothing_confines_are_refused(via) {
        let script = "import socket
for family in range(1, 46):
    for kind in (1, 2, 3, 5):
        try: socket.socket(family, kind); print(family); break
        except OSError: pass";
        for network in ["none", "direct"] {
            let seen = Arkose::run(via).option("network", network).command(["python3", "-c", script]).prints();
            // AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
            assert_eq!(seen, "1\n2\n10\n16");
        }
    }

    fn arkoses_own_directories_cannot_be_moved_away(via) {
        let Machine { home, .. } = machine();
        let seen = Arkose::run(via).option("home", "direct").shell(
            "cd; for d in .config .local .local/share; do mv $d $d-moved 2>/dev/null && { echo moved $d; mv $d-moved $d; }; done; echo end").output();
        assert_eq!(seen.text(), "end", "{seen}");
        assert!(home.join(".config").is_dir());
    }

    fn arkoses_own_directories_behind_a_link_are_invisible_inside(via) {
        let home = Scratch::home();
        let real = home.directory("dotfiles/config");
        symlink(&real, home.join("config")).unwrap();
        let plant = r#"cd "$1/config"; ls -A; mkdir -p arkose/profiles autostart; echo x >arkose/profiles/planted.toml; echo x >autostart/planted.desktop; echo end"#;
        for before in [false, true] {
            if before {
                home.file("dotfiles/config/arkose/profiles/own.toml", "");
            }
            let seen = Arkose::run(via).env("XDG_CONFIG_HOME", home.join("config")).option("bind", home.join("dotfiles"))
                .command(["sh", "-c", plant, "sh", text(&home.join("dotfiles"))]).output();
            assert_eq!(seen.text().lines().last(), Some("end"), "{seen}");
            let planted = ["arkose/profiles/planted.toml", "autostart/planted.desktop"];
            assert!(!planted.iter().any(|name| real.join(name).exists()), "{seen}");
        }
    }

    fn what_is_restricted_below_a_grant_cannot_be_moved_away(via) {
        let home = Scratch::home();
        home.file("work/project/keys/private", "a secret");
        let work = home.join("work");
        for rule in ["restrict", "bind-read-only", "cow"] {
            let seen = Arkose::run(via).option("bind", &work).option(rule, work.join("project/keys"))
                .command(["sh", "-c", r#"cd "$1"; mv project moved 2>/dev/null && echo moved; mv project/keys moved 2>/dev/null && echo moved; echo x >project/new; echo end"#, "sh", text(&work)]).output();
            assert_eq!(seen.text(), "end", "{rule}: {seen}");
        }
        assert_eq!(home.read("work/project/keys/private"), "a secret");
        assert!(home.has("work/project/new"));
    }

    fn a_directory_as_standard_input_is_no_way_out(via) {
        let home = Scratch::home();
        home.file("letter", "not granted");
        let script = "import os; print(os.listdir(0)); print(os.open('letter', os.O_RDONLY, dir_fd=0))";
        let mut command = Arkose::run(via).command(["python3", "-c", script]).into_command();
        let outcome = Outcome::of(command.stdin(File::open(home.path()).unwrap()));
        assert!(outcome.refusal().contains("directory"), "{outcome}");
        assert_eq!(outcome.text(), "");
    }
}
