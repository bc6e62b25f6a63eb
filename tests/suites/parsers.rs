//! What reads bytes of others, tried with the corpora of `tests/fuzz` and with what comes of them when
//! they are damaged: a short replay of what `./dev fuzz` does at length.

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "it is a crate of its own for libFuzzer")]
mod targets;

use arkose_tests::random::Random;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use targets::{TARGETS, Target};

/// How often each target is tried with damaged bytes.
const TIMES: u32 = 4000;

/// The inputs that are kept for a target.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries =
        fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    // So that the same seed means the same bytes everywhere.
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn try_one(name: &str, target: Target, bytes: &[u8]) {
    if catch_unwind(|| target(bytes)).is_err() {
        panic!("{name}, see above, with b\"{}\"", bytes.escape_ascii());
    }
}

#[test]
fn what_was_found_once_stays_mended() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        for bytes in corpus {
            try_one(name, target, &bytes);
        }
    }
}

#[test]
fn damaged_bytes_break_no_promise() {
    for (name, target) in TARGETS {
        let (corpus, mut random) = (corpus(name), Random::new(1));
        for _ in 0..TIMES {
            let mut bytes = Vec::clone(random.pick(&corpus));
            for _ in 0..=random.below(4) {
                let other: &Vec<u8> = random.pick(&corpus);
                damage(&mut bytes, other, &mut random);
            }
            try_one(name, target, &bytes);
        }
    }
}

/// Changes one thing: a bit, a byte, a piece that is doubled, cut out, or taken from another input.
fn damage(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + 1 + random.below(16)).min(bytes.len());
    match random.below(6) {
        0 if at < end => bytes[at] ^= 1 << random.below(8),
        1 if at < end => bytes[at] = *random.pick(&b"\0\xff%\\\"'=[]{},/ \n#:~$-"[..]),
        2 => drop(bytes.drain(at..end)),
        3 => bytes.truncate(at),
        4 => bytes.extend_from_within(at..end),
        _ => {
            let from = random.below(other.len() + 1);
            let to = (from + random.below(32)).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
    }
}
