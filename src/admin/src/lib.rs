//! What the administrator allows: `/etc/arkose/helper.toml`, read, understood and held against what
//! a launch asks for.
//!
//! The helper reads it as root at each request and refuses what goes beyond it. A launch that needs
//! no helper keeps to it as well, though whoever can launch can also run the app without a sandbox.
//! Nothing here asks the name service: users and groups are looked up in the plain files of `/etc`,
//! and who belongs to a group is what the kernel says of the caller.

#![forbid(unsafe_code)]

mod caps;
mod devices;
mod file;
mod judge;
mod keys;
mod parse;
mod paths;
mod people;
mod services;
#[cfg(feature = "explain")]
mod told;

pub use caps::{Caps, Whom};
pub use file::{PATH, Reader};
pub use judge::{Action, Denied, judge};
pub use parse::Rules;
#[cfg(feature = "explain")]
pub use told::explain;

use arkose_profile::Errors;

/// What the administrator wrote; nothing where there is no file.
///
/// # Errors
/// When somebody else could have written it, or anything in it is wrong: nothing of it holds then,
/// and nothing may be launched.
pub fn read(reader: Reader) -> Result<Option<Rules>, Errors> {
    file::read(reader)?.map(|text| Rules::parse(&text)).transpose()
}
