//! The way out of a filtered network that root made. What carries its packets is a program of the user's,
//! and that user has no right in the sandbox's network: so the way out is made in a network of the
//! user's, and root takes it from there.
//!
//! The user is owner of that other network as one is who makes it without root's help, and reaches
//! nothing through it that is not reached without.

use crate::error::{Context as _, Error, Result};
use crate::ids::{self, Caller};
use crate::network::{self, Bridges, Generation, OnLink, Walls};
use crate::sys::{self, Child, Forked};
use arkose_profile::net::Rules;
use arkose_protocol::{Channel, Received, Steer};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::net::{SendFlags, sockopt};
use rustix::process::{Pid, Resource, Rlimit, Uid};
use rustix::thread::CapabilitySets;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
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
                let _child = Child { pid, pidfd };
                Self::of(caller, pid, &ours)
            }
        }
    }

    fn of(caller: &Caller, pid: Pid, socket: &OwnedFd) -> Result<Self> {
        // The owner of a namespace may stop what is in it: it is not waited for as long as that pleases.
        let patience = Timespec::try_from(PATIENCE).map_err(|_| Error::new(MESSAGE))?;
        let mut fds = [PollFd::new(socket, PollFlags::IN)];
        let ready = rustix::event::poll(&mut fds, Some(&patience)).context(MESSAGE)?;
        let mut byte = [0];
        if ready != 1 || rustix::io::read(socket, &mut byte).context(MESSAGE)? != 1 {
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
    // Whether the caller sees into it, who it is in part from here on, is up to the machine otherwise.
    ids::hide_process()?;
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

/// Will change the rules of the sandbox's network while it is in use, as it is asked to.
#[derive(Debug)]
pub(crate) struct Steersman {
    channel: Channel,
    rules: Rules,
    link: OnLink,
}

impl Steersman {
    /// And the socket for who asks.
    pub(crate) fn new(rules: Rules, link: OnLink) -> Result<(Self, OwnedFd)> {
        let pair = Channel::pair().map_err(|error| Error::new(error.to_string()))?;
        let (channel, theirs) = (pair.0, pair.1.into_fd());
        sockopt::set_socket_timeout(&theirs, sockopt::Timeout::Recv, Some(PATIENCE))
            .context(MESSAGE)?;
        Ok((Self { channel, rules, link }, theirs))
    }

    /// Begins, in the sandbox whose first process that is, and in a process of its own: what is asked can take long,
    /// and the helper has an end to wait for.
    pub(crate) fn start(self, first: &OwnedFd) -> Result<Child> {
        let parent = rustix::process::getpid();
        match sys::clone(sys::Clone::default()).context(MESSAGE)? {
            Forked::Parent { pid, pidfd } => Ok(Child { pid, pidfd }),
            Forked::Child => {
                // It ends with whoever asks it in any case.
                let _ = self.serve(parent, first);
                sys::exit(0)
            }
        }
    }

    /// Does what is asked until nobody asks any more, or what is asked makes no sense: nobody but a program of
    /// ours has anything to say here.
    fn serve(self, parent: Pid, first: &OwnedFd) -> Result<()> {
        ids::end_with(parent).context(MESSAGE)?;
        enter_network(first)?;
        let mut kept = [self.channel.as_fd().as_raw_fd()];
        sys::close_all_but(&mut kept).context(MESSAGE)?;
        bound_memory()?;
        let control = network::open_control()?;
        let mut walls = Walls::new(control, &self.rules, &[], Generation::MIN).on(self.link);
        while let Ok(Received::Message(asked, _)) = self.channel.receive_long::<Steer>() {
            let sent = self.channel.send_long(&walls.steer(&asked));
            sent.map_err(|error| Error::new(error.to_string()))?;
        }
        Ok(())
    }
}

/// What is asked is as long as a request at most, and this is many times what the longest rules come to.
fn bound_memory() -> Result<()> {
    const MOST: Option<u64> = Some(1 << 29);
    let limit = Rlimit { current: MOST, maximum: MOST };
    rustix::process::setrlimit(Resource::As, limit).context(MESSAGE)
}

/// Where the way out of a network that root made leads.
#[derive(Debug)]
pub(crate) enum Through {
    /// To where the user's program makes it.
    Landing(Landing),
    /// To one of the bridges of this computer.
    Zone(Bridges),
}

/// What the first process of a sandbox that root builds is given for its way out.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) through: Through,
    /// For who asks the [`Steersman`].
    pub(crate) steering: OwnedFd,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Lookout, Uplink, adopt};
    use rustix::process::{Gid, getgid};
    use std::process::Command;

    fn landing() -> Landing {
        assert!(rustix::process::geteuid().is_root(), "this test needs root: ./dev test");
        let (uid, gid) = (Uid::from_raw(1001), Gid::from_raw(1001));
        Landing::make(&Caller { uid, gid, groups: vec![gid, getgid()] }).unwrap()
    }

    fn path(fd: &OwnedFd) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd())
    }

    /// Runs a program of root's in the landing's network.
    fn inside(landing: &Landing, program: &[&str]) -> std::process::Output {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", path(&landing.network))).args(program).output().unwrap()
    }

    #[test]
    fn nobody_leaves_a_group_in_the_landing() {
        let landing = landing();
        // With all rights there; what is started anew would have none.
        let leave = format!(
            "import ctypes, os
space = os.open('{}', os.O_RDONLY)
assert ctypes.CDLL(None).setns(space, 0x10000000) == 0
try: os.setgroups([])
except PermissionError: print('kept')",
            path(&landing.user)
        );
        let said = Command::new("python3").args(["-c", &leave]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "kept\n", "{said:?}");
    }

    #[test]
    fn only_what_a_program_carries_is_taken_in() {
        let landing = landing();
        let own = rustix::fs::open(c"/proc/thread-self/ns/net", OFlags::RDONLY, Mode::empty());
        let (own, sandbox) = (own.unwrap(), self::landing().network);
        let names = || {
            let listed = inside(&landing, &["ip", "-br", "link"]);
            String::from_utf8_lossy(&listed.stdout).into_owned()
        };
        for (kind, taken) in [("veth", false), ("tun", true)] {
            let add: &[&str] = match kind {
                "tun" => &["ip", "tuntap", "add", "mine", "mode", "tap"],
                _ => &["ip", "link", "add", "mine", "type", "veth", "peer", "name", "other"],
            };
            let added = inside(&landing, add);
            assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
            let look = within(&landing.network, &own, Lookout::open).unwrap();
            let shown = inside(&landing, &["ip", "-o", "link", "show", "mine"]);
            let text = String::from_utf8_lossy(&shown.stdout).into_owned();
            let index = text.split(':').next().unwrap().trim().parse().unwrap();
            look.move_link(index, &sandbox).unwrap();
            let uplink = Uplink { index, v4: None, v6: None };
            let adopted = within(&sandbox, &own, || adopt(&uplink, &landing.network));
            assert_eq!(adopted.is_ok(), taken, "{kind}: {adopted:?}");
            assert_eq!(names().contains("net0"), !taken, "{kind}");
            inside(&landing, &["ip", "link", "del", "net0"]);
        }
    }
}
