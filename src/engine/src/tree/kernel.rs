//! The kernel's own file systems: processes, pseudo-terminals, devices.

use super::{Builder, attach, copy_of, dest::Kind, dest::kind_of};
use crate::error::{Context as _, Error, Result};
use crate::plan::Way;
use crate::sys::{MountAttr, Rights, set_mount_attr};
use arkose_profile::AbsPath;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use std::os::fd::OwnedFd;

/// Kernel settings and switches, which the kernel lets uid 0 of any user namespace change.
const READ_ONLY: [&str; 7] = ["sys", "sysrq-trigger", "irq", "bus", "driver", "fs", "acpi"];

/// What shows memory, keys or log lines of the whole machine.
const MASKED: [&str; 15] = [
    "kcore",
    "keys",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "latency_stats",
    "mtrr",
    "sched_debug",
    "scsi",
    "slabinfo",
    "timer_list",
    "vmallocinfo",
    "dynamic_debug",
    "asound",
];

const STRICT: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

pub(super) fn processes(builder: &mut Builder<'_>) -> Result<()> {
    let proc = path("/proc")?;
    let message = "the sandbox's own view of processes cannot be mounted";
    let mount = mount_new(c"proc", &[], STRICT).map_err(|errno| {
        Error::new(message).because(errno).remedy(
            "in a container, start it with an unmasked /proc (for example --security-opt unmask=ALL)",
        )
    })?;
    let place = builder.place(&proc, Kind::Directory)?;
    attach(&mount, &place).context(message)?;
    builder.wall.allow(&mount, Rights::WRITE, Kind::Directory)?;
    if !builder.plan.as_root {
        // These belong to the machine's root, and the app is not even root of its sandbox.
        return Ok(());
    }
    for name in READ_ONLY {
        protect(&mount, name)?;
    }
    for name in MASKED {
        mask(builder, &mount, name)?;
    }
    Ok(())
}

/// Mounts an entry of the new `/proc` over itself, read-only.
fn protect(proc: &OwnedFd, name: &str) -> Result<()> {
    let message = "the kernel's settings cannot be protected";
    let Some(opened) = open_in_proc(proc, name).context(message)? else { return Ok(()) };
    let mount = copy_of(&opened, false).context(message)?;
    let attr = MountAttr { read_only: true, no_suid: true, no_dev: true, ..MountAttr::default() };
    set_mount_attr(&mount, &attr).context(message)?;
    attach(&mount, &opened).context(message)
}

/// Mounts something empty over an entry of the new `/proc`.
fn mask(builder: &mut Builder<'_>, proc: &OwnedFd, name: &str) -> Result<()> {
    let message = "the machine's secrets in /proc cannot be hidden";
    let Some(place) = open_in_proc(proc, name).context(message)? else { return Ok(()) };
    let empty = match kind_of(&place).context(message)? {
        Kind::Directory => builder.new_directory(Mode::from_raw_mode(0o555))?,
        Kind::Other => builder.new_file(&[], Mode::from_raw_mode(0o444))?,
    };
    builder.attach_scratch(&empty, &place, true).context(message)
}

/// An entry of the `/proc` that was just mounted, and of no other file system.
fn open_in_proc(proc: &OwnedFd, name: &str) -> Result<Option<OwnedFd>, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    let opened = match rustix::fs::openat2(proc, name, flags, Mode::empty(), resolve) {
        Err(Errno::NOENT) => return Ok(None),
        result => result?,
    };
    let kind = rustix::fs::fstatfs(&opened)?.f_type;
    if kind == rustix::fs::PROC_SUPER_MAGIC { Ok(Some(opened)) } else { Err(Errno::INVAL) }
}

pub(super) fn terminals(builder: &mut Builder<'_>) -> Result<()> {
    let message = "the sandbox's own terminals cannot be mounted";
    let options = [(c"newinstance", None), (c"ptmxmode", Some("0666")), (c"mode", Some("0620"))];
    let attr = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let mount = mount_new(c"devpts", &options, attr).context(message)?;
    let place = builder.place(&path("/dev/pts")?, Kind::Directory)?;
    attach(&mount, &place).context(message)?;
    builder.wall.allow(&mount, Rights::CONTROL, Kind::Directory)
}

pub(super) fn sysfs(builder: &mut Builder<'_>, fresh: bool) -> Result<()> {
    let sys = path("/sys")?;
    if !fresh {
        return builder.bind(&sys, &sys, true, false);
    }
    let message = "the sandbox's own view of devices cannot be mounted";
    let mount = mount_new(c"sysfs", &[], STRICT | MountAttrFlags::MOUNT_ATTR_RDONLY);
    // Inside a container whose /sys is masked the kernel gives no fresh one to a user namespace.
    if builder.plan.way == Way::User && matches!(mount, Err(Errno::PERM)) {
        return Ok(());
    }
    let place = builder.place(&sys, Kind::Directory)?;
    attach(mount.context(message)?, &place).context(message)
}

fn mount_new(
    kind: &std::ffi::CStr,
    options: &[(&std::ffi::CStr, Option<&str>)],
    attr: MountAttrFlags,
) -> Result<OwnedFd, Errno> {
    let fs = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        match value {
            Some(value) => rustix::mount::fsconfig_set_string(&fs, *key, *value)?,
            None => rustix::mount::fsconfig_set_flag(&fs, *key)?,
        }
    }
    rustix::mount::fsconfig_create(&fs)?;
    rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attr)
}

/// Whether what was opened is the device with that number, or at least one of the host's `/dev`
/// and not of a file system that was mounted or filled by somebody else.
pub(crate) fn check_device(
    opened: &OwnedFd,
    path: &AbsPath,
    number: Option<(u32, u32)>,
) -> Result<()> {
    let message = "cannot be granted";
    let stat = rustix::fs::fstat(opened).path(path, message)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    let found = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    let right = match number {
        Some(number) => kind == FileType::CharacterDevice && found == number,
        None => {
            let dev = rustix::fs::stat(c"/dev").path(path, message)?;
            stat.st_dev == dev.st_dev
                && matches!(
                    kind,
                    FileType::CharacterDevice | FileType::BlockDevice | FileType::Directory
                )
        }
    };
    if right {
        Ok(())
    } else {
        Err(Error::new(format!("“{path}” is not a device of this machine")))
    }
}

fn path(text: &str) -> Result<AbsPath> {
    AbsPath::new(text).map_err(|error| Error::new(format!("“{text}” {error}")))
}
