//! What a service of the host adds to a sandbox: sockets, generated files and variables.
//!
//! A grant is plain data with the sockets already opened; who builds the sandbox binds and writes
//! exactly this and looks nothing up again.

use crate::error::{Error, Kind};
use arkose_profile::AbsPath;
use nix::fcntl::OFlag;
use nix::sys::stat::{self, Mode, SFlag};
use std::os::fd::OwnedFd;
use std::path::Path;

/// A socket of the host that appears inside.
#[derive(Debug)]
pub struct SocketBind {
    /// Where it is on the host, for people and for plans.
    pub source: AbsPath,
    /// The socket itself, opened with `O_PATH`: this is what was checked and what is to be bound.
    pub fd: OwnedFd,
    /// Where it appears inside.
    pub dest: AbsPath,
}

impl SocketBind {
    /// Opens the socket at `source`, following symbolic links as the user may.
    ///
    /// # Errors
    /// `missing`, with the path as its value, when there is no socket there or a path is not plain
    /// and absolute.
    pub fn open(
        source: impl AsRef<Path>,
        dest: impl AsRef<Path>,
        missing: Kind,
    ) -> Result<Self, Error> {
        let path = source.as_ref();
        let failed = || Error::new(missing).value(path);
        let source = AbsPath::new(path).map_err(|_| failed())?;
        let dest = AbsPath::new(&dest).map_err(|_| Error::new(missing).value(dest.as_ref()))?;
        let fd = nix::fcntl::open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(|errno| failed().because(errno))?;
        let kind = stat::fstat(&fd).map_err(|errno| failed().because(errno))?.st_mode;
        if SFlag::from_bits_truncate(kind) & SFlag::S_IFMT != SFlag::S_IFSOCK {
            return Err(failed());
        }
        Ok(Self { source, fd, dest })
    }
}

/// A file made for this sandbox alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Where it appears inside.
    pub dest: AbsPath,
    /// Its permission bits.
    pub mode: u32,
    /// What it holds; may be secret.
    pub content: Vec<u8>,
}

/// What a service adds to the sandbox.
#[derive(Debug, Default)]
pub struct Grant {
    /// Sockets to bind.
    pub sockets: Vec<SocketBind>,
    /// Directories of the host to bind, and where they appear inside.
    pub directories: Vec<(AbsPath, AbsPath)>,
    /// Files to write, owned by the user inside.
    pub files: Vec<GeneratedFile>,
    /// Variables to set.
    pub env: Vec<(String, String)>,
}

impl Grant {
    /// Adds a generated file that only the user inside may read.
    pub(crate) fn secret(&mut self, dest: &AbsPath, content: Vec<u8>) {
        self.files.push(GeneratedFile { dest: dest.clone(), mode: 0o600, content });
    }

    /// Adds a variable.
    pub(crate) fn set(&mut self, name: &str, value: impl ToString) {
        self.env.push((name.to_owned(), value.to_string()));
    }
}

/// Where things are inside the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    runtime: AbsPath,
}

impl Inside {
    /// The inside of a sandbox whose app runs as `uid`; 0 when it runs as root.
    ///
    /// # Errors
    /// Never for a real uid; the type asks for it.
    pub fn new(uid: u32) -> Result<Self, Error> {
        let runtime = AbsPath::new(format!("/run/user/{uid}"))
            .map_err(|_| Error::new(Kind::Internal).value("uid"))?;
        Ok(Self { runtime })
    }

    /// The app's runtime directory, `/run/user/UID`.
    #[must_use]
    pub fn runtime(&self) -> &AbsPath {
        &self.runtime
    }

    /// A path below the runtime directory.
    pub(crate) fn below_runtime(&self, name: &str) -> Result<AbsPath, Error> {
        self.runtime.join(name).map_err(|_| Error::new(Kind::Internal).value(name))
    }
}
