//! D-Bus from the bottom: messages made byte by byte, right ones and wrong ones, a connection that
//! sends and hears them, and a bus and a filtering proxy of the test's own.
//!
//! It knows nothing of how Arkose speaks D-Bus, so that it can disagree.

mod connection;
mod draft;
mod hear;
mod place;

pub use connection::{Connection, Ended};
pub use draft::{Arg, Draft, Field, field, flag, kind};
pub use hear::Message;
pub use place::{Bus, Dialler, Proxy, Which};

/// The name of the bus itself, and of its interface.
pub const DRIVER: &str = "org.freedesktop.DBus";

/// The path at which the bus is called.
pub const DRIVER_PATH: &str = "/org/freedesktop/DBus";
