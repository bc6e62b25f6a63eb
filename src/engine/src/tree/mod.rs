//! Carrying out a plan, in the mount namespace of the sandbox, step by step.
//!
//! Everything is done by descriptor: what is mounted is what was opened, and where it is mounted
//! is what was found below the new root. Files of the host are opened with the caller's ids.

mod bounded;
mod dest;
mod kernel;
mod overlay;
mod root;
mod source;

use bounded::Source;
use dest::Above;
pub(crate) use dest::{Kind, Outermost, kind_of};
pub(crate) use kernel::check_device;
pub(crate) use root::Tree;
pub(crate) use source::{open as open_source, private_home as open_private_home};

use crate::bounds::{Bounds, Purpose};
use crate::error::{Context as _, Error, Result};
use crate::plan::{Plan, Step};
use crate::sys::{self, MountAttr, Rights, set_mount_attr};
use crate::wall::Wall;
use arkose_profile::AbsPath;
use arkose_protocol::GeneratedFile;
use rustix::fs::{FileType, Mode};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags};
use rustix::process::{Gid, Uid};
use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Whose the files are, as this process sees their ids.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owners {
    /// With whose ids files of the host are opened.
    pub(crate) caller: (Uid, Gid),
    /// Whom the app is.
    pub(crate) app: (Uid, Gid),
}

/// Builds the whole tree of the plan below `tree`.
pub(crate) fn build(
    tree: &Tree,
    plan: &Plan,
    files: &[GeneratedFile],
    owners: Owners,
    id_map: Option<BorrowedFd<'_>>,
    wall: &Wall,
    bounds: Option<Bounds<'_>>,
) -> Result<()> {
    let mut builder = Builder {
        wall,
        tree,
        plan,
        files,
        owners,
        own: (rustix::process::geteuid(), rustix::process::getegid()),
        id_map,
        bounds,
        writable: Outermost::of(plan.writable.iter()),
        fillable: Outermost::of(plan.writable.iter().chain(&plan.private_home)),
        used: 0,
        nothing: None,
        known: RefCell::default(),
    };
    builder.open_root()?;
    plan.steps.iter().try_for_each(|step| builder.step(step))
}

struct Builder<'a> {
    /// Is told of every place that can be written to.
    wall: &'a Wall,
    tree: &'a Tree,
    plan: &'a Plan,
    files: &'a [GeneratedFile],
    owners: Owners,
    /// The ids of this process.
    own: (Uid, Gid),
    id_map: Option<BorrowedFd<'a>>,
    /// What the administrator allows, where that is said.
    bounds: Option<Bounds<'a>>,
    /// Directories of the host that the app can change.
    writable: Outermost,
    /// Those, and a private home: directories inside that an app could fill.
    fillable: Outermost,
    /// How many entries of the scratch directory have been given out.
    used: usize,
    /// An empty directory that copies share which take no changes.
    nothing: Option<OwnedFd>,
    /// The directory in which something was made last, as long as nothing was mounted over it.
    known: RefCell<Option<(AbsPath, Above)>>,
}

impl Builder<'_> {
    fn step(&mut self, step: &Step) -> Result<()> {
        // These make or mount something in a directory, and nothing over it or above it.
        if matches!(step, Step::Directory { .. } | Step::Symlink { .. } | Step::Device { .. }) {
            return self.carry_out(step);
        }
        self.known.take();
        let done = self.carry_out(step);
        self.known.take();
        done
    }

    fn carry_out(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Directory { dest, mode, owned } => self.directory(dest, *mode, *owned),
            Step::Symlink { dest, target } => self.symlink(dest, target),
            Step::Overlay { lower, dest, of_user, otherwise, read_only } => {
                self.overlay(lower, dest, *of_user, *otherwise, *read_only)
            }
            Step::Bind { source, dest, read_only, of_user } => {
                self.bind(source, dest, *read_only, *of_user)
            }
            Step::Service { source, dest, read_only } => self.service(source, dest, *read_only),
            Step::PrivateHome { data, source, dest } => self.private_home(data, source, dest),
            Step::Pin { dest } => self.pin(dest),
            Step::Hide { dest, always } => self.hide(dest, *always),
            Step::Scratch { dest, mode } => self.scratch(dest, *mode),
            Step::File { dest, mode, index } => self.file(dest, *mode, *index),
            Step::Device { path, number } => self.device(path, *number),
            Step::Allow { path, .. } => {
                Err(Error::new(format!("“{path}” cannot be allowed in a sandbox with mounts")))
            }
            Step::Terminals => kernel::terminals(self),
            Step::Processes => kernel::processes(self),
            Step::Sysfs { fresh } => kernel::sysfs(self, *fresh),
        }
    }

    fn bind(
        &mut self,
        source: &AbsPath,
        dest: &AbsPath,
        read_only: bool,
        of_user: bool,
    ) -> Result<()> {
        let purpose = if of_user { Purpose::Grant } else { Purpose::System };
        let opened =
            if of_user { self.shared(source, purpose) } else { self.source(source, purpose) };
        let Some(opened) = opened? else { return Ok(()) };
        self.bind_opened(&opened, source, dest, read_only, of_user)
    }

    fn service(&mut self, source: &AbsPath, dest: &AbsPath, read_only: bool) -> Result<()> {
        let Some(opened) = self.shared(source, Purpose::Service)? else { return Ok(()) };
        self.bind_opened(&opened, source, dest, read_only, true)
    }

    fn bind_opened(
        &mut self,
        opened: &Source,
        source: &AbsPath,
        dest: &AbsPath,
        read_only: bool,
        of_user: bool,
    ) -> Result<()> {
        let kind = opened.kind().path(source, "cannot be shared with the app")?;
        self.refuse_listeners(kind, source)?;
        let kind = Kind::of(kind);
        let mount = self.detached_copy(&opened.fd, source, read_only, of_user)?;
        let place = self.place(dest, kind)?;
        attach(&mount, &place).path(dest, "cannot be put in its place")?;
        if !read_only {
            self.wall.allow(&mount, Rights::CHANGE, kind)?;
        }
        self.close_below(&mount, opened, !read_only)
    }

    /// An app that root makes root inside has root's own uid, and what it holds it owns: over a socket
    /// files of the host would come in, and files of root's get out.
    fn refuse_listeners(&self, kind: FileType, source: &AbsPath) -> Result<()> {
        if self.id_map.is_none() {
            return Ok(());
        }
        match kind {
            FileType::Socket => Err(Error::new(format!(
                "the socket “{source}” cannot be given to an app that the helper makes root"
            ))
            .remedy("arkose run --via user …")),
            FileType::Directory => {
                self.wall.is_heard_outside();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn private_home(&mut self, data: &AbsPath, source: &AbsPath, dest: &AbsPath) -> Result<()> {
        let opened = {
            let _as_caller = self.as_ids(self.owners.caller)?;
            source::private_home(data, source)?
        };
        let Some(opened) = self.bounded(opened, source, Purpose::PrivateHome)? else {
            return Ok(());
        };
        self.bind_opened(&opened, source, dest, false, true)
    }

    /// What is a mount can be neither renamed nor removed.
    fn pin(&mut self, dest: &AbsPath) -> Result<()> {
        let place = match self.find(dest) {
            Err(Errno::NOENT) => return Ok(()),
            found => found.path(dest, "cannot be held in its place")?,
        };
        let mount = copy_of(&place, true).path(dest, "cannot be held in its place")?;
        attach(&mount, &place).path(dest, "cannot be held in its place")
    }

    /// Opens a path of the host as the caller would, and never through `/proc`'s links to other
    /// processes' files.
    fn open_source(&self, source: &AbsPath) -> Result<OwnedFd> {
        let opened = {
            let _as_caller = self.as_ids(self.owners.caller)?;
            source::open(&self.writable, source)?
        };
        if !self.is_caller() && source::may_be_fuse(&opened) {
            return self.open_as_caller(source).map(|(opened, _)| opened);
        }
        Ok(opened)
    }

    /// The same, with every id and right of the caller's and no other.
    fn open_as_caller(&self, source: &AbsPath) -> Result<(OwnedFd, Kind)> {
        source::open_as(self.owners.caller, &self.writable, source)
    }

    /// A mount of what `opened` refers to, attached nowhere yet.
    fn detached_copy(
        &self,
        opened: &OwnedFd,
        source: &AbsPath,
        read_only: bool,
        of_user: bool,
    ) -> Result<OwnedFd> {
        let id_map = self.id_map.filter(|_| of_user);
        let message = "cannot be shared with the app";
        let attr = |recursive| MountAttr {
            read_only,
            no_suid: true,
            no_dev: true,
            private: true,
            id_map,
            recursive,
        };
        let mount = copy_of(opened, true).path(source, message)?;
        match set_mount_attr(&mount, &attr(true)) {
            // A file system below that cannot translate owners is left out.
            Err(Errno::INVAL | Errno::OPNOTSUPP) if id_map.is_some() => {}
            result => return result.path(source, message).map(|()| mount),
        }
        let mount = copy_of(opened, false).path(source, message)?;
        set_mount_attr(&mount, &attr(false)).map_err(|errno| {
            Error::new(format!(
                "“{source}” cannot be shared with an app that runs as root, because its file system cannot translate owners"
            ))
            .because(errno)
        })?;
        Ok(mount)
    }

    fn hide(&mut self, dest: &AbsPath, always: bool) -> Result<()> {
        let place = match self.find(dest) {
            Ok(place) => place,
            // Where the app cannot go there is nothing to hide.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) if !always => return Ok(()),
            Err(Errno::NOENT) => self.place(dest, Kind::Directory)?,
            Err(errno) => return Err(errno).path(dest, "cannot be hidden"),
        };
        let kind = kind_of(&place).path(dest, "cannot be hidden")?;
        let empty = match kind {
            Kind::Directory => self.new_directory(Mode::from_raw_mode(0o700))?,
            Kind::Other => self.new_file(&[], Mode::from_raw_mode(0o400))?,
        };
        self.attach_scratch(&empty, &place, kind == Kind::Other).path(dest, "cannot be hidden")
    }

    fn scratch(&mut self, dest: &AbsPath, mode: u32) -> Result<()> {
        let message = "cannot be made empty";
        let missing = matches!(self.find(dest), Err(Errno::NOENT));
        let place = self.place(dest, Kind::Directory)?;
        let mode = Mode::from_raw_mode(mode);
        // What was just made in the tree's own tmpfs is empty, and goes with it.
        if missing && self.tree.holds(&place).path(dest, message)? {
            self.give_to_app(&place, mode).path(dest, message)?;
            return self.wall.allow(&place, Rights::CHANGE, Kind::Directory);
        }
        let directory = self.new_directory(mode)?;
        self.attach_scratch(&directory, &place, false).path(dest, message)?;
        self.wall.allow(&directory, Rights::CHANGE, Kind::Directory)
    }

    fn file(&mut self, dest: &AbsPath, mode: u32, index: usize) -> Result<()> {
        let content = self.files.get(index).map_or(&[][..], |file| &file.content.0);
        let file = self.new_file(content, Mode::from_raw_mode(mode & 0o777))?;
        // Most take the place of one that is there.
        let place = self.find(dest).or_else(|_| self.place(dest, Kind::Other))?;
        self.attach_scratch(&file, &place, true).path(dest, "cannot be put in its place")
    }

    fn attach_scratch(
        &self,
        source: &OwnedFd,
        place: &OwnedFd,
        read_only: bool,
    ) -> Result<(), Errno> {
        let mount = copy_of(source, false)?;
        let attr = MountAttr { read_only, no_suid: true, no_dev: true, ..MountAttr::default() };
        set_mount_attr(&mount, &attr)?;
        attach(&mount, place)
    }

    /// A granted device: the very node that was opened, checked to be one of the host's `/dev`.
    fn device(&mut self, path: &AbsPath, number: Option<(u32, u32)>) -> Result<()> {
        // The few that every sandbox has are not granted.
        let purpose = if number.is_some() { Purpose::System } else { Purpose::Device };
        let Some(source) = self.source(path, purpose)? else { return Ok(()) };
        let opened = &source.fd;
        check_device(opened, path, number)?;
        let mount = copy_of(opened, number.is_none()).path(path, "cannot be granted")?;
        // Read-only is the node, not the device: it can be opened for writing, but not given away.
        let attr = MountAttr {
            read_only: true,
            no_suid: true,
            private: true,
            recursive: true,
            ..MountAttr::default()
        };
        set_mount_attr(&mount, &attr).path(path, "cannot be granted")?;
        let kind = kind_of(opened).path(path, "cannot be granted")?;
        let place = self.place(path, kind)?;
        attach(&mount, &place).path(path, "cannot be granted")?;
        self.wall.allow(&mount, Rights::CONTROL, kind)?;
        self.close_below(&mount, &source, false)
    }
}

impl Builder<'_> {
    /// Whether this process is the caller, as in a user namespace.
    fn is_caller(&self) -> bool {
        self.own == self.owners.caller
    }

    /// Opens files as that user until the result is dropped; an error if the kernel did not obey.
    /// Who is that user anyway, as in a user namespace, needs no call.
    fn as_ids(&self, (uid, gid): (Uid, Gid)) -> Result<Option<sys::FsIds>> {
        if self.own == (uid, gid) {
            return Ok(None);
        }
        let ids = sys::fs_ids(uid, gid);
        if ids.are(uid, gid) {
            Ok(Some(ids))
        } else {
            Err(Error::new("the kernel refused to open files as the user"))
        }
    }
}

/// A detached mount of what a descriptor refers to.
fn copy_of(opened: impl AsFd, recursive: bool) -> Result<OwnedFd, Errno> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    rustix::mount::open_tree(opened, c"", flags)
}

/// Attaches a detached mount to the place that a descriptor refers to.
fn attach(mount: impl AsFd, place: impl AsFd) -> Result<(), Errno> {
    rustix::mount::move_mount(
        mount,
        c"",
        place,
        c"",
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
    )
}
