//! Ways out of a filtered network that no rule names, tried with raw tools, as the user and as root inside.

use super::*;
use arkose_tests::wait::Lines;
use std::process::Stdio;

/// Everything that could leave, each in its own way. Says what could be sent, and to where it was.
const ATTEMPTS: &str = r#"
import ctypes, errno, os, socket, struct
def trying(what, attempt):
    try:
        print(what, attempt())
    except OSError as error:
        print(what, errno.errorcode.get(error.errno, error))
def sent(family, kind, protocol, address, data=b'leak'):
    def attempt():
        with socket.socket(family, kind, protocol) as s:
            s.settimeout(1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1) if kind == socket.SOCK_DGRAM else None
            s.sendto(data, address)
            return 'SENT'
    return attempt
v4, v6 = socket.AF_INET, socket.AF_INET6
dgram, raw = socket.SOCK_DGRAM, socket.SOCK_RAW
trying('udp4', sent(v4, dgram, 0, ('45.33.7.2', 80)))
trying('udp6', sent(v6, dgram, 0, ('2a0c:5::2', 80)))
trying('dns', sent(v4, dgram, 0, ('45.33.7.53', 53)))
trying('dot', sent(v4, dgram, 0, ('45.33.7.1', 853)))
trying('broadcast', sent(v4, dgram, 0, ('255.255.255.255', 80)))
trying('subnet-broadcast', sent(v4, dgram, 0, ('100.100.0.255', 80)))
trying('multicast4', sent(v4, dgram, 0, ('224.0.0.251', 5353)))
trying('multicast6', sent(v6, dgram, 0, ('ff02::fb', 5353, 0, 2)))
trying('link-local6', sent(v6, dgram, 0, ('fe80::1', 80, 0, 2)))
trying('udplite', sent(v4, dgram, 136, ('45.33.7.1', 443)))
trying('sctp', sent(v4, socket.SOCK_SEQPACKET, 132, ('45.33.7.1', 443)))
trying('dccp', sent(v4, 6, 33, ('45.33.7.1', 443)))
for protocol in (1, 6, 17, 47, 50, 89, 255):
    trying(f'raw4-{protocol}', sent(v4, raw, protocol, ('45.33.7.2', 0)))
    trying(f'raw6-{protocol}', sent(v6, raw, protocol, ('2a0c:5::2', 0)))
trying('packet', lambda: socket.socket(17, raw, socket.htons(3)) and 'OPENED')
trying('packet-dgram', lambda: socket.socket(17, dgram, socket.htons(3)) and 'OPENED')
trying('netfilter', lambda: socket.socket(16, raw, 12) and 'OPENED')
trying('tun', lambda: os.open('/dev/net/tun', os.O_RDWR) and 'OPENED')
trying('fast-open', sent(v4, socket.SOCK_STREAM, 0, ('45.33.7.2', 80)))
def fragments():
    with socket.socket(v4, dgram) as s:
        s.sendto(b'x' * 60000, ('45.33.7.2', 80))
        return 'SENT'
trying('fragments', fragments)
def source():
    with socket.socket(v4, dgram) as s:
        s.bind(('0.0.0.0', 53))
        s.sendto(b'leak', ('45.33.7.2', 80))
        return 'SENT'
trying('low-port', source)
def join():
    with socket.socket(v4, dgram) as s:
        s.setsockopt(0, 35, struct.pack('4s4si', socket.inet_aton('224.0.0.251'), b'\0' * 4, 0))
        return 'JOINED'
trying('join', join)
"#;

/// What may be said of an attempt that left nothing: refused, or joined a group from which nothing comes.
fn is_harmless(came: &str) -> bool {
    !["SENT", "OPENED"].contains(&came)
}

/// What the other end of the uplink hears of the app: packets that are none of what the kernel itself says.
fn listen(world: &World) -> (std::process::Child, Lines) {
    let mut child = world.listener().stdout(Stdio::piped()).spawn().expect("python3");
    let mut lines = Lines::of(child.stdout.take().unwrap());
    lines.expect_line("ready");
    (child, lines)
}

#[test]
fn nothing_leaves_that_no_rule_names() {
    in_a_world("nothing_leaves_that_no_rule_names", |_| {
        let world = World::start();
        for runas in ["user", "root"] {
            let (mut child, mut heard) = listen(&world);
            let call = ruled(&[("allow", "45.33.7.1:443/tcp"), ("runas", runas)]);
            let outcome = world.run(call.command(["/usr/bin/python3", "-c", ATTEMPTS]));
            let came = outcome.success();
            let leaked: Vec<&str> = came
                .lines()
                .filter(|line| !is_harmless(line.split_once(' ').map_or("", |(_, came)| came)))
                .collect();
            // To a netlink socket of the kernel's own it may speak, which refuses to do anything.
            let leaked: Vec<&str> =
                leaked.into_iter().filter(|line| !line.starts_with("netfilter ")).collect();
            assert!(leaked.is_empty(), "{runas}: {leaked:?}");
            world.as_root("python3 -c \"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'the end', ('100.100.0.1', 9))\"");
            let mut packets = Vec::new();
            loop {
                let line = heard.next_line().expect("it hears the end");
                if line.contains("the end") {
                    break;
                }
                packets.push(line);
            }
            let _ = child.kill();
            let _ = child.wait();
            assert!(packets.is_empty(), "{runas}: {packets:?}");
        }
    });
}

#[test]
fn no_rule_is_changed_from_inside() {
    in_a_world("no_rule_is_changed_from_inside", |_| {
        let world = World::start();
        // Over a socket of its own: delete every table.
        let script = r#"
import socket, struct
s = socket.socket(16, 3, 12)
def message(kind, flags, body, sequence):
    return struct.pack('=IHHII', 16 + len(body), kind, flags, sequence, 0) + body
begin = message(16, 1, struct.pack('!BBH', 0, 0, 10), 1)
delete = message(0xa00 + 2, 5, struct.pack('!BBH', 0, 0, 0), 2)
end = message(17, 1, struct.pack('!BBH', 0, 0, 10), 3)
s.send(begin + delete + end)
answer = s.recv(4096)
print(struct.unpack('=i', answer[16:20])[0])
"#;
        for runas in ["user", "root"] {
            let call = ruled(&[("allow", "45.33.7.1"), ("runas", runas)]);
            let came = world.run(call.command(["/usr/bin/python3", "-c", script])).success();
            assert_eq!(came, format!("-{}", nix::libc::EPERM), "{runas}");
        }
    });
}
