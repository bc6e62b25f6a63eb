//! Opening what a sandbox is to show, within what the administrator allows, and closing what lies
//! below it and is not.
//!
//! It is judged by where the open file really lies. What is mounted is that very file, so that no
//! name can be changed in between; and what is closed below it is looked for from the mount on.

use super::{Builder, attach, copy_of, dest, dest::kind_of};
use crate::bounds::{self, Purpose};
use crate::error::{Context as _, Error, Result};
use crate::plan::Way;
use arkose_profile::AbsPath;
use rustix::fs::{FileType, Mode, ResolveFlags};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Something of the host, open.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) fd: OwnedFd,
    /// Where it really lies; only looked up where that matters.
    pub(super) real: Option<AbsPath>,
    /// Whether it is a directory that the kernel lets nobody look at but the caller.
    pub(super) closed: bool,
}

impl Source {
    /// What it is.
    pub(super) fn kind(&self) -> Result<FileType, Errno> {
        if self.closed {
            return Ok(FileType::Directory);
        }
        rustix::fs::fstat(&self.fd).map(|stat| FileType::from_raw_mode(stat.st_mode))
    }
}

impl Builder<'_> {
    /// Opens a path of the host as the caller would. Nothing, where it is the system's and closed.
    pub(super) fn source(&self, path: &AbsPath, purpose: Purpose) -> Result<Option<Source>> {
        self.bounded(self.open_source(path)?, path, purpose)
    }

    /// The same of what the caller shares or a service needs, which may be a directory that opens for
    /// the caller alone.
    pub(super) fn shared(&self, path: &AbsPath, purpose: Purpose) -> Result<Option<Source>> {
        let error = match self.open_source(path) {
            Err(error) if error.cause() == Some(Errno::ACCESS) && !self.is_caller() => error,
            opened => return self.bounded(opened?, path, purpose),
        };
        let Ok((fd, dest::Kind::Directory)) = self.open_as_caller(path) else {
            return Err(error);
        };
        let Some(bounds) = self.bounds else {
            return Ok(Some(Source { fd, real: None, closed: true }));
        };
        let real = bounds::named_place(&fd)?;
        match bounds.allow(&real, FileType::Directory, purpose) {
            Ok(()) => Ok(Some(Source { fd, real: Some(real), closed: true })),
            Err(denied) => Err(bounds::refused(&denied).about(path)),
        }
    }

    /// What was opened by the name `path`, if it may be used for that.
    pub(super) fn bounded(
        &self,
        fd: OwnedFd,
        path: &AbsPath,
        purpose: Purpose,
    ) -> Result<Option<Source>> {
        let Some(bounds) = self.bounds else {
            return Ok(Some(Source { fd, real: None, closed: false }));
        };
        let stat = rustix::fs::fstat(&fd).path(path, "cannot be shared with the app")?;
        let real = bounds::real_place(&fd)?
            .ok_or_else(|| Error::new(format!("“{path}” was removed while it was opened")))?;
        match bounds.allow(&real, FileType::from_raw_mode(stat.st_mode), purpose) {
            Ok(()) => Ok(Some(Source { fd, real: Some(real), closed: false })),
            Err(_) if purpose == Purpose::System => Ok(None),
            Err(denied) => Err(bounds::refused(&denied).about(path)),
        }
    }

    /// Puts something empty over what is closed below a source that was just mounted. Where the app
    /// could move a directory on the way there, it is held in its place: what it moved would be open
    /// at the next launch.
    pub(super) fn close_below(
        &mut self,
        mount: &OwnedFd,
        source: &Source,
        writable: bool,
    ) -> Result<()> {
        let (Some(bounds), Some(real)) = (self.bounds, &source.real) else { return Ok(()) };
        for closed in bounds.caps.closed_below(real) {
            let mut above: Vec<&Path> = closed.ancestors().skip(1).collect();
            above.retain(|path| writable && !path.as_os_str().is_empty());
            for path in above.into_iter().rev() {
                if let Some(place) = self.beneath(mount, path)? {
                    copy_of(&place, true)
                        .and_then(|own| attach(&own, &place))
                        .context("what is off limits cannot be held in its place")?;
                }
            }
            if let Some(place) = self.beneath(mount, closed)? {
                self.cover(&place).context("what is off limits cannot be hidden")?;
            }
        }
        Ok(())
    }

    /// A place below a mount; nothing where there is none, or where the app could not go.
    fn beneath(&self, mount: &OwnedFd, path: &Path) -> Result<Option<OwnedFd>> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match dest::open_path(mount, path, resolve) {
            Ok(place) => Ok(Some(place)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(Errno::ACCESS) if self.plan.way == Way::User => Ok(None),
            Err(errno) => Err(errno).context("what is off limits cannot be hidden"),
        }
    }

    /// Mounts something empty over a place, for good.
    fn cover(&mut self, place: &OwnedFd) -> Result<(), Errno> {
        let no_room = |_| Errno::NOSPC;
        let empty = match kind_of(place)? {
            dest::Kind::Directory => self.new_directory(Mode::from_raw_mode(0o700)),
            dest::Kind::Other => self.new_file(&[], Mode::from_raw_mode(0o400)),
        };
        self.attach_scratch(&empty.map_err(no_room)?, place, true)
    }
}
