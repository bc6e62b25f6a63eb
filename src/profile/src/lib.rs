//! Profiles: what one app may reach, from the file a person wrote to a policy that can be enforced.
//!
//! Pure of effects but for reading and writing profile files; it knows nothing of how a sandbox is built.
//!
//! Without the feature `files` only the policy and the option table are there: what the helper, which
//! reads no profile, has to know.

#![forbid(unsafe_code)]

pub mod bus;
pub mod calls;
#[cfg(feature = "files")]
pub mod conf;
#[cfg(feature = "files")]
mod context;
mod error;
#[cfg(feature = "files")]
pub mod explain;
pub mod i18n;
#[cfg(feature = "files")]
mod layer;
mod nearest;
pub mod net;
pub mod options;
mod path;
mod policy;
#[cfg(feature = "files")]
mod profile;
#[cfg(feature = "files")]
mod read;
#[cfg(feature = "files")]
mod save;
pub mod size;
#[cfg(feature = "files")]
mod store;
pub mod text;
#[cfg(feature = "files")]
mod value;

#[cfg(feature = "files")]
pub use context::{Context, ContextError};
pub use error::{Error, Errors, Place};
#[cfg(feature = "files")]
pub use layer::{Layer, Origin};
pub use nearest::nearest;
pub use path::{AbsPath, PathError};
pub use policy::{
    Access, DBus, Device, Home, Limits, Network, PathRule, Policy, Root, RunAs, SystemCall,
    Variable, Walls, Wayland, XServer,
};
#[cfg(feature = "files")]
pub use profile::{Change, Profile};
#[cfg(feature = "files")]
pub use read::typed;
#[cfg(feature = "files")]
pub use save::{SaveError, edited, to_toml};
#[cfg(feature = "files")]
pub use store::{Listed, LoadError, Store, is_id, load_file};
#[cfg(feature = "files")]
pub use value::Value;
