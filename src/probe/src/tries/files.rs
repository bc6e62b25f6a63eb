//! Files and directories, as an app opens them.

use super::Tried;
use crate::trial::Found;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::statvfs::{FsFlags, statvfs};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// How much of a file is told.
const BEGINNING: u64 = 128;

pub(super) fn read(path: &Path) -> Tried {
    let mut bytes = Vec::new();
    File::options()
        .read(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
        .open(path)?
        .take(BEGINNING)
        .read_to_end(&mut bytes)?;
    Ok(Found::text(String::from_utf8_lossy(&bytes)))
}

pub(super) fn list(path: &Path) -> Tried {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    Ok(Found::names(names))
}

pub(super) fn write(path: &Path) -> Tried {
    let meta = path.metadata()?;
    let kind = meta.file_type();
    if meta.is_dir() {
        return nameless(path).map(|_| Found::text(""));
    }
    // Neither can be opened without disturbing who is at the other end.
    if kind.is_socket() || kind.is_fifo() {
        nix::unistd::access(path, nix::unistd::AccessFlags::W_OK)?;
    } else {
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        OpenOptions::new().write(true).custom_flags(flags.bits()).open(path)?;
    }
    Ok(Found::text(""))
}

/// A file without a name, which ends with this process.
fn nameless(directory: &Path) -> Result<File, Found> {
    let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    match open(directory, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(file) => Ok(file.into()),
        // Not every file system can have one; what is left is to ask.
        Err(Errno::EOPNOTSUPP | Errno::EISDIR) => {
            nix::unistd::access(directory, nix::unistd::AccessFlags::W_OK)?;
            Ok(File::open(directory)?)
        }
        Err(errno) => Err(errno.into()),
    }
}

pub(super) fn home() -> Tried {
    let home = std::env::var_os("HOME").ok_or_else(|| Found::refused("not set"))?;
    write(Path::new(&home))?;
    list(Path::new(&home))
}

pub(super) fn create(path: &Path) -> Tried {
    OpenOptions::new().write(true).create_new(true).open(path)?;
    Ok(Found::text(""))
}

pub(super) fn identity(path: &Path) -> Tried {
    let meta = path.metadata()?;
    Ok(Found::text(format!("{}:{}", meta.dev(), meta.ino())))
}

pub(super) fn mounted(path: &Path) -> Tried {
    let flags = statvfs(path)?.flags();
    let names = [
        (FsFlags::ST_RDONLY, "read-only"),
        (FsFlags::ST_NOSUID, "nosuid"),
        (FsFlags::ST_NODEV, "nodev"),
        (FsFlags::ST_NOEXEC, "noexec"),
    ];
    let set = names.into_iter().filter(|(flag, _)| flags.contains(*flag));
    Ok(Found::names(set.map(|(_, name)| name.to_owned())))
}

pub(super) fn space(path: &Path) -> Tried {
    let stat = statvfs(path)?;
    Ok(Found::text((stat.blocks() * stat.fragment_size()).to_string()))
}

pub(super) fn fill(path: &Path, bytes: u64) -> Tried {
    let mut file = nameless(path)?;
    let block = [0x5a; 1 << 16];
    let mut left = bytes;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(block.len()).min(block.len());
        file.write_all(block.get(..length).unwrap_or(&block))?;
        left -= length as u64;
    }
    Ok(Found::text(""))
}
