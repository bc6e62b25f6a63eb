//! The few facts about the host that a plan depends on.

use crate::bounds;
use arkose_profile::AbsPath;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

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
    /// Its file system, as the numbers of a device.
    pub device: String,
    /// Which directory of that is mounted.
    pub root: PathBuf,
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
    /// Where else the directory of that real path shows, and what is mounted below it, because the same
    /// file system is mounted twice.
    fn elsewhere(&self, path: &AbsPath) -> Vec<AbsPath>;
}

/// The machine that this process runs on.
#[derive(Debug)]
pub struct ThisMachine {
    mounts: Vec<Mount>,
    /// What was found of paths: several rules of a plan ask for the same ones.
    real: RefCell<Vec<(AbsPath, Option<AbsPath>)>>,
}

impl ThisMachine {
    /// Reads the table of mounts.
    ///
    /// # Errors
    /// When `/proc` is not mounted.
    pub fn read() -> std::io::Result<Self> {
        /// Enough for most; the kernel gives a page at a time.
        const MOST: usize = 16 * 1024;
        let mut text = Vec::with_capacity(MOST);
        // Without a limit the size would be asked for, which is 0.
        File::open("/proc/self/mountinfo")?.take(u64::MAX).read_to_end(&mut text)?;
        Ok(Self { mounts: parse_mountinfo(&text), real: RefCell::default() })
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
        if let Some((_, real)) = self.real.borrow().iter().find(|(known, _)| known == path) {
            return real.clone();
        }
        let real = really(path);
        self.real.borrow_mut().push((path.clone(), real.clone()));
        real
    }

    fn elsewhere(&self, path: &AbsPath) -> Vec<AbsPath> {
        // Something else may be mounted over it there.
        let mut found = elsewhere(&self.mounts, path);
        found.retain(|(place, other)| same(place, other));
        found.into_iter().map(|(_, other)| other).collect()
    }
}

fn really(path: &AbsPath) -> Option<AbsPath> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    // Root may look into other processes, and must not do so for a user.
    let resolve = ResolveFlags::NO_MAGICLINKS;
    let opened = openat2(CWD, path.as_path(), flags, Mode::empty(), resolve).ok()?;
    bounds::real_place(opened).ok()?
}

/// Whether both are the same directory.
fn same(place: &AbsPath, other: &AbsPath) -> bool {
    let open = |path: &AbsPath| {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_MAGICLINKS;
        let opened = openat2(CWD, path.as_path(), flags, Mode::empty(), resolve).ok()?;
        rustix::fs::fstat(opened).ok()
    };
    let (place, other) = (open(place), open(other));
    place.zip(other).is_some_and(|(a, b)| (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}

/// What shows twice of a path and of what is mounted below it: where it is looked for, and where it
/// shows as well.
fn elsewhere(mounts: &[Mount], path: &AbsPath) -> Vec<(AbsPath, AbsPath)> {
    let depth = |mount: &&Mount| mount.point.as_path().components().count();
    // Of those at one place the last shows.
    let holding = mounts.iter().filter(|mount| mount.point.contains(path)).max_by_key(depth);
    let below = mounts.iter().filter(|mount| mount.point != *path && path.contains(&mount.point));
    let places = holding.map(|mount| (mount, path)).into_iter();
    let places = places.chain(below.map(|mount| (mount, &mount.point)));
    places.flat_map(|(mount, place)| others(mounts, mount, place)).collect()
}

fn others(mounts: &[Mount], mount: &Mount, place: &AbsPath) -> Vec<(AbsPath, AbsPath)> {
    let Ok(rest) = place.as_path().strip_prefix(mount.point.as_path()) else { return Vec::new() };
    let inner = mount.root.join(rest);
    let shown = |other: &Mount| {
        let rest = inner.strip_prefix(&other.root).ok().filter(|_| other.device == mount.device)?;
        let shown = AbsPath::new(other.point.as_path().join(rest)).ok()?;
        (shown != *place).then(|| (place.clone(), shown))
    };
    mounts.iter().filter_map(shown).collect()
}

/// Reads the format of `/proc/PID/mountinfo` (proc_pid_mountinfo(5)); a line that is not of that
/// format is left out.
#[must_use]
pub fn parse_mountinfo(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n').filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = String::from_utf8(fields.nth(2)?.to_vec()).ok()?;
    let root = PathBuf::from(OsString::from_vec(unescape(fields.next()?)));
    let point = unescape(fields.next()?);
    // Optional fields of any number end with a lone dash; the type follows.
    fields.find(|field| *field == b"-")?;
    let kind = String::from_utf8(fields.next()?.to_vec()).ok()?;
    let point = AbsPath::new(Path::new(&OsString::from_vec(point))).ok()?;
    Some(Mount { point, kind, device, root })
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
    fn what_is_mounted_twice_shows_elsewhere() {
        let text = b"1 0 8:1 /root / rw - btrfs x rw\n2 1 8:1 / /sysroot rw - btrfs x rw\n\
                     3 1 8:1 /deploy/var /var rw - btrfs x rw\n4 1 8:2 / /persist rw - ext4 y rw\n\
                     5 3 8:2 /docs /var/home/u/docs rw - ext4 y rw\n6 1 8:3 /deploy /other rw - ext4 z rw\n";
        let mounts = parse_mountinfo(text);
        let found = elsewhere(&mounts, &AbsPath::new("/var/home/u").unwrap());
        let found: Vec<_> = found.iter().map(|(_, other)| other.to_string()).collect();
        assert_eq!(found, ["/sysroot/deploy/var/home/u", "/persist/docs"]);
        let found = elsewhere(&mounts, &AbsPath::new("/usr").unwrap());
        assert_eq!(found[0].1.to_string(), "/sysroot/root/usr");
    }

    #[test]
    fn a_truncated_escape_is_taken_as_it_is() {
        assert_eq!(unescape(b"a\\04"), b"a\\04");
        assert_eq!(unescape(b"\\134\\"), b"\\\\");
    }
}
