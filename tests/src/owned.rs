//! Files and directories that are root's or the test user's, for what is tried on them.

use crate::Scratch;
use crate::administrator::text;
use crate::machine::machine;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// What `request` takes for a mount of one path at another.
pub fn both(one: &Path, other: &Path) -> String {
    format!("{}={}", text(one), text(other))
}

/// A file of root's that nobody else may read.
pub fn secret(scratch: &Scratch, name: &str) -> std::path::PathBuf {
    let path = scratch.join(name);
    fs::write(&path, "for root only").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// A directory of root's that everybody may read.
pub fn roots(scratch: &Scratch, name: &str) -> std::path::PathBuf {
    let path = scratch.join(name);
    fs::create_dir(&path).unwrap();
    path
}

/// Gives a directory and what is in it to the test user.
pub fn own_all(path: &Path) {
    let status = Command::new("chown").args(["-R", &machine().user]).arg(path).status().unwrap();
    assert!(status.success());
}

/// What is in a directory.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
