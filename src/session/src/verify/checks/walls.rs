//! Which walls stand around the app, and what it sees over them; the calls that the filter refuses.

use crate::verify::check::{Checks, about, entry};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use arkose_probe::{Found, Trial, calls};
use arkose_profile::i18n::N_;

/// Namespaces of every sandbox that has any.
const NAMESPACES: [&str; 5] = ["pid", "mnt", "ipc", "uts", "cgroup"];

/// What the first process and the probe are called.
const OWN_PROCESSES: [&str; 4] = ["arkose-helper", "arkose-probe", "arkose-sandbox", "probe"];

/// Lines of `explain` about light walls, in their order.
const METADATA: usize = 1;
const NAMES: usize = 2;
const SOCKETS: usize = 3;
const CHANGES: usize = 4;

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    let walls = about("walls");
    for kind in NAMESPACES {
        let trial = Trial::Namespace { kind: kind.to_owned() };
        if let Found::Text { text } = subject.on_host(&trial) {
            let expect = if subject.light() { Expect::Is(text) } else { Expect::IsNot(text) };
            checks.add(walls, trial, expect);
        }
    }
    let root = Trial::Identity { path: "/".into() };
    if subject.light() {
        checks.add(walls, root, Expect::HostFile("/".into()));
        light(subject, checks);
    } else {
        checks.add(walls, root, Expect::NotHostFile("/".into()));
        checks.add(walls, Trial::Processes, Expect::only(OWN_PROCESSES));
    }
    denied_calls(subject, checks);
}

fn light(subject: &Subject<'_>, checks: &mut Checks) {
    if let Some(path) = &subject.witnesses.file {
        let seen = Trial::Identity { path: path.clone() };
        checks.add(entry("walls", METADATA), seen, Expect::HostFile(path.clone()));
    }
    let names = entry("walls", NAMES);
    if let Ok(own) = std::fs::read_to_string("/proc/self/comm") {
        checks.add(names, Trial::Processes, Expect::Has(vec![own.trim().to_owned()]));
    }
    if let Found::Text { text } = subject.on_host(&Trial::Hostname) {
        checks.add(names, Trial::Hostname, Expect::Is(text));
    }
    let local = Trial::Family { family: calls::LOCAL, raw: false };
    checks.add(entry("walls", SOCKETS), local, Expect::RefusedBy("EAFNOSUPPORT"));
    for (_, number) in calls::CHANGING {
        let call = Trial::Call { number: *number, arguments: Vec::new() };
        checks.add(entry("walls", CHANGES), call, Expect::RefusedBy("EPERM"));
    }
}

fn denied_calls(subject: &Subject<'_>, checks: &mut Checks) {
    let key = "system-calls.deny";
    let call = |number| Trial::Call { number, arguments: Vec::new() };
    for (_, number) in calls::REFUSED {
        checks.add(about(key), call(*number), Expect::RefusedBy("EPERM"));
    }
    for (index, denied) in subject.policy.denied_calls.iter().enumerate() {
        // The first line is about those that are always refused.
        let about = entry(key, index + 1);
        let Some(number) = denied.here.map(i64::from) else {
            checks.not_tried(about, N_("only 32-bit programs have this call"));
            continue;
        };
        let absent = calls::UNKNOWN.iter().any(|(_, unknown)| *unknown == number);
        let expect = if absent || number == calls::CLONE3 {
            Expect::Refused
        } else {
            Expect::RefusedBy("EPERM")
        };
        checks.add(about, call(number), expect);
    }
}
