//! Directories of the test user that a test fills and that end with it.

use crate::machine::machine;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, process};

/// How their names begin, before the pid of the test that made them.
const PREFIX: &str = "scratch-";

/// Whether another test made that directory: it comes and goes with that test, whatever sandboxes do.
pub(crate) fn is_of_another(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let maker = name.and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok());
    maker.is_some_and(|maker: u32| maker != process::id())
}

/// A directory that is removed with everything in it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// One in the test user's home directory.
    #[must_use]
    pub fn home() -> Self {
        Self::below(&machine().home)
    }

    /// One among the system's files, owned by the test user: neither home nor temporary.
    #[must_use]
    pub fn system() -> Self {
        Self::below(Path::new("/opt"))
    }

    fn below(parent: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{PREFIX}{}-{count}", process::id()));
        fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        own(&path);
        Self { path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a name in it.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file of the test user in it, with the directories above, and answers its path.
    pub fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(&name);
        if let Some(parent) = name.as_ref().parent().filter(|parent| *parent != Path::new("")) {
            self.directory(parent);
        }
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        own(&path);
        path
    }

    /// Makes a directory of the test user in it, with those above, and answers its path.
    pub fn directory(&self, name: impl AsRef<Path>) -> PathBuf {
        let mut path = self.path.clone();
        for part in name.as_ref() {
            path.push(part);
            if !path.is_dir() {
                fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                own(&path);
            }
        }
        path
    }

    /// What a file in it holds now.
    #[must_use]
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        let path = self.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Whether there is something of that name in it.
    #[must_use]
    pub fn has(&self, name: impl AsRef<Path>) -> bool {
        self.join(name).symlink_metadata().is_ok()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn own(path: &Path) {
    chown(path, Some(machine().uid.as_raw()), Some(machine().gid.as_raw()))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
