//! A small world of network namespaces: the app's own computer, and one outside with servers. Nothing in it
//! reaches the machine that runs the tests, nor anything beyond.

use crate::arkose::{Arkose, Busy, Outcome, Quiet, busy};
use crate::machine::machine;
use crate::scratch::Scratch;
use crate::wait::Lines;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};

/// What the servers are.
const SERVERS: &str = include_str!("../suites/filtered/world.py");
/// Hears all that comes in at the outer end.
const LISTENER: &str = r#"
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
s.bind((sys.argv[1], 0))
print("ready", flush=True)
while True:
    data, (_, protocol, kind, _, _) = s.recvfrom(65536)
    # What goes out is no news, and ARP and neighbour discovery are the kernel's.
    if kind == 4 or protocol == 0x806:
        continue
    if protocol == 0x86dd and (data[6] == 58 and data[40] in range(133, 138) or data[6] == 0 and data[48] in (131, 132, 143)):
        continue
    if protocol == 0x800 and data[9] == 2:
        continue
    print(hex(protocol), data[:60].hex(), data[28:60].decode("latin-1").encode("unicode_escape").decode(), flush=True)
"#;
/// The addresses of both ends and of the servers, and the ways between them.
const SET_UP: &str = "
ip link set lo up
ip addr add 10.77.0.1/32 dev lo
nsenter --net=/proc/$2/ns/net ip link set lo up
ip link add up0 type veth peer name up1 netns $2
ip addr add 100.100.0.2/24 dev up0
ip addr add 2a0b:1::2/64 dev up0 nodad
ip link set up0 up
cd /; exec nsenter --net=/proc/$2/ns/net sh -ec '
ip addr add 100.100.0.1/24 dev up1
ip addr add 2a0b:1::1/64 dev up1 nodad
ip link set up1 up
for one in 45.33.7.1 45.33.7.2 45.33.7.3 45.33.7.53 10.9.8.7 192.168.77.1; do ip addr add $one/32 dev lo; done
for one in 2a0c:5::1 2a0c:5::2 fd12:3456::1; do ip addr add $one/128 dev lo nodad; done
nsenter --net=/proc/$1/ns/net ip route add default via 100.100.0.1
nsenter --net=/proc/$1/ns/net ip -6 route add default via 2a0b:1::1' sh $1 $2
";

/// Makes places of their own for X servers and accessibility buses of the user, and becomes the command.
const PLACES: &str = "
x=/tmp/.X11-unix at=/run/user/$1/at-spi
mkdir -p $x
[ -d $at ] || install -d -m 0700 -o $1 $at
mount -t tmpfs -o mode=1777 x $x
mount -t tmpfs -o mode=0700,uid=$1 at-spi $at
shift; exec \"$@\"";
/// A bridge of that computer's, at which are that computer itself and a router, which is outside.
const BRIDGE: &str = "
ip link add br0 type bridge
ip addr add 192.168.5.100/24 dev br0
ip addr add fd00:5::100/64 dev br0 nodad
ip link add zone0 type veth peer name zone1 netns $1
ip link set zone0 master br0 up
ip link set br0 up
cd /; exec nsenter --net=/proc/$1/ns/net sh -ec '
ip addr add 192.168.5.1/24 dev zone1
ip addr add fd00:5::1/64 dev zone1 nodad
ip link set zone1 up'
";

/// A process that ends when it is dropped, because its input does.
#[derive(Debug)]
struct Held {
    child: Child,
    _input: ChildStdin,
}

impl Held {
    /// Starts it, and waits until it says that it is ready.
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let said = format!("{command:?}");
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{said}: {error}"));
        Lines::of(child.stdout.take().expect("its output")).expect_line("ready");
        let input = child.stdin.take().expect("its input");
        Self { child, _input: input }
    }

    /// A network namespace.
    fn namespace() -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo ready; exec cat"]);
        Self::start(command)
    }

    fn net(&self) -> String {
        format!("--net=/proc/{}/ns/net", self.child.id())
    }

    fn servers(&self, which: &str) -> Self {
        let mut command = Command::new("nsenter");
        command.args([&self.net(), "python3", "-c", SERVERS, which]);
        Self::start(command)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Whoever waits for its input ends by itself as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The world; it ends when this is dropped.
#[derive(Debug)]
pub struct World {
    here: Held,
    outside: Held,
    servers: Vec<Held>,
    scratch: Scratch,
    _turn: Option<Busy>,
}

impl World {
    /// Makes it.
    ///
    /// # Panics
    ///
    /// When the machine has no `ip`, or refuses something.
    #[must_use]
    pub fn start() -> Self {
        Self::start_in(Some(busy()))
    }

    /// As [`start`](Self::start), for a test that holds a [`Quiet`] host.
    #[must_use]
    pub fn start_alone(_quiet: &Quiet) -> Self {
        Self::start_in(None)
    }

    fn start_in(turn: Option<Busy>) -> Self {
        let (here, outside) = (Held::namespace(), Held::namespace());
        let mut command = Command::new("nsenter");
        command.args([&here.net(), "sh", "-ec", SET_UP, "sh"]);
        command.args([here.child.id().to_string(), outside.child.id().to_string()]);
        let output = command.output().expect("nsenter");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let servers = vec![outside.servers("outside"), here.servers("here")];
        let scratch = Scratch::home();
        scratch.file("resolv.conf", "nameserver 45.33.7.53\noptions timeout:2 attempts:1\n");
        Self { here, outside, servers, scratch, _turn: turn }
    }

    /// A place for files of the test's.
    #[must_use]
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// The call as one on that computer, after `script` has changed more of it.
    #[must_use]
    pub fn command(&self, call: Arkose, script: &str) -> Command {
        let enter = ["nsenter".to_owned(), self.here.net()].map(OsString::from).into();
        let names = self.scratch.join("resolv.conf");
        let script = format!("mount --bind '{}' /etc/resolv.conf\n{script}", names.display());
        call.entering(enter, &script)
    }

    /// The command as one on that computer, with what it has been given of an environment. X servers choose
    /// their numbers by their networks, and so they and the accessibility buses have places of their own.
    #[must_use]
    pub fn entering(&self, command: &Command) -> Command {
        let mut entering = Command::new("nsenter");
        let words = ["unshare", "--mount", "--propagation=private", "sh", "-ec", PLACES, "sh"];
        entering.arg(self.here.net()).args(words).arg(machine().uid.to_string());
        entering.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => entering.env(name, value),
                None => entering.env_remove(name),
            };
        }
        entering
    }

    /// Runs the call on that computer.
    #[must_use]
    pub fn run(&self, call: Arkose) -> Outcome {
        Outcome::of(&mut self.command(call, ""))
    }

    /// Gives that computer a bridge, `br0`.
    ///
    /// # Panics
    ///
    /// When the kernel has none.
    pub fn add_bridge(&mut self) {
        let mut command = Command::new("nsenter");
        command.args([&self.here.net(), "sh", "-ec", BRIDGE, "sh"]);
        let output = command.arg(self.outside.child.id().to_string()).output().expect("nsenter");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.servers.push(self.here.servers("bridge"));
    }

    /// A program that says “ready”, and then of every packet which that computer sends what it is, but of those
    /// by which the kernel finds neighbours and routers.
    #[must_use]
    pub fn listener(&self) -> Command {
        self.listener_at("up1")
    }

    /// The same at another link of whoever is outside.
    #[must_use]
    pub fn listener_at(&self, link: &str) -> Command {
        let mut command = self.outside("python3");
        command.args(["-c", LISTENER, link]);
        command
    }

    /// A program of root's outside.
    #[must_use]
    pub fn outside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args([&self.outside.net(), program]).stdin(Stdio::null());
        command
    }

    /// A program of root's on the computer outside that has the servers.
    pub fn from_outside(
        &self,
        program: &str,
        words: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(self.outside.net()).arg(program).args(words);
        command
    }

    /// Runs a script of root's on that computer.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn as_root(&self, script: &str) -> String {
        let mut command = Command::new("nsenter");
        command.args([&self.here.net(), "sh", "-ec", script]);
        let output = command.output().expect("nsenter");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Writes to a pipe that a running command reads.
///
/// # Panics
///
/// When it does not listen.
pub fn say(input: &mut ChildStdin, line: &str) {
    writeln!(input, "{line}").and_then(|()| input.flush()).expect("it listens");
}
