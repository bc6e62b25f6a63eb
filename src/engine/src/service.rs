//! What a program that serves one sandbox from outside takes from itself: it is spoken to by the app, and
//! whatever it could be led to do there ends here.

use crate::error::{Context as _, Result};
use crate::seccomp::service;
use crate::sys::{self, Handled, Rights, Ruleset};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::path::Path;

const MESSAGE: &str = "a program of the sandbox cannot be confined";

/// Confines this process, which has one thread, for good. It reads files below those directories and no
/// others, where the kernel has Landlock; and speaks over the sockets that it has and those of the
/// internet. It starts nothing, and changes no file.
///
/// # Errors
/// When the kernel refuses.
pub fn confine(read: &[&Path]) -> Result<()> {
    rustix::thread::set_no_new_privs(true).context(MESSAGE)?;
    if let Some(rules) =
        Ruleset::new(Handled { files: true, ..Handled::default() }).context(MESSAGE)?
    {
        for path in read {
            match rustix::fs::open(*path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
                Ok(place) => rules.allow(place, Rights::READ, path.is_dir()).context(MESSAGE)?,
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno).context(MESSAGE),
            }
        }
        rules.enforce().context(MESSAGE)?;
    }
    sys::load_filter(&service::program()).context(MESSAGE)
}
