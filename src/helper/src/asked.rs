//! Who is asking, and for which of the two things that polkit tells apart.

use arkose_engine::{Caller, Granted, serve};
use arkose_protocol::Channel;
use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketType, sockopt};
use rustix::process::{DumpableBehavior, geteuid};
use std::os::fd::BorrowedFd;
use std::process::ExitCode;

/// The exit status when the helper was not called as pkexec or the supervisor call it.
const MISUSED: u8 = 2;

/// Where pkexec puts the uid of its caller.
const PKEXEC_UID: &str = "PKEXEC_UID";

pub(crate) fn main() -> ExitCode {
    match ask() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // There is no socket to say it over; only somebody who tries it by hand reads this.
            eprintln!("arkose-helper: {message}");
            ExitCode::from(MISUSED)
        }
    }
}

fn ask() -> Result<(), &'static str> {
    let action =
        std::env::args_os().nth(1).ok_or("arkose starts this program; it is of no use by hand")?;
    let socket = rustix::stdio::stdin();
    let channel = channel(socket)?;
    let caller = Caller::of_socket(socket).map_err(|_| "the kernel does not say who is asking")?;
    let granted = match action.to_str() {
        Some("launch") => Granted::Launch,
        Some("admin") => Granted::Admin,
        _ => return Err("this is not among the things that the helper does"),
    };
    check_caller(&caller)?;
    detach().map_err(|_| "the helper cannot detach itself from its caller")?;
    serve(&channel, &caller, granted);
    Ok(())
}

/// Serves only the user whom pkexec names, if that is who made the socket.
fn check_caller(caller: &Caller) -> Result<(), &'static str> {
    if !geteuid().is_root() {
        return Err("only pkexec may start this program");
    }
    let named = std::env::var(PKEXEC_UID).ok().and_then(|uid| uid.parse::<u32>().ok());
    match named {
        Some(uid) if uid == caller.uid.as_raw() && i32::try_from(uid).is_ok() => Ok(()),
        _ => Err("the caller is not the one whom pkexec names"),
    }
}

/// The connection to the supervisor, moved away from standard input.
fn channel(socket: BorrowedFd<'_>) -> Result<Channel, &'static str> {
    let kind = (sockopt::socket_domain(socket), sockopt::socket_type(socket));
    if kind != (Ok(AddressFamily::UNIX), Ok(SocketType::SEQPACKET)) {
        return Err("arkose starts this program; it is of no use by hand");
    }
    let own = rustix::io::fcntl_dupfd_cloexec(socket, 3).map_err(|_| "there are no descriptors")?;
    Ok(Channel::new(own))
}

/// Keeps nothing of the caller: neither its terminal's signals, nor its directory, nor its mask.
fn detach() -> rustix::io::Result<()> {
    let null = rustix::fs::open(c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    // Fails only for the leader of a process group, which has no terminal to lose.
    let _ = rustix::process::setsid();
    rustix::process::chdir(c"/")?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
}
