//! The engine: turns a request into a running sandbox.
//!
//! It runs in the helper as root, or in a child of the supervisor as the user, with one thread and
//! nothing taken from its environment. [`plan`] says what is to be done; `tree` does it by
//! descriptor; `init` lives in the sandbox as its first process. Every failure is a sentence for the
//! user.

mod app;
mod bounds;
mod enter;
mod error;
pub mod host;
mod ids;
mod init;
mod light;
pub mod limits;
pub mod network;
mod outlet;
pub mod plan;
mod refusal;
mod ruled;
mod seccomp;
mod serve;
mod service;
mod sys;
mod tree;
mod wall;

pub use error::{Error, Result};
pub use ids::Caller;
pub use serve::{Granted, Launched, launch, serve};
pub use service::confine;
pub use sys::{attempt, has_scopes};
