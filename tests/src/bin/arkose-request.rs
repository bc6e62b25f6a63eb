//! Sends the helper a request that `arkose` would not send. What an attacker in the user's session
//! could write in an hour; the suites run it as the test user.
//!
//! It exits as the app did, or with 125 and the helper's sentence when there was no sandbox.

use arkose_profile::net::{Bridge, Zone};
use arkose_profile::{
    AbsPath, Access, DBus, Device, Home, Limits, Network, PathRule, Policy, Root, RunAs, Wayland,
    XServer,
};
use arkose_protocol::{
    Bytes, Channel, Event, GeneratedFile, HostMount, HostNetwork, PrivateHome, Received, Request,
    VERSION,
};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use std::fs::File;
use std::io::{IoSlice, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::process::{Command, ExitCode, Stdio};

const HELPER: &str = "/usr/libexec/arkose-helper";
const REFUSED: u8 = 125;

fn main() -> ExitCode {
    let Asked { request, action, damage, group } = parse(std::env::args().skip(1));
    let (ours, theirs) = Channel::pair().expect("a socket pair");
    let mut helper = Command::new("pkexec");
    helper.args([HELPER, &action]).stdin(Stdio::from(theirs.into_fd())).stdout(Stdio::null());
    let mut child = helper.spawn().expect("pkexec");
    // Its own copy of the other end goes, so that the end is seen.
    drop(helper);
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let stdio = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let sent = match damage {
        None => ours
            .send_request(&request, stdio, group.as_ref().map(File::as_fd))
            .map_err(|error| error.to_string()),
        Some(seed) => send_damaged(&ours, &request, seed).map_err(|errno| errno.to_string()),
    };
    let code = match sent {
        Ok(()) => follow(&ours),
        Err(error) => refused(&error),
    };
    drop(ours);
    let _ = child.wait();
    ExitCode::from(code)
}

fn follow(channel: &Channel) -> u8 {
    loop {
        match channel.receive::<Event>() {
            Ok(Received::Message(Event::Failed(failure), _)) => {
                return refused(&format!("{}: {}", failure.message, failure.cause));
            }
            Ok(Received::Message(Event::Exited(status), _)) => return status.code(),
            Ok(Received::Message(..) | Received::Nothing) => {}
            Ok(Received::Closed) => return refused("the helper is gone"),
            Err(error) => return refused(&error.to_string()),
        }
    }
}

fn refused(why: &str) -> u8 {
    eprintln!("refused: {why}");
    REFUSED
}

/// Sends the request with some bytes changed, cut off or added, or not sealed, as the seed has it.
fn send_damaged(channel: &Channel, request: &Request, seed: u64) -> nix::Result<()> {
    let mut state = seed;
    let mut random = |below: usize| {
        // Knuth's MMIX generator: the same on every run.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let mut bytes = postcard::to_stdvec(request).expect("a request can be encoded");
    match seed % 4 {
        0 => bytes.truncate(random(bytes.len())),
        1 => bytes.extend((0..random(4000)).map(|at| at.to_le_bytes()[0])),
        _ => {
            for _ in 0..=random(8) {
                let at = random(bytes.len());
                bytes[at] = random(256).to_le_bytes()[0];
            }
        }
    }
    let mut file = File::from(memfd_create(c"damaged", MFdFlags::MFD_ALLOW_SEALING)?);
    file.write_all(&bytes).map_err(|_| nix::Error::EIO)?;
    if seed % 16 != 5 {
        let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    }
    let fds = [file.as_raw_fd(), 0, 1, 2];
    let version = VERSION.to_le_bytes();
    let rights = [ControlMessage::ScmRights(&fds)];
    let socket = channel.as_fd().as_raw_fd();
    sendmsg::<()>(socket, &[IoSlice::new(&version)], &rights, MsgFlags::empty(), None).map(drop)
}

/// What the options ask for.
struct Asked {
    request: Request,
    /// polkit's.
    action: String,
    /// By which the request is damaged on its way.
    damage: Option<u64>,
    /// What is given to it as a control group.
    group: Option<File>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Asked {
    let home = std::env::var("HOME").expect("HOME");
    let mut request = plain(path(&home));
    let (mut action, mut damage, mut group) = ("launch".to_owned(), None, None);
    while let Some(option) = words.next() {
        if option == "--" {
            request.argv = words.by_ref().map(|word| Bytes(word.into())).collect();
            break;
        }
        let mut value = || words.next().unwrap_or_else(|| panic!("{option} takes a value"));
        let policy = &mut request.policy;
        match option.as_str() {
            "--action" => action = value(),
            "--damage" => damage = Some(value().parse().expect("a number")),
            "--group" => group = Some(File::open(value()).expect("a directory")),
            "--runas-root" => policy.runas = RunAs::Root,
            "--network" => policy.network = Network::parse(&value()).expect("a network"),
            "--zone" => {
                let bridge = Bridge::parse(&value()).expect("a bridge");
                policy.zone = Zone::new(bridge, Vec::new(), Vec::new()).ok();
            }
            "--xserver" => policy.xserver = XServer::parse(&value()).expect("a screen"),
            "--wayland" => policy.wayland = Wayland::parse(&value()).expect("a compositor"),
            "--dbus" => policy.dbus = DBus::parse(&value()).expect("a bus"),
            "--pulseaudio" => policy.pulseaudio = true,
            "--class" => policy.devices.push(Device::Class(value())),
            "--memory" => policy.limits.memory = value().parse().expect("a number"),
            "--processes" => policy.limits.processes = value().parse().expect("a number"),
            "--cow-size" => policy.cow_size = value().parse().expect("a number"),
            "--user-namespaces" => policy.user_namespaces = true,
            "--root-read-only" => policy.root = Root::ReadOnly,
            "--device" => policy.devices.push(Device::Path(path(&value()))),
            "--home" => request.home.path = path(&value()),
            "--home-mode" => policy.home = Home::parse(&value()).expect("a mode of the home"),
            "--private" => {
                let value = value();
                let (data, home) = pair(&value);
                policy.home = Home::Private;
                request.home.private = Some(PrivateHome { data: path(data), path: path(home) });
            }
            "--path" => {
                let value = value();
                let (access, dest) = pair(&value);
                let access = Access::parse(access).expect("an access");
                policy.paths.push(PathRule { path: path(dest), access });
            }
            "--mount" | "--mount-read-only" => {
                let value = value();
                let (source, dest) = pair(&value);
                let read_only = option == "--mount-read-only";
                let mount = HostMount { source: path(source), dest: path(dest), read_only };
                request.mounts.push(mount);
            }
            "--file" => {
                let value = value();
                let (dest, content) = pair(&value);
                let content = Bytes(content.into());
                request.files.push(GeneratedFile { dest: path(dest), mode: 0o777, content });
            }
            "--hidden" => request.hidden.push(path(&value())),
            _ => panic!("there is no option {option}"),
        }
    }
    Asked { request, action, damage, group }
}

fn plain(home: AbsPath) -> Request {
    let policy = Policy {
        runas: RunAs::User,
        network: Network::None,
        network_rules: arkose_profile::net::Rules::default(),
        zone: None,
        xserver: XServer::None,
        wayland: Wayland::None,
        dbus: DBus::None,
        pulseaudio: false,
        devices: Vec::new(),
        root: Root::Cow,
        home: Home::Empty,
        paths: Vec::new(),
        environment: Vec::new(),
        walls: arkose_profile::Walls::Full,
        user_namespaces: false,
        buses: arkose_profile::bus::Buses::default(),
        denied_calls: Vec::new(),
        cow_size: 0,
        limits: Limits::NONE,
    };
    Request {
        version: VERSION,
        policy,
        argv: vec![Bytes(b"true".to_vec())],
        env: vec![Bytes(b"PATH=/usr/bin:/bin:/usr/sbin:/sbin".to_vec())],
        cwd: None,
        hostname: "attacked".to_owned(),
        home: arkose_protocol::Home { path: home, private: None },
        mounts: Vec::new(),
        files: Vec::new(),
        hidden: Vec::new(),
        terminal: None,
        host: HostNetwork::default(),
        linger: false,
    }
}

fn path(text: &str) -> AbsPath {
    AbsPath::new(text).unwrap_or_else(|error| panic!("“{text}” {error}"))
}

/// Both sides of a `=`.
fn pair(text: &str) -> (&str, &str) {
    text.split_once('=').unwrap_or_else(|| panic!("“{text}” has no ="))
}
