//! The network of a sandbox that has rules: what its first process does in the network namespace of its
//! own before the app is there, and what is sent later over the sockets that it opened.
//!
//! [`ruleset()`] makes nftables of rules, [`Control`] loads them, [`Log`] hears what was asked about and
//! denied, and [`open()`] opens the sockets for it. All is spoken with the kernel directly: no program is
//! started, and no library is loaded.

mod connections;
mod control;
mod counters;
mod judge;
mod link;
mod live;
mod netlink;
mod nflog;
mod nft;
mod open;
mod packet;
mod ruleset;
mod socket;
mod spec;
mod uplink;
mod walls;
mod zone;

pub use control::Control;
pub use counters::{Count, FlowCount, accounting};
pub use link::adopt;
pub use live::{add_answer, add_names};
pub use nflog::{Log, Logged, Told, logged};
pub use nft::Batch;
pub use open::{Dns, Opened, allow_echo, ignore_routers, open, open_control};
pub use ruleset::{Ruleset, ruleset};
pub use spec::{Answer, Generation, Group, LiveName, OnLink, Range, Spec, To};
pub use uplink::{
    Lookout, Side, Uplink, bring_loopback_up, default_routes, local_addresses, wait_for_uplink,
};
pub use walls::Walls;
pub use zone::{Bridges, wait_for_addresses};
