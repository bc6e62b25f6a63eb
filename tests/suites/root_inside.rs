//! What an app tries that root has made root of its sandbox. Each of these worked once, or is next to
//! one that did.

use arkose_tests::administrator::text;
use arkose_tests::machine::machine;
use arkose_tests::owned::{both, names, roots, secret};
use arkose_tests::{Arkose, Outcome, Scratch, Via, by_helper};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::fs::{self, File};
use std::io::IoSlice;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

by_helper! {
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

    /// There it could mount control groups, and freeze what is not in the sandbox.
    fn root_inside_makes_no_user_namespaces() {
        let outcome = Arkose::crafted_as_root().arg("--user-namespaces").command(["echo", "launched"]).output();
        assert!(outcome.refusal().contains("user namespaces"), "{outcome}");
        let outcome = Arkose::crafted_as_root().command(["unshare", "--user", "--cgroup", "--mount", "echo", "made"]).output();
        assert_eq!(outcome.text(), "", "{outcome}");
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
}
