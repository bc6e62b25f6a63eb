//! The few facts about the host that a plan depends on.

use crate::bounds;
use arkose_profile::AbsPath;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

/// What a directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without a path.
    pub name: OsString,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A symbolic link, and what it says.
    Symlink(Vec<u8>),
    /// A regular file.
    File,
    /// Anything else: a socket, a pipe, a device.
    Other,
}

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub point: AbsPath,
    /// Its type, as `ext4`.
    pub kind: String,
}

/// Where a plan's facts come from.
pub trait Host {
    /// What that directory holds; nothing when it cannot be read.
    fn entries(&self, directory: &AbsPath) -> Vec<Entry>;
    /// The file systems mounted, in the order in which they were.
    fn mounts(&self) -> &[Mount];
    /// Whether something is there, not following a symbolic link.
    fn exists(&self, path: &AbsPath) -> bool;
    /// What a path really is, every symbolic link followed; nothing when it leads nowhere.
    fn canonical(&self, path: &AbsPath) -> Option<AbsPath>;
}

/// The machine that this process runs on.
#[derive(Debug)]
pub struct ThisMachine {
    mounts: Vec<Mount>,
}

impl ThisMachine {
    /// Reads the table of mounts.
    ///
    /// # Errors
    /// When `/proc` is not mounted.
    pub fn read() -> std::io::Result<Self> {
        Ok(Self { mounts: parse_mountinfo(&std::fs::read("/proc/self/mountinfo")?) })
    }
}

impl Host for ThisMachine {
    fn entries(&self, directory: &AbsPath) -> Vec<Entry> {
        let Ok(listing) = std::fs::read_dir(directory) else { return Vec::new() };
        listing
            .flatten()
            .map(|entry| {
                let kind = match entry.file_type() {
                    Ok(kind) if kind.is_dir() => EntryKind::Directory,
                    Ok(kind) if kind.is_symlink() => std::fs::read_link(entry.path())
                        .map_or(EntryKind::Other, |target| {
                            EntryKind::Symlink(target.into_os_string().into_vec())
                        }),
                    Ok(kind) if kind.is_file() => EntryKind::File,
                    _ => EntryKind::Other,
                };
                Entry { name: entry.file_name(), kind }
            })
            .collect()
    }

    fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    fn exists(&self, path: &AbsPath) -> bool {
        path.as_path().symlink_metadata().is_ok()
    }

    fn canonical(&self, path: &AbsPath) -> Option<AbsPath> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        // Root may look into other processes, and must not do so for a user.
        let resolve = ResolveFlags::NO_MAGICLINKS;
        let opened = openat2(CWD, path.as_path(), flags, Mode::empty(), resolve).ok()?;
        bounds::real_place(opened).ok()?
    }
}

/// Reads the format of `/proc/PID/mountinfo` (proc_pid_mountinfo(5)); a line that is not of that
/// format is left out.
#[must_use]
pub fn parse_mountinfo(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n').filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let point = unescape(fields.nth(4)?);
    // Optional fields of any number end with a lone dash; the type follows.
    fields.find(|field| *field == b"-")?;
    let kind = String::from_utf8(fields.next()?.to_vec()).ok()?;
    Some(Mount { point: AbsPath::new(Path::new(&OsString::from_vec(point))).ok()?, kind })
}

/// `\040` and the like stand for bytes that would break the format.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            _ => out.push(*first),
        }
    }
    out
}

/// The path of an entry of a directory.
pub(crate) fn below(directory: &AbsPath, name: &std::ffi::OsStr) -> Option<AbsPath> {
    (!name.as_bytes().is_empty()).then(|| directory.join(name).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mountinfo_with_optional_fields_and_escapes() {
        let text = b"36 35 98:0 / /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw\n\
                     37 35 0:5 / /x rw - tmpfs none rw\nnonsense\n\n38 35 0:5 / relative rw - tmpfs none rw\n";
        let mounts = parse_mountinfo(text);
        let points: Vec<_> =
            mounts.iter().map(|m| (m.point.as_path().to_str().unwrap(), m.kind.as_str())).collect();
        assert_eq!(points, [("/mnt 2", "ext3"), ("/x", "tmpfs")]);
    }

    #[test]
    fn a_truncated_escape_is_taken_as_it_is() {
        assert_eq!(unescape(b"a\\04"), b"a\\04");
        assert_eq!(unescape(b"\\134\\"), b"\\\\");
    }
}
