//! The first sixteen bytes of a message: what kind it is and how long.

use crate::fault::Fault;
use crate::order::Order;

/// The bytes that every message begins with, up to and with the length of its fields.
pub const PREFIX: usize = 16;
/// The most bytes of a message (D-Bus specification, “Message Format”).
pub const MAX_MESSAGE: usize = 128 << 20;
/// The most bytes of a header with its fields. The specification's own limit is that of any array,
/// 64 MiB; what names have in them is short, and a path is what somebody wrote into a program.
pub const MAX_HEADER: usize = 64 << 10;

/// The kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A method call.
    Call,
    /// What a method returned.
    Return,
    /// An error instead of that.
    Error,
    /// A signal.
    Signal,
}

impl Kind {
    /// Whether it answers a call.
    #[must_use]
    pub fn is_reply(self) -> bool {
        matches!(self, Self::Return | Self::Error)
    }
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The byte order of the whole message.
    pub order: Order,
    /// Its kind.
    pub kind: Kind,
    /// Its flags, as they are.
    pub flags: u8,
    /// Its serial; never 0.
    pub serial: u32,
    /// Where its fields end, in bytes from the beginning.
    pub fields: usize,
    /// Where its body begins.
    pub header: usize,
    /// The bytes of the whole message.
    pub total: usize,
}

/// No reply is wanted (`NO_REPLY_EXPECTED`).
pub const NO_REPLY: u8 = 1;
/// The name is not to be started (`NO_AUTO_START`).
pub const NO_START: u8 = 2;

impl Frame {
    /// Reads the beginning of a message; none while there is less of it than that takes.
    ///
    /// # Errors
    /// When it is no message, as soon as that can be seen.
    pub fn scan(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        let Some(&flag) = bytes.first() else { return Ok(None) };
        let order = Order::of(flag).ok_or(Fault::Order)?;
        let Some(start) = bytes.first_chunk::<PREFIX>() else { return Ok(None) };
        let [_, kind, flags, version, l0, l1, l2, l3, s0, s1, s2, s3, f0, f1, f2, f3] = *start;
        if version != 1 {
            return Err(Fault::Version);
        }
        let kind = match kind {
            1 => Kind::Call,
            2 => Kind::Return,
            3 => Kind::Error,
            4 => Kind::Signal,
            _ => return Err(Fault::Kind),
        };
        let serial = order.u32([s0, s1, s2, s3]);
        if serial == 0 {
            return Err(Fault::SerialZero);
        }
        let body = order.u32([l0, l1, l2, l3]) as usize;
        let fields = (order.u32([f0, f1, f2, f3]) as usize).saturating_add(PREFIX);
        if fields > MAX_HEADER || body > MAX_MESSAGE {
            return Err(Fault::TooLarge);
        }
        let header = fields.next_multiple_of(8);
        let total = header + body;
        if total > MAX_MESSAGE {
            return Err(Fault::TooLarge);
        }
        Ok(Some(Self { order, kind, flags, serial, fields, header, total }))
    }

    /// Whether its sender waits for a reply.
    #[must_use]
    pub fn wants_reply(&self) -> bool {
        self.kind == Kind::Call && self.flags & NO_REPLY == 0
    }
}
