//! Where Arkose's own programs are that the user runs: beside `arkose`, else where they are installed.

use std::path::{Path, PathBuf};

/// Where programs are installed that nobody calls by name.
pub(crate) const LIBEXEC: &str = match option_env!("ARKOSE_LIBEXECDIR") {
    Some(dir) => dir,
    None => "/usr/libexec",
};
/// Where programs are installed that people call; distributions move it together with the above.
const BIN: &str = "/usr/bin";

/// A program that is not meant for people. Nothing is looked for in `PATH`: an app may have been
/// given one of the directories there.
pub(crate) fn inner(name: &str) -> Option<PathBuf> {
    find(name, LIBEXEC)
}

/// A program that is.
pub(crate) fn outer(name: &str) -> Option<PathBuf> {
    find(name, BIN)
}

fn find(name: &str, installed: &str) -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|arkose| Some(arkose.parent()?.join(name)));
    let places = beside.into_iter().chain([Path::new(installed).join(name)]);
    places.into_iter().find(|path| path.is_file())
}
