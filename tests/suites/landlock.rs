//! Landlock, the second wall: what it refuses that nothing else would. A kernel without it is
//! skipped.

use arkose_tests::machine::{self, machine};
use arkose_tests::{Arkose, Scratch, both_ways};
use std::fs::{self, File};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Whether the kernel has Landlock with that ABI.
fn has(abi: i64, name: &str) -> bool {
    let ask = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))";
    let output = machine().as_user("/usr/bin/python3").args(["-c", ask]).output().unwrap();
    let found: i64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0);
    if found < abi {
        machine::skip(
            name,
            &format!("this kernel has Landlock's ABI {found}, and {abi} is needed"),
        );
    }
    found >= abi
}

both_ways! {
    fn no_device_node_is_made_of_any_number(via) {
        if !has(2, "no_device_node_is_made_of_any_number") {
            return;
        }
        // To make one of number 0:0 needs no right of root's.
        let script = "import os, stat
for directory in ('/tmp', os.environ['HOME'], '/dev/shm'):
    try:
        os.mknod(directory + '/node', 0o666 | stat.S_IFCHR, 0)
        print('made in', directory)
    except PermissionError as error:
        print(error.errno)";
        let seen = Arkose::run(via).command(["/usr/bin/python3", "-c", script]).prints();
        assert_eq!(seen, "13\n13\n13");
    }

    fn the_trees_own_directories_cannot_be_written_to(via) {
        if !has(2, "the_trees_own_directories_cannot_be_written_to") {
            return;
        }
        let script = "for d in / /home /mnt /media /srv /run /run/user /boot /dev; do (mkdir $d/made) 2>/dev/null && echo made in $d; done; mkdir /tmp/made /dev/shm/made ~/made $XDG_RUNTIME_DIR/made /usr/share/made 2>&1 | grep -v /usr; echo end";
        assert_eq!(Arkose::run(via).shell(script).prints(), "end");
    }

    fn a_standard_descriptor_is_opened_again_only_as_it_is(via) {
        if !has(3, "a_standard_descriptor_is_opened_again_only_as_it_is") {
            return;
        }
        let home = Scratch::home();
        let file = home.file("input", "words");
        let script = "cat /proc/self/fd/0; (echo other >>/proc/self/fd/0) 2>/dev/null && echo written; (echo other >/proc/self/fd/0) 2>/dev/null && echo written; echo end";
        let outcome = Arkose::run(via).shell(script).start_reading(File::open(&file).unwrap()).finish();
        assert_eq!(outcome.success(), "wordsend", "{outcome}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "words");
    }

    fn files_are_moved_between_the_places_of_the_app(via) {
        let home = Scratch::home();
        let place = home.directory("place");
        home.directory("place/a");
        home.directory("place/b");
        home.file("place/a/file", "kept");
        // rename(2) itself: mv would copy where it is refused.
        let script = "import os, sys
os.rename(sys.argv[1] + '/a/file', sys.argv[1] + '/b/file')
os.link(sys.argv[1] + '/b/file', sys.argv[1] + '/a/second')
os.makedirs('/tmp/x/y'); os.rename('/tmp/x/y', '/tmp/y')
print('moved')";
        let seen = Arkose::run(via).option("bind", &place).command(["/usr/bin/python3", "-c", script, place.to_str().unwrap()]).prints();
        assert_eq!(seen, "moved");
        assert_eq!(home.read("place/b/file"), "kept");
    }

    fn abstract_datagrams_do_not_leave_on_any_network(via) {
        if !has(6, "abstract_datagrams_do_not_leave_on_any_network") {
            return;
        }
        let name = format!("arkose-datagram-{}-{}", via.word(), std::process::id());
        let outside = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        outside.set_nonblocking(true).unwrap();
        // Connected, by address, and from a pair that was connected to something else before.
        let script = "import socket, sys
name = '\\0' + sys.argv[1]
for attempt in (lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect(name),
                lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', name),
                lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].connect(name),
                lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', name)):
    try:
        attempt()
        print('reached')
    except OSError:
        print('refused')";
        for network in ["none", "direct"] {
            let seen = Arkose::run(via).option("network", network).command(["/usr/bin/python3", "-c", script, &name]).prints();
            assert_eq!(seen, "refused\nrefused\nrefused\nrefused", "network = {network}");
        }
        assert!(outside.recv(&mut [0; 8]).is_err(), "a datagram arrived");
    }

    fn an_app_with_sandboxes_of_its_own_can_mount_in_them(via) {
        let script = "unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none /mnt && touch /mnt/file && ls /mnt'";
        assert_eq!(Arkose::run(via).arg("--user-namespaces").shell(script).prints(), "file");
    }
}
