//! The network: none, and the host's.

use arkose_tests::{Arkose, both_ways};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

/// Connects to 127.0.0.1 at the port given, and prints what came of it.
const CONNECT: &str = "
import socket, sys
try:
    socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=5)
    print('connected')
except OSError as error:
    print('refused', error.errno)
";

/// Connects to the abstract socket of the name given, and prints what came of it.
const CONNECT_ABSTRACT: &str = "
import socket, sys
try:
    socket.socket(socket.AF_UNIX).connect('\\0' + sys.argv[1])
    print('connected')
except OSError as error:
    print('refused')
";

/// Listens on a loopback of its own and talks to itself.
const OWN_LOOPBACK: &str = "
import socket
for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    listener = socket.socket(family)
    listener.bind((address, 0))
    listener.listen()
    socket.create_connection(listener.getsockname()[:2], timeout=5).sendall(b'x')
    print(listener.accept()[0].recv(1).decode())
";

both_ways! {
    fn without_a_network_there_is_loopback_and_nothing_else(via) {
        let seen = Arkose::run(via).option("network", "none").shell(
            "sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/net/dev; ip -o route; ip -6 -o route | grep -v ' lo '; ls /sys/class/net").prints();
        assert!(seen.lines().all(|line| line == "lo"), "{seen}");
        assert!(seen.starts_with("lo"), "{seen}");
    }

    fn its_own_loopback_works_without_a_network(via) {
        assert_eq!(Arkose::run(via).command(["/usr/bin/python3", "-c", OWN_LOOPBACK]).prints(), "x\nx");
    }

    fn without_a_network_services_of_the_host_are_out_of_reach(via) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let seen = Arkose::run(via).option("network", "none").command(["/usr/bin/python3", "-c", CONNECT, &port]).prints();
        assert!(seen.starts_with("refused"), "{seen}");
    }

    fn with_the_hosts_network_services_of_the_host_are_reached(via) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let seen = Arkose::run(via).option("network", "direct").command(["/usr/bin/python3", "-c", CONNECT, &port]).prints();
        assert_eq!(seen, "connected");
    }

    fn abstract_sockets_of_the_host_are_out_of_reach_on_every_network(via) {
        let name = format!("arkose-outside-{}-{}", via.word(), std::process::id());
        let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        for network in ["none", "direct"] {
            let seen = Arkose::run(via).option("network", network).command(["/usr/bin/python3", "-c", CONNECT_ABSTRACT, &name]).prints();
            assert_eq!(seen, "refused", "network = {network}");
        }
    }

    fn no_network_can_be_set_up_from_inside(via) {
        let outcome = Arkose::run(via).option("network", "none").shell("ip link add v0 type dummy || ip link set lo down").output();
        assert_ne!(outcome.code(), 0, "{outcome}");
    }
}
