//! What reads bytes of others, one module each: a profile, a request, a table of mounts. Each takes any
//! bytes, and panics when they break a promise: that nothing panics, and that what was understood
//! is the same when it is written and read again.
//!
//! libFuzzer runs them (`./dev fuzz NAME SECONDS`), and the suite `parsers` does with the corpora.

#![forbid(unsafe_code)]

pub mod administrator;
pub mod authentication;
pub mod catalogue;
pub mod command;
pub mod conf;
pub mod dns;
pub mod logged;
pub mod match_rule;
pub mod message;
pub mod mountinfo;
pub mod original;
pub mod plan;
pub mod profile;
pub mod request;
pub mod xauth;

/// Tries one input.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its corpus too.
pub const TARGETS: [(&str, Target); 15] = [
    ("administrator", administrator::try_one),
    ("authentication", authentication::try_one),
    ("catalogue", catalogue::try_one),
    ("command", command::try_one),
    ("conf", conf::try_one),
    ("dns", dns::try_one),
    ("logged", logged::try_one),
    ("match_rule", match_rule::try_one),
    ("message", message::try_one),
    ("mountinfo", mountinfo::try_one),
    ("original", original::try_one),
    ("plan", plan::try_one),
    ("profile", profile::try_one),
    ("request", request::try_one),
    ("xauth", xauth::try_one),
];

/// A user for whom a profile is read.
fn context() -> arkose_profile::Context {
    let home = arkose_profile::AbsPath::new("/home/ann").expect("a plain path");
    arkose_profile::Context { home, user: "ann".to_owned() }
}

/// The bytes as the words of a command line: a NUL byte ends each.
fn words(bytes: &[u8]) -> Vec<std::ffi::OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    bytes.split(|byte| *byte == 0).map(|word| std::ffi::OsString::from_vec(word.to_vec())).collect()
}
