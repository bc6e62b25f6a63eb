//! A call that waits for an answer of the person's.

use crate::ask::{Number, PATIENCE};
use crate::fields::Header;
use crate::frame::Frame;
use std::os::fd::OwnedFd;
use std::time::Instant;

/// The whole message, with its descriptors.
#[derive(Debug)]
pub struct Held {
    /// The question.
    pub number: Number,
    /// The message.
    pub message: Vec<u8>,
    /// Its descriptors.
    pub fds: Vec<OwnedFd>,
    /// When it is refused.
    pub deadline: Instant,
}

impl Held {
    /// Begins to wait.
    #[must_use]
    pub fn new(number: Number, message: &[u8], fds: Vec<OwnedFd>) -> Self {
        Self { number, message: message.to_vec(), fds, deadline: Instant::now() + PATIENCE }
    }

    /// The message's header, which was read before.
    #[must_use]
    pub fn header(&self) -> Option<Header<'_>> {
        let frame = Frame::scan(&self.message).ok()??;
        Header::parse(frame, &self.message).ok()
    }
}
