//! How much may be written, and what else the app may use up.

use crate::verify::check::{About, Checks, about};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use arkose_probe::{Found, Trial};
use arkose_profile::i18n::N_;
use std::path::{Path, PathBuf};

/// Up to so many bytes are written to see where it ends.
const FILLED: u64 = 16 << 20;
const PAGE: u64 = 4096;

/// Up to so many threads are started to see where it ends.
const CROWD: u32 = 2048;

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    space(subject, checks);
    memory_use(subject, checks);
    processes(subject, checks);
    checks
        .not_tried(about("limits.cpu-weight"), N_("it shows only while others want the processor"));
}

fn memory_use(subject: &Subject<'_>, checks: &mut Checks) {
    let key = about("limits.memory");
    match subject.policy.limits.memory {
        0 => as_on_host(subject, checks, key, "memory"),
        _ => checks.not_tried(key, N_("what reaches this limit is ended, and could tell nothing")),
    }
}

fn processes(subject: &Subject<'_>, checks: &mut Checks) {
    let key = about("limits.processes");
    match subject.policy.limits.processes {
        0 => as_on_host(subject, checks, key, "processes"),
        most if most <= CROWD => {
            let crowd = Trial::Crowd { enough: most + 1 };
            checks.add(key, crowd, Expect::AtMost(most.into()));
        }
        _ => checks.not_tried(key, N_("so many processes are not started for a trial")),
    }
}

fn as_on_host(subject: &Subject<'_>, checks: &mut Checks, about: About, name: &str) {
    let trial = Trial::Limit { name: name.to_owned() };
    if let Found::Text { text } = subject.on_host(&trial) {
        checks.add(about, trial, Expect::Is(text));
    }
}

fn space(subject: &Subject<'_>, checks: &mut Checks) {
    let key = about("limits.cow-size");
    if subject.light() {
        let path = subject.host.runtime();
        if let Found::Text { text } = subject.on_host(&Trial::Space { path: path.clone() }) {
            checks.add(key, Trial::Space { path }, Expect::Is(text));
        }
        return;
    }
    let places = ["/tmp", "/run/lock"].map(PathBuf::from);
    let Some(path) = places.into_iter().find(|path| !subject.is_ruled(path)) else {
        checks.not_tried(key, N_("the places where it could be tried are shared"));
        return;
    };
    let space = Trial::Space { path: path.clone() };
    let (size, limit) = (subject.policy.cow_size, subject.policy.limits.memory);
    if size == 0 {
        match Some(limit).filter(|limit| *limit > 0).or_else(memory) {
            Some(memory) => {
                checks.add(key, space, Expect::AtMost((memory / 2).next_multiple_of(PAGE)));
            }
            None => checks.not_tried(key, N_("the kernel does not say how much memory there is")),
        }
        return;
    }
    checks.add(key, space, Expect::AtMost(size.next_multiple_of(PAGE)));
    if size <= FILLED {
        let bytes = size.next_multiple_of(PAGE) + 1;
        checks.add(key, Trial::Fill { path, bytes }, Expect::RefusedBy("ENOSPC"));
    }
}

/// All memory of this machine, in bytes (proc(5)).
fn memory() -> Option<u64> {
    let table = std::fs::read_to_string(Path::new("/proc/meminfo")).ok()?;
    let line = table.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
