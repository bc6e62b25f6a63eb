//! Copy-on-write directories, by overlayfs.

use super::bounded::Source;
use super::{Builder, attach, dest::Kind};
use crate::bounds::Purpose;
use crate::error::{Context as _, Error, Result};
use crate::plan::{Otherwise, Way};
use crate::sys::Rights;
use arkose_profile::AbsPath;
use rustix::fd::AsRawFd as _;
use rustix::fs::{FileType, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use rustix::process::{Gid, Uid};
use std::ffi::CStr;
use std::fs::File;
use std::os::fd::OwnedFd;

impl Builder<'_> {
    pub(super) fn overlay(
        &mut self,
        lower: &AbsPath,
        dest: &AbsPath,
        of_user: bool,
        otherwise: Otherwise,
        read_only: bool,
    ) -> Result<()> {
        let purpose = if of_user { Purpose::Grant } else { Purpose::System };
        let Source { fd: opened, real, closed } = match self.source(lower, purpose) {
            Err(_) if otherwise == Otherwise::LeftOut => return Ok(()),
            opened => match opened? {
                Some(source) => source,
                None => return Ok(()),
            },
        };
        let stat = rustix::fs::fstat(&opened).path(lower, "cannot be copied")?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return self.copied_file(&opened, lower, dest);
        }
        let copied = if read_only {
            self.unchanging(&opened)?
        } else {
            let translated = of_user && self.id_map.is_some();
            let opened = if translated { &self.translated(&opened, lower)? } else { &opened };
            self.changing(opened, lower, of_user)?
        };
        let source = Source { fd: opened, real, closed };
        let mount = match (copied, otherwise) {
            (Ok(mount), _) => mount,
            (Err(errno), Otherwise::Refused) => {
                return Err(errno).path(lower, "cannot be copied on write");
            }
            // A file system of the host that cannot be copied is left out, as an empty directory.
            (Err(_), Otherwise::LeftOut) => {
                return self.place(dest, Kind::Directory).map(drop);
            }
            (Err(_), Otherwise::Shown) => {
                return self.bind_opened(&source, lower, dest, true, of_user);
            }
        };
        let place = self.place(dest, Kind::Directory)?;
        attach(&mount, &place).path(dest, "cannot be put in its place")?;
        let rights = if read_only { Rights::USE } else { Rights::CHANGE };
        self.wall.allow(&mount, rights, Kind::Directory)?;
        self.close_below(&mount, &source, false)
    }

    /// A copy that takes changes; `Ok(Err)` where the kernel cannot copy that directory.
    fn changing(
        &mut self,
        opened: &OwnedFd,
        lower: &AbsPath,
        of_user: bool,
    ) -> Result<Result<OwnedFd, Errno>> {
        // The copy of the directory itself looks like the original.
        let stat = rustix::fs::fstat(opened).path(lower, "cannot be copied")?;
        let upper = self.new_directory(Mode::from_raw_mode(stat.st_mode & 0o7777))?;
        if self.plan.way == Way::Helper {
            let owner = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
            rustix::fs::fchown(&upper, Some(owner.0), Some(owner.1))
                .path(lower, "cannot be copied")?;
        }
        if self.plan.way == Way::User && of_user && !keeps_user_attributes(&upper) {
            return Err(Error::new(format!(
                "only root can copy “{lower}” on this kernel, which is older than 6.6"
            ))
            .needs_root()
            .remedy("arkose run --via helper …"));
        }
        let work = self.new_directory(Mode::from_raw_mode(0o700))?;
        let layers = [
            (c"lowerdir", name_of(opened)),
            (c"upperdir", name_of(&upper)),
            (c"workdir", name_of(&work)),
        ];
        Ok(self.new_overlay(&layers, false))
    }

    /// A copy that is only read needs no place for changes, but a second layer to be one at all.
    fn unchanging(&mut self, opened: &OwnedFd) -> Result<Result<OwnedFd, Errno>> {
        let empty = match self.nothing.take() {
            Some(empty) => empty,
            None => self.new_directory(Mode::from_raw_mode(0o700))?,
        };
        let layers = format!("{}:{}", name_of(opened), name_of(&empty));
        self.nothing = Some(empty);
        Ok(self.new_overlay(&[(c"lowerdir", layers)], true))
    }

    /// The caller's directory as an app that is root inside sees it: the caller's files are root's,
    /// and those of others nobody's.
    fn translated(&mut self, opened: &OwnedFd, lower: &AbsPath) -> Result<OwnedFd> {
        let mount = self.detached_copy(opened, lower, true, true)?;
        // A layer has to be mounted somewhere; this place has no name inside.
        let place = self.new_directory(Mode::from_raw_mode(0o700))?;
        attach(&mount, &place).path(lower, "cannot be copied on write").map(|()| mount)
    }

    /// Layers are given as descriptors' names, so that no path is looked up a second time.
    ///
    /// The kernel works on the layers with the rights of this process. What the app may open is
    /// decided by its own ids before that, on what it sees: the owners and modes of the originals.
    fn new_overlay(&self, layers: &[(&CStr, String)], read_only: bool) -> Result<OwnedFd, Errno> {
        let fs = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, layer) in layers {
            rustix::mount::fsconfig_set_string(&fs, *key, layer.as_str())?;
        }
        match self.plan.way {
            Way::User => rustix::mount::fsconfig_set_flag(&fs, c"userxattr")?,
            Way::Helper => {
                for (key, value) in
                    [(c"index", c"off"), (c"metacopy", c"off"), (c"redirect_dir", c"nofollow")]
                {
                    rustix::mount::fsconfig_set_string(&fs, key, value)?;
                }
            }
        }
        rustix::mount::fsconfig_create(&fs)?;
        let mut attr = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        attr.set(MountAttrFlags::MOUNT_ATTR_RDONLY, read_only);
        rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attr)
    }
}

fn name_of(layer: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", layer.as_raw_fd())
}

/// Whether overlayfs can note on a directory of the user that what lies below it is gone. Where it
/// cannot it mounts all the same, and an app that removes a directory gets an I/O error.
fn keeps_user_attributes(upper: &OwnedFd) -> bool {
    let name = c"user.overlay.arkose";
    rustix::fs::fsetxattr(upper, name, &[], XattrFlags::empty()).is_ok()
        && rustix::fs::fremovexattr(upper, name).is_ok()
}

impl Builder<'_> {
    /// A single file is simply copied: overlayfs knows only directories.
    fn copied_file(&mut self, opened: &OwnedFd, lower: &AbsPath, dest: &AbsPath) -> Result<()> {
        let message = "cannot be copied on write";
        let stat = rustix::fs::fstat(opened).path(lower, message)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::new(format!(
                "“{lower}” is neither a directory nor a file, and cannot be copied on write"
            )));
        }
        let mut source = {
            let _as_caller = self.as_ids(self.owners.caller)?;
            let name = name_of(opened);
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            File::from(rustix::fs::open(name, flags, Mode::empty()).path(lower, message)?)
        };
        let copy = self.new_file(&[], Mode::from_raw_mode(stat.st_mode & 0o777))?;
        let mut target =
            File::from(copy.try_clone().map_err(|_| Error::new("there are too many open files"))?);
        std::io::copy(&mut source, &mut target).map_err(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            Error::new(format!("“{lower}” {message}")).because(errno)
        })?;
        let place = self.place(dest, Kind::Other)?;
        self.attach_scratch(&copy, &place, false).path(dest, "cannot be put in its place")?;
        self.wall.allow(&copy, Rights::CHANGE, Kind::Other)
    }
}
