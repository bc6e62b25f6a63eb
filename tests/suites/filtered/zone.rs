//! A zone: an app that is joined to a bridge of the computer's.

use super::*;
use arkose_tests::administrator::Etc;
use arkose_tests::wait::Lines;
use arkose_tests::{Outcome, both_ways};
use std::process::{Child, Command, Stdio};

/// Whoever asks may join it.
const ALLOWED: &str = "[default]\nzones = [\"br0\"]\n";
const ADDRESSES: [(&str, &str); 4] = [
    ("network-address", "192.168.5.20/24"),
    ("network-address", "fd00:5::20/64"),
    ("network-router", "192.168.5.1"),
    ("network-router", "fd00:5::1"),
];

/// Sends from addresses that are not the app's, and opens what could say more than that.
const SPOOF: &str = r#"
import errno, socket
def trying(what, attempt):
    try:
        print(what, attempt())
    except OSError as error:
        print(what, errno.errorcode.get(error.errno, error))
def from_another(family, level, option, own, to):
    def attempt():
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.setsockopt(level, option, 1)
            s.bind((own, 5000))
            return s.sendto(b'leak', to)
    return attempt
v4, v6 = socket.AF_INET, socket.AF_INET6
trying('freebind6', from_another(v6, 41, 78, 'fd00:5::77', ('2a0c:5::1', 80)))
trying('freebind4', from_another(v4, 0, 15, '192.168.5.77', ('45.33.7.1', 80)))
trying('transparent6', from_another(v6, 41, 75, 'fd00:5::77', ('2a0c:5::1', 80)))
trying('transparent4', from_another(v4, 0, 19, '192.168.5.77', ('45.33.7.1', 80)))
for family in (v4, v6):
    trying('raw', lambda: socket.socket(family, socket.SOCK_RAW, 255) and 'OPENED')
trying('neighbours', lambda: socket.socket(v6, socket.SOCK_RAW, 58) and 'OPENED')
trying('packet', lambda: socket.socket(17, socket.SOCK_DGRAM, socket.htons(0x806)) and 'OPENED')
def own():
    with socket.socket(v6, socket.SOCK_DGRAM) as s:
        s.settimeout(4)
        s.sendto(b'who', ('2a0c:5::1', 80))
        return s.recv(100).decode()
trying('own', own)
"#;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An app in that zone, with these options.
fn joined(bridge: &str, options: &[(&str, &str)]) -> Arkose {
    let call = Arkose::run(Via::Helper).option("network", "filtered");
    let call = call.option("network-zone", bridge);
    options.iter().fold(call, |call, (name, value)| call.option(name, value))
}

/// The same with addresses.
fn at_home(options: &[(&str, &str)]) -> Arkose {
    joined("br0", &[&ADDRESSES, options].concat())
}

/// The call where the administrator has written that.
fn ready(world: &World, text: &str, call: Arkose) -> (Etc, Command) {
    let etc = Etc::with(text);
    let command = world.command(call, &etc.script());
    (etc, command)
}

fn outcome(world: &World, text: &str, call: Arkose) -> Outcome {
    let (_etc, mut command) = ready(world, text, call);
    Outcome::of(&mut command)
}

fn reached_in_zone<'w>(world: &World, call: Arkose, words: &[&'w str]) -> Vec<&'w str> {
    let said = outcome(world, ALLOWED, probing(call, words)).success();
    let is_reached = |word: &&&str| {
        let came = said.lines().find_map(|line| line.strip_prefix(**word)).expect(&said).trim();
        assert!(came != "nothing", "{word} is not refused at once");
        !["ECONNREFUSED", "EPERM", "EACCES", "EHOSTUNREACH", "no such name"].contains(&came)
    };
    words.iter().filter(is_reached).copied().collect()
}

/// A call that goes on, with what it says on standard error.
fn start(world: &World, call: Arkose) -> (Etc, Child, Lines) {
    let (etc, mut command) = ready(world, ALLOWED, call);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = Lines::of(child.stderr.take().unwrap());
    (etc, child, lines)
}

/// Whether that computer has no link of ours, after the moment that the kernel takes.
fn has_no_link(world: &World) -> bool {
    wait::until(Duration::from_secs(5), || !world.as_root("ip -o link").contains("arkose"))
}

fn with_helper(name: &str, body: fn(Via)) {
    with_way(Via::Helper, name, body);
}

#[test]
fn in_a_zone_the_rules_hold_and_nothing_is_left() {
    with_helper("in_a_zone_the_rules_hold_and_nothing_is_left", |_| {
        let mut world = World::start();
        world.add_bridge();
        let own = ["tcp:192.168.5.100:8080", "tcp:fd00:5::100:8080", "name:good.example"];
        let words: Vec<&str> = PLACES[..11].iter().copied().chain(own).collect();
        let pick = |picked: &[usize]| -> Vec<&str> { picked.iter().map(|n| words[*n]).collect() };
        let cases: &[Case] = &[
            (&[], &[]),
            (&[("allow", "public")], &[0, 1, 2, 3, 4, 5, 6, 13]),
            (&[("allow", "public:443/tcp")], &[0, 2, 3, 13]),
            (&[("allow", "lan")], &[7, 8, 9, 10]),
            (&[("allow", "*")], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13]),
            (&[("allow", "host:8080")], &[11, 12]),
            (&[("allow", "good.example:443")], &[0, 3, 5, 13]),
        ];
        for (options, expected) in cases {
            // A name leads somewhere once it was asked for.
            let mut order = words.clone();
            order.rotate_right(1);
            let mut reached = reached_in_zone(&world, at_home(options), &order);
            reached.sort_by_key(|word| words.iter().position(|other| other == word));
            assert_eq!(reached, pick(expected), "{options:?}");
        }
        assert!(has_no_link(&world));
    });
}

#[test]
fn nothing_leaves_a_zone_with_an_address_of_another() {
    with_helper("nothing_leaves_a_zone_with_an_address_of_another", |_| {
        let mut world = World::start();
        world.add_bridge();
        let mut child = world.listener_at("zone1").stdout(Stdio::piped()).spawn().unwrap();
        let mut heard = Lines::of(child.stdout.take().unwrap());
        heard.expect_line("ready");
        for runas in ["user", "root"] {
            let call = at_home(&[("network-default", "allow"), ("runas", runas)]);
            let call = call.command(["/usr/bin/python3", "-c", SPOOF]);
            let said = outcome(&world, ALLOWED, call).success();
            assert!(said.contains("own 2a0c:5::1 80") && !said.contains("OPENED"), "{said}");
            // What it sent by itself came after all of these.
            heard.expect_line(&hex(b"who"));
        }
        let _ = child.kill();
        let _ = child.wait();
        let others = |line: &&String| {
            ["fd000005000000000000000000000077", "c0a8054d"]
                .iter()
                .any(|other| line.contains(other))
        };
        let spoofed: Vec<_> = heard.rest().iter().filter(others).collect();
        assert!(spoofed.is_empty(), "{spoofed:?}");
    });
}

/// A router that tells a prefix, and that it leads out.
const ADVERTISE: &str = r#"
import socket, struct, time
# Who answers as one that is no router is taken for none.
open("/proc/sys/net/ipv6/conf/zone1/forwarding", "w").write("1")
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"zone1")
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 3600, 1800, 0) + socket.inet_pton(socket.AF_INET6, "fd00:5::")
while True:
    s.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix, ("ff02::1", 0))
    time.sleep(0.3)
"#;

#[test]
fn a_router_gives_an_app_in_a_zone_its_address() {
    with_helper("a_router_gives_an_app_in_a_zone_its_address", |_| {
        let mut world = World::start();
        world.add_bridge();
        let call = || {
            let call = joined("br0", &[("allow", "public")]);
            probing(call, &["tcp:2a0c:5::1:443", "tcp:fd12:3456::1:443"])
        };
        let said = outcome(&world, ALLOWED, call()).refusal();
        assert!(said.contains("gave the app an address of IPv6 in time"), "{said}");
        let mut router = world.outside("python3").args(["-c", ADVERTISE]).spawn().unwrap();
        let said = outcome(&world, ALLOWED, call()).success();
        let _ = router.kill();
        let _ = router.wait();
        assert!(said.contains("tcp:2a0c:5::1:443 2a0c:5::1 443"), "{said}");
        assert!(said.contains("tcp:fd12:3456::1:443 ECONNREFUSED"), "{said}");
        assert!(has_no_link(&world));
    });
}

#[test]
fn a_bridge_is_waited_for_and_that_is_told() {
    with_helper("a_bridge_is_waited_for_and_that_is_told", |_| {
        let mut world = World::start();
        let call = || probing(at_home(&[("allow", "public")]), &["tcp:45.33.7.1:443"]);
        let (_etc, child, mut lines) = start(&world, call());
        lines.expect_line("Waiting for the network bridge br0");
        world.add_bridge();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said, "tcp:45.33.7.1:443 45.33.7.1 443\n");
        // Where it is there, there is nothing to tell.
        assert_eq!(outcome(&world, ALLOWED, call()).said(), "");
        world.as_root("ip link del br0");
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGKILL] {
            let (_etc, mut child, mut lines) = start(&world, call());
            lines.expect_line("Waiting for");
            let begin = Instant::now();
            kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
            child.wait().unwrap();
            assert!(
                lines.rest().len() == 1 && begin.elapsed() < Duration::from_secs(3),
                "{signal}"
            );
        }
    });
}

#[test]
fn a_bridge_that_never_comes_or_is_none_is_told() {
    with_helper("a_bridge_that_never_comes_or_is_none_is_told", |_| {
        let world = World::start();
        let said = outcome(&world, ALLOWED, at_home(&[]).command(["true"])).refusal();
        assert!(said.contains("the network bridge “br0” is not there"), "{said}");
        let text = "[default]\nzones = [\"up0\"]\n";
        let said = outcome(&world, text, joined("up0", &ADDRESSES).command(["true"])).refusal();
        assert!(said.contains("“up0” is no network bridge"), "{said}");
    });
}

#[test]
fn only_what_the_administrator_names_is_joined() {
    with_helper("only_what_the_administrator_names_is_joined", |_| {
        let mut world = World::start();
        world.add_bridge();
        let call = || at_home(&[]).command(["true"]);
        let no = "zones = [\"br0\"] below [default] in /etc/arkose/helper.toml";
        for text in ["", "[default]\n", "[default]\nzones = []\n", "[default]\nzones = [\"br1\"]\n"]
        {
            let said = outcome(&world, text, call()).refusal();
            assert!(said.contains("has not allowed") && said.contains(no), "{text}: {said}");
            let said = outcome(
                &world,
                text,
                Arkose::crafted()
                    .option("network", "filtered")
                    .option("zone", "br0")
                    .command(["true"]),
            );
            assert!(said.refusal().contains(no), "{text}: {said}");
        }
        // Without a file at all.
        let said = world.run(call()).refusal();
        assert!(said.contains(no), "{said}");
        let guests = "[default]\nzones = [\"br0\"]\n[[rule]]\nusers = [\"root\"]\nzones = []\n";
        assert_eq!(outcome(&world, guests, call()).success(), "");
        let explained = |text: &str| {
            let call = Arkose::call(["explain", "--network", "filtered", "--network-zone", "br0"]);
            outcome(&world, text, call).success()
        };
        assert!(explained("").contains(no) && !explained(ALLOWED).contains(no));
        assert!(explained(ALLOWED).contains("the bridge br0"), "{}", explained(ALLOWED));
    });
}

both_ways! {
/// Without root nobody joins a bridge, and what asks for one is not launched without it.
fn a_zone_is_roots_to_give(via) {
    let world = World::start();
    let call = Arkose::run(via).option("network", "filtered").option("network-zone", "none0");
    let said = outcome(&world, ALLOWED.replace("br0", "none0").as_str(), call.command(["true"]));
    let said = said.refusal();
    match via {
        Via::User => assert!(said.contains("Only root's helper"), "{said}"),
        Via::Helper => assert!(said.contains("is not there"), "{said}"),
    }
}
}

#[test]
fn whoever_dies_no_link_is_left_at_the_bridge() {
    with_helper("whoever_dies_no_link_is_left_at_the_bridge", |_| {
        let mut world = World::start();
        world.add_bridge();
        for killed in ["arkose", "arkose-network", "arkose-helper", "arkose-helper first"] {
            let call = at_home(&[("allow", "public")]).shell("echo up; exec sleep 60");
            let (_etc, mut command) = ready(&world, ALLOWED, call);
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = Lines::of(child.stdout.take().unwrap());
            lines.expect_line("up");
            assert!(world.as_root("ip -o link").contains("master br0"), "there is none");
            let own = Pid::from_raw(i32::try_from(child.id()).unwrap());
            let (name, skipped) =
                killed.strip_suffix(" first").map_or((killed, 0), |name| (name, 1));
            let named: Vec<Pid> = { descendants(own).into_iter() }
                .filter(|(_, one)| one.starts_with(name))
                .map(|(pid, _)| pid)
                .collect();
            let victim = if name == "arkose" { own } else { named[skipped] };
            kill(victim, Signal::SIGKILL).unwrap();
            child.wait().unwrap();
            assert!(has_no_link(&world), "{killed}");
        }
    });
}
