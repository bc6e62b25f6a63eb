//! What the kernel tells of packets that it did not let through, as it is told on.

use crate::flow::{Destination, Packet};
use arkose_engine::network::{Log, Logged, Told};
use std::os::fd::OwnedFd;

/// What was read at once.
#[derive(Debug, Default)]
pub struct Heard {
    /// Packets.
    pub packets: Vec<Packet>,
    /// Whether the kernel had more to tell than there was room for.
    pub lost: bool,
    /// Whether nothing more will come.
    pub over: bool,
}

/// Reads what is there.
#[must_use]
pub fn hear(log: &Log<OwnedFd>) -> Heard {
    let mut heard = Heard::default();
    match log.receive(&mut heard.lost) {
        Ok(logged) => heard.packets = logged.into_iter().map(packet).collect(),
        Err(_) => heard.over = true,
    }
    heard
}

fn packet(logged: Logged) -> Packet {
    let Logged { address, protocol, port, source_port, told, .. } = logged;
    let to = Destination { address, protocol, port };
    Packet { to, from: source_port, ask: told == Told::Asked }
}
