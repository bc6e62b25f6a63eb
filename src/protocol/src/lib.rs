//! What crosses the socket between the supervisor and the helper.
//!
//! The socket is a `SOCK_SEQPACKET` pair: one packet, one message. The [`Request`] itself, which may
//! be large, travels as a sealed memory file beside the standard descriptors; everything after it
//! is small. Both sides treat the other as hostile: sizes are bounded, decoding never panics.

#![forbid(unsafe_code)]

mod entry;
mod message;
mod socket;
mod steer;

pub use entry::Entry;
pub use message::{
    Bytes, Control, Event, Failure, GeneratedFile, Home, HostMount, HostNetwork, NetworkPart,
    PrivateHome, Request, Status, Struck, Terminal,
};
pub use socket::{Channel, ProtocolError, Received, decode, encode, read_sealed, sealed_file};
pub use steer::{Connection, Counted, Decided, Named, Steer, Steered};

/// The version of this protocol; both sides must speak the same.
pub const VERSION: u32 = 1;

/// The most bytes that an encoded request may have: the kernel's own bound on arguments and
/// environment (2 MiB), generated files, and room for paths.
pub const MAX_REQUEST: usize = 8 << 20;

/// The most bytes of any other message.
pub const MAX_MESSAGE: usize = 16 << 10;
