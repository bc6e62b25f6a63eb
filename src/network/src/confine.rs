//! What the program takes from itself before it hears anybody.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};

/// No right comes back by a program that is started.
///
/// # Errors
/// When the kernel refuses.
pub fn give_up_rights() -> Result<(), Errno> {
    rustix::thread::set_no_new_privs(true)
}

/// Every question is a descriptor, and so is every connection.
pub fn raise_descriptors() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Without it, fewer questions are asked at once.
    let _ = rustix::process::setrlimit(Resource::Nofile, raised);
}
