//! What is said to the helper while a filtered network that it made is in use. The rules of such a network
//! are root's to change; everything is typed, and nothing that the kernel understands comes from the user.

use crate::socket::{Channel, ProtocolError, Received};
use arkose_profile::net::{Protocol, Rules};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Steer {
    /// To put these rules in the place of those that count.
    Load {
        /// All of them.
        rules: Rules,
        /// The addresses by which this computer is reached.
        host: Vec<IpAddr>,
        /// Their number, higher than that of those before.
        generation: NonZeroU32,
        /// What names lead to now.
        names: Vec<Named>,
    },
    /// To add what names lead to.
    Learn(Vec<Named>),
    /// To add what was answered about one destination.
    Decide(Decided),
    /// To count what went where.
    Count,
    /// To tell which connections there are.
    Connections,
}

/// An address with its names, for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The address.
    pub address: IpAddr,
    /// Its names.
    pub names: Vec<String>,
    /// For how long.
    pub time: Duration,
}

/// What was answered about a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Its address.
    pub address: IpAddr,
    /// The protocol.
    pub protocol: Protocol,
    /// Its port; 0 for an echo.
    pub port: u16,
    /// Whether it may be reached.
    pub allow: bool,
    /// For how long that holds.
    pub time: Duration,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Steered {
    /// It counts.
    Done,
    /// It could not be; what was before still counts.
    Refused,
    /// What went where.
    Counted(Vec<Counted>),
    /// Which connections there are.
    Open(Vec<Connection>),
}

/// What went to one destination, and what came from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its address.
    pub address: IpAddr,
    /// The protocol.
    pub protocol: Protocol,
    /// Its port; 0 for an echo.
    pub port: u16,
    /// Bytes sent, with the headers of IP.
    pub sent: u64,
    /// Bytes received, likewise.
    pub received: u64,
}

/// A connection that has begun and has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The address where it goes.
    pub address: IpAddr,
    /// The protocol.
    pub protocol: Protocol,
    /// The port; 0 for an echo.
    pub port: u16,
    /// The number of the rules that have allowed it.
    pub generation: u32,
}

impl Channel {
    /// Sends one of these, whose size has no other bound than that of a request.
    ///
    /// # Errors
    /// When it is too large or the other side is gone.
    pub fn send_long(&self, message: &impl Serialize) -> Result<(), ProtocolError> {
        let bytes = postcard::to_stdvec(message).map_err(|_| ProtocolError::Malformed)?;
        if bytes.len() > crate::MAX_REQUEST {
            return Err(ProtocolError::TooLarge);
        }
        self.send_sealed(&bytes, &[])
    }

    /// Receives what [`send_long`](Self::send_long) sends; waits for it unless the socket does not block.
    ///
    /// # Errors
    /// When what comes is no such message.
    pub fn receive_long<T: DeserializeOwned>(&self) -> Result<Received<T>, ProtocolError> {
        match self.receive_sealed() {
            Ok((bytes, _)) => Ok(Received::Message(crate::decode(&bytes)?, None)),
            Err(ProtocolError::Closed) => Ok(Received::Closed),
            Err(ProtocolError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                Ok(Received::Nothing)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arkose_profile::net::{Rule, Verdict};

    #[test]
    fn ten_thousand_rules_cross_and_what_is_none_does_not() {
        let (one, other) = Channel::pair().unwrap();
        let rule =
            |n: u32| Rule::parse(Verdict::Allow, &format!("10.{}.{}.1:443/tcp", n / 256, n % 256));
        let list = (0..10_000).map(|n| rule(n).unwrap()).collect();
        let load = Steer::Load {
            rules: Rules { default: Verdict::Deny, list },
            host: vec!["192.0.2.1".parse().unwrap()],
            generation: NonZeroU32::MIN,
            names: Vec::new(),
        };
        one.send_long(&load).unwrap();
        let Received::Message(came, None) = other.receive_long::<Steer>().unwrap() else {
            panic!()
        };
        assert_eq!(came, load);
        one.send_packet(b"load", &[]).unwrap();
        assert!(other.receive_long::<Steer>().is_err());
        one.send_sealed(&[9], &[]).unwrap();
        assert!(other.receive_long::<Steer>().is_err());
        drop(one);
        assert!(matches!(other.receive_long::<Steer>(), Ok(Received::Closed)));
    }
}
