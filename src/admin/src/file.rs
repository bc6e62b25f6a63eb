//! Opening the file, if nobody but root could have written it.

use arkose_profile::i18n::{Message, N_};
use arkose_profile::{Error, Errors};
use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Where the administrator writes.
pub const PATH: &str = "/etc/arkose/helper.toml";

/// More than any such file needs.
const MAX_SIZE: u64 = 1 << 20;

/// How many symbolic links may lead to the file.
const MAX_LINKS: usize = 8;

/// Who wants to know what the administrator allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The helper, which must not be deceived.
    Helper,
    /// The user's own programs, which may run where root of the machine has no name, as in a sandbox.
    User,
}

/// What the file holds; nothing where there is none.
pub(crate) fn read(reader: Reader) -> Result<Option<String>, Errors> {
    let Some(opened) = open(reader)? else { return Ok(None) };
    let mut bytes = Vec::new();
    File::from(opened)
        .take(MAX_SIZE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_SIZE) {
        return Err(wrong(Message::new(N_("is larger than 1 MiB"))));
    }
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| wrong(Message::new(N_("is not text in UTF-8"))))
}

fn open(reader: Reader) -> Result<Option<OwnedFd>, Errors> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut path = PathBuf::from(PATH);
    for _ in 0..=MAX_LINKS {
        match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(file) => {
                check_directory(&path, reader)?;
                check(&rustix::fs::fstat(&file).map_err(unreadable)?, &path, reader)?;
                return Ok(Some(file));
            }
            Err(Errno::LOOP) => {
                check_directory(&path, reader)?;
                path = linked(&path, reader)?;
            }
            Err(Errno::NOENT) if path == Path::new(PATH) => {
                // Who may write in that directory could have taken the file away.
                if reader == Reader::Helper {
                    check_directory(&path, reader)?;
                }
                return Ok(None);
            }
            Err(errno) => return Err(unreadable(errno)),
        }
    }
    Err(unreadable(Errno::LOOP))
}

/// Where a symbolic link of root's leads.
fn linked(path: &Path, reader: Reader) -> Result<PathBuf, Errors> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link = rustix::fs::open(path, flags, Mode::empty()).map_err(unreadable)?;
    let stat = rustix::fs::fstat(&link).map_err(unreadable)?;
    if !is_roots(stat.st_uid, reader) {
        return Err(not_roots(path, stat.st_uid));
    }
    let target = rustix::fs::readlinkat(&link, c"", Vec::new()).map_err(unreadable)?;
    let target = Path::new(OsStr::from_bytes(target.as_bytes()));
    Ok(path.parent().unwrap_or(Path::new("/")).join(target))
}

fn check(stat: &Stat, path: &Path, reader: Reader) -> Result<(), Errors> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(wrong(Message::new(N_("is not a file"))));
    }
    owned_by_root(stat, path, reader)
}

fn check_directory(path: &Path, reader: Reader) -> Result<(), Errors> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    match rustix::fs::stat(directory) {
        Ok(stat) => owned_by_root(&stat, directory, reader),
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(unreadable(errno)),
    }
}

fn owned_by_root(stat: &Stat, path: &Path, reader: Reader) -> Result<(), Errors> {
    if !is_roots(stat.st_uid, reader) {
        return Err(not_roots(path, stat.st_uid));
    }
    if Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH) {
        let message = N_(
            "others than root may write to it, so it is not trusted; mend it with: chmod go-w {path}",
        );
        return Err(error(path, Message::new(message).with("path", path.to_string_lossy())));
    }
    Ok(())
}

/// Whether that is root, or whom root is shown as where root has no name.
fn is_roots(uid: u32, reader: Reader) -> bool {
    /// The kernel's default for ids that have no name in a user namespace (user_namespaces(7)).
    const NOBODY: u32 = 65534;
    uid == 0 || (reader == Reader::User && uid == NOBODY && root_has_no_name())
}

fn root_has_no_name() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    !map.is_empty() && !map.lines().any(|line| line.split_whitespace().nth(1) == Some("0"))
}

fn not_roots(path: &Path, uid: u32) -> Errors {
    let message = N_(
        "it belongs to user {uid} and not to root, so it is not trusted; mend it with: chown -h root: {path}",
    );
    let message = Message::new(message).with("uid", uid.to_string());
    error(path, message.with("path", path.to_string_lossy()))
}

fn unreadable(errno: Errno) -> Errors {
    let cause = errno.to_string();
    // The number says nothing to people that the words before it do not.
    let words = cause.split(" (os error ").next().unwrap_or_default();
    wrong(Message::new(N_("cannot be read ({cause})")).with("cause", words))
}

fn wrong(message: Message) -> Errors {
    error(Path::new(PATH), message)
}

fn error(path: &Path, message: Message) -> Errors {
    Error { file: Some(path.to_owned()), place: None, message }.into()
}
