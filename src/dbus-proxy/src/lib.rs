//! A filtering D-Bus proxy that can ask.
//!
//! An app connects to a socket of the proxy's instead of to the bus. Each such connection has one of
//! its own to the bus, and between the two every message is held against rules: what no rule allows
//! does not go through, and what is hidden does not exist. The proxy trusts the bus, and nothing that
//! comes from an app.

#![forbid(unsafe_code)]

pub mod address;
pub mod ask;
pub mod auth;
pub mod confine;
pub mod connection;
pub mod control;
pub mod events;
pub mod fault;
pub mod fields;
pub mod filter;
pub mod frame;
pub mod grammar;
pub mod held;
pub mod listener;
pub mod matchrule;
pub mod message;
pub mod order;
pub mod out;
pub mod peers;
pub mod server;
pub mod setup;
pub mod side;

use control::Control;
use rustix::io::Errno;
use rustix::process::{
    PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, getpid, pidfd_getfd, pidfd_open,
};
use server::{Master, Server};
use setup::Setup;
use std::error::Error;
use std::os::fd::{AsFd as _, OwnedFd};

/// Runs as the options say, until whoever started it is gone.
///
/// # Errors
/// When the options are wrong, or the proxy cannot be had.
pub fn run(options: Vec<String>) -> Result<(), Box<dyn Error>> {
    raise_descriptors();
    let (setup, master) = if options == ["--control"] {
        let mut control = Control::new(std::io::stdin().as_fd().try_clone_to_owned()?);
        let setup = Setup::from_line(&control.first_line()?)?;
        (setup, Master::Supervisor(control))
    } else {
        let setup = Setup::from_options(options.into_iter())?;
        let master =
            setup.ready_fd.map_or(Ok(Master::Nobody), |fd| opened(fd).map(Master::Descriptor))?;
        (setup, master)
    };
    Ok(Server::start(setup, master)?.run()?)
}

/// A descriptor that was inherited, by its number.
fn opened(fd: i32) -> Result<OwnedFd, Errno> {
    // A copy by way of the kernel needs no promise that nobody else uses that number.
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    pidfd_getfd(own, fd, PidfdGetfdFlags::empty())
}

/// Every connection is two descriptors, and messages carry more.
fn raise_descriptors() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Without it, fewer connections are taken at once.
    let _ = rustix::process::setrlimit(Resource::Nofile, raised);
}
