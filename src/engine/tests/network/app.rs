//! The first process of a sandbox, and then the app in it: it does what the world tells it, a line for a
//! line.

use crate::probe::Probe;
use crate::world::descriptors;
use arkose_engine::network::{
    Control, accounting, allow_echo, bring_loopback_up, open, wait_for_uplink,
};
use rustix::io::Errno;
use rustix::net::netlink::{NETFILTER, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    ipproto, sendmsg, sockopt,
};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::io::{BufRead as _, BufReader, ErrorKind, IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// What the app holds on to between two lines.
#[derive(Default)]
struct Held {
    stream: Option<TcpStream>,
    /// Groups that were joined.
    sockets: Vec<UdpSocket>,
}

pub(crate) fn run() {
    let stdin = rustix::stdio::stdin().try_clone_to_owned().unwrap();
    let mut world = UnixStream::from(stdin);
    bring_loopback_up().unwrap();
    send(&world, descriptors(open().unwrap()));
    let uplink = wait_for_uplink(Instant::now() + Duration::from_secs(20), false, None).unwrap();
    allow_echo(rustix::process::getegid()).unwrap();
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none).unwrap();
    writeln!(world, "ready {:?}", uplink.gateways()).unwrap();
    let mut held = Held::default();
    for line in BufReader::new(world.try_clone().unwrap()).lines() {
        let Ok(line) = line else { break };
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let told = held.obey(verb, rest);
        writeln!(world, "{told}").unwrap();
    }
}

fn send(world: &UnixStream, fds: Vec<OwnedFd>) {
    let line = format!("{}\n", std::process::id());
    let borrowed: Vec<_> = fds.iter().map(|fd| fd.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&borrowed)));
    sendmsg(world, &[IoSlice::new(line.as_bytes())], &mut control, SendFlags::empty()).unwrap();
}

impl Held {
    fn obey(&mut self, verb: &str, rest: &str) -> String {
        match verb {
            "scan" => scan(rest),
            // A connection that is begun, and waited for.
            "patiently" => {
                let probe: Probe = rest.parse().unwrap();
                format!("{:?}", probe.tcp(Duration::from_secs(8)))
            }
            "hold" => {
                let probe: Probe = rest.parse().unwrap();
                let stream = TcpStream::connect((probe.address, probe.port)).unwrap();
                self.stream = Some(stream);
                "held".to_owned()
            }
            "echo" => self.echo(),
            "listen" => self.listen(Duration::from_millis(700)),
            "wait" => self.listen(Duration::from_secs(10)),
            "later" => {
                self.stream.as_mut().unwrap().write_all(&[0]).unwrap();
                "sent".to_owned()
            }
            "serve" => {
                let own = ["10.200.0.2", "fd00:200::2", "127.0.0.1", "::1"];
                crate::servers::serve(&own.map(|one| one.parse().unwrap()), &[8080]);
                "serving".to_owned()
            }
            "bind" => {
                let bound = ["127.0.0.1", "::1", "10.200.0.2"]
                    .map(|one| UdpSocket::bind((one, 53)).map(drop).map_err(|error| error.kind()));
                format!("{bound:?}")
            }
            "rules" => rights(),
            "leak" => self.leak(rest.parse().unwrap()),
            "tricks" => tricks(rest),
            "large" => large(rest.parse().unwrap()),
            other => panic!("{other}"),
        }
    }

    fn echo(&mut self) -> String {
        let stream = self.stream.as_mut().unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
        let told = stream.write_all(b"again").and_then(|()| stream.read_exact(&mut [0; 5]));
        told.map_or_else(|error| format!("{:?}", error.kind()), |()| "alive".to_owned())
    }

    /// Waits for what comes by itself.
    fn listen(&mut self, patience: Duration) -> String {
        let stream = self.stream.as_mut().unwrap();
        stream.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 64];
        let told = stream.read(&mut buffer).and_then(|length| match length {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        });
        told.map_or_else(|error| format!("{:?}", error.kind()), |()| "heard".to_owned())
    }

    /// Sends in every way that needs no right, and that no rule allows; tells how often it went.
    fn leak(&mut self, address: IpAddr) -> String {
        let mut went = Vec::new();
        let v4 = address.is_ipv4();
        let family = if v4 { AddressFamily::INET } else { AddressFamily::INET6 };
        let to = SocketAddr::new(address, 5000);
        // UDP-Lite, SCTP, MPTCP and DCCP, where the kernel has them.
        let kinds = [
            (SocketType::DGRAM, ipproto::UDPLITE),
            (SocketType::STREAM, ipproto::SCTP),
            (SocketType::STREAM, ipproto::MPTCP),
            (SocketType::DGRAM, ipproto::ICMP),
        ];
        for (kind, protocol) in kinds {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let Ok(socket) = rustix::net::socket_with(family, kind, flags, Some(protocol)) else {
                continue;
            };
            let connected = rustix::net::connect(&socket, &to);
            let written = rustix::io::write(&socket, &[8; 64]);
            went.push(format!("{}:{connected:?}/{written:?}", protocol.as_raw()));
        }
        let any: IpAddr =
            if v4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).unwrap();
        socket.set_broadcast(true).unwrap();
        let groups: &[&str] = if v4 {
            &["224.0.0.251", "239.1.2.3", "255.255.255.255", "10.200.0.255"]
        } else {
            &["ff02::fb%app", "ff05::1:3"]
        };
        for group in groups {
            let told = socket.send_to(b"anybody?", format!("{}:5353", bracketed(group)));
            went.push(format!("{group}:{:?}", told.map_err(|error| error.kind())));
        }
        // Joining a group tells the network about it.
        let joined = if v4 {
            socket.join_multicast_v4(&Ipv4Addr::new(239, 9, 8, 7), &Ipv4Addr::new(10, 200, 0, 2))
        } else {
            socket.join_multicast_v6(&"ff05::dead:beef".parse().unwrap(), 0)
        };
        went.push(format!("joined:{joined:?}"));
        self.sockets.push(socket);
        went.join(" ").replace('\n', " ")
    }
}

/// What std does not do: an option that names a router, and an interface that leads elsewhere.
const TRICKS: &str = r#"
import errno, socket, sys
routed, denied = sys.argv[1:]
def told(call):
    try:
        call()
        return "sent"
    except OSError as error:
        return errno.errorcode.get(error.errno, "silent")
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS,
    b"\x83\x07\x04" + socket.inet_aton(routed) + b"\0")
answers = [told(lambda: one.sendto(b"routed", (denied, 80)))]
for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
    two = socket.socket(socket.AF_INET, kind)
    two.settimeout(0.3)
    two.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    answers.append(told(lambda: (two.connect((denied, 80)), two.send(b"x"), two.recv(1))))
print(*answers)
"#;

fn tricks(rest: &str) -> String {
    let output = std::process::Command::new("python3")
        .args(["-c", TRICKS])
        .args(rest.split(' '))
        .output()
        .unwrap();
    let told = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&told).trim().replace('\n', " ")
}

fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

fn scan(rest: &str) -> String {
    let probes: Vec<Probe> = rest.split(' ').map(|word| word.parse().unwrap()).collect();
    let seen: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = probes.iter().map(|probe| scope.spawn(|| probe.run())).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let seen: Vec<_> = seen
        .into_iter()
        .map(|seen| seen.map_or_else(|_| "failed".to_owned(), |seen| format!("{seen:?}")))
        .collect();
    seen.join(" ")
}

/// A datagram that becomes several fragments.
fn large(probe: Probe) -> String {
    let any: SocketAddr =
        if probe.address.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).unwrap();
    sockopt::set_socket_send_buffer_size(&socket, 1 << 20).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    socket.connect((probe.address, probe.port)).unwrap();
    let sent = socket.send(&[7; 9000]);
    let mut buffer = vec![0; 10_000];
    format!("{:?} {:?}", sent.ok(), socket.recv(&mut buffer).ok())
}

/// Tries to change the rules: without a right, and with that in a user namespace of its own.
fn rights() -> String {
    let flags = SocketFlags::CLOEXEC;
    let socket =
        rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(NETFILTER))
            .unwrap();
    rustix::net::bind(&socket, &SocketAddrNetlink::new(0, 0)).unwrap();
    let told = Control::new(socket).apply(&accounting().unwrap());
    let raw =
        rustix::net::socket_with(AddressFamily::INET, SocketType::RAW, flags, Some(ipproto::ICMP));
    let packet = rustix::net::socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None);
    let nowhere = |result: Result<OwnedFd, Errno>| {
        result.map_or_else(|errno| errno.to_string(), |_| "given".to_owned())
    };
    format!("{}; {}; {}", told.unwrap_err(), nowhere(raw), nowhere(packet))
}
