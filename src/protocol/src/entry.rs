//! A further command for a sandbox that runs. It goes to the sandbox's first process over a socket of
//! its own, which that process gets with [`Control::Enter`](crate::Control::Enter).

use crate::MAX_REQUEST;
use crate::message::{Bytes, Request, Terminal};
use crate::socket::{Channel, ProtocolError};
use arkose_profile::AbsPath;
use serde::{Deserialize, Serialize};
use std::os::fd::{BorrowedFd, OwnedFd};

/// What is to be started, and on what. Everything else is as it is for the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The program and its arguments; a program without `/` is searched for in the app's `PATH`, inside.
    pub argv: Vec<Bytes>,
    /// `NAME=VALUE` in which its environment differs from the app's.
    pub env: Vec<Bytes>,
    /// Where it starts; `None`, or a directory that is not there inside, starts it in the home.
    pub cwd: Option<AbsPath>,
    /// The pseudo-terminal that it gets, if any.
    pub terminal: Option<Terminal>,
}

impl Entry {
    /// The request of the sandbox, with this command in the place of the app's.
    #[must_use]
    pub fn in_place_of_the_app(self, sandbox: &Request) -> Request {
        let name = |variable: &Bytes| {
            variable.0.split(|byte| *byte == b'=').next().unwrap_or_default().to_vec()
        };
        let set: Vec<Vec<u8>> = self.env.iter().map(name).collect();
        let kept = sandbox.env.iter().filter(|variable| !set.contains(&name(variable)));
        let env = kept.cloned().chain(self.env.iter().cloned()).collect();
        Request {
            argv: self.argv,
            env,
            cwd: self.cwd,
            terminal: self.terminal,
            linger: false,
            ..sandbox.clone()
        }
    }
}

impl Channel {
    /// Sends a command that enters, and its standard descriptors.
    ///
    /// # Errors
    /// When it is too large or the sandbox is gone.
    pub fn send_entry(
        &self,
        entry: &Entry,
        stdio: [BorrowedFd<'_>; 3],
    ) -> Result<(), ProtocolError> {
        let bytes = postcard::to_stdvec(entry).map_err(|_| ProtocolError::Malformed)?;
        if bytes.len() > MAX_REQUEST {
            return Err(ProtocolError::TooLarge);
        }
        self.send_sealed(&bytes, &stdio)
    }

    /// Receives a command that enters, and its standard descriptors; waits for them.
    ///
    /// # Errors
    /// When what comes is no such command of this version, or is not sealed against changes.
    pub fn receive_entry(&self) -> Result<(Entry, [OwnedFd; 3]), ProtocolError> {
        let (bytes, fds) = self.receive_sealed()?;
        let stdio = <[OwnedFd; 3]>::try_from(fds).map_err(|_| ProtocolError::Malformed)?;
        let entry = postcard::from_bytes(&bytes).map_err(|_| ProtocolError::Malformed)?;
        Ok((entry, stdio))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VERSION;
    use std::os::fd::AsFd as _;

    fn entry() -> Entry {
        Entry { argv: vec![Bytes(b"id".to_vec())], env: Vec::new(), cwd: None, terminal: None }
    }

    #[test]
    fn a_command_arrives_with_its_descriptors_and_garbage_does_not() {
        let (a, b) = Channel::pair().unwrap();
        let pipe = std::io::pipe().unwrap();
        let fd = pipe.0.as_fd();
        a.send_entry(&entry(), [fd, fd, fd]).unwrap();
        assert_eq!(b.receive_entry().unwrap().0, entry());
        a.send_packet(&VERSION.to_le_bytes(), &[fd, fd, fd, fd]).unwrap();
        assert!(matches!(b.receive_entry(), Err(ProtocolError::Malformed)));
        a.send_packet(&VERSION.to_le_bytes(), &[fd]).unwrap();
        assert!(matches!(b.receive_entry(), Err(ProtocolError::Malformed)));
        a.send_packet(b"x", &[]).unwrap();
        assert!(matches!(b.receive_entry(), Err(ProtocolError::Version)));
        drop(a);
        assert!(matches!(b.receive_entry(), Err(ProtocolError::Closed)));
    }
}
