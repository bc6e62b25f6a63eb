//! Numbers that nobody can guess.

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// A number of 16 bits, from the kernel.
///
/// # Errors
/// When the kernel has none.
pub fn number() -> Result<u16, Errno> {
    let mut bytes = [0; 2];
    loop {
        match getrandom(&mut bytes, GetRandomFlags::empty()) {
            Ok(count) if count == bytes.len() => return Ok(u16::from_ne_bytes(bytes)),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}
