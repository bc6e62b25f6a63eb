//! x

#![forbid(unsafe_code)]

pub mod answer;
pub mod doors;
pub mod hosts;
pub mod lookup;
pub mod name;
pub mod nameservers;
pub mod policy;
pub mod query;
pub mod random;
pub mod reply;
pub mod resolver;
pub mod service;
