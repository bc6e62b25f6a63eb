//! What a class of devices, or a path in `devices`, covers.

use arkose_profile::options::{DEVICE_CLASSES, DeviceClass, device_class};
use arkose_profile::{AbsPath, Device};
use std::path::{Path, PathBuf};

/// An entry of `devices`.
#[derive(Debug, Clone)]
pub(crate) enum Allowed {
    /// A class by its name.
    Class(&'static DeviceClass),
    /// A node, or a directory and all below it; a `*` at the end stands for the rest of the name.
    Path(AbsPath),
}

impl Allowed {
    /// An entry as written; nothing when it is neither a class nor a path below `/dev`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(class) = device_class(text) {
            return Some(Self::Class(class));
        }
        let path = AbsPath::new(text).ok().filter(|path| path.as_path().starts_with("/dev"))?;
        let star = text.find('*');
        (star.is_none() || star == Some(text.len() - 1)).then_some(Self::Path(path))
    }

    /// The names of all classes.
    pub(crate) fn classes() -> impl Iterator<Item = &'static str> {
        DEVICE_CLASSES.iter().map(|class| class.name)
    }

    /// Whether that may be granted, by its name.
    fn covers(&self, name: &Path) -> bool {
        match self {
            Self::Class(class) => class.nodes.iter().any(|node| within(name, &below_dev(node))),
            Self::Path(path) => within(name, path.as_path()) || within(name, &real(path)),
        }
    }
}

/// Whether these entries cover a device that a profile names. A class is covered by its name, or by
/// entries that cover every node it could have.
pub(crate) fn cover(allowed: &[Allowed], device: &Device) -> bool {
    match device {
        Device::Path(path) => allowed.iter().any(|entry| entry.covers(&real(path))),
        Device::Class(name) => device_class(name).is_some_and(|class| {
            allowed.iter().any(|entry| matches!(entry, Allowed::Class(own) if own.name == *name))
                || class.nodes.iter().all(|node| covers_pattern(allowed, &below_dev(node)))
        }),
    }
}

/// Whether these entries cover a node, or a directory of nodes, that was opened.
pub(crate) fn cover_opened(allowed: &[Allowed], real: &AbsPath) -> bool {
    allowed.iter().any(|entry| entry.covers(real.as_path()))
}

fn covers_pattern(allowed: &[Allowed], pattern: &Path) -> bool {
    allowed.iter().any(|entry| match entry {
        Allowed::Class(class) => class.nodes.iter().any(|node| within(pattern, &below_dev(node))),
        Allowed::Path(path) => within(pattern, path.as_path()),
    })
}

/// Whether a name, or all that a pattern stands for, is what another stands for or lies below it.
fn within(name: &Path, pattern: &Path) -> bool {
    let (Some(parent), Some(last)) = (pattern.parent(), pattern.to_str()) else {
        return name.starts_with(pattern);
    };
    let Some(start) = last.strip_suffix('*') else {
        // A pattern is no name: `/dev/video*` is not within `/dev/video`.
        return name.starts_with(pattern);
    };
    let Ok(rest) = name.strip_prefix(parent) else { return false };
    let component = rest.components().next().map(|first| parent.join(first));
    component.is_some_and(|found| found.to_string_lossy().starts_with(start))
}

fn below_dev(node: &str) -> PathBuf {
    Path::new("/dev").join(node)
}

/// Names of devices are often links, as those of `/dev/disk/by-id` are; only root makes them.
fn real(path: &AbsPath) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.as_path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(allowed: &[&str], device: &str) -> bool {
        let allowed: Vec<_> = allowed.iter().map(|text| Allowed::parse(text).unwrap()).collect();
        let device = match AbsPath::new(device) {
            Ok(path) => Device::Path(path),
            Err(_) => Device::Class(device.to_owned()),
        };
        cover(&allowed, &device)
    }

    #[test]
    fn classes_and_paths_cover_what_they_name() {
        assert!(covered(&["sound"], "sound"));
        assert!(covered(&["sound"], "/dev/snd/no-such-card"));
        assert!(covered(&["/dev/snd"], "sound"));
        assert!(covered(&["/dev"], "video"));
        assert!(covered(&["/dev/no-such*"], "/dev/no-such-node"));
        assert!(covered(&["video"], "/dev/video77"));
        for (allowed, device) in [
            ("sound", "video"),
            ("/dev/video0", "video"),
            ("/dev/snd/no-such-card", "sound"),
            ("/dev/snd/no-such-card", "/dev/snd"),
            ("/dev/no-such*", "/dev"),
            ("/dev/no-such*", "/dev/no/such"),
            ("/dev/video*", "video"),
            ("video", "/dev/videos/x/../y"),
        ] {
            if let Some(allowed) = Allowed::parse(allowed) {
                let device = match AbsPath::new(device) {
                    Ok(path) => Device::Path(path),
                    Err(_) => Device::Class(device.to_owned()),
                };
                assert!(!cover(&[allowed], &device), "{device:?}");
            }
        }
    }

    #[test]
    fn what_is_no_device_is_no_entry() {
        for wrong in ["vidoe", "/srv", "dev/null", "/dev/../etc", "/dev/*/x", "/dev/v*o"] {
            assert!(Allowed::parse(wrong).is_none(), "{wrong}");
        }
    }
}
