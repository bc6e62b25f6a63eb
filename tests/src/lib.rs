//! What the suites share: starting the built programs as an ordinary user, looking at the host
//! before and after, and skipping what a machine does not allow.
//!
//! The suites are black-box. They use `arkose` as its users do, probe from inside with ordinary
//! tools, and look for effects from outside. `./dev test` prepares the machine for them.

pub mod administrator;
pub mod arkose;
pub mod bus;
pub mod display;
pub mod host;
pub mod machine;
pub mod owned;
pub mod pairs;
pub mod prompter;
pub mod random;
pub mod registry;
pub mod scratch;
pub mod terminal;
pub mod wait;
pub mod weakened;
pub mod world;

pub use arkose::{Arkose, Outcome, Running, Via};
pub use display::Display;
pub use host::Inventory;
pub use scratch::Scratch;
pub use terminal::Terminal;
pub use world::World;

/// Makes two tests of every function: one through a user namespace, one through the helper.
///
/// The way is skipped, with its reason printed and counted, where the machine does not allow it.
#[macro_export]
macro_rules! both_ways {
    ($($(#[$meta:meta])* fn $name:ident($via:ident) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a short test may need none of them")]
            use super::*;

            fn body($via: $crate::Via) $body

            #[test]
            fn user() {
                $crate::machine::with_way($crate::Via::User, concat!(stringify!($name), "::user"), body);
            }

            #[test]
            fn helper() {
                $crate::machine::with_way($crate::Via::Helper, concat!(stringify!($name), "::helper"), body);
            }
        }
    )+};
}

/// A test of each function that only the helper's way has; skipped where the machine does not allow that.
#[macro_export]
macro_rules! by_helper {
    ($($(#[$meta:meta])* fn $name:ident() $body:block)+) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            fn body(_: $crate::Via) $body
            $crate::machine::with_way($crate::Via::Helper, stringify!($name), body);
        }
    )+};
}
