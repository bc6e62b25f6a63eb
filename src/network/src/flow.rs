//! Where connections go: what the kernel tells of a packet that it holds back or refuses, and what is
//! said of it in lines.

use arkose_profile::net::Protocol;
use serde_json::{Value, json};
use std::net::IpAddr;

/// The other end of a connection that an app begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Its address.
    pub address: IpAddr,
    /// The protocol.
    pub protocol: Protocol,
    /// Its port; 0 for an echo request.
    pub port: u16,
}

/// A packet that the kernel did not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Where it was to go.
    pub to: Destination,
    /// The port from which the app sent it; 0 for an echo request.
    pub from: u16,
    /// Whether somebody is to be asked about it; otherwise it is refused.
    pub ask: bool,
}

/// What went to one place and came from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// The place.
    pub to: Destination,
    /// Bytes sent there.
    pub sent: u64,
    /// Bytes that came from there.
    pub received: u64,
}

/// A connection that has begun and has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Where it goes.
    pub to: Destination,
    /// The number of the rules that have allowed it.
    pub generation: u32,
}

impl Destination {
    /// What is told of it.
    #[must_use]
    pub fn fields(&self, names: &[String]) -> Value {
        json!({
            "address": self.address,
            "protocol": self.protocol,
            "port": self.protocol.has_ports().then_some(self.port),
            "names": (!names.is_empty()).then_some(names),
        })
    }
}
