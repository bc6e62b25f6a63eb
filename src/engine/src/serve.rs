//! One request, from its arrival to the end of its sandbox. As root, the process that serves it
//! stays outside, holds what privilege there is, and only waits: for the sandbox's end, or for the
//! supervisor's. Without privilege there is nothing to hold, and the supervisor waits itself.

use crate::bounds;
use crate::error::{Context as _, Error, Result};
use crate::host::ThisMachine;
use crate::ids::{self, Caller};
use crate::init::{self, Setup};
use crate::limits::Inside;
use crate::limits::{self, Own, Place};
use crate::network::{Bridges, OnLink};
use crate::outlet::{Landing, Outlet, Steersman, Through};
use crate::plan::{self, Plan, Way};
use crate::refusal::refused;
use crate::sys::{self, Forked};
use arkose_admin::{Action, Caps};
use arkose_profile::{Network, RunAs, Walls};
use arkose_protocol::{Channel, Event, ProtocolError, Request};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions};
use std::os::fd::{AsFd as _, OwnedFd};

/// The longest name of a machine that the kernel takes.
const MAX_HOSTNAME: usize = 64;

/// What polkit allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// To run an app as the caller.
    Launch,
    /// To run an app as root of its sandbox as well.
    Admin,
}

impl Granted {
    fn action(self) -> Action {
        match self {
            Self::Launch => Action::Launch,
            Self::Admin => Action::Admin,
        }
    }
}

/// Receives a request, builds its sandbox and waits for its end. What becomes of the app is
/// told to the supervisor; an error here is told as well.
pub fn serve(channel: &Channel, caller: &Caller, granted: Granted) {
    sys::reset_signals();
    if let Err(error) = serve_request(channel, caller, granted) {
        // If the supervisor is gone nobody is left to tell.
        let _ = channel.send_event(&Event::Failed(error.into_failure()));
    }
}

fn serve_request(channel: &Channel, caller: &Caller, granted: Granted) -> Result<()> {
    let (mut request, stdio, group) =
        channel.receive_request().map_err(|error| Error::new(error.to_string()))?;
    if request.policy.runas == RunAs::Root && granted != Granted::Admin {
        return Err(Error::new("an app may run as root only when an administrator allowed it"));
    }
    let caps = bounds::of(caller)?;
    let caps = caps.as_ref();
    if let Some(caps) = caps {
        caps.limit(&mut request.policy);
    }
    bounds::judge(caps, &request.policy, Some(granted.action()))?;
    // What is looked up for the plan is looked up with the caller's rights: what it comes to shows
    // inside.
    rustix::thread::set_thread_groups(&caller.groups)
        .context("the groups of the user cannot be taken on")?;
    let plan = {
        let ids = sys::fs_ids(caller.uid, caller.gid);
        if !ids.are(caller.uid, caller.gid) {
            return Err(Error::new("the kernel refused to look at files as the user"));
        }
        plan(&request, caller, Way::Helper)?
    };
    check_stdio(&request, &stdio, Way::Helper, caps)?;
    // A group of the user's own could be lifted by the user.
    let group = group.filter(|_| !caps.is_some_and(Caps::has_limits));
    let place = limits::place(request.policy.limits, group, Way::Helper, caller)?;
    let id_map = plan.as_root.then(|| ids::translating_namespace(caller)).transpose()?;
    let (steersman, outlet) = network(&request, caller)?;
    let (ours, theirs) = gate()?;
    match clone(&plan, &place)? {
        Forked::Child => {
            drop(ours);
            let inside = Inside::enter(&place, plan.walls);
            let (request, plan, gate) = (&request, &plan, Some(theirs));
            drop(steersman);
            let setup =
                Setup { channel, request, plan, caller, caps, inside, id_map, gate, outlet };
            init::run(setup, stdio)
        }
        Forked::Parent { pid, pidfd } => {
            drop((theirs, stdio, id_map, outlet, request));
            // Inside, its id is another.
            let _ = channel.send_event(&Event::First(pid.as_raw_nonzero().get()));
            let steering = steersman.map(|steersman| steersman.start(&pidfd)).transpose();
            let result = match &steering {
                Ok(_) => accompany(channel, &ours, plan.as_root, pid, &pidfd),
                Err(_) => Ok(()),
            };
            let result = steering.and(result);
            // Whatever happened, nothing of the sandbox is left when this returns.
            let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
            if let Place::Own(own) = &place {
                // What the group has counted goes with it.
                let _ = channel.send_event(&Event::Struck(own.group().struck()));
            }
            drop(place);
            result
        }
    }
}

/// A sandbox that is being built for this very process.
#[derive(Debug)]
pub struct Launched {
    /// The other end of its channel.
    pub channel: Channel,
    /// Its first process.
    pub first: Pid,
    /// The control group that was made for it.
    pub group: Option<Own>,
}

/// Builds a sandbox for this very process, without any privilege. When this process ends, so does
/// the sandbox. `group` is one that enforces the limits already.
///
/// No program is started and no file is opened for it: what a launch costs is the sandbox. The app
/// gets the standard descriptors of this process, which must have one thread.
///
/// # Errors
/// When the request asks for what cannot be or is not allowed, or the kernel gives no namespaces.
pub fn launch(request: &Request, caps: Option<&Caps>, group: Option<&OwnedFd>) -> Result<Launched> {
    let unable = |error: ProtocolError| Error::new(error.to_string());
    let (ours, theirs) = Channel::pair().map_err(unable)?;
    let caller = Caller::of_socket(ours.as_fd()).context("the kernel does not say who this is")?;
    if request.policy.zone.is_some() {
        return Err(Error::new("only root's helper can join a sandbox to a network bridge")
            .remedy("arkose run --via helper …"));
    }
    bounds::judge(caps, &request.policy, None)?;
    let plan = plan(request, &caller, Way::User)?;
    let group = group.map(OwnedFd::try_clone).transpose();
    let group = group.map_err(|_| Error::new("there are no descriptors"))?;
    let place = limits::place(request.policy.limits, group, Way::User, &caller)?;
    if let (Walls::Light, Place::Counted(_)) = (plan.walls, &place) {
        return Err(Error::new(
            "light walls cannot count processes, and this machine gives this user no control group for it",
        )
        .remedy("arkose run --walls full …"));
    }
    match clone(&plan, &place)? {
        Forked::Parent { pid: first, .. } => {
            let group = if let Place::Own(own) = place { Some(own) } else { None };
            Ok(Launched { channel: ours, first, group })
        }
        Forked::Child => {
            let inside = Inside::enter(&place, plan.walls);
            // Without a channel there is nobody to tell, and the supervisor sees the end.
            let Ok((channel, stdio)) = alone(theirs) else { sys::exit(0) };
            let (channel, caller, plan) = (&channel, &caller, &plan);
            if let Err(error) = check_stdio(request, &stdio, Way::User, caps) {
                let _ = channel.send_event(&Event::Failed(error.into_failure()));
                sys::exit(0)
            }
            let (id_map, gate, outlet) = (None, None, None);
            let setup =
                Setup { channel, request, plan, caller, caps, inside, id_map, gate, outlet };
            init::run(setup, stdio)
        }
    }
}

/// Keeps nothing of the process that this one was forked from but the channel and the standard
/// descriptors: neither its signals, nor its terminal, nor its arguments, which the app could read.
fn alone(channel: Channel) -> Result<(Channel, [OwnedFd; 3]), Errno> {
    let kept = sys::keep_only(channel.into_fd())?;
    sys::reset_signals();
    sys::hide_arguments();
    let _ = rustix::thread::set_name(c"arkose-sandbox");
    rustix::process::setsid()?;
    let own = |fd| rustix::io::fcntl_dupfd_cloexec(fd, 4);
    let stdio = [
        own(rustix::stdio::stdin())?,
        own(rustix::stdio::stdout())?,
        own(rustix::stdio::stderr())?,
    ];
    Ok((Channel::new(kept), stdio))
}

fn plan(request: &Request, caller: &Caller, way: Way) -> Result<Plan> {
    check(request)?;
    let as_root = request.policy.runas == RunAs::Root;
    let uid = if as_root { 0 } else { caller.uid.as_raw() };
    let host = ThisMachine::read().map_err(|error| {
        Error::new(format!("the mounts of this machine cannot be read: {error}"))
    })?;
    plan::make(request, &host, way, uid)
}

/// Forks the sandbox's first process, in its namespaces and where its limits hold.
fn clone(plan: &Plan, place: &Place) -> Result<Forked> {
    let namespaces = plan.walls == Walls::Full;
    let user = namespaces && plan.way == Way::User;
    let network = namespaces && plan.own_network;
    let group = place.born_in().map(OwnedFd::as_fd);
    let forked = sys::clone(sys::Clone { user, sandbox: namespaces, network, group });
    forked.map_err(|errno| match group {
        // Namespaces are not what this errno is about.
        Some(_)
            if matches!(errno, Errno::ACCESS | Errno::BUSY | Errno::OPNOTSUPP | Errno::NODEV) =>
        {
            let error = Error::new("the sandbox cannot be put into its control group");
            let error = error.because(errno);
            if plan.way == Way::User { error.needs_root() } else { error }
        }
        _ => refused(errno, plan.way),
    })
}

/// What a network with rules needs of root: who changes it while it is in use, and what the first process gets.
fn network(request: &Request, caller: &Caller) -> Result<(Option<Steersman>, Option<Outlet>)> {
    let policy = &request.policy;
    if policy.network != Network::Filtered {
        return Ok((None, None));
    }
    let through = match policy.zone {
        Some(_) => Through::Zone(Bridges::open()?),
        None => Through::Landing(Landing::make(caller)?),
    };
    let link = OnLink::of(policy.zone.as_ref());
    let (steersman, steering) = Steersman::new(policy.network_rules.clone(), link)?;
    Ok((Some(steersman), Some(Outlet { through, steering })))
}

/// Waits until the sandbox has ended or must end. `gate` stays open as long, which tells its first
/// process that this one lives; over it comes one question where `asked_for_map`.
fn accompany(
    channel: &Channel,
    gate: &OwnedFd,
    mut asked_for_map: bool,
    pid: Pid,
    pidfd: &OwnedFd,
) -> Result<()> {
    loop {
        let mut fds = vec![
            PollFd::new(pidfd, PollFlags::IN),
            // Only its end: what comes over it is read inside.
            PollFd::from_borrowed_fd(channel.as_fd(), PollFlags::empty()),
        ];
        fds.extend(asked_for_map.then(|| PollFd::new(gate, PollFlags::IN)));
        match rustix::event::poll(&mut fds, None) {
            Err(Errno::INTR) => continue,
            result => result.context("the sandbox cannot be waited for")?,
        };
        let reported = |index: usize| fds.get(index).is_some_and(|fd| !fd.revents().is_empty());
        let (ended, asked) = (reported(0) || reported(1), reported(2));
        if ended {
            return Ok(());
        }
        // Asked once; an end that is closed would be reported again and again.
        if asked {
            asked_for_map = false;
            open_gate(gate, pid)?;
        }
    }
}

/// The sandbox's first process has entered a user namespace and asks for its map.
fn open_gate(gate: &OwnedFd, pid: Pid) -> Result<()> {
    let mut byte = [0];
    if rustix::io::read(gate, &mut byte).unwrap_or(0) == 1 {
        ids::map_all(pid)?;
        rustix::io::write(gate, &byte).context("the sandbox does not answer")?;
    }
    Ok(())
}

/// Over which the sandbox's first process asks for a map of ids, is told that it is there, and sees
/// the end of who would tell it.
fn gate() -> Result<(OwnedFd, OwnedFd)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .context("there are no sockets")
}

/// A directory would lead out of the sandbox. And an app that root makes root inside is the owner of
/// every file that it holds: it gets pipes and its own terminal, which have no life outside.
/// One that a user makes root stays that user to the host.
pub(crate) fn check_stdio(
    request: &Request,
    stdio: &[OwnedFd; 3],
    way: Way,
    caps: Option<&Caps>,
) -> Result<()> {
    let as_root = way == Way::Helper && request.policy.runas == RunAs::Root;
    let light = request.policy.walls == Walls::Light;
    let replaced = request.terminal.map_or([false; 3], |terminal| terminal.replaces);
    for (fd, replaced) in stdio.iter().zip(replaced) {
        if replaced {
            continue;
        }
        let message = "a standard descriptor cannot be given to the app";
        let path_only = rustix::fs::fcntl_getfl(fd).context(message)?.contains(OFlags::PATH);
        let mode = rustix::fs::fstat(fd).context(message)?.st_mode;
        match FileType::from_raw_mode(mode) {
            _ if path_only => return Err(Error::new(message)),
            FileType::Socket if light && leads_anywhere(fd).context(message)? => {
                return Err(Error::new(
                    "with light walls a local socket that is not connected cannot be a standard descriptor of the app",
                ));
            }
            // Over one that leads outside, files of the host would come in.
            FileType::Socket if !as_root => {}
            // One with a name is a file of the host like others.
            FileType::Fifo if is_nameless(fd).context(message)? => {}
            FileType::Directory => {
                return Err(Error::new("a directory cannot be a standard descriptor of the app"));
            }
            _ if as_root => {
                return Err(Error::new(
                    "an app that runs as root can have only pipes and terminals as standard descriptors",
                ));
            }
            _ => {
                let Some(caps) = caps else { continue };
                if let Some(real) = bounds::real_place(fd)? {
                    caps.may_reach(&real).map_err(|denied| bounds::refused(&denied))?;
                }
            }
        }
    }
    Ok(())
}

/// Whether a local socket could still be connected, or send, to whom it likes: by a path of the host,
/// where no mount hides those.
fn leads_anywhere(socket: &OwnedFd) -> Result<bool, Errno> {
    use rustix::net::{AddressFamily, SocketType, getpeername, sockopt};
    if sockopt::socket_domain(socket)? != AddressFamily::UNIX {
        return Ok(false);
    }
    let datagrams = sockopt::socket_type(socket)? == SocketType::DGRAM;
    let settled = getpeername(socket).is_ok() || sockopt::socket_acceptconn(socket)?;
    Ok(datagrams || !settled)
}

/// Whether a pipe is one as pipe(2) makes them, and does not lie in a directory.
fn is_nameless(pipe: &OwnedFd) -> Result<bool, Errno> {
    /// `PIPEFS_MAGIC` of linux/magic.h.
    const PIPES: u32 = 0x5049_5045;
    Ok(u32::try_from(rustix::fs::fstatfs(pipe)?.f_type) == Ok(PIPES))
}

/// Refuses what no command can be started with.
pub(crate) fn check(request: &Request) -> Result<()> {
    if request.argv.first().is_none_or(|program| program.0.is_empty()) {
        return Err(Error::new("no command was given"));
    }
    let strings = request.argv.iter().chain(&request.env);
    if strings.clone().any(|string| string.0.contains(&0)) {
        return Err(Error::new("an argument or a variable has a NUL byte in it"));
    }
    let name = request.hostname.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if name.is_empty() || name.len() > MAX_HOSTNAME || !name.iter().all(plain) {
        return Err(Error::new(format!(
            "a host name has 1 to {MAX_HOSTNAME} letters, digits, hyphens and dots"
        )));
    }
    Ok(())
}
