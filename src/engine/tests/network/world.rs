//! Both sides of a sandbox: the world, a network namespace with addresses and servers, and an app in a
//! network namespace of its own, with a link between the two.
//!
//! A test is run again in the world, and the program that it is becomes the app as well. As the user,
//! each of both has a user namespace of its own, and the world's owns the app's, as a supervisor's does. As
//! root, there is none, as with the helper.

use crate::app;
use crate::probe::{Probe, Seen};
use arkose_engine::network::{
    Control, Generation, LiveName, Log, Opened, Spec, accounting, ruleset,
};
use arkose_profile::net::{Rule, Rules, Verdict};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::io::{BufRead as _, BufReader, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Which part this process plays, and in which way the namespaces are made.
const PART: &str = "ARKOSE_TEST_PART";
const WAY: &str = "ARKOSE_TEST_WAY";

/// The addresses of the link. The world's stand for this computer.
pub(crate) const HOST: [&str; 2] = ["10.200.0.1", "fd00:200::1"];
pub(crate) const APP: [&str; 2] = ["10.200.0.2", "fd00:200::2"];

/// The hardware address of the app's end.
pub(crate) const HARDWARE: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// Who an ordinary user is where the tests are run by root.
const NOBODY: &str = "65534";

/// Runs a test in the world, as the user and, where this is root, as root.
pub(crate) fn in_world(name: &str, test: impl FnOnce()) {
    match std::env::var(PART).as_deref() {
        Ok("app") => app::run(),
        Ok(_) => test(),
        Err(_) => ways().iter().for_each(|way| enter(name, way)),
    }
}

fn ways() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() { &["user", "root"] } else { &["user"] }
}

/// Whether namespaces are made without a user namespace.
pub(crate) fn as_root() -> bool {
    std::env::var(WAY).is_ok_and(|way| way == "root")
}

fn enter(name: &str, way: &str) {
    let root = rustix::process::geteuid().is_root();
    let mut words: Vec<&str> = Vec::new();
    if root && way == "user" {
        words.extend(["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]);
    }
    words.extend(unshare(way));
    let possible = Command::new(words[0]).args(&words[1..]).arg("true").output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped as {way}: this machine gives no namespaces to it");
        return;
    }
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
    let output = command.env(PART, "world").env(WAY, way).output().unwrap();
    let told =
        [output.stdout, output.stderr].map(|told| String::from_utf8_lossy(&told).into_owned());
    let told = told.join("\n");
    assert!(output.status.success() && told.contains("1 passed"), "as {way}:\n{told}");
    println!("as {way}:\n{told}");
}

fn unshare(way: &str) -> Vec<&'static str> {
    match way {
        "root" => vec!["unshare", "--net", "--kill-child", "--fork", "--"],
        _ => vec!["unshare", "--user", "--map-root-user", "--net", "--kill-child", "--fork", "--"],
    }
}

/// The app, seen from the world.
pub(crate) struct App {
    child: Child,
    lines: BufReader<UnixStream>,
    pub(crate) pid: u32,
    pub(crate) control: Control<OwnedFd>,
    pub(crate) log: Log<OwnedFd>,
    /// The sockets of the resolver, the namespaces.
    pub(crate) others: Vec<OwnedFd>,
    /// The rules that count.
    pub(crate) spec: Spec,
}

/// Runs a program.
pub(crate) fn sh(text: &str) -> String {
    let output = Command::new("sh").args(["-ec", text]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Gives the world its addresses.
pub(crate) fn addresses(list: &[IpAddr]) {
    sh("ip link set lo up");
    let mut batch = String::new();
    for address in list {
        let (prefix, more) = if address.is_ipv4() { (32, "") } else { (128, " nodad") };
        batch.push_str(&format!("addr add {address}/{prefix} dev lo{more}\n"));
    }
    let mut ip = Command::new("ip").args(["-b", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    ip.stdin.take().unwrap().write_all(batch.as_bytes()).unwrap();
    assert!(ip.wait().unwrap().success());
}

impl App {
    /// Starts one that waits for its uplink, with rules that are there before.
    pub(crate) fn start(rules: &Rules) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let way = std::env::var(WAY).unwrap();
        // What comes before the program; the process that it becomes is the child's child.
        let words = unshare(&way);
        let name = std::env::args().nth(1).unwrap();
        let child = Command::new(words[0])
            .args(&words[1..])
            .arg(std::env::current_exe().unwrap())
            .args([&name, "--exact", "--nocapture", "--test-threads=1"])
            .env(PART, "app")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        let (line, mut fds) = receive(&ours);
        let pid = line.trim().parse().unwrap();
        let others = fds.split_off(2);
        let log = Log::new(fds.pop().unwrap());
        let control = Control::new(fds.pop().unwrap());
        let lines = BufReader::new(ours);
        let spec = spec(rules, Generation::MIN);
        let mut app = Self { child, lines, pid, control, log, others, spec };
        app.control.apply(&accounting().unwrap()).unwrap();
        app.control.load(&ruleset(&app.spec, &[], None).unwrap()).unwrap();
        app.link();
        app
    }

    /// Makes the link, as pasta or the helper would.
    fn link(&mut self) {
        let (pid, [host4, host6], [app4, app6]) = (self.pid, HOST, APP);
        let hardware = HARDWARE.map(|byte| format!("{byte:02x}")).join(":");
        sh(&format!(
            "ip link add world type veth peer name app address {hardware} netns {pid}
             ip addr add {host4}/24 dev world; ip addr add {host6}/64 dev world nodad; ip link set world up
             inside() {{ nsenter --net=/proc/{pid}/ns/net \"$@\"; }}
             inside ip addr add {app4}/24 dev app; inside ip addr add {app6}/64 dev app nodad
             inside ip link set app up
             inside ip route add default via {host4}; inside ip route add default via {host6}"
        ));
        let told = self.answer();
        assert!(told.starts_with("ready"), "{told}");
    }

    /// Loads rules, the next generation.
    pub(crate) fn load(&mut self, rules: &Rules) {
        self.load_with(rules, &[]);
    }

    /// The same, with what names lead to.
    pub(crate) fn load_with(&mut self, rules: &Rules, names: &[LiveName]) {
        let before = self.spec.generation;
        self.spec = self.next(rules);
        self.control.load(&ruleset(&self.spec, names, Some(before)).unwrap()).unwrap();
    }

    /// What rules come to as the next generation.
    pub(crate) fn next(&self, rules: &Rules) -> Spec {
        spec(rules, self.spec.generation.checked_add(1).unwrap())
    }

    /// Has the app do something.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.tell(command);
        self.answer()
    }

    pub(crate) fn tell(&mut self, command: &str) {
        self.lines.get_mut().write_all(format!("{command}\n").as_bytes()).unwrap();
    }

    pub(crate) fn answer(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Has the app try all of these at once.
    pub(crate) fn scan(&mut self, probes: &[Probe]) -> Vec<Seen> {
        let words: Vec<_> = probes.iter().map(Probe::to_string).collect();
        let told = self.ask(&format!("scan {}", words.join(" ")));
        let seen: Vec<_> = told.split(' ').map(|word| word.parse().unwrap()).collect();
        assert_eq!(seen.len(), probes.len());
        seen
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The namespace goes later, and the link with it.
        let _ = Command::new("ip").args(["link", "del", "world"]).output();
    }
}

/// Receives a line with descriptors.
fn receive(from: &UnixStream) -> (String, Vec<OwnedFd>) {
    let mut bytes = [0; 64];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let got = recvmsg(from, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags).unwrap();
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    (String::from_utf8_lossy(&bytes[..got.bytes]).into_owned(), fds)
}

/// What rules come to here.
pub(crate) fn spec(rules: &Rules, generation: Generation) -> Spec {
    Spec::new(rules, &HOST.map(|host| host.parse().unwrap()), generation)
}

/// The descriptors of what was opened, in the order in which [`App`] takes them.
pub(crate) fn descriptors(opened: Opened) -> Vec<OwnedFd> {
    use std::os::fd::AsFd as _;
    let control = opened.control.as_fd().try_clone_to_owned().unwrap();
    let mut all = vec![control, opened.log.into_fd(), opened.dns4.udp, opened.dns4.tcp];
    all.extend(opened.dns6.into_iter().flat_map(|dns| [dns.udp, dns.tcp]));
    all.extend([opened.network, opened.user]);
    all
}

/// Rules by their texts: `allow 192.0.2.1:80/tcp`.
pub(crate) fn rules(default: &str, texts: &[&str]) -> Rules {
    let rule = |text: &&str| {
        let (verdict, rule) = text.split_once(' ').unwrap();
        Rule::parse(Verdict::parse(verdict).unwrap(), rule).unwrap()
    };
    Rules { default: Verdict::parse(default).unwrap(), list: texts.iter().map(rule).collect() }
}
