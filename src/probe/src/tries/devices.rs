//! Device nodes: those that are there, and those that an app could make.

use super::Tried;
use crate::trial::Found;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, SFlag, major, makedev, minor, mknod};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// How deep `/dev` is looked through.
const DEPTH: u32 = 5;

pub(super) fn node(path: &Path) -> Tried {
    let meta = path.metadata()?;
    let kind = match meta.file_type() {
        kind if kind.is_char_device() => 'c',
        kind if kind.is_block_device() => 'b',
        _ => '-',
    };
    Ok(Found::text(format!("{kind} {}:{}", major(meta.rdev()), minor(meta.rdev()))))
}

pub(super) fn open(path: &Path) -> Tried {
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let open =
        |options: &mut OpenOptions| options.custom_flags(flags).open(path).map(|_| Found::text(""));
    match open(OpenOptions::new().read(true)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Ok(open(OpenOptions::new().write(true))?)
        }
        done => Ok(done?),
    }
}

pub(super) fn nodes() -> Tried {
    let mut names = Vec::new();
    collect(Path::new("/dev"), DEPTH, &mut names)?;
    Ok(Found::names(names))
}

fn collect(directory: &Path, depth: u32, names: &mut Vec<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let kind = path.symlink_metadata()?.file_type();
        if kind.is_char_device() || kind.is_block_device() {
            names.push(path.to_string_lossy().into_owned());
        } else if kind.is_dir() && depth > 1 && !path.ends_with("pts") {
            collect(&path, depth - 1, names)?;
        }
    }
    Ok(())
}

pub(super) fn make(path: &Path) -> Tried {
    /// The null device (devices.txt of the kernel).
    const NULL: (u64, u64) = (1, 3);
    let made = mknod(path, SFlag::S_IFCHR, Mode::S_IRUSR, makedev(NULL.0, NULL.1));
    made?;
    let opened = open(path);
    let _ = std::fs::remove_file(path);
    opened
}
