//! The standard descriptors of an app that is root inside.
//!
//! Root owns what it holds: given a file of the host, the app could change its owner and mode, out
//! there. So it gets pipes, and what goes through them is passed on here.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollFlags;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{pipe2, read, write};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How much may wait on its way.
const BUFFER: usize = 64 * 1024;

/// What is given away in the place of the standard descriptors, and what is done with it.
#[derive(Debug)]
pub(crate) struct Streams {
    /// What the app gets.
    pub(crate) given: [OwnedFd; 3],
    /// What passes it on.
    pub(crate) pumps: Vec<Pump>,
}

impl Streams {
    /// Pipes for those of the standard descriptors that are neither pipes nor `replaced` by a terminal of
    /// the app's own. Over a socket of the host's the app could be given more.
    pub(crate) fn piped(replaced: [bool; 3]) -> io::Result<Self> {
        let mut pumps = Vec::new();
        let mut one = |fd: BorrowedFd<'_>, replaced: bool, input: bool| -> io::Result<OwnedFd> {
            let own = fd.try_clone_to_owned()?;
            if replaced || has_no_life_outside(&own) {
                return Ok(own);
            }
            let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
            if input {
                pumps.push(Pump::new(own, writer)?);
                Ok(reader)
            } else {
                pumps.push(Pump::new(reader, own)?);
                Ok(writer)
            }
        };
        let [first, second, third] = replaced;
        let given = [
            one(io::stdin().as_fd(), first, true)?,
            one(io::stdout().as_fd(), second, false)?,
            one(io::stderr().as_fd(), third, false)?,
        ];
        Ok(Self { given, pumps })
    }
}

fn has_no_life_outside(fd: &OwnedFd) -> bool {
    /// `PIPEFS_MAGIC` of linux/magic.h: a pipe with a name is in another file system.
    const PIPES: u32 = 0x5049_5045;
    let nameless =
        || rustix::fs::fstatfs(fd).is_ok_and(|stat| u32::try_from(stat.f_type) == Ok(PIPES));
    fstat(fd).is_ok_and(|stat| {
        let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
        kind == SFlag::S_IFIFO && nameless()
    })
}

/// Passes on what comes from one descriptor to another; one of both is a pipe to the app.
#[derive(Debug)]
pub(crate) struct Pump {
    from: Option<OwnedFd>,
    to: Option<OwnedFd>,
    waiting: VecDeque<u8>,
}

impl Pump {
    fn new(from: OwnedFd, to: OwnedFd) -> io::Result<Self> {
        for fd in [&from, &to] {
            // Files of the user's are shared with other programs, which do not expect this flag.
            if has_no_life_outside(fd) {
                let flags = OFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFL)?);
                fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
            }
        }
        Ok(Self { from: Some(from), to: Some(to), waiting: VecDeque::new() })
    }

    /// What is waited for; nothing when it is done.
    pub(crate) fn wanted(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let to = self.to.as_ref()?;
        if self.waiting.is_empty() {
            Some((self.from.as_ref()?.as_fd(), PollFlags::POLLIN))
        } else {
            Some((to.as_fd(), PollFlags::POLLOUT))
        }
    }

    /// Passes on what is there now.
    pub(crate) fn pass(&mut self) {
        if self.waiting.is_empty() {
            self.take();
        }
        self.give();
        if self.from.is_none() && self.waiting.is_empty() {
            // The other side learns that nothing more comes.
            self.to = None;
        }
    }

    /// Passes on all that is left; the app is gone.
    pub(crate) fn finish(&mut self) {
        if self.from.as_ref().is_some_and(|from| !has_no_life_outside(from)) {
            // What the app would have read is read by nobody, and might be long in coming.
            return;
        }
        while self.to.is_some() {
            let before = (self.from.is_some(), self.waiting.len());
            self.pass();
            if before == (self.from.is_some(), self.waiting.len()) && self.waiting.is_empty() {
                return;
            }
        }
    }

    fn take(&mut self) {
        let Some(from) = &self.from else { return };
        let mut buffer = vec![0; BUFFER];
        match read(from, &mut buffer) {
            Ok(0) => self.from = None,
            Ok(length) => self.waiting.extend(buffer.iter().take(length)),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.from = None,
        }
    }

    fn give(&mut self) {
        while let Some(to) = self.to.as_ref().filter(|_| !self.waiting.is_empty()) {
            let (bytes, _) = self.waiting.as_slices();
            match write(to, bytes) {
                Ok(length) => drop(self.waiting.drain(..length)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                // Nobody reads it any more, or the disk is full: what comes has nowhere to go.
                Err(_) => {
                    self.waiting.clear();
                    self.to = None;
                    self.from = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read as _, Write as _};

    #[test]
    fn everything_is_passed_on_and_then_the_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        let (mut last, to) = io::pipe().unwrap();
        let mut pump = Pump::new(reader.into(), to.into()).unwrap();
        writer.write_all(&[7; 1000]).unwrap();
        pump.pass();
        drop(writer);
        pump.finish();
        let mut all = Vec::new();
        last.read_to_end(&mut all).unwrap();
        assert_eq!(all, [7; 1000]);
        assert!(pump.wanted().is_none());
    }

    #[test]
    fn a_reader_that_left_ends_it() {
        let (reader, mut writer) = io::pipe().unwrap();
        let (last, to) = io::pipe().unwrap();
        let mut pump = Pump::new(reader.into(), to.into()).unwrap();
        drop(last);
        writer.write_all(b"x").unwrap();
        pump.pass();
        assert!(pump.wanted().is_none());
    }

    #[test]
    fn files_have_a_life_outside() {
        assert!(!has_no_life_outside(&File::open("/dev/null").unwrap().into()));
        assert!(has_no_life_outside(&io::pipe().unwrap().0.into()));
    }
}
