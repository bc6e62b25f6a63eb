//! Sends the helper a request that `arkose` would not send. What an attacker in the user's session
//! could write in an hour; the suites run it as the test user.
//!
//! It exits as the app did, or with 125 and the helper's sentence when there was no sandbox.

use arkose_profile::{
    AbsPath, Access, DBus, Device, Home, Network, PathRule, Policy, Root, RunAs, Wayland, XServer,
};
use arkose_protocol::{
    Bytes, Channel, Event, GeneratedFile, HostMount, PrivateHome, Received, Request, VERSION,
};
use std::os::fd::AsFd as _;
use std::process::{Command, ExitCode, Stdio};

const HELPER: &str = "/usr/libexec/arkose-helper";
const REFUSED: u8 = 125;

fn main() -> ExitCode {
    let (request, action) = parse(std::env::args().skip(1));
    let (ours, theirs) = Channel::pair().expect("a socket pair");
    let mut helper = Command::new("pkexec");
    helper.args([HELPER, &action]).stdin(Stdio::from(theirs.into_fd())).stdout(Stdio::null());
    let mut child = helper.spawn().expect("pkexec");
    // Its own copy of the other end goes, so that the end is seen.
    drop(helper);
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let sent = ours.send_request(&request, [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()]);
    let code = match sent {
        Ok(()) => follow(&ours),
        Err(error) => refused(&error.to_string()),
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

/// What the options ask for: a request, and the polkit action.
fn parse(mut words: impl Iterator<Item = String>) -> (Request, String) {
    let home = std::env::var("HOME").expect("HOME");
    let mut request = plain(path(&home));
    let mut action = "launch".to_owned();
    while let Some(option) = words.next() {
        if option == "--" {
            request.argv = words.by_ref().map(|word| Bytes(word.into())).collect();
            break;
        }
        let mut value = || words.next().unwrap_or_else(|| panic!("{option} takes a value"));
        let policy = &mut request.policy;
        match option.as_str() {
            "--action" => action = value(),
            "--runas-root" => policy.runas = RunAs::Root,
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
    (request, action)
}

fn plain(home: AbsPath) -> Request {
    let policy = Policy {
        runas: RunAs::User,
        network: Network::None,
        xserver: XServer::None,
        wayland: Wayland::None,
        dbus: DBus::None,
        pulseaudio: false,
        devices: Vec::new(),
        root: Root::Cow,
        home: Home::Empty,
        paths: Vec::new(),
        environment: Vec::new(),
        user_namespaces: false,
        cow_size: 0,
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
