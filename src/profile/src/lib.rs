//! Profiles: what one app may reach, from the file a person wrote to a policy that can be enforced.
//!
//! Pure of effects but for reading and writing profile files; it knows nothing of how a sandbox is built.

#![forbid(unsafe_code)]

pub mod conf;
mod context;
mod error;
pub mod explain;
pub mod i18n;
mod layer;
mod nearest;
pub mod options;
mod path;
mod policy;
mod profile;
mod read;
mod save;
mod store;
pub mod text;
mod value;

pub use context::{Context, ContextError};
pub use error::{Error, Errors, Place};
pub use layer::{Layer, Origin};
pub use nearest::nearest;
pub use path::{AbsPath, PathError};
pub use policy::{
    Access, DBus, Device, Home, Network, PathRule, Policy, Root, RunAs, Variable, Wayland, XServer,
};
pub use profile::{Change, Profile};
pub use read::typed;
pub use save::{SaveError, to_toml};
pub use store::{Listed, LoadError, Store, is_id, load_file};
pub use value::Value;
