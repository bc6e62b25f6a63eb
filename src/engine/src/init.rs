//! The first process of a sandbox: builds what is around it, gives up every privilege, starts the
//! app, and from then on reaps, forwards signals and reports. When it ends, all ends.

use crate::app::{self, App};
use crate::bounds::Bounds;
use crate::enter;
use crate::error::{Context as _, Error, Result};
use crate::ids::{self, Caller};
use crate::light::{self, Warden};
use crate::limits::Inside;
use crate::outlet::Outlet;
use crate::plan::{Plan, Way};
use crate::refusal::refused;
use crate::ruled::Begun;
use crate::seccomp::{self, Filter};
use crate::sys::{self, Forked, SignalFd};
use crate::tree::{self, Owners, Tree};
use crate::wall::Wall;
use arkose_admin::Caps;
use arkose_profile::{Network, RunAs, Walls};
use arkose_protocol::{Channel, Control, Event, Received, Request, Status};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Pid, Signal, Uid, WaitOptions, WaitStatus};
use std::os::fd::{AsFd as _, OwnedFd};

/// What the first process is given.
pub(crate) struct Setup<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) request: &'a Request,
    pub(crate) plan: &'a Plan,
    pub(crate) caller: &'a Caller,
    /// What the administrator lets that caller ask for.
    pub(crate) caps: Option<&'a Caps>,
    /// What holds the limits.
    pub(crate) inside: Inside,
    pub(crate) id_map: Option<OwnedFd>,
    /// Over which a map of ids is asked for, and whose other end is the helper's: there is one when root
    /// builds the sandbox.
    pub(crate) gate: Option<OwnedFd>,
    /// For a network with rules that root makes.
    pub(crate) outlet: Option<Outlet>,
}

/// Runs as the first process; never returns to what the parent was doing.
pub(crate) fn run(mut setup: Setup<'_>, stdio: [OwnedFd; 3]) -> ! {
    let channel = setup.channel;
    let result = match setup.plan.walls {
        Walls::Light => without_namespaces(&setup, stdio),
        Walls::Full => build_sandbox(&mut setup).and_then(|wall| {
            drop((setup.id_map.take(), setup.gate.take()));
            live(&setup, stdio, &wall, GUESTS, None)
        }),
    };
    if let Err(error) = result {
        let _ = channel.send_event(&Event::Failed(error.into_failure()));
    }
    sys::exit(0)
}

/// The same with light walls.
fn without_namespaces(setup: &Setup<'_>, stdio: [OwnedFd; 3]) -> Result<()> {
    let warden = light::split()?;
    let wall = Wall::of_light(setup.plan)?;
    let bounds = setup.caps.map(|caps| Bounds { caps, policy: &setup.request.policy });
    light::allow(setup.plan, &wall, bounds)?;
    let result = live(setup, stdio, &wall, GUESTS, Some(&warden));
    warden.end();
    result
}

fn build_sandbox(setup: &mut Setup<'_>) -> Result<Wall> {
    let outlet = setup.outlet.take();
    let setup = &*setup;
    let (plan, request) = (setup.plan, setup.request);
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .context("the sandbox cannot be guarded")?;
    setup.inside.entered.context("the sandbox cannot be put into its control group")?;
    let owners = owners(setup);
    if plan.way == Way::User {
        ids::map_single(setup.caller, owners.app)?;
    } else {
        // What is opened as the user is opened with the user's groups, too.
        rustix::thread::set_thread_groups(&setup.caller.groups)
            .context("the groups of the user cannot be taken on")?;
    }
    let umask = rustix::process::umask(Mode::empty());
    // The first step that needs a right in the new namespace.
    let tree = Tree::new(plan.size).map_err(|error| match error.cause() {
        Some(errno @ (Errno::PERM | Errno::ACCESS)) => refused(errno, plan.way),
        _ => error,
    })?;
    let id_map = setup.id_map.as_ref().map(OwnedFd::as_fd);
    let bounds = setup.caps.map(|caps| Bounds { caps, policy: &request.policy });
    let wall = Wall::of_tree(plan)?;
    if plan.own_network {
        sys::bring_loopback_up().context("the sandbox's own network cannot be started")?;
    }
    let ruled = request.policy.network == Network::Filtered;
    let zone = request.policy.zone.as_ref();
    let begin = || Begun::begin(setup.channel, owners.app.1, outlet, zone);
    let network = ruled.then(begin).transpose()?;
    tree::build(&tree, plan, &request.files, owners, id_map, &wall, bounds)?;
    rustix::system::sethostname(request.hostname.as_bytes())
        .context("the host name cannot be set")?;
    tree.enter()?;
    rustix::process::umask(umask);
    network.map_or(Ok(()), |network| network.finish(request, setup.channel))?;
    give_up_privilege(setup).map(|()| wall)
}

/// The ids as this process sees them, once they are mapped.
fn owners(setup: &Setup<'_>) -> Owners {
    let real = (setup.caller.uid, setup.caller.gid);
    let app = if setup.plan.as_root { (Uid::ROOT, Gid::ROOT) } else { real };
    match setup.plan.way {
        // One id is mapped: the caller is the app.
        Way::User => Owners { caller: app, app },
        Way::Helper => Owners { caller: real, app },
    }
}

fn give_up_privilege(setup: &Setup<'_>) -> Result<()> {
    match (setup.plan.way, setup.request.policy.runas) {
        (Way::Helper, RunAs::User) => ids::become_caller(setup.caller)?,
        (Way::Helper, RunAs::Root) => {
            enter_user_namespace(setup.gate.as_ref())?;
            rustix::thread::set_thread_groups(&[]).context("the groups cannot be given up")?;
            ids::give_up_capabilities(true)?;
        }
        (Way::User, runas) => ids::give_up_capabilities(runas == RunAs::Root)?,
    }
    rustix::thread::set_no_new_privs(true).context("the sandbox cannot be guarded")?;
    ids::guard_process()?;
    setup.gate.as_ref().map_or(Ok(()), accompanied)
}

/// The kernel forgets who ends with whom when the user changes; a helper that died before it was told
/// again would leave the sandbox alone.
fn accompanied(gate: &OwnedFd) -> Result<()> {
    let message = "the helper ended before the sandbox began";
    let mut fds = [PollFd::new(gate, PollFlags::empty())];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    match rustix::event::poll(&mut fds, Some(&now)).context(message)? {
        0 => Ok(()),
        _ => Err(Error::new(message)),
    }
}

/// From here on root is root of this namespace alone. Its map is written from outside.
fn enter_user_namespace(gate: Option<&OwnedFd>) -> Result<()> {
    let message = "root cannot be mapped into the sandbox";
    let gate = gate.ok_or_else(|| Error::new(message))?;
    sys::unshare_user().context(message)?;
    rustix::io::write(gate, &[1]).context(message)?;
    let mut byte = [0];
    match rustix::io::read(gate, &mut byte) {
        Ok(1) => Ok(()),
        Ok(_) => Err(Error::new(message)),
        Err(errno) => Err(errno).context(message),
    }
}

/// Starts the app, or a command that enters, and stays until it, or everything, has ended. So many
/// commands at once are let in beside it.
pub(crate) fn live(
    setup: &Setup<'_>,
    stdio: [OwnedFd; 3],
    wall: &Wall,
    guests: usize,
    warden: Option<&Warden>,
) -> Result<()> {
    let channel = setup.channel;
    let signals = SignalFd::children().context("the app cannot be waited for")?;
    let (stdio, terminal) = terminal(setup, stdio)?;
    let filter = seccomp::program(&Filter::of(setup.plan, wall.heard_outside()));
    stdio.iter().try_for_each(|fd| wall.allow_descriptor(fd))?;
    let (request, processes) = (setup.request, setup.inside.counted);
    let light = setup.plan.walls == Walls::Light;
    let app = App { request, channel, filter: &filter, wall, terminal, processes, light };
    let pid = match sys::clone(sys::Clone::default()).context("the app cannot be started")? {
        Forked::Child => app::become_app(&app, stdio),
        Forked::Parent { pid, .. } => pid,
    };
    drop(stdio);
    tell(channel, &Event::Started);
    let linger = setup.request.linger;
    let mut life = Life { app: pid, status: None, linger, entered: Vec::new() };
    loop {
        // Without a warden there is nothing more to wait for.
        let third = warden.map_or(channel.as_fd(), |warden| warden.pidfd.as_fd());
        let mut fds = [
            PollFd::new(&signals, PollFlags::IN),
            PollFd::new(channel, PollFlags::IN),
            PollFd::from_borrowed_fd(third, PollFlags::IN),
        ];
        match rustix::event::poll(&mut fds, None) {
            Err(Errno::INTR) => continue,
            result => result.context("the app cannot be waited for")?,
        };
        let [children, supervisor, third] = fds.each_ref().map(|fd| !fd.revents().is_empty());
        if warden.is_some() && third {
            return Ok(());
        }
        if children {
            signals.drain();
            if let Some(status) = life.reap(channel) {
                tell(channel, &Event::Exited(status));
                return Ok(());
            }
        }
        match supervisor.then(|| obey(channel, pid, life.status)).flatten() {
            None => {}
            Some(Said::Gone) => {
                // With the first process all end. One that accompanies a command ends that command.
                let _ = rustix::process::kill_process_group(pid, Signal::KILL);
                return Ok(());
            }
            Some(Said::End(status)) => {
                tell(channel, &Event::Exited(status));
                return Ok(());
            }
            Some(Said::Enter(socket)) if life.entered.len() < guests => {
                life.admit(setup, wall, &socket);
            }
            // Who waits there sees it close.
            Some(Said::Enter(_)) => {}
        }
    }
}

/// How many commands may have entered a sandbox at once.
const GUESTS: usize = 64;

/// What is still alive, and what is known of the app.
struct Life {
    app: Pid,
    status: Option<Status>,
    linger: bool,
    /// What accompanies the commands that entered.
    entered: Vec<Pid>,
}

impl Life {
    /// Forks what accompanies a further command.
    fn admit(&mut self, setup: &Setup<'_>, wall: &Wall, socket: &OwnedFd) {
        match sys::clone(sys::Clone::default()) {
            Ok(Forked::Child) => enter::accompany(setup, wall, socket),
            Ok(Forked::Parent { pid, .. }) => self.entered.push(pid),
            Err(_) => {}
        }
    }

    /// Collects every child that changed; the app's status once the sandbox is to end.
    fn reap(&mut self, channel: &Channel) -> Option<Status> {
        loop {
            let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
            match rustix::process::wait(options) {
                Ok(Some((pid, status))) if pid == self.app => self.note(status, channel),
                Ok(Some((pid, status))) if !status.stopped() => {
                    self.entered.retain(|entered| *entered != pid);
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                // Others live on.
                Ok(None) => return self.status.filter(|_| !self.linger),
                // Nobody is left.
                Err(_) => return self.status.or(Some(Status::Code(0))),
            }
        }
    }

    fn note(&mut self, status: WaitStatus, channel: &Channel) {
        if let Some(signal) = status.stopping_signal() {
            tell(channel, &Event::Stopped(signal));
        } else if let Some(signal) = status.terminating_signal() {
            self.status = Some(Status::Signal(signal));
        } else if let Some(code) = status.exit_status() {
            self.status = Some(Status::Code(u8::try_from(code).unwrap_or(u8::MAX)));
        }
    }
}

/// A supervisor that is gone is noticed by its socket, not here.
fn tell(channel: &Channel, event: &Event) {
    let _ = channel.send_event(event);
}

/// What the supervisor says beside signals for the app.
enum Said {
    /// Nothing more, or no sense.
    Gone,
    /// The app ended, others live on, and they are asked to end too.
    End(Status),
    /// A further command waits at that socket.
    Enter(OwnedFd),
}

/// Does what the supervisor says. `ended` is how the app ended, when it has.
fn obey(channel: &Channel, app: Pid, ended: Option<Status>) -> Option<Said> {
    match channel.receive::<Control>() {
        Ok(Received::Message(Control::Signal(number), _)) => {
            if let Some(status) = ended {
                // The app's id may be another's by now: only what ends everything is obeyed.
                let ends = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];
                let asked = ends.iter().any(|signal| signal.as_raw() == number);
                return asked.then_some(Said::End(status));
            }
            if let Some(signal) = Signal::from_named_raw(number) {
                // The app leads its group: what is stopped or started is all of it.
                let _ = match signal {
                    Signal::CONT | Signal::STOP | Signal::TSTP => {
                        rustix::process::kill_process_group(app, signal)
                    }
                    _ => rustix::process::kill_process(app, signal),
                };
            }
            None
        }
        Ok(Received::Message(Control::Enter, socket)) => socket.map(Said::Enter),
        Ok(Received::Nothing) => None,
        Ok(Received::Closed) | Err(_) => Some(Said::Gone),
    }
}

/// `DEVPTS_SUPER_MAGIC` of linux/magic.h.
const TERMINALS: u32 = 0x1cd1;

/// Puts a pseudo-terminal of the sandbox's own in the place of the standard descriptors that were
/// a terminal, and gives its other end to the supervisor.
fn terminal(setup: &Setup<'_>, mut stdio: [OwnedFd; 3]) -> Result<([OwnedFd; 3], Option<OwnedFd>)> {
    let Some(wanted) = setup.request.terminal else { return Ok((stdio, None)) };
    let message = "the app cannot be given a terminal of its own";
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let multiplexer = match setup.plan.walls {
        Walls::Full => c"/dev/pts/ptmx",
        Walls::Light => c"/dev/ptmx",
    };
    let master = rustix::fs::openat(CWD, multiplexer, flags, Mode::empty()).context(message)?;
    // Before a command that enters, the app had time to put something else there.
    if setup.plan.walls == Walls::Full
        && u32::try_from(rustix::fs::fstatfs(&master).context(message)?.f_type) != Ok(TERMINALS)
    {
        return Err(Error::new(message));
    }
    rustix::pty::unlockpt(&master).context(message)?;
    let slave = rustix::pty::ioctl_tiocgptpeer(
        &master,
        rustix::pty::OpenptFlags::RDWR
            | rustix::pty::OpenptFlags::NOCTTY
            | rustix::pty::OpenptFlags::CLOEXEC,
    )
    .context(message)?;
    let size = rustix::termios::Winsize {
        ws_row: wanted.size.0,
        ws_col: wanted.size.1,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&slave, size).context(message)?;
    // Fails when this process leads its session already, which is what is wanted.
    let _ = rustix::process::setsid();
    rustix::process::ioctl_tiocsctty(&slave).context(message)?;
    for (fd, replaced) in stdio.iter_mut().zip(wanted.replaces) {
        if replaced {
            *fd = rustix::io::fcntl_dupfd_cloexec(&slave, 3).context(message)?;
        }
    }
    setup
        .channel
        .send_with(&Event::Terminal, master.as_fd())
        .map_err(|error| Error::new(error.to_string()))?;
    Ok((stdio, Some(slave)))
}
