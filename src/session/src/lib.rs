//! The user's side of a sandbox: its supervisor, and the services of the host that it may reach.
#![forbid(unsafe_code)]

pub mod bus;
mod child;
pub mod display;
pub mod error;
pub mod grant;
pub mod guard;
pub mod host;
pub mod runtime;
pub mod sound;
pub mod wayland;
