//! What a program says, kept in memory: nothing has to drain it, and no flood fills the memory.

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::process::Stdio;

/// How much is kept; what comes later is refused by the seal.
const SIZE: u64 = 32 * 1024;

/// A log of one program.
#[derive(Debug)]
pub(super) struct Log(File);

impl Log {
    pub(super) fn new() -> io::Result<Self> {
        let fd = memfd_create(c"arkose-log", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
        nix::unistd::ftruncate(&fd, SIZE.cast_signed())?;
        fcntl(&fd, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK))?;
        Ok(Self(File::from(fd)))
    }

    /// A stream for a program to write to.
    pub(super) fn stream(&self) -> io::Result<Stdio> {
        self.0.try_clone().map(Stdio::from)
    }

    /// What was written so far.
    pub(super) fn text(&self) -> String {
        let mut text = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = self.0.read_at(&mut chunk, text.len() as u64) {
            text.extend_from_slice(chunk.get(..length).unwrap_or_default());
        }
        String::from_utf8_lossy(&text).trim_end_matches('\0').to_owned()
    }
}

/// The line that says most: the last one with an error in it, else the last one.
pub(super) fn telling(text: &str) -> Option<&str> {
    let lines = || text.lines().map(str::trim).filter(|line| !matches!(*line, "" | "(EE)"));
    let error = |line: &&str| {
        let lower = line.to_ascii_lowercase();
        ["error", "cannot", "no module"].iter().any(|word| lower.contains(word))
    };
    lines()
        .rfind(error)
        .or_else(|| lines().next_back())
        .map(|line| line.trim_start_matches("(EE) "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_line_with_the_error_tells_most() {
        assert_eq!(telling("starting\nError: no host\n(EE) \n"), Some("Error: no host"));
        assert_eq!(telling("one\n(EE) two\n\n"), Some("two"));
        assert_eq!(telling(""), None);
    }

    #[test]
    fn a_flood_is_cut_off() {
        let log = Log::new().unwrap();
        let mut stream = log.0.try_clone().unwrap();
        let line = [b'x'; 1000];
        let written = (0..100).take_while(|_| stream.write_all(&line).is_ok()).count();
        assert_eq!(written, 32);
        assert!(log.text().len() <= 32 * 1024);
    }
}
