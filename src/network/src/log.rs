//! What the kernel tells of packets that it did not let through.

use crate::flow::Packet;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::os::fd::OwnedFd;

/// Bytes that are read at once: a few dozen packets, of each only its beginning.
const SPACE: usize = 16 << 10;
/// How often is read before others have their turn.
const TURN: usize = 8;

/// Finds the packets in what was read at once.
pub type Parse = fn(&[u8]) -> Vec<Packet>;

/// The socket that tells.
#[derive(Debug)]
pub struct Log {
    socket: OwnedFd,
    parse: Parse,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Heard {
    /// Packets.
    pub packets: Vec<Packet>,
    /// How often the kernel had more to tell than there was room for.
    pub lost: u64,
    /// Whether nothing more will come.
    pub over: bool,
}

impl Log {
    /// Reads from that socket.
    #[must_use]
    pub fn new(socket: OwnedFd, parse: Parse) -> Self {
        Self { socket, parse }
    }

    /// The socket, to watch it.
    #[must_use]
    pub fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Reads what is there, up to a few thousand packets.
    pub fn hear(&self) -> Heard {
        let mut heard = Heard::default();
        let mut space = [0; SPACE];
        for _ in 0..TURN {
            match recv(&self.socket, &mut space[..], RecvFlags::DONTWAIT) {
                Ok((0, _)) => heard.over = true,
                Ok((count, _)) => {
                    heard.packets.extend((self.parse)(space.get(..count).unwrap_or_default()));
                }
                Err(Errno::NOBUFS) => heard.lost += 1,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => heard.over = true,
            }
            if heard.over {
                break;
            }
        }
        heard
    }
}
