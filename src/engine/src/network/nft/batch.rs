//! Messages that have effect together. A batch goes to the kernel in one piece, and a piece has to fit
//! into the buffer of the socket, which an ordinary user can make no larger than the machine allows:
//! 212992 bytes, unless it was set otherwise. Ten thousand networks of each family are 1.1 MB.
//!
//! So what does nothing yet, such as sets and chains that no packet comes to, goes ahead in batches of
//! its own; the last one has what makes it count. There is no moment between two of them in which
//! something else holds than before.

use super::names::{BATCH_BEGIN, BATCH_END, SUBSYSTEM};
use crate::network::netlink::{ACK, REQUEST, Writer, add_flags, number};
use rustix::io::Errno;

/// The most bytes that are sent at once. The kernel wants 32 of the buffer for itself.
pub(crate) const BATCH: usize = 192 * 1024;

/// The length of the message at the end of a batch.
const END: usize = 20;

/// A batch, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    /// The number of the last message in it that does something, which is answered.
    last: u32,
}

impl Batch {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn last(&self) -> u32 {
        self.last
    }

    /// One of these messages.
    pub(crate) fn of(messages: Vec<Vec<u8>>) -> Result<Self, Errno> {
        let mut open = Open::new()?;
        messages.into_iter().for_each(|message| open.push(message));
        open.close()
    }
}

/// A batch that is being put together.
#[derive(Debug)]
struct Open {
    bytes: Vec<u8>,
    next: u32,
    /// Where the last message begins.
    last: Option<usize>,
}

impl Open {
    fn new() -> Result<Self, Errno> {
        let mut open = Self { bytes: Vec::new(), next: 0, last: None };
        open.push(mark(BATCH_BEGIN)?);
        open.last = None;
        Ok(open)
    }

    fn push(&mut self, mut message: Vec<u8>) {
        number(&mut message, self.next);
        self.next = self.next.saturating_add(1);
        self.last = Some(self.bytes.len());
        self.bytes.append(&mut message);
    }

    fn close(mut self) -> Result<Batch, Errno> {
        // Older kernels answer no end.
        let start = self.last.ok_or(Errno::INVAL)?;
        let last = self.next.saturating_sub(1);
        add_flags(&mut self.bytes, start, ACK);
        self.push(mark(BATCH_END)?);
        Ok(Batch { bytes: self.bytes, last })
    }
}

/// The beginning or the end.
fn mark(kind: u16) -> Result<Vec<u8>, Errno> {
    let [high, low] = (SUBSYSTEM >> 8).to_be_bytes();
    Writer::new(kind, REQUEST, &[0, 0, high, low]).finish()
}

/// Batches that are being put together, to be sent one after another.
#[derive(Debug)]
pub(crate) struct Batches {
    done: Vec<Batch>,
    open: Open,
}

impl Batches {
    pub(crate) fn new() -> Result<Self, Errno> {
        Ok(Self { done: Vec::new(), open: Open::new()? })
    }

    /// Adds what does nothing until the last batch is there.
    pub(crate) fn prepare(&mut self, message: Vec<u8>) -> Result<(), Errno> {
        self.make_room(message.len())?;
        self.open.push(message);
        Ok(())
    }

    /// Ends what prepares, and adds what has effect, all at once and in a batch of its own: the kernel puts
    /// the elements of some sets into their place only after the rules of the same batch count.
    pub(crate) fn finish(mut self, messages: Vec<Vec<u8>>) -> Result<Vec<Batch>, Errno> {
        if self.open.last.is_some() {
            self.done.push(self.open.close()?);
        }
        self.done.push(Batch::of(messages)?);
        Ok(self.done)
    }

    fn make_room(&mut self, length: usize) -> Result<(), Errno> {
        let fits = self.open.bytes.len().saturating_add(length).saturating_add(END) <= BATCH;
        if !fits && self.open.last.is_some() {
            let full = std::mem::replace(&mut self.open, Open::new()?);
            self.done.push(full.close()?);
        }
        Ok(())
    }
}
