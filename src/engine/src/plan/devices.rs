//! `/dev`: the few nodes that every program expects, and those that the policy grants.

use super::{Step, absolute};
use crate::error::{Error, Result};
use crate::host::{Host, below};
use arkose_profile::{AbsPath, Device, options};
use std::os::unix::ffi::OsStrExt as _;

/// The nodes of every sandbox, with the numbers that the kernel documents (devices.txt).
const NODES: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

const LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// The steps that fill `/dev`.
///
/// # Errors
/// When the policy names something that is no device.
pub(super) fn steps(host: &impl Host, granted: &[Device]) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (path, major, minor) in NODES {
        steps.push(Step::Device { path: absolute(path)?, number: Some((major, minor)) });
    }
    for (path, target) in LINKS {
        steps.push(Step::Symlink { dest: absolute(path)?, target: target.into() });
    }
    for (path, mode) in [("/dev/shm", 0o1777), ("/dev/pts", 0o755)] {
        steps.push(Step::Directory { dest: absolute(path)?, mode, owned: false });
    }
    steps.push(Step::Terminals);
    steps.extend(nodes(host, granted)?);
    Ok(steps)
}

/// The nodes that every program expects, where they are the host's own.
///
/// # Errors
/// When the policy names something that is no device.
pub(super) fn of_host(host: &impl Host, granted: &[Device]) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (path, major, minor) in NODES {
        steps.push(Step::Device { path: absolute(path)?, number: Some((major, minor)) });
    }
    steps.extend(nodes(host, granted)?);
    Ok(steps)
}

/// Those that the policy grants.
fn nodes(host: &impl Host, granted: &[Device]) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut paths = Vec::new();
    for device in granted {
        match device {
            Device::Path(path) => paths.push(granted_path(path)?),
            Device::Class(name) => paths.extend(class(host, name)?),
        }
    }
    paths.sort();
    paths.dedup();
    // A node below a granted directory is there already.
    for path in &paths {
        if !paths.iter().any(|other| other != path && other.contains(path)) {
            steps.push(Step::Device { path: path.clone(), number: None });
        }
    }
    Ok(steps)
}

fn granted_path(path: &AbsPath) -> Result<AbsPath> {
    let dev = absolute("/dev")?;
    if *path == dev || !dev.contains(path) {
        return Err(Error::new(format!("“{path}” is not a device below /dev")));
    }
    Ok(path.clone())
}

/// The nodes of a class that this machine has; none is no error.
fn class(host: &impl Host, name: &str) -> Result<Vec<AbsPath>> {
    let class = options::device_class(name)
        .ok_or_else(|| Error::new(format!("there is no class of devices called “{name}”")))?;
    let dev = absolute("/dev")?;
    let names = host.entries(&dev);
    let mut paths = Vec::new();
    for pattern in class.nodes {
        if let Some(prefix) = pattern.strip_suffix('*') {
            let matching =
                names.iter().filter(|e| e.name.as_bytes().starts_with(prefix.as_bytes()));
            paths.extend(matching.filter_map(|entry| below(&dev, &entry.name)));
        } else {
            let path = absolute(&format!("/dev/{pattern}"))?;
            if host.exists(&path) {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}
