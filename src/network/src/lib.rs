//! The network of one sandbox, as far as somebody has to think about it: names and questions.
//!
//! An app with filtered network asks this program for names. What the rules refuse does not exist; what
//! they allow is asked of the host's nameservers, and the kernel is told of an address before the app
//! is. What the kernel holds back is asked about, and what it refuses is told. The program trusts
//! the supervisor at the other end of its socket, and nothing that comes from an app or a server.
//!
//! DNS messages are read and written by the crate `domain`. It comes from NLnet Labs, who make name
//! servers, and reads a message where it lies: nothing is copied that is not looked at. `hickory-proto` makes
//! trees of owned records, and brings a library of Unicode and one of traces with it, sixty
//! crates in place of eight; `simple-dns` is as small, and one person's work of few years.

#![forbid(unsafe_code)]

pub mod answer;
pub mod ask;
pub mod confine;
pub mod control;
pub mod doors;
pub mod events;
pub mod flow;
pub mod fold;
pub mod hosts;
pub mod log;
pub mod lookup;
pub mod name;
pub mod names;
pub mod nameservers;
pub mod policy;
pub mod query;
pub mod random;
pub mod reply;
pub mod resolver;
pub mod server;
pub mod service;
pub mod setup;
pub mod state;
pub mod traffic;
pub mod walls;

use control::Control;
use server::Server;
use setup::Setup;
use std::error::Error;
use std::os::fd::AsFd as _;

/// Does what the first line at the standard input says, until whoever wrote it is gone.
///
/// # Errors
/// When the line is none, or what it asks for cannot be had.
pub fn run() -> Result<(), Box<dyn Error>> {
    confine::raise_descriptors();
    let mut control = Control::new(std::io::stdin().as_fd().try_clone_to_owned()?);
    let (line, fds) = control.first_line()?;
    let setup = Setup::from_line(&line, fds)?;
    Ok(Server::start(setup, control)?.run()?)
}
