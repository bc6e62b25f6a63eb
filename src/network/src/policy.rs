//! What the resolver asks of the rules, and what it tells the walls: nothing here knows how either of
//! them is kept.

use std::net::IpAddr;

/// Whether a name may be asked about at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameVerdict {
    /// It may.
    Resolve,
    /// For the app it does not exist.
    Refuse,
}

/// The rules, as far as names and addresses go. Names are as [`crate::name::text`] makes them.
pub trait Policy {
    /// Whether the app may ask about a name.
    fn name(&self, name: &str) -> NameVerdict;

    /// Whether anything at that address could be reached, known by these names: the one that was asked
    /// for, and those it led to.
    fn may_reach(&self, address: IpAddr, names: &[String]) -> bool;
}

/// An address that an answer tells the app, with what makes it known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// The address; one of IPv4 is never written as one of IPv6.
    pub address: IpAddr,
    /// The name that was asked for, and those it led to, in that order.
    pub names: Vec<String>,
    /// For how many seconds that holds.
    pub ttl: u32,
}

/// The walls would not take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rules of the kernel could not be changed")]
pub struct NotTaken;

/// The walls, which have to know an address before the app does.
pub trait Sets {
    /// Hands over what an answer says.
    ///
    /// # Errors
    /// When it cannot be: the app is then told nothing.
    fn learn(&mut self, learned: &[Learned]) -> Result<(), NotTaken>;
}

/// What the resolver refused, to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note<'a> {
    /// A name that may not be asked about.
    Name(&'a str),
    /// Every address that a name has, or some of them.
    Addresses(&'a [String], &'a [IpAddr]),
}

/// All that the resolver knows of what is around it.
pub trait World: Policy + Sets {
    /// Something was refused.
    fn note(&mut self, note: Note<'_>);

    /// The names by which an address is known.
    fn names(&self, address: IpAddr) -> Vec<String>;
}
