//! The rules for the network, tried on a kernel: in network namespaces that each test makes, with a world
//! outside and an app inside, both of which are this program. Nothing leaves them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed, and says so by panicking"
)]

mod app;
mod capture;
mod differential;
mod leaks;
mod listing;
mod live;
mod many;
mod probe;
mod rights;
mod servers;
mod uplink;
mod verdicts;
mod world;
mod zone;
