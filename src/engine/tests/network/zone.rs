//! Joining a bridge: waiting for it, the pair of links, the addresses, and what is left.

use crate::world::{as_root, in_world, sh};
use arkose_engine::network::{
    Bridges, Generation, Lookout, OnLink, Spec, bring_loopback_up, ignore_routers, open_control,
    ruleset, wait_for_addresses,
};
use arkose_profile::net::{Bridge, OwnAddress, Rules, Verdict, Zone};
use std::cell::Cell;
use std::fs::File;
use std::io::Read as _;
use std::net::UdpSocket;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A bridge with a computer at it, which is the world.
const BRIDGE: &str = "ip link add br0 type bridge
    ip addr add 192.168.5.1/24 dev br0; ip addr add fd00:5::1/64 dev br0 nodad; ip link set br0 up";
/// Tells a prefix and a router to all who listen.
const ADVERTISE: &str = r#"
import socket, struct, time
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"br0")
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 3600, 1800, 0) + socket.inet_pton(socket.AF_INET6, "fd00:6::")
for _ in range(20):
    try:
        s.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix, ("ff02::1", 0))
    except OSError:
        pass
    time.sleep(0.2)
"#;
/// Sends to the world from an address that another has.
const SPOOF: &str = r#"
import socket
def said(send):
    try:
        return send()
    except OSError as error:
        return error.strerror
def six():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, 78, 1)
    s.bind(("fd00:5::99", 5000))
    return s.sendto(b"other", ("fd00:5::1", 7000))
def four():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, 15, 1)
    s.bind(("192.168.5.99", 5000))
    return s.sendto(b"other", ("192.168.5.1", 7000))
print(said(six), said(four), sep="; ")
"#;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn zone(addresses: &[&str], routers: &[&str]) -> Zone {
    let own = addresses.iter().map(|text| OwnAddress::parse(text).unwrap()).collect();
    let routers = routers.iter().map(|text| Zone::parse_router(text).unwrap()).collect();
    Zone::new(Bridge::parse("br0").unwrap(), own, routers).unwrap()
}

/// Only root joins anything.
fn in_a_world(name: &str, test: impl FnOnce()) {
    in_world(&format!("zone::{name}"), || {
        if as_root() {
            test();
        }
    });
}

/// A network namespace that nobody is in.
fn network() -> OwnedFd {
    let mut holder = Command::new("unshare");
    holder.args(["--net", "sh", "-c", "echo; read end"]).stdin(Stdio::piped());
    let mut holder = holder.stdout(Stdio::piped()).spawn().unwrap();
    holder.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    let network = File::open(format!("/proc/{}/ns/net", holder.id())).unwrap();
    drop(holder.stdin.take());
    holder.wait().unwrap();
    network.into()
}

/// Does what the first process of a sandbox in that zone does, and then more, in a network namespace that is
/// gone after it.
fn inside<T: Send>(
    zone: &Zone,
    link: OnLink,
    then: impl FnOnce() -> T + Send,
) -> Result<T, arkose_engine::Error> {
    let bridges = Bridges::open().unwrap();
    thread::scope(|scope| {
        let joined = scope.spawn(|| {
            let own = network();
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(own.as_fd(), kind).unwrap();
            bring_loopback_up().unwrap();
            if zone.is_static6() {
                ignore_routers().unwrap();
            }
            let look = Lookout::open().unwrap();
            let all = Rules { default: Verdict::Allow, list: Vec::new() };
            let spec = Spec::new(&all, &[], Generation::MIN).on(link);
            open_control().unwrap().load(&ruleset(&spec, &[], None).unwrap()).unwrap();
            let index = bridges.wait_for(zone.bridge(), soon(), None, || Ok(()))?;
            bridges.join(index, &own, zone)?;
            wait_for_addresses(&look, zone, soon(), None)?;
            Ok(then())
        });
        joined.join().unwrap()
    })
}

/// Whether no link of ours is left, after the moment that the kernel takes.
fn nothing_is_left() -> bool {
    let end = Instant::now() + Duration::from_secs(5);
    while sh("ip -o link").contains("arkose") {
        if end < Instant::now() {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
    true
}

/// What the world is sent, with whom it is from.
fn hears(world: &UdpSocket) -> Vec<(String, String)> {
    let (mut heard, mut buffer) = (Vec::new(), [0; 100]);
    while let Ok((length, from)) = world.recv_from(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        heard.push((from.ip().to_canonical().to_string(), text));
    }
    heard
}

fn world() -> UdpSocket {
    let world = UdpSocket::bind("[::]:7000").unwrap();
    world.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    world
}

fn send(to: &str) {
    UdpSocket::bind("[::]:0").unwrap().send_to(b"hello", (to, 7000)).unwrap();
}

#[test]
fn a_bridge_that_comes_late_is_joined_and_nothing_is_left() {
    in_a_world("a_bridge_that_comes_late_is_joined_and_nothing_is_left", || {
        bring_loopback_up().unwrap();
        let later = thread::spawn(|| {
            thread::sleep(Duration::from_millis(400));
            sh(BRIDGE);
        });
        let (bridges, told) = (Bridges::open().unwrap(), Cell::new(0));
        let tell = || {
            told.set(told.get() + 1);
            Ok(())
        };
        let begin = Instant::now();
        bridges.wait_for(&Bridge::parse("br0").unwrap(), soon(), None, tell).unwrap();
        assert_eq!(told.get(), 1);
        assert!((400..2000).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
        later.join().unwrap();
        let world = world();
        let zone = zone(&["192.168.5.20/24", "fd00:5::20/64"], &["192.168.5.1", "fe80::1"]);
        let seen = inside(&zone, OnLink::of(Some(&zone)), || {
            send("::ffff:192.168.5.1");
            send("fd00:5::1");
            sh("ip -o addr show dev net0; ip route; ip -6 route")
        });
        let (seen, heard) = (seen.unwrap(), hears(&world));
        let hello = |from: &str| (from.to_owned(), "hello".to_owned());
        assert_eq!(heard, [hello("192.168.5.20"), hello("fd00:5::20")], "{seen}");
        for part in ["192.168.5.20/24", "fd00:5::20/64", "via 192.168.5.1", "via fe80::1"] {
            assert!(seen.contains(part), "{part}: {seen}");
        }
        assert!(nothing_is_left(), "{}", sh("ip link"));
    });
}

#[test]
fn the_computer_gets_no_address_by_its_end_of_the_link() {
    in_a_world("the_computer_gets_no_address_by_its_end_of_the_link", || {
        sh(BRIDGE);
        let zone = zone(&["192.168.5.20/24"], &[]);
        let own = thread::spawn(move || {
            inside(&zone, OnLink::default(), || thread::sleep(Duration::from_secs(3))).unwrap();
        });
        // The kernel makes one as soon as there is somebody at the other end.
        thread::sleep(Duration::from_millis(2500));
        let seen = sh("ip -o link show dev arkose0; ip -o addr show dev arkose0");
        assert!(seen.contains("master br0") && !seen.contains("inet"), "{seen}");
        own.join().unwrap();
    });
}

#[test]
fn what_is_no_bridge_or_never_comes_is_told_and_nobody_waits_for_the_dead() {
    in_a_world("what_is_no_bridge_or_never_comes_is_told_and_nobody_waits_for_the_dead", || {
        sh("ip link add br1 type veth");
        let bridges = Bridges::open().unwrap();
        let wait = |name: &str, until, alive: Option<&UnixStream>| {
            let alive = alive.map(|alive| alive.as_fd());
            let bridge = Bridge::parse(name).unwrap();
            bridges.wait_for(&bridge, until, alive, || Ok(())).unwrap_err().to_string()
        };
        assert!(wait("br1", soon(), None).contains("is no network bridge"));
        let begin = Instant::now();
        let never = wait("br0", begin + Duration::from_millis(300), None);
        assert!(never.contains("“br0” is not there"), "{never}");
        assert!(begin.elapsed() >= Duration::from_millis(300));
        let (ours, theirs) = UnixStream::pair().unwrap();
        let later = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            drop(theirs);
        });
        let begin = Instant::now();
        assert!(wait("br0", soon(), Some(&ours)).contains("not waited for any more"));
        assert!(begin.elapsed() < Duration::from_secs(2));
        later.join().unwrap();
    });
}

#[test]
fn an_address_that_another_has_is_told() {
    in_a_world("an_address_that_another_has_is_told", || {
        sh(BRIDGE);
        let zone = zone(&["fd00:5::1/64"], &[]);
        let taken = inside(&zone, OnLink::of(Some(&zone)), || ()).unwrap_err().to_string();
        assert!(taken.contains("another") && taken.contains("fd00:5::1"), "{taken}");
        assert!(nothing_is_left());
    });
}

#[test]
fn a_router_gives_an_address_of_ipv6_where_none_is_named() {
    in_a_world("a_router_gives_an_address_of_ipv6_where_none_is_named", || {
        sh(BRIDGE);
        let mut router = Command::new("python3").args(["-c", ADVERTISE]).spawn().unwrap();
        let zone = zone(&[], &[]);
        let show = || sh("ip -o addr show dev net0; ip -6 route");
        let seen = inside(&zone, OnLink::of(Some(&zone)), show).unwrap();
        assert!(seen.contains("fd00:6::") && seen.contains("default via fe80::"), "{seen}");
        // Who has an address of its own listens to nobody.
        let zone = self::zone(&["fd00:5::20/64"], &[]);
        let seen = inside(&zone, OnLink::of(Some(&zone)), show).unwrap();
        assert!(!seen.contains("fd00:6::") && !seen.contains("default"), "{seen}");
        router.wait().unwrap();
    });
}

#[test]
fn nothing_leaves_with_an_address_of_another() {
    in_a_world("nothing_leaves_with_an_address_of_another", || {
        sh(BRIDGE);
        let world = world();
        let zone = zone(&["192.168.5.20/24", "fd00:5::20/64"], &[]);
        let try_it = |link| {
            let spoof = || {
                let output = Command::new("python3").args(["-c", SPOOF]).output().unwrap();
                send("fd00:5::1");
                // What waits for a neighbour's answer is lost with the link.
                thread::sleep(Duration::from_millis(500));
                String::from_utf8_lossy(&output.stdout).into_owned()
            };
            let said = inside(&zone, link, spoof).unwrap();
            (said, hears(&world).into_iter().map(|(from, _)| from).collect::<Vec<_>>())
        };
        let (said, heard) = try_it(OnLink::of(Some(&zone)));
        assert_eq!(heard, ["fd00:5::20"], "{said}");
        // The kernel by itself keeps nobody from it.
        // The kernel by itself keeps nobody from it; one packet can be lost while a neighbour is looked for.
        let spoofs = || try_it(OnLink::default()).1.contains(&"fd00:5::99".to_owned());
        assert!((0..5).any(|_| spoofs()));
    });
}
