//! The directories of the system: what of `/` the app sees, and as what.

use super::{Otherwise, Step, Way};
use crate::host::{EntryKind, Host, Mount, below};
use arkose_profile::{AbsPath, Policy, Root, RunAs};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Directories below `/` of which the host's content is never shown: those that the sandbox has
/// of its own, and those that hold the files of people. Rules can bring back what is below them.
pub(super) const OWN: [&str; 12] = [
    "boot",
    "dev",
    "home",
    "lost+found",
    "media",
    "mnt",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "tmp",
];

/// Those of them that hold the files of people, and may be links to where they really are.
pub(super) const PERSONAL: [&str; 5] = ["/home", "/media", "/mnt", "/root", "/srv"];

/// Those where homes are.
pub(super) const HOMES: [&str; 2] = ["/home", "/root"];

/// File systems that show the kernel's state or need a service, and cannot be copied.
const NOT_FILES: [&str; 22] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nfsd",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// Directories of which nothing changes while the system runs (hier(7)): no service has a socket there.
const STATIC: [&str; 9] =
    ["/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/sbin", "/usr"];

/// The steps that show the system's directories.
pub(super) fn steps(host: &impl Host, way: Way, policy: &Policy) -> Vec<Step> {
    let Ok(root) = AbsPath::new("/") else { return Vec::new() };
    let mut steps = Vec::new();
    for entry in host.entries(&root) {
        let Some(path) = below(&root, &entry.name) else { continue };
        if OWN.iter().any(|own| own.as_bytes() == entry.name.as_bytes()) {
            continue;
        }
        match entry.kind {
            EntryKind::Symlink(target) => steps.push(Step::Symlink { dest: path, target }),
            EntryKind::Directory => directory(host, way, policy, path, &mut steps),
            EntryKind::File | EntryKind::Other => {}
        }
    }
    steps
}

fn directory(host: &impl Host, way: Way, policy: &Policy, path: AbsPath, steps: &mut Vec<Step>) {
    // A socket or a named pipe of the host can be used where it can only be read, and to it root inside
    // would be root: in a copy they lead nowhere.
    let is_static = STATIC.iter().any(|name| path.as_path() == Path::new(name));
    match (policy.root, way) {
        (Root::ReadOnly, Way::Helper) if policy.runas == RunAs::Root || !is_static => {
            nested_overlays(host, path, true, steps);
        }
        (Root::ReadOnly, Way::User) if !is_static => without_doors(host, path, steps),
        (Root::ReadOnly, _) => steps.push(read_only(path)),
        (Root::Cow, Way::Helper) => nested_overlays(host, path, false, steps),
        (Root::Cow, Way::User) => composed(host, path, steps),
    }
}

/// One overlay for the directory, and one for each file system mounted below it.
fn nested_overlays(host: &impl Host, path: AbsPath, read_only: bool, steps: &mut Vec<Step>) {
    steps.push(overlay(path.clone(), Otherwise::Refused, read_only));
    for mount in submounts(host, &path) {
        steps.push(covered(mount.point.clone()));
        if !not_files(&mount.kind) {
            steps.push(overlay(mount.point.clone(), Otherwise::LeftOut, read_only));
        }
    }
}

/// A user namespace cannot copy a directory with mounts below it, because those would be laid
/// bare; such a directory is made anew, and its entries are copied one by one.
fn composed(host: &impl Host, path: AbsPath, steps: &mut Vec<Step>) {
    if is_no_files(host, &path) {
        steps.push(Step::Directory { dest: path, mode: 0o755, owned: false });
        return;
    }
    if !has_submounts(host, &path) {
        steps.push(overlay(path, Otherwise::LeftOut, false));
        return;
    }
    steps.push(Step::Directory { dest: path.clone(), mode: 0o755, owned: false });
    for entry in host.entries(&path) {
        let Some(child) = below(&path, &entry.name) else { continue };
        match entry.kind {
            EntryKind::Symlink(target) => steps.push(Step::Symlink { dest: child, target }),
            EntryKind::Directory => composed(host, child, steps),
            EntryKind::Other => {}
            EntryKind::File => steps.push(read_only(child)),
        }
    }
}

/// What of a directory that is shown read-only can be used all the same must lead nowhere. It is a copy,
/// or where mounts below allow none, it is mounted, and what is in it covered entry by entry.
fn without_doors(host: &impl Host, path: AbsPath, steps: &mut Vec<Step>) {
    if !has_submounts(host, &path) && !is_no_files(host, &path) {
        steps.push(overlay(path, Otherwise::Shown, true));
        return;
    }
    steps.push(read_only(path.clone()));
    cover_doors(host, path, steps);
}

fn cover_doors(host: &impl Host, path: AbsPath, steps: &mut Vec<Step>) {
    if is_no_files(host, &path) {
        return;
    }
    if !has_submounts(host, &path) {
        steps.push(overlay(path, Otherwise::LeftOut, true));
        return;
    }
    for entry in host.entries(&path) {
        let Some(child) = below(&path, &entry.name) else { continue };
        match entry.kind {
            EntryKind::Directory => cover_doors(host, child, steps),
            EntryKind::Other => steps.push(Step::Hide { dest: child, always: false }),
            EntryKind::File | EntryKind::Symlink(_) => {}
        }
    }
}

fn is_no_files(host: &impl Host, path: &AbsPath) -> bool {
    host.mounts().iter().any(|mount| mount.point == *path && not_files(&mount.kind))
}

fn has_submounts(host: &impl Host, path: &AbsPath) -> bool {
    host.mounts().iter().any(|mount| mount.point != *path && path.contains(&mount.point))
}

fn read_only(path: AbsPath) -> Step {
    Step::Bind { source: path.clone(), dest: path, read_only: true, of_user: false }
}

fn overlay(path: AbsPath, otherwise: Otherwise, read_only: bool) -> Step {
    Step::Overlay { lower: path.clone(), dest: path, of_user: false, otherwise, read_only }
}

/// What is mounted over it on the host is not copied with it, and what that covers must not show: only
/// root could look there.
fn covered(dest: AbsPath) -> Step {
    Step::Hide { dest, always: false }
}

/// The same for all that is mounted below a directory that root copies for a user.
pub(super) fn covered_below(host: &impl Host, path: &AbsPath) -> Vec<Step> {
    let real = host.canonical(path).unwrap_or_else(|| path.clone());
    let inside = |mount: &Mount| {
        let rest = mount.point.as_path().strip_prefix(&real).ok()?;
        path.join(rest).ok().map(covered)
    };
    submounts(host, &real).into_iter().filter_map(inside).collect()
}

/// What is mounted below a path, each place once; parents come first.
fn submounts<'h>(host: &'h impl Host, path: &AbsPath) -> Vec<&'h Mount> {
    let below = |mount: &&Mount| mount.point != *path && path.contains(&mount.point);
    let mut mounts: Vec<&Mount> = host.mounts().iter().filter(below).collect();
    // The last one mounted is the one that shows.
    mounts.reverse();
    mounts.sort_by(|a, b| a.point.cmp(&b.point));
    mounts.dedup_by(|a, b| a.point == b.point);
    mounts
}

fn not_files(kind: &str) -> bool {
    NOT_FILES.contains(&kind) || kind.starts_with("fuse")
}
