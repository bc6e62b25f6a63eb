//! Floods, from outside and from the app: what is not asked for reaches nobody, what is is served as
//! before, and nothing grows without end. They are short, and stay in the world of the test.

use super::*;
use arkose_tests::prompter;
use arkose_tests::wait::Lines;
use arkose_tests::world::say;
use nix::unistd::Pid;
use serde_json::Value;
use std::fs;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Talks from one port with a server that is allowed, in each family, and tells what else has come by then.
const TALKS: &str = r#"
import socket, sys
pairs = []
for family, any, server in ((socket.AF_INET, '0.0.0.0', '45.33.7.1'), (socket.AF_INET6, '::', '2a0c:5::1')):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.bind((any, 0))
    one.settimeout(4)
    pairs.append((one, server))
stream = socket.create_connection(('45.33.7.1', 443), 4)
stream.settimeout(4)
heard = stream.makefile('rb')
heard.readline()
print('ports', *(one.getsockname()[1] for one, _ in pairs), flush=True)
for line in sys.stdin:
    strangers, answers = 0, 0
    for one, server in pairs:
        for attempt in range(3):
            one.sendto(line.encode(), (server, 443))
            try:
                while True:
                    data, peer = one.recvfrom(4096)
                    if peer[:2] == (server, 443) and data == line.encode():
                        answers += 1
                        break
                    strangers += peer[:2] != (server, 443)
            except TimeoutError:
                continue
            break
    stream.sendall(line.encode())
    answers += heard.readline() == line.encode()
    print('heard', answers, strangers, flush=True)
"#;

/// Sends at most so many packets of each kind to what a sandbox sends from, for three seconds at most.
const FLOODS: &str = r#"
import random, socket, struct, sys, time
v4, v6 = map(int, sys.argv[1:])
def packets(family, source, to):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.bind((source, 0))
    return lambda: one.sendto(b'unasked', to)
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def syns(source, to, port):
    one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    one.bind((source, 0))
    def send():
        head = struct.pack('!HHIIHHHH', random.randrange(1024, 65536), port, random.getrandbits(32), 0, 0x5002, 1024, 0, 0)
        pseudo = socket.inet_aton(source) + socket.inet_aton(to) + struct.pack('!HH', 6, len(head))
        one.sendto(head[:16] + struct.pack('!H', checksum(pseudo + head)) + head[18:], (to, 0))
    return send
def echoes(source, to):
    one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    one.bind((source, 0))
    head = struct.pack('!BBHHH', 8, 0, 0, 1, 1)
    return lambda: one.sendto(head[:2] + struct.pack('!H', checksum(head)) + head[4:], (to, 0))
kinds = [
    packets(socket.AF_INET, '45.33.7.2', ('100.100.0.2', v4)),
    packets(socket.AF_INET, '45.33.7.1', ('100.100.0.2', v4)),
    packets(socket.AF_INET6, '2a0c:5::2', ('2a0b:1::2', v6)),
    syns('45.33.7.2', '100.100.0.2', v4),
    syns('45.33.7.1', '100.100.0.2', 443),
    echoes('45.33.7.2', '100.100.0.2'),
]
end = time.monotonic() + 3
sent = 0
while sent < 50000 and time.monotonic() < end:
    for kind in kinds:
        try:
            kind()
        except OSError:
            pass
        sent += 1
print('sent', sent)
"#;

/// Begins as many conversations as it can in three seconds, each with somebody else, and then talks with
/// whom it may.
const TRIES_ALL: &str = r#"
import socket, time
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setblocking(False)
end = time.monotonic() + 3
sent = 0
while sent < 50000 and time.monotonic() < end:
    try:
        one.sendto(b'x', (f'45.{40 + sent // 65536}.{sent // 256 % 256}.{sent % 256}', 1024 + sent % 50000))
    except OSError:
        pass
    sent += 1
print('tried', sent, flush=True)
with socket.create_connection(('45.33.7.1', 443), 4) as stream:
    print(stream.makefile().readline().strip(), flush=True)
"#;

/// More than `arkose-network` ever needs, in KiB.
const MUCH: u64 = 24 << 10;

/// A command on that computer that goes on.
struct Going {
    child: Child,
    input: ChildStdin,
    lines: Lines,
}

impl Going {
    fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = Lines::of(child.stdout.take().expect("its output"));
        let input = child.stdin.take().expect("its input");
        Self { child, input, lines }
    }

    fn find(&self, name: &str) -> Pid {
        let all = descendants(Pid::from_raw(self.child.id().cast_signed()));
        let found = all.iter().find(|(_, one)| one.starts_with(name));
        found.unwrap_or_else(|| panic!("{name}: {all:?}")).0
    }

    /// The most memory that it has held, in KiB.
    fn most(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.find(name))).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a process");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How many packets have come to the sandbox's network.
    fn received(&self) -> u64 {
        let path = format!("/proc/{}/net/dev", self.find("python3"));
        let devices = fs::read_to_string(path).unwrap();
        let line = devices.lines().find_map(|line| line.trim().strip_prefix("net0:"));
        let packets = line.expect("an uplink").split_whitespace().nth(1).expect("a column");
        packets.parse().expect("a number")
    }

    /// Lets it end.
    fn finish(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn what_servers_send_unasked_reaches_no_app_and_stops_none() {
    in_a_world("what_servers_send_unasked_reaches_no_app_and_stops_none", |_| {
        let world = World::start();
        let call = ruled(&[("allow", "45.33.7.1:443"), ("allow", "[2a0c:5::1]:443/udp")]);
        let call = call.command(["/usr/bin/python3", "-c", TALKS]);
        let mut app = Going::start(world.command(call, ""));
        let ports = app.lines.expect_line("ports ");
        let ports: Vec<&str> = ports.split(' ').skip(1).collect();
        say(&mut app.input, "before");
        app.lines.expect_line("heard 3 0");
        let before = app.received();
        let flood = world.from_outside("python3", ["-c", FLOODS, ports[0], ports[1]]);
        let mut flood = Going::start(flood);
        // It talks on meanwhile, and of all that nothing has come by then.
        say(&mut app.input, "meanwhile");
        app.lines.expect_line("heard 3 0");
        let sent = flood.lines.expect_line("sent ");
        flood.finish();
        say(&mut app.input, "after");
        app.lines.expect_line("heard 3 0");
        // Else the uplink has kept it away, and this has tried nothing.
        let came = app.received() - before;
        assert!(came > 1000, "{came} of {sent}");
        assert!(app.most("arkose-network") < MUCH, "{} KiB", app.most("arkose-network"));
        app.finish();
    });
}

#[test]
fn an_app_that_tries_everybody_is_told_of_and_asked_about_in_bounds() {
    in_a_world("an_app_that_tries_everybody_is_told_of_and_asked_about_in_bounds", |_| {
        let world = World::start();
        for (option, most_questions) in [("ask", 300), ("deny", 0)] {
            let (variable, put) = prompter::put(world.scratch(), "mute");
            let events = world.scratch().file("events", "");
            let call = ruled(&[("allow", "45.33.7.1"), (option, "public"), ("events", "9")]);
            let call = call.env("PROMPT", variable).env("DISPLAY", ":9999");
            // It lives on until its input ends.
            let call = call.command(["sh", "-c", "/usr/bin/python3 -c \"$0\"; cat", TRIES_ALL]);
            let script = format!("{put}\nexec 9>>'{}'", events.display());
            let mut app = Going::start(world.command(call, &script));
            let tried = app.lines.expect_line("tried ");
            let tried: u32 = tried["tried ".len()..].parse().unwrap();
            assert!(tried > 5000, "{tried}");
            app.lines.expect_line("45.33.7.1 443");
            assert!(app.most("arkose-network") < MUCH, "{} KiB", app.most("arkose-network"));
            app.finish();
            let told = fs::read_to_string(&events).unwrap();
            assert!(told.lines().count() < 1000 && told.len() < 1 << 18, "{}", told.len());
            if option == "deny" {
                assert!(told.contains("\"denied\""), "{told}");
            }
            let asked = prompter::asked(world.scratch());
            let is_question = |line: &&Value| line.get("question").is_some();
            let questions = asked.iter().filter(is_question).count();
            assert!(questions <= most_questions, "{questions}");
            assert_eq!(questions > 0, most_questions > 0);
        }
    });
}
