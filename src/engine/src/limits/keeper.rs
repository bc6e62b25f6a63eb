//! A process that removes a control group should whoever made it be killed.
//!
//! It is forked before the sandbox, holds the directories and its maker's pidfd and nothing else,
//! and is out of reach of the terminal's signals. At an ordinary end it has nothing to do.

use super::own::Made;
use crate::sys::{self, Forked, SignalFd};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use rustix::thread::Timespec;
use std::os::fd::{AsRawFd as _, OwnedFd};

/// How often a directory is tried before it is left to the next launch: two seconds.
pub(super) const ATTEMPTS: u32 = 1000;

/// The running keeper; dropping it ends it.
#[derive(Debug)]
pub(super) struct Keeper {
    pid: Pid,
    pidfd: OwnedFd,
}

impl Keeper {
    pub(super) fn start(made: &[Made]) -> Result<Self, Errno> {
        let maker = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?;
        match sys::clone(sys::Clone::default())? {
            Forked::Child => keep(made, &maker),
            Forked::Parent { pid, pidfd } => Ok(Self { pid, pidfd }),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ = rustix::process::waitpid(Some(self.pid), WaitOptions::empty());
    }
}

/// The life of the keeper.
fn keep(made: &[Made], maker: &OwnedFd) -> ! {
    let _ = rustix::thread::set_name(c"arkose-keeper");
    let _ = rustix::process::setsid();
    // Before descriptors are closed: it blocks every signal, and its own descriptor is not needed.
    drop(SignalFd::children());
    let mut kept = vec![maker.as_raw_fd()];
    kept.extend(made.iter().flat_map(|made| [made.parent.as_raw_fd(), made.lock.as_raw_fd()]));
    if sys::close_all_but(&mut kept).is_err() {
        sys::exit(1)
    }
    let mut fds = [PollFd::new(maker, PollFlags::IN)];
    while rustix::event::poll(&mut fds, None) == Err(Errno::INTR) {}
    for _ in 0..ATTEMPTS {
        // Every one is tried, whether or not another can be removed already.
        if made.iter().filter(|made| !made.try_remove()).count() == 0 {
            break;
        }
        pause();
    }
    sys::exit(0)
}

/// Two milliseconds.
pub(super) fn pause() {
    let _ = rustix::thread::nanosleep(&Timespec { tv_sec: 0, tv_nsec: 2_000_000 });
}
