//! One request, from the socket to the end of its sandbox. The process that serves it stays
//! outside, holds what privilege there is, and only waits: for the sandbox's end, or for the
//! supervisor's.

use crate::error::{Context as _, Error, Result};
use crate::host::ThisMachine;
use crate::ids::{self, Caller};
use crate::init::{self, Setup};
use crate::plan::{self, Plan, Way};
use crate::sys::{self, Forked};
use arkose_profile::RunAs;
use arkose_protocol::{Channel, Event, ProtocolError, Request};
use rustix::event::{PollFd, PollFlags};
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

/// Serves the caller's own process, in a child of it, without any privilege.
///
/// Neither a program nor a file is opened for it: what a launch costs is the sandbox. The calling
/// process must have one thread.
///
/// # Errors
/// When the kernel gives no process or socket.
pub fn fork() -> Result<(Channel, Pid)> {
    let unable = |error: ProtocolError| Error::new(error.to_string());
    let (ours, theirs) = Channel::pair().map_err(unable)?;
    match sys::clone(sys::Clone::default()).context("the sandbox's processes cannot be started")? {
        Forked::Parent { pid, .. } => Ok((ours, pid)),
        Forked::Child => {
            // Without a channel there is nobody to tell, and the supervisor sees the end.
            if let Ok(theirs) = alone(theirs) {
                if let Ok(caller) = Caller::of_socket(theirs.as_fd()) {
                    serve(&theirs, &caller, Way::User, Granted::Launch);
                }
            }
            sys::exit(0)
        }
    }
}

/// Keeps nothing of the process that this one was forked from but the channel and the standard
/// descriptors: neither its signals, nor its terminal, nor its arguments, which the app could read.
fn alone(channel: Channel) -> Result<Channel, Errno> {
    let kept = sys::keep_only(channel.into_fd())?;
    sys::reset_signals();
    sys::hide_arguments();
    let _ = rustix::thread::set_name(c"arkose-sandbox");
    rustix::process::setsid()?;
    rustix::process::chdir(c"/")?;
    Ok(Channel::new(kept))
}

/// Receives a request, builds its sandbox and waits for its end. What becomes of the app is
/// told to the supervisor; an error here is told as well.
pub fn serve(channel: &Channel, caller: &Caller, way: Way, granted: Granted) {
    if let Err(error) = serve_request(channel, caller, way, granted) {
        // If the supervisor is gone nobody is left to tell.
        let _ = channel.send_event(&Event::Failed(error.into_failure()));
    }
}

fn serve_request(channel: &Channel, caller: &Caller, way: Way, granted: Granted) -> Result<()> {
    let (request, stdio) =
        channel.receive_request().map_err(|error| Error::new(error.to_string()))?;
    check(&request)?;
    let as_root = request.policy.runas == RunAs::Root;
    if as_root && way == Way::Helper && granted != Granted::Admin {
        return Err(Error::new("an app may run as root only when an administrator allowed it"));
    }
    let app_uid = if as_root { 0 } else { caller.uid.as_raw() };
    let host = ThisMachine::read()
        .map_err(|error| Error::new(format!("the mounts of this machine cannot be read: {error}")))?;
    let plan = plan::make(&request, &host, way, app_uid)?;
    let root_by_helper = plan.as_root && way == Way::Helper;
    let id_map = root_by_helper.then(|| ids::translating_namespace(caller)).transpose()?;
    let (ours, theirs) = gate()?;
    let namespaces =
        sys::Clone { user: way == Way::User, sandbox: true, network: plan.own_network };
    match sys::clone(namespaces).map_err(|errno| refused(errno, way))? {
        Forked::Child => {
            drop(ours);
            let setup = Setup { channel, request: &request, plan: &plan, caller, id_map, gate: theirs };
            init::run(setup, stdio)
        }
        Forked::Parent { pid, pidfd } => {
            drop((theirs, stdio, id_map, request));
            let result = accompany(channel, &plan, pid, &pidfd, &ours);
            // Whatever happened, nothing of the sandbox is left when this returns.
            let _ = rustix::process::pidfd_send_signal(&pidfd, Signal::KILL);
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
            result
        }
    }
}

/// Waits until the sandbox has ended or must end.
fn accompany(channel: &Channel, plan: &Plan, pid: Pid, pidfd: &OwnedFd, gate: &OwnedFd) -> Result<()> {
    let mut gate_open = plan.as_root && plan.way == Way::Helper;
    loop {
        let watched = if gate_open { PollFlags::IN } else { PollFlags::empty() };
        let mut fds = [
            PollFd::new(pidfd, PollFlags::IN),
            // Only its end: what comes over it is read inside.
            PollFd::from_borrowed_fd(channel.as_fd(), PollFlags::empty()),
            PollFd::new(gate, watched),
        ];
        match rustix::event::poll(&mut fds, None) {
            Err(Errno::INTR) => continue,
            result => result.context("the sandbox cannot be waited for")?,
        };
        let [ended, supervisor, gate_ready] = &fds;
        if !ended.revents().is_empty() || !supervisor.revents().is_empty() {
            return Ok(());
        }
        if gate_open && gate_ready.revents().contains(PollFlags::IN) {
            gate_open = false;
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

/// Over which the sandbox's first process asks for a map of ids, and is told that it is there.
fn gate() -> Result<(OwnedFd, OwnedFd)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .context("there are no sockets")
}

fn check(request: &Request) -> Result<()> {
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

/// Why the kernel gave no namespaces, or none of use, and the switch that says so.
pub(crate) fn refused(errno: Errno, way: Way) -> Error {
    let error = |message: &str| Error::new(message).because(errno).needs_root();
    if way == Way::Helper {
        return Error::new("this machine does not allow namespaces, not even to root").because(errno);
    }
    let reads = |path: &str, value: &str| {
        std::fs::read_to_string(path).is_ok_and(|text| text.trim() == value)
    };
    if reads("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return error("user namespaces are switched off on this machine")
            .remedy("sysctl kernel.unprivileged_userns_clone=1");
    }
    if reads("/proc/sys/user/max_user_namespaces", "0") {
        return error("this machine allows no user namespaces")
            .remedy("sysctl user.max_user_namespaces=10000");
    }
    if reads("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return error("AppArmor does not let programs of users make user namespaces")
            .remedy("sysctl kernel.apparmor_restrict_unprivileged_userns=0");
    }
    match errno {
        Errno::NOSPC | Errno::USERS => error("there are too many user namespaces already")
            .remedy("sysctl user.max_user_namespaces=10000"),
        _ => error("this machine does not allow user namespaces").remedy("arkose run --via helper …"),
    }
}
