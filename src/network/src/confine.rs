//! What the program takes from itself before it hears anybody.

use rustix::process::{Resource, Rlimit};
use std::path::{Path, PathBuf};

/// Where the host keeps what is read again when it changes. What lies there is often a link into the
/// other.
const READ: [&str; 2] = ["/etc", "/run"];

/// From now on only files below the directories of these are read, and nothing is started or written.
///
/// # Errors
/// When the kernel refuses.
pub fn give_up_rights(files: &[&Path]) -> arkose_engine::Result<()> {
    let real = |path: &&Path| std::fs::canonicalize(path).ok();
    let directory = |path: PathBuf| path.parent().map(Path::to_owned);
    let mut read: Vec<PathBuf> = READ.iter().map(PathBuf::from).collect();
    read.extend(files.iter().filter_map(real).filter_map(directory));
    let read: Vec<&Path> = read.iter().map(PathBuf::as_path).collect();
    arkose_engine::confine(&read)
}

/// Every question is a descriptor, and so is every connection.
pub fn raise_descriptors() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Without it, fewer questions are asked at once.
    let _ = rustix::process::setrlimit(Resource::Nofile, raised);
}
