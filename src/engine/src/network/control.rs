//! The socket over which rules are loaded and counters are read. The kernel hears everybody who has it and
//! has the right to manage the network of the namespace that it was opened in: whoever owns the user namespace
//! has, and the app has not.

use super::connections;
use super::counters::{self, FlowCount};
use super::nft::{self, Batch};
use super::ruleset::{Ruleset, table};
use super::socket::{Netlink, Refused};
use crate::error::{Error, Result};
use arkose_protocol::Connection;
use rustix::io::Errno;
use rustix::thread::{MembarrierCommand, membarrier};
use std::os::fd::{AsFd, BorrowedFd};

/// A socket of nfnetlink.
#[derive(Debug)]
pub struct Control<Fd>(Netlink<Fd>);

impl<Fd: AsFd> Control<Fd> {
    /// That which was opened as `control`, by [`open()`](super::open()), perhaps in another process.
    pub fn new(fd: Fd) -> Self {
        Self(Netlink::of(fd))
    }

    /// Puts rules in the place of those before. When that fails, those before count as they did.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn load(&self, rules: &Ruleset) -> Result<()> {
        for (number, batch) in rules.batches.iter().enumerate() {
            let Err(refused) = self.0.transact(batch.bytes(), batch.last()) else { continue };
            // The first made the table. If it could not, one with its name may be in use.
            if number > 0 {
                self.forget(rules);
            }
            return Err(sentence(refused));
        }
        let Some(retired) = &rules.retired else { return Ok(()) };
        if let Err(refused) = self.apply(&retired.first) {
            self.forget(rules);
            return Err(refused);
        }
        // Where the rest fails, more is refused than should be.
        let [empty, delete] = &retired.then;
        let _ = self.apply(empty);
        // It returns when the packets have gone their way that are being judged now.
        let _ = membarrier(MembarrierCommand::Global);
        let _ = self.apply(delete);
        Ok(())
    }

    /// Removes what was prepared, and counts for nobody.
    fn forget(&self, rules: &Ruleset) {
        let name = table(rules.generation);
        if let Ok(batch) = nft::delete_table(&name).and_then(|message| Batch::of(vec![message])) {
            let _ = self.0.transact(batch.bytes(), batch.last());
        }
    }

    /// Does what is in one batch, or nothing.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn apply(&self, batch: &Batch) -> Result<()> {
        self.0.transact(batch.bytes(), batch.last()).map_err(sentence)
    }

    /// What went to and came from whom since [`accounting()`](super::accounting()).
    ///
    /// # Errors
    /// When the kernel does not say it.
    pub fn counts(&self) -> Result<Vec<FlowCount>> {
        counters::read(&self.0)
    }

    /// The connections of the app that have begun and have not ended.
    ///
    /// # Errors
    /// When the kernel does not say it, as one without `nf_conntrack_netlink` does not.
    pub fn connections(&self) -> Result<Vec<Connection>> {
        connections::read(&self.0)
    }
}

impl<Fd: AsFd> AsFd for Control<Fd> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd()
    }
}

fn sentence(refused: Refused) -> Error {
    let message = match (refused.errno, refused.index) {
        (Errno::PERM, _) => "this process may not change the rules of the sandbox's network".into(),
        (Errno::NOENT | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT, _) => {
            "the kernel cannot enforce the rules for the network: it needs nftables for both families, with log and reject".into()
        }
        (_, Some(index)) => format!("the kernel refused message {index} of the rules for the network"),
        (_, None) => "the kernel refused the rules for the network".to_owned(),
    };
    Error::new(message).because(refused.errno)
}
