//! What the windows know, without GTK: the profile being edited, how values are written, what a
//! launch says, what a person is asked.
//!
//! Everything here is plain data and is tested without a display; the widgets only draw it.

mod call;
pub(crate) mod command;
mod draft;
mod files;
mod launch;
mod names;
mod question;
mod remembered;
pub mod rules;
pub mod running;
mod search;
pub(crate) mod shipped;
pub(crate) mod size;
pub mod traffic;

pub use call::{Call, Remedy, What};
pub use draft::{Draft, WayBack};
pub use files::{file_names, with_files};
pub use launch::{Event, Failure, Request};
pub use names::{free_id, home_relative};
pub use question::{Line, Lines, Question, Scope, answer};
pub use remembered::{Remembered, fingerprint};
pub use search::Query;
