//! What enforces the rules: tables of the kernel's, in the sandbox's own network.
//!
//! Where the user built the sandbox, this program changes them by itself, over a socket that was opened in
//! there: the kernel hears it because the user owns that network. Where root did, it may not, and asks
//! root's helper, who changes nothing but what can be asked of it.

use crate::flow::{Connection, Destination, Traffic};
use crate::names::Live;
use crate::policy::NotTaken;
use arkose_engine::network;
use arkose_profile::net::Rules;
use arkose_protocol::{
    self as protocol, Channel, Counted, Decided, Named, Received, Steer, Steered,
};
use std::fmt::Debug;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The number of a set of rules: each that follows has a higher one.
pub type Generation = NonZeroU32;

/// The rules that are enforced.
#[derive(Debug, Clone)]
pub struct Table {
    /// The rules.
    pub rules: Rules,
    /// The addresses by which this computer is reached.
    pub host: Vec<IpAddr>,
    /// Their number.
    pub generation: Generation,
}

/// What the person said about one destination, for a short while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Where it goes.
    pub to: Destination,
    /// Whether it may.
    pub allow: bool,
    /// For how long further connections of the same kind follow it.
    pub time: Duration,
}

/// Who changes the tables.
trait Steering: Debug {
    fn steer(&mut self, asked: &Steer) -> Steered;
}

impl Steering for network::Walls<OwnedFd> {
    fn steer(&mut self, asked: &Steer) -> Steered {
        network::Walls::steer(self, asked)
    }
}

/// Root's helper, until it once does not answer in time: from then on nobody knows what it has done.
#[derive(Debug)]
struct Helper(Option<Channel>);

impl Steering for Helper {
    fn steer(&mut self, asked: &Steer) -> Steered {
        let Some(channel) = self.0.take() else { return Steered::Refused };
        match channel.send_long(asked).and_then(|()| channel.receive_long()) {
            Ok(Received::Message(steered, _)) => {
                self.0 = Some(channel);
                steered
            }
            _ => Steered::Refused,
        }
    }
}

/// The tables.
#[derive(Debug)]
pub struct Walls(Box<dyn Steering>);

impl Walls {
    /// Changed by this program, with a socket that was opened in the sandbox's network, where that table is
    /// loaded.
    #[must_use]
    pub fn direct(socket: OwnedFd, table: &Table) -> Self {
        let Table { rules, host, generation } = table;
        let control = network::Control::new(socket);
        Self(Box::new(network::Walls::new(control, rules, host, *generation)))
    }

    /// Changed by the helper at the other end of that socket, if at all.
    #[must_use]
    pub fn by_helper(socket: Option<OwnedFd>) -> Self {
        Self(Box::new(Helper(socket.map(Channel::new))))
    }

    /// Puts a set of rules in the place of that before, with what names lead to now.
    ///
    /// # Errors
    /// When it cannot be; those before it then stand.
    pub fn load(&mut self, table: &Table, names: &[Live]) -> Result<(), NotTaken> {
        let Table { rules, host, generation } = table.clone();
        self.change(&Steer::Load { rules, host, generation, names: named(names) })
    }

    /// Adds what names lead to.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn learn(&mut self, names: &[Live]) -> Result<(), NotTaken> {
        self.change(&Steer::Learn(named(names)))
    }

    /// Adds what was answered.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn answer(&mut self, answers: &[Answer]) -> Result<(), NotTaken> {
        { answers.iter() }.try_for_each(|Answer { to, allow, time }| {
            let Destination { address, protocol, port } = *to;
            let (allow, time) = (*allow, *time);
            self.change(&Steer::Decide(Decided { address, protocol, port, allow, time }))
        })
    }

    /// What went where so far, if that is known.
    pub fn traffic(&mut self) -> Option<Vec<Traffic>> {
        let Steered::Counted(counted) = self.0.steer(&Steer::Count) else { return None };
        let one = |Counted { address, protocol, port, sent, received }| Traffic {
            to: Destination { address, protocol, port },
            sent,
            received,
        };
        Some(counted.into_iter().map(one).collect())
    }

    /// The connections that there are, if that is known.
    pub fn connections(&mut self) -> Option<Vec<Connection>> {
        let Steered::Open(open) = self.0.steer(&Steer::Connections) else { return None };
        let one = |protocol::Connection { address, protocol, port, generation }| Connection {
            to: Destination { address, protocol, port },
            generation,
        };
        Some(open.into_iter().map(one).collect())
    }

    fn change(&mut self, asked: &Steer) -> Result<(), NotTaken> {
        if self.0.steer(asked) == Steered::Done { Ok(()) } else { Err(NotTaken) }
    }
}

fn named(names: &[Live]) -> Vec<Named> {
    let named = |Live { address, names, time }: &Live| Named {
        address: *address,
        names: names.clone(),
        time: *time,
    };
    names.iter().map(named).collect()
}
