//! One running program, with the test as its supervisor and as the app.

use arkose_protocol::{Channel, Named, Received, Steer, Steered};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead as _, BufReader, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Nothing that is waited for takes as long.
pub(crate) const SOON: Duration = Duration::from_secs(20);

const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What the helper does of what it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walls {
    Done,
    Refused,
    Silent,
}

/// How the program is started.
pub(crate) struct Start {
    pub(crate) line: Value,
    pub(crate) walls: Walls,
}

impl Start {
    /// With these servers, and rules as a profile would have them: each a verdict and its text.
    pub(crate) fn new(servers: &[SocketAddr], rules: &[(&str, &str)]) -> Self {
        let rules: Vec<Value> = rules
            .iter()
            .map(|(verdict, rule)| json!({ "verdict": verdict, "rule": rule }))
            .collect();
        let line = json!({
            "descriptors": ["udp", "tcp", "steering"],
            "rules": { "default": "deny", "list": rules },
            "generation": 1,
            "hosts": "/dev/null",
            "nameservers": servers,
            "timeout": 300,
            "attempts": 1,
        });
        Self { line, walls: Walls::Done }
    }

    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.line[key] = value;
        self
    }

    pub(crate) fn walls(mut self, walls: Walls) -> Self {
        self.walls = walls;
        self
    }

    pub(crate) fn go(self) -> Place {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = (udp.local_addr().unwrap(), tcp.local_addr().unwrap());
        let (helper, theirs) = Channel::pair().unwrap();
        let theirs = theirs.into_fd();
        set_socket_timeout(&theirs, Timeout::Recv, Some(Duration::from_secs(1))).unwrap();
        let walls = self.walls;
        let place = self.go_with(&[udp.as_fd(), tcp.as_fd(), theirs.as_fd()]);
        let notes = place.heard.clone();
        thread::spawn(move || help(&helper, &notes, walls));
        Place { udp: at.0, tcp: at.1, ..place }
    }

    /// Starts the program with these descriptors.
    pub(crate) fn go_with(self, fds: &[BorrowedFd<'_>]) -> Place {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_arkose-network"));
        let program = command.env_clear().stdin(Stdio::from(theirs)).spawn().unwrap();
        first(ours.as_fd(), &self.line, fds);
        let lines = UnixStream::from(ours);
        let heard: Arc<(Mutex<Heard>, Condvar)> = Arc::default();
        let (reader, notes) = (lines.try_clone().unwrap(), heard.clone());
        thread::spawn(move || supervise(&reader, &notes));
        let place = Place { program: Program(program), lines, heard, udp: NOWHERE, tcp: NOWHERE };
        place.line(|line| line["ready"] == true);
        place
    }
}

/// What was heard of the program.
#[derive(Default)]
struct Heard {
    lines: Vec<Value>,
    over: bool,
}

/// Reads lines until the program ends.
fn supervise(lines: &UnixStream, heard: &(Mutex<Heard>, Condvar)) {
    for line in BufReader::new(lines).lines() {
        let Ok(line) = line else { break };
        heard.0.lock().unwrap().lines.push(serde_json::from_str(&line).unwrap());
        heard.1.notify_all();
    }
    heard.0.lock().unwrap().over = true;
    heard.1.notify_all();
}

/// Answers as the helper does, and notes what it is asked, until the program ends.
fn help(channel: &Channel, heard: &(Mutex<Heard>, Condvar), walls: Walls) {
    while let Ok(Received::Message(asked, _)) = channel.receive_long::<Steer>() {
        let line = match &asked {
            Steer::Learn(names) => {
                json!({ "walls": true, "names": names.iter().map(shown).collect::<Value>() })
            }
            Steer::Load { rules, generation, names, .. } => json!({
                "walls": true, "load": { "rules": rules, "generation": generation },
                "names": names.iter().map(shown).collect::<Value>(),
            }),
            Steer::Decide(one) => json!({
                "walls": true, "answers": [{
                    "address": one.address, "protocol": one.protocol, "port": one.port,
                    "allow": one.allow, "seconds": one.time.as_secs(),
                }],
            }),
            Steer::Count | Steer::Connections => json!({ "walls": true }),
        };
        heard.0.lock().unwrap().lines.push(line);
        heard.1.notify_all();
        let steered = match walls {
            Walls::Done => Steered::Done,
            Walls::Refused => Steered::Refused,
            Walls::Silent => continue,
        };
        let _ = channel.send_long(&steered);
    }
}

fn shown(named: &Named) -> Value {
    json!({ "address": named.address, "names": named.names, "seconds": named.time.as_secs() })
}

/// Sends a line with descriptors.
pub(crate) fn first(socket: BorrowedFd<'_>, line: &Value, fds: &[BorrowedFd<'_>]) {
    let text = format!("{line}\n");
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(fds)));
    let sent =
        sendmsg(socket, &[IoSlice::new(text.as_bytes())], &mut ancillary, SendFlags::NOSIGNAL);
    assert_eq!(sent.unwrap(), text.len());
}

/// The running program; it ends with this.
pub(crate) struct Place {
    program: Program,
    lines: UnixStream,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: SocketAddr,
}

impl Place {
    pub(crate) fn pid(&self) -> u32 {
        self.program.0.id()
    }

    pub(crate) fn say(&self, line: &Value) {
        (&self.lines).write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Asks for a change of rules, by a file that says so: what became of it.
    pub(crate) fn change(&self, change: &Value) -> Value {
        static LAST: AtomicU64 = AtomicU64::new(1);
        let number = LAST.fetch_add(1, Ordering::SeqCst);
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::memfd_create("change", flags).unwrap());
        file.write_all(change.to_string().as_bytes()).unwrap();
        first(self.lines.as_fd(), &json!({ "change": number }), &[file.as_fd()]);
        self.line(|line| line["change"] == number)
    }

    /// The rules that hold: verdicts and texts, with the default at the end.
    pub(crate) fn rules(&self) -> Vec<String> {
        self.say(&json!({ "rules": 5 }));
        let mut rules = Vec::new();
        loop {
            let line = self.line(|line| line["rules"] == 5);
            let text = |rule: &Value| {
                format!("{} {}", rule["verdict"].as_str().unwrap(), rule["rule"].as_str().unwrap())
            };
            rules.extend(line["list"].as_array().unwrap().iter().map(text));
            if line["more"] == false {
                rules.push(line["default"].as_str().unwrap().to_owned());
                return rules;
            }
        }
    }

    /// The first line of that kind, which is then taken away.
    pub(crate) fn line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let (heard, more) = &*self.heard;
        let (mut heard, until) = (heard.lock().unwrap(), Instant::now() + SOON);
        loop {
            if let Some(index) = heard.lines.iter().position(&wanted) {
                return heard.lines.remove(index);
            }
            assert!(!heard.over, "the program has ended; there were {:?}", heard.lines);
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no such line; there were {:?}", heard.lines);
            heard = more.wait_timeout(heard, left).unwrap().0;
        }
    }

    /// All lines of that kind that the program has said until now.
    pub(crate) fn all(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.say(&json!({ "traffic": 1 }));
        self.line(|line| line.get("traffic").is_some());
        self.heard.0.lock().unwrap().lines.extract_if(.., |line| wanted(line)).collect()
    }

    /// Sends a question by a packet, and waits for the answer.
    pub(crate) fn ask(&self, question: &[u8]) -> Vec<u8> {
        let socket = self.packets();
        let until = Instant::now() + SOON;
        while Instant::now() < until {
            // A packet may be lost where there are too many, and then apps ask again.
            let _ = socket.send(question);
            if let Some(answer) = self.answer(&socket, Duration::from_millis(500)) {
                return answer;
            }
        }
        panic!("no answer");
    }

    /// A socket for packets.
    pub(crate) fn packets(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.udp).unwrap();
        socket
    }

    /// The next packet, if one comes in time.
    pub(crate) fn answer(&self, socket: &UdpSocket, time: Duration) -> Option<Vec<u8>> {
        let mut space = [0; 65536];
        socket.set_read_timeout(Some(time)).unwrap();
        let count = socket.recv(&mut space).ok()?;
        Some(space[..count].to_vec())
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.tcp).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    }

    /// Whether the program is gone when its socket is.
    pub(crate) fn ends(mut self) -> bool {
        self.lines.shutdown(std::net::Shutdown::Both).unwrap();
        self.program.0.wait().unwrap().success()
    }
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads a line with descriptors; none when the other end is closed before it.
pub(crate) fn framed_fds(socket: BorrowedFd<'_>) -> Option<Vec<OwnedFd>> {
    let (mut bytes, mut fds) = ([0; 64], Vec::new());
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let count = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, flags).ok()?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    (count.bytes > 0).then_some(fds)
}

/// One message with its length before it.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

/// Reads one message with its length before it.
pub(crate) fn read_framed(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).unwrap();
    message
}

/// A file of the test's own.
pub(crate) fn file(text: &str) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("arkose-network-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).unwrap();
    path
}
