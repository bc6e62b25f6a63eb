//! The plan that comes of a request of somebody who writes it by hand.
//!
//! The bytes are lines, each an instruction and its value (`bind /x`, `mount /a=/b`), so that they
//! stay of use when a request gains a field; what is above the first NUL byte is a profile.

use super::context;
use arkose_engine::host::{Entry, EntryKind, Host, Mount, parse_mountinfo};
use arkose_engine::plan::{Step, Way, make};
use arkose_profile::{AbsPath, Access, Layer, Origin, PathRule, Policy, Profile};
use arkose_protocol::{
    Bytes, GeneratedFile, Home, HostMount, HostNetwork, PrivateHome, Request, VERSION,
};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// Tries one request.
pub fn try_one(bytes: &[u8]) {
    let (profile, lines) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(0));
    let Ok(text) = std::str::from_utf8(profile) else { return };
    let Ok(layer) = Layer::parse(text, Origin::Launch) else { return };
    let Ok(policy) = Profile::new("ann", vec![layer]).policy(&context()) else { return };
    let mut machine = Machine { mounts: parse_mountinfo(MOUNTS), links: Vec::new() };
    let mut request = request(policy);
    for line in lines.split(|byte| matches!(*byte, b'\n' | 0)) {
        instruct(&mut request, &mut machine, line);
    }
    for way in [Way::User, Way::Helper] {
        if let Ok(plan) = make(&request, &machine, way, 1000) {
            // What the helper looks up by its position is there.
            for step in &plan.steps {
                if let Step::File { index, .. } = step {
                    assert!(*index < request.files.len(), "{step:?}");
                }
            }
        }
    }
}

fn instruct(request: &mut Request, machine: &mut Machine, line: &[u8]) {
    let mut parts = line.splitn(2, |byte| *byte == b' ');
    let (Some(word), Some(value)) = (parts.next(), parts.next()) else { return };
    let access = std::str::from_utf8(word).ok().and_then(Access::parse);
    if let (Some(access), Some(path)) = (access, path(value)) {
        return request.policy.paths.push(PathRule { access, path });
    }
    let mut sides = value.splitn(2, |byte| *byte == b'=');
    let first = sides.next().and_then(path);
    let both = first.clone().zip(sides.next().and_then(path));
    match (word, first, both) {
        (b"home", Some(path), _) => request.home.path = path,
        (b"private", _, Some((data, path))) => {
            request.home.private = Some(PrivateHome { data, path });
        }
        (b"mount", _, Some((source, dest))) => {
            request.mounts.push(HostMount { source, dest, read_only: value.len() % 2 == 0 });
        }
        (b"file", Some(dest), _) => {
            request.files.push(GeneratedFile { dest, mode: 0o600, content: Bytes::default() });
        }
        (b"hidden", Some(path), _) => request.hidden.push(path),
        (b"link", _, Some(link)) => machine.links.push(link),
        _ => machine.mounts.extend(parse_mountinfo(line)),
    }
}

fn path(bytes: &[u8]) -> Option<AbsPath> {
    AbsPath::new(OsStr::from_bytes(bytes)).ok()
}

pub(crate) fn request(policy: Policy) -> Request {
    let home = Home { path: context().home, private: None };
    Request {
        version: VERSION,
        policy,
        argv: vec![Bytes(b"true".to_vec())],
        env: Vec::new(),
        cwd: None,
        hostname: "fuzz".to_owned(),
        home,
        mounts: Vec::new(),
        files: Vec::new(),
        hidden: Vec::new(),
        terminal: None,
        host: HostNetwork::default(),
        linger: false,
    }
}

/// A host of a few directories, on which anything is said to be mounted.
struct Machine {
    mounts: Vec<Mount>,
    /// What leads where.
    links: Vec<(AbsPath, AbsPath)>,
}

const MOUNTS: &[u8] = b"22 1 8:1 / / rw - ext4 /dev/sda1 rw
23 22 0:5 / /proc rw - proc proc rw
24 22 0:6 / /run rw - tmpfs none rw
25 22 8:2 / /home rw - ext4 /dev/sda2 rw
26 22 0:7 / /var/lib/x rw - overlay none rw
";

impl Host for Machine {
    fn entries(&self, directory: &AbsPath) -> Vec<Entry> {
        let entry = |name: &str, kind| Entry { name: name.into(), kind };
        match directory.as_path().to_str() {
            Some("/") => vec![
                entry("bin", EntryKind::Symlink(b"usr/bin".to_vec())),
                entry("usr", EntryKind::Directory),
                entry("var", EntryKind::Directory),
                entry("home", EntryKind::Directory),
                entry("swapfile", EntryKind::Other),
            ],
            Some("/var") => vec![
                entry("run", EntryKind::Symlink(b"/run".to_vec())),
                entry("lib", EntryKind::Directory),
            ],
            Some("/dev") => {
                vec![entry("null", EntryKind::Other), entry("snd", EntryKind::Directory)]
            }
            _ => Vec::new(),
        }
    }

    fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    fn exists(&self, path: &AbsPath) -> bool {
        !path.as_path().to_string_lossy().contains("absent")
    }

    fn canonical(&self, path: &AbsPath) -> Option<AbsPath> {
        let link = self.links.iter().find(|(from, _)| from.contains(path));
        let Some((from, to)) = link else { return self.exists(path).then(|| path.clone()) };
        let rest = path.as_path().strip_prefix(from.as_path()).ok()?;
        to.join(rest).ok()
    }

    fn elsewhere(&self, path: &AbsPath) -> Vec<AbsPath> {
        let link = self.links.iter().find(|(_, to)| to.contains(path));
        link.map(|(from, _)| from.clone()).into_iter().collect()
    }
}
