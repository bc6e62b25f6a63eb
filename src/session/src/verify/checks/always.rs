//! What holds in every sandbox: who the app is, whom it sees, and which doors of the kernel it does
//! not find.

use crate::verify::check::{ALWAYS, About, Checks, about};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use arkose_probe::{Trial, calls};
use arkose_profile::RunAs;
use std::path::PathBuf;

/// The capability sets of `/proc/self/status` (proc(5)).
const CAPABILITIES: [&str; 5] = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
const NO_CAPABILITY: &str = "0000000000000000";

/// Files of the kernel by which the host could be changed, or the first process of the sandbox.
const KERNEL_FILES: [&str; 5] = [
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/sys/fs/cgroup/cgroup.procs",
    "/sys/kernel/mm/transparent_hugepage/enabled",
];

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    identity(subject, checks);
    processes(checks);
    machine(subject, checks);
    filter(checks);
}

fn identity(subject: &Subject<'_>, checks: &mut Checks) {
    let runas = about("runas");
    let own = subject.on_host(&Trial::Ids);
    let expect = match (subject.policy.runas, own) {
        (RunAs::User, arkose_probe::Found::Text { text }) => Expect::Is(text),
        _ => Expect::Is("0 0".to_owned()),
    };
    checks.add(runas, Trial::Ids, expect);
    if subject.as_root() {
        return;
    }
    checks.add(runas, Trial::Become { uid: 0 }, Expect::Refused);
    checks.add(runas, Trial::Become { uid: subject.host.uid() ^ 1 }, Expect::Refused);
    for field in CAPABILITIES {
        // Only who has a capability can give up that it could be had again; no_new_privs holds it off.
        if subject.light() && field == "CapBnd" {
            continue;
        }
        let trial = Trial::Status { field: field.to_owned() };
        checks.add(runas, trial, Expect::Is(NO_CAPABILITY.to_owned()));
    }
    for path in ["/usr", "/etc"].into_iter().filter(|_| !subject.light()) {
        let trial = Trial::Mounted { path: path.into() };
        checks.add(runas, trial, Expect::Has(vec!["nosuid".to_owned()]));
    }
}

fn processes(checks: &mut Checks) {
    status(checks, ALWAYS, "NoNewPrivs", "1");
    status(checks, ALWAYS, "Seccomp", "2");
    checks.add(ALWAYS, Trial::Descriptors, Expect::only(["0", "1", "2"]));
    // The first ids are those of the sandbox's own processes.
    let own = std::process::id();
    if let (true, Ok(pid)) = (own > 64, i32::try_from(own)) {
        checks.add(ALWAYS, Trial::Signal { pid }, Expect::Refused);
        for name in ["environ", "mem"] {
            let path = PathBuf::from(format!("/proc/{pid}/{name}"));
            checks.add(ALWAYS, Trial::Read { path }, Expect::Refused);
        }
    }
    for path in ["/proc/1/environ", "/proc/1/mem"] {
        checks.add(ALWAYS, Trial::Read { path: path.into() }, Expect::Refused);
    }
}

fn status(checks: &mut Checks, about: About, field: &str, value: &str) {
    checks.add(about, Trial::Status { field: field.to_owned() }, Expect::Is(value.to_owned()));
}

/// What would tell one machine from another, and what would change it.
fn machine(subject: &Subject<'_>, checks: &mut Checks) {
    let id = Trial::Read { path: "/etc/machine-id".into() };
    for trial in [Trial::Hostname, id].into_iter().filter(|_| !subject.light()) {
        // A name that was asked for may be the host's.
        let wanted = matches!(trial, Trial::Hostname) && subject.spec.hostname.is_some();
        match subject.on_host(&trial) {
            arkose_probe::Found::Text { text } if !wanted && !text.is_empty() => {
                checks.add(ALWAYS, trial, Expect::IsNot(text));
            }
            _ => {}
        }
    }
    if let Some(hostname) = &subject.spec.hostname {
        checks.add(ALWAYS, Trial::Hostname, Expect::Is(hostname.clone()));
    }
    for path in KERNEL_FILES {
        checks.add(ALWAYS, Trial::Write { path: path.into() }, Expect::Refused);
    }
    if let Some(path) = &subject.witnesses.file {
        checks.add(ALWAYS, Trial::Read { path: PathBuf::from(path) }, Expect::Refused);
    }
}

fn filter(checks: &mut Checks) {
    let mut call = |number, expect| {
        checks.add(ALWAYS, Trial::Call { number, arguments: Vec::new() }, expect);
    };
    calls::UNKNOWN.iter().for_each(|(_, number)| call(*number, Expect::RefusedBy("ENOSYS")));
    for (_, request) in calls::FORGING {
        checks.add(ALWAYS, Trial::Terminal { request: *request }, Expect::RefusedBy("EPERM"));
    }
    for (_, family) in calls::FAMILIES {
        let trial = Trial::Family { family: *family, raw: false };
        checks.add(ALWAYS, trial, Expect::RefusedBy("EAFNOSUPPORT"));
    }
}
