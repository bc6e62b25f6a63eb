//! Devices: those that were granted, and that there is no other.

use crate::verify::check::{Checks, about, entry};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use arkose_probe::{Found, Trial};
use arkose_profile::Device;
use arkose_profile::i18n::N_;
use arkose_profile::options::device_class;
use std::path::{Path, PathBuf};

/// Devices that every sandbox has.
const EVERYWHERE: [&str; 6] =
    ["/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero"];

/// Devices that can be opened without anything coming of it: no light goes on, no line is raised, no
/// watchdog wakes.
const HARMLESS: [&str; 6] =
    ["/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/null", "/dev/udmabuf", "/dev/zero"];

/// How deep a granted directory is looked through.
const DEPTH: u32 = 4;

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    let key = "devices";
    let mut all: Vec<String> = EVERYWHERE.map(str::to_owned).to_vec();
    for (index, device) in subject.policy.devices.iter().enumerate() {
        let nodes = nodes(device);
        if nodes.is_empty() {
            checks.not_tried(entry(key, index), N_("this machine has no such device"));
        }
        for path in nodes {
            all.push(path.to_string_lossy().into_owned());
            one(subject, checks, index, path);
        }
    }
    if subject.as_root() && !subject.policy.devices.is_empty() {
        let rights = entry(key, subject.policy.devices.len());
        checks.not_tried(rights, N_("only devices are opened of which nothing comes"));
    }
    if subject.light() {
        // They are all seen, and closed.
        for path in HARMLESS.into_iter().filter(|path| Path::new(path).exists()) {
            if !all.iter().any(|given| given == path) {
                let open = Trial::OpenNode { path: path.into() };
                checks.add(about(key), open, Expect::Refused);
            }
        }
    } else {
        checks.add(about(key), Trial::Nodes, Expect::Only(all));
    }
    for path in ["/dev/null", "/dev/zero"] {
        checks.add(about(key), Trial::OpenNode { path: path.into() }, Expect::Works);
    }
    let made = subject.new_name(Path::new("/tmp"));
    if !subject.is_ruled(&made) {
        checks.add(about(key), Trial::MakeNode { path: made }, Expect::Refused);
    }
}

fn one(subject: &Subject<'_>, checks: &mut Checks, index: usize, path: PathBuf) {
    let about = entry("devices", index);
    let which = Trial::Node { path: path.clone() };
    if let Found::Text { text } = subject.on_host(&which) {
        checks.add(about, which, Expect::Is(text));
    }
    if HARMLESS.iter().any(|harmless| path == Path::new(harmless)) {
        let open = Trial::OpenNode { path };
        let may = match subject.root_by_helper() {
            true => Expect::Works,
            false => Expect::as_on_host(&subject.on_host(&open)),
        };
        checks.add(about, open.clone(), may.clone());
        if subject.as_root() {
            checks.add(entry("devices", subject.policy.devices.len()), open, may);
        }
    }
}

/// The nodes of this machine that a grant is about.
fn nodes(device: &Device) -> Vec<PathBuf> {
    let mut found = Vec::new();
    match device {
        Device::Path(path) => collect(path.as_path(), DEPTH, &mut found),
        Device::Class(name) => {
            let patterns = device_class(name).map(|class| class.nodes).unwrap_or_default();
            for pattern in patterns {
                match pattern.strip_suffix('*') {
                    None => collect(&Path::new("/dev").join(pattern), DEPTH, &mut found),
                    Some(prefix) => below_dev(prefix, &mut found),
                }
            }
        }
    }
    found
}

fn below_dev(prefix: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir("/dev").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            collect(&entry.path(), DEPTH, found);
        }
    }
}

/// A node, or those below a directory.
fn collect(path: &Path, depth: u32, found: &mut Vec<PathBuf>) {
    use std::os::unix::fs::FileTypeExt as _;
    let Ok(meta) = path.metadata() else { return };
    if meta.is_dir() && depth > 0 {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            collect(&entry.path(), depth - 1, found);
        }
    } else if meta.file_type().is_char_device() || meta.file_type().is_block_device() {
        found.push(path.to_owned());
    }
}
