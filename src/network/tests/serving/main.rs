//! The built program, asked by an app over real sockets: the tests are its supervisor, and the
//! nameservers that it asks.
#![allow(missing_docs, reason = "tests")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

mod answers;
mod apps;
mod beginnings;
mod hostile;
mod kernel;
mod place;
mod rules;
mod servers;
mod upstream;
