//! The user's side of a sandbox: its supervisor, and the services of the host that it may reach.
#![forbid(unsafe_code)]

mod allowed;
pub mod bus;
mod child;
pub mod display;
pub mod doctor;
mod enter;
mod environment;
pub mod error;
mod events;
mod facts;
mod failure;
pub mod grant;
pub mod guard;
mod helper;
pub mod host;
mod installed;
mod launch;
mod light;
mod limits;
mod lines;
mod listing;
mod network;
mod plan;
pub mod questions;
mod registry;
mod request;
pub mod running;
pub mod runtime;
mod services;
pub mod sound;
mod spec;
mod streams;
mod supervisor;
mod terminal;
pub mod verify;
pub mod wayland;
mod wire;

pub use failure::LaunchError;
pub use launch::launch;
pub use plan::{Planned, plan};
pub use spec::{Explained, LaunchSpec, SharedFile, Via};
