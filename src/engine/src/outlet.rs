//! The way out of a filtered network that root made. What carries its packets is a program of the user's,
//! and that user has no right in the sandbox's network: so the way out is made in a network of the
//! user's, and root takes it from there.
//!
//! The user is owner of that other network as one is who makes it without root's help, and reaches
//! nothing through it that is not reached without.

use crate::error::{Context as _, Error, Result};
use crate::ids::{self, Caller};
use crate::network::{self, Bridges, Generation, OnLink, Walls};
use crate::sys::{self, Forked};
use arkose_profile::net::Rules;
use arkose_protocol::{Channel, Received, Steer, Steered};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::net::{RecvFlags, SendFlags, sockopt};
use rustix::process::{Pid, Signal, Uid, WaitOptions};
use rustix::thread::CapabilitySets;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

const MESSAGE: &str = "the way out of the sandbox's network cannot be made";

/// A network of the caller's.
#[derive(Debug)]
pub(crate) struct Landing {
    pub(crate) user: OwnedFd,
    pub(crate) network: OwnedFd,
}

impl Landing {
    /// Makes it; no process stays in there.
    pub(crate) fn make(caller: &Caller) -> Result<Self> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .context(MESSAGE)?;
        let parent = rustix::process::getpid();
        match sys::clone(sys::Clone::default()).context(MESSAGE)? {
            Forked::Child => {
                drop(ours);
                // Whoever waits sees the other end close.
                if enter(caller).is_err() {
                    sys::exit(1)
                }
                let _ = rustix::net::send(&theirs, &[1], SendFlags::NOSIGNAL);
                ids::wait_for_death(parent)
            }
            Forked::Parent { pid, pidfd } => {
                drop(theirs);
                let landing = Self::of(caller, pid, &ours);
                let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
                let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
                landing
            }
        }
    }

    fn of(caller: &Caller, pid: Pid, socket: &OwnedFd) -> Result<Self> {
        let mut byte = [0];
        let (entered, _) =
            rustix::net::recv(socket, &mut byte[..], RecvFlags::empty()).context(MESSAGE)?;
        if entered != 1 {
            return Err(Error::new(MESSAGE));
        }
        ids::map_caller(caller, pid).context(MESSAGE)?;
        let open = |kind: &str| {
            let path = format!("/proc/{}/ns/{kind}", pid.as_raw_nonzero());
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            rustix::fs::openat(CWD, path, flags, Mode::empty()).context(MESSAGE)
        };
        Ok(Self { user: open("user")?, network: open("net")? })
    }
}

/// Enters namespaces of which the caller is the owner. Making them takes root's right, where users have none
/// to it.
fn enter(caller: &Caller) -> Result<()> {
    rustix::thread::set_thread_res_uid(Uid::ROOT, caller.uid, Uid::ROOT).context(MESSAGE)?;
    let now = rustix::thread::capabilities(None).context(MESSAGE)?;
    let all = CapabilitySets { effective: now.permitted, ..now };
    rustix::thread::set_capabilities(None, all).context(MESSAGE)?;
    sys::unshare_user_and_network().context(MESSAGE)
}

/// Runs something in a network namespace, and comes back to `own`. Where it cannot come back, the process ends.
pub(crate) fn within<T>(
    network: &OwnedFd,
    own: &OwnedFd,
    run: impl FnOnce() -> Result<T>,
) -> Result<T> {
    enter_network(network)?;
    let result = run();
    match enter_network(own) {
        Ok(()) => result,
        Err(_) => sys::exit(1),
    }
}

/// Enters a network namespace, or that of a process.
fn enter_network(of: &OwnedFd) -> Result<()> {
    sys::enter_network(of).context(MESSAGE)
}

/// How long the user's program waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Changes the rules of the sandbox's network while it is in use, as it is asked to.
#[derive(Debug)]
pub(crate) struct Steersman {
    channel: Channel,
    rules: Rules,
    link: OnLink,
    walls: Option<Walls<OwnedFd>>,
}

impl Steersman {
    /// And the socket for who asks.
    pub(crate) fn new(rules: Rules, link: OnLink) -> Result<(Self, OwnedFd)> {
        let pair = Channel::pair().map_err(|error| Error::new(error.to_string()))?;
        let (channel, theirs) = (pair.0, pair.1.into_fd());
        let own = channel.as_fd();
        // Nobody who asks and does not listen holds this process up.
        rustix::io::ioctl_fionbio(own, true).context(MESSAGE)?;
        sockopt::set_socket_timeout(&theirs, sockopt::Timeout::Recv, Some(PATIENCE))
            .context(MESSAGE)?;
        Ok((Self { channel, rules, link, walls: None }, theirs))
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }

    /// Does what is asked in the sandbox whose first process that is; whether there is more to wait for.
    pub(crate) fn serve(&mut self, first: &OwnedFd) -> bool {
        let asked = match self.channel.receive_long::<Steer>() {
            Ok(Received::Message(asked, _)) => asked,
            Ok(Received::Nothing) => return true,
            // What makes no sense ends it: nobody but a program of ours has anything to say here.
            Ok(Received::Closed) | Err(_) => return false,
        };
        let steered = match self.walls(first) {
            Ok(walls) => walls.steer(&asked),
            Err(_) => Steered::Refused,
        };
        self.channel.send_long(&steered).is_ok()
    }

    /// At the first time this process enters the sandbox's network, for good: it has nothing else to do with
    /// any.
    fn walls(&mut self, first: &OwnedFd) -> Result<&mut Walls<OwnedFd>> {
        let walls = match self.walls.take() {
            Some(walls) => walls,
            None => {
                enter_network(first)?;
                let control = network::open_control()?;
                Walls::new(control, &self.rules, &[], Generation::MIN).on(self.link)
            }
        };
        Ok(self.walls.insert(walls))
    }
}

/// Where the way out of a network that root made leads.
#[derive(Debug)]
pub(crate) enum Way {
    /// To where the user's program makes it.
    Landing(Landing),
    /// To one of the bridges of this computer.
    Zone(Bridges),
}

/// What the first process of a sandbox that root builds is given for its way out.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) way: Way,
    /// For who asks the [`Steersman`].
    pub(crate) steering: OwnedFd,
}

#[cfg(test)]
mod tests {
    use super::*;
    use arkose_profile::net::Verdict;
    use rustix::process::{PidfdFlags, getpid, pidfd_open};

    fn steersman() -> (Steersman, Channel, OwnedFd) {
        let rules = Rules { default: Verdict::Deny, list: Vec::new() };
        let (steersman, theirs) = Steersman::new(rules, OnLink::default()).unwrap();
        let first = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
        (steersman, Channel::new(theirs), first)
    }

    #[test]
    fn what_makes_no_sense_ends_the_asking() {
        let (mut steersman, channel, first) = steersman();
        assert!(steersman.serve(&first), "nothing was asked");
        channel.send(&42u8).unwrap();
        assert!(!steersman.serve(&first));
        let (mut steersman, channel, first) = self::steersman();
        drop(channel);
        assert!(!steersman.serve(&first));
    }

    #[test]
    fn who_asks_and_does_not_listen_holds_nobody_up() {
        let (mut steersman, channel, first) = steersman();
        // Where this test may not enter a network, each is refused, which is an answer as well.
        let mut served = 0;
        while served < 10_000 {
            channel.send_long(&Steer::Learn(Vec::new())).unwrap();
            if !steersman.serve(&first) {
                break;
            }
            served += 1;
        }
        assert!((1..10_000).contains(&served), "{served}");
    }
}
