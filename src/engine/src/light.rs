//! A sandbox without namespaces: what stands around the app is Landlock and the filter, and what ends
//! it are two processes of ours.
//!
//! ```text
//! supervisor ── warden ── first process ── the app
//! ```
//!
//! The warden does what the kernel does for a namespace of processes: when the first process is gone
//! it kills everything that is left and waits until nothing is. It can, because it has confined its
//! signals before it started anything: a signal to all processes reaches the sandbox and nobody else.
//! The first process, confined once more within, does the same when it ends or the warden is killed;
//! and the app, confined within that, can signal neither.

use crate::bounds::{self, Bounds, Purpose};
use crate::error::{Context as _, Error, Result};
use crate::plan::{Plan, Reach, Step};
use crate::sys::{self, Clone, Forked, Rights, SignalsConfined};
use crate::tree::{self, Outermost};
use crate::wall::{self, Wall};
use arkose_profile::AbsPath;
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitOptions};
use rustix::thread::CapabilitySet;
use std::os::fd::OwnedFd;

/// What the first process knows of its end.
pub(crate) struct Warden {
    /// Readable when the warden is gone.
    pub(crate) pidfd: OwnedFd,
    /// With which everything but the warden can be ended.
    proof: SignalsConfined,
}

impl Warden {
    /// Ends all that the first process has started, and waits until nothing is left. The warden would
    /// do it as well; but it may just be dying.
    pub(crate) fn end(&self) {
        sys::kill_confined(&self.proof);
        while matches!(rustix::process::wait(WaitOptions::empty()), Ok(_) | Err(Errno::INTR)) {}
    }
}

/// Gives up what a user can give up, and confines the signals of this process for good. Its child
/// returns from this as the first process; it itself stays as the warden and never returns.
pub(crate) fn split() -> Result<Warden> {
    let message = "the sandbox cannot be guarded";
    if rustix::process::geteuid().is_root() {
        return Err(Error::new("light walls do not hold root, to whom the system's files belong")
            .remedy("arkose run --walls full …"));
    }
    rustix::thread::set_no_new_privs(true).context(message)?;
    crate::ids::keep_capabilities(CapabilitySet::empty())?;
    adopt().context(message)?;
    crate::ids::hide_process()?;
    let supervisor = rustix::process::getppid();
    let proof = wall::confine_signals()?;
    // Everything of the user's would be killed at the end if this did not hold.
    if supervisor.is_none_or(|pid| rustix::process::test_kill_process(pid) != Err(Errno::PERM)) {
        return Err(Error::new("Landlock does not confine signals on this kernel"));
    }
    let warden = rustix::process::getpid();
    let pidfd = rustix::process::pidfd_open(warden, PidfdFlags::empty()).context(message)?;
    match sys::clone(Clone::default()).context(message)? {
        Forked::Parent { pid, pidfd } => watch(pid, pidfd, &proof),
        Forked::Child => {
            adopt().context(message)?;
            // Once more: what it ends must not be the warden.
            Ok(Warden { pidfd, proof: wall::confine_signals()? })
        }
    }
}

/// Whose parent has ended becomes this process's child.
fn adopt() -> Result<(), Errno> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
}

/// The warden: waits for the end of the first process, and ends all that is left.
fn watch(first: Pid, pidfd: OwnedFd, proof: &SignalsConfined) -> ! {
    let _ = rustix::thread::set_name(c"arkose-warden");
    // Neither the channel, whose end must be the first process's end, nor anything else.
    drop(sys::keep_only(pidfd));
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, _))) if pid == first => sys::kill_confined(proof),
            Ok(_) | Err(Errno::INTR) => {}
            // Nobody is left.
            Err(_) => sys::exit(0),
        }
    }
}

/// Opens everything that the plan allows, and tells the wall.
pub(crate) fn allow(plan: &Plan, wall: &Wall, bounds: Option<Bounds<'_>>) -> Result<()> {
    let writable = Outermost::of(plan.writable.iter());
    let gate = Gate { wall, bounds };
    plan.steps.iter().try_for_each(|step| match step {
        Step::Allow { path, reach, granted } => {
            let rights = match reach {
                Reach::Read => Rights::READ,
                Reach::Use => Rights::USE,
                Reach::Change => Rights::USE | Rights::CHANGE,
            };
            let purpose = if *granted { Purpose::Grant } else { Purpose::System };
            gate.open(path, tree::open_source(&writable, path)?, rights, purpose)
        }
        Step::PrivateHome { data, source, .. } => {
            let opened = tree::open_private_home(data, source)?;
            gate.open(source, opened, Rights::USE | Rights::CHANGE, Purpose::PrivateHome)
        }
        Step::Device { path, number } => {
            let opened = tree::open_source(&writable, path)?;
            tree::check_device(&opened, path, *number)?;
            // The few that every sandbox has are not granted.
            let purpose = if number.is_some() { Purpose::System } else { Purpose::Device };
            gate.open(path, opened, Rights::READ | Rights::CONTROL, purpose)
        }
        _ => Err(Error::new("light walls can mount nothing")),
    })
}

/// The wall, and what the administrator lets through it.
struct Gate<'a> {
    wall: &'a Wall,
    bounds: Option<Bounds<'a>>,
}

impl Gate<'_> {
    /// Allows what was opened, within what the administrator allows. What is closed to everybody is
    /// left out of the system's files, and a grant with such a thing below it is refused.
    fn open(&self, path: &AbsPath, fd: OwnedFd, rights: Rights, purpose: Purpose) -> Result<()> {
        let stat = rustix::fs::fstat(&fd).path(path, "cannot be shared with the app")?;
        let kind = tree::kind_of(&fd).path(path, "cannot be shared with the app")?;
        if let Some(bounds) = self.bounds {
            let real = bounds::real_place(&fd)?
                .ok_or_else(|| Error::new(format!("“{path}” was removed while it was opened")))?;
            match bounds.allow(&real, FileType::from_raw_mode(stat.st_mode), purpose) {
                Ok(()) => {}
                Err(_) if purpose == Purpose::System => return Ok(()),
                Err(denied) => return Err(bounds::refused(&denied).about(path)),
            }
            if !bounds.caps.closed_below(&real).is_empty() {
                if purpose != Purpose::System {
                    return Err(Error::new(format!(
                        "“{path}” cannot be shared as a whole with light walls, because what is off limits lies below it"
                    )));
                }
                return self.take_apart(&real, rights);
            }
        }
        self.wall.allow(fd, rights, kind)
    }

    /// Allows the entries of a directory that has something below it that is off limits.
    fn take_apart(&self, directory: &AbsPath, rights: Rights) -> Result<()> {
        let none = Outermost::of(std::iter::empty());
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let Ok(path) = directory.join(entry.file_name()) else { continue };
            if let (false, Ok(opened)) = (link, tree::open_source(&none, &path)) {
                self.open(&path, opened, rights, Purpose::System)?;
            }
        }
        Ok(())
    }
}
