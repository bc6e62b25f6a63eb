//! Where control groups are mounted, and which group this process is in.

use super::group::{Hierarchy, INNER};
use super::own::PREFIX;
use arkose_profile::Limits;
use std::path::{Path, PathBuf};

/// How the names of systemd's scopes for sandboxes begin.
const SCOPE: &str = "app-arkose-";

/// A hierarchy in which something is to be limited.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Needed {
    pub(super) hierarchy: Hierarchy,
    /// The controllers that are to be switched on, where that is to be done.
    pub(super) controllers: Vec<&'static str>,
    /// Where it is mounted.
    pub(super) point: PathBuf,
    /// The group of this process, below that.
    pub(super) own: PathBuf,
}

/// The hierarchies that enforce these limits; nothing when one of them has none.
pub(super) fn needed(limits: Limits) -> Option<Vec<Needed>> {
    find(limits, &text_of("/proc/self/mountinfo")?, &text_of("/proc/self/cgroup")?)
}

/// What a file says. Names of others in it need not be text, and must not hide the rest.
fn text_of(path: &str) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The groups that limit a process, if it is the first of a sandbox and they were made for it: one
/// directory for each hierarchy.
pub(super) fn groups_of(process: i32) -> Vec<PathBuf> {
    let read = |path: &str| text_of(path).unwrap_or_default();
    let (mounts, own) = (read("/proc/self/mountinfo"), read(&format!("/proc/{process}/cgroup")));
    let hierarchies = [Some("memory"), Some("pids"), Some("cpu"), None];
    let mut groups = Vec::new();
    for (point, own) in hierarchies.into_iter().filter_map(|one| mounted(&mounts, &own, one)) {
        let outer = own.parent().filter(|outer| own.ends_with(INNER) && is_ours(outer));
        groups.extend(outer.map(|outer| point.join(outer)));
    }
    groups
}

/// Whether a group has the name of one that was made for a sandbox.
fn is_ours(outer: &Path) -> bool {
    let begins = |path: Option<&Path>, prefix: &str| {
        let name = path.and_then(Path::file_name).and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(prefix))
    };
    begins(Some(outer), PREFIX) || begins(outer.parent(), SCOPE)
}

fn find(limits: Limits, mounts: &str, own: &str) -> Option<Vec<Needed>> {
    let wanted = [
        (limits.memory > 0, "memory", Hierarchy::Memory),
        (limits.processes > 0, "pids", Hierarchy::Pids),
        (limits.cpu_weight != Limits::EVEN, "cpu", Hierarchy::Cpu),
    ];
    let mut found: Vec<Needed> = Vec::new();
    for (_, controller, old) in wanted.into_iter().filter(|(wanted, ..)| *wanted) {
        // A controller is in one hierarchy: an older one if that is mounted, else the unified one.
        if let Some((point, own)) = mounted(mounts, own, Some(controller)) {
            found.push(Needed { hierarchy: old, controllers: Vec::new(), point, own });
            continue;
        }
        let (point, own) = mounted(mounts, own, None)?;
        match found.iter_mut().find(|needed| needed.hierarchy == Hierarchy::Unified) {
            Some(needed) => needed.controllers.push(controller),
            None => found.push(Needed {
                hierarchy: Hierarchy::Unified,
                controllers: vec![controller],
                point,
                own,
            }),
        }
    }
    Some(found)
}

/// Where the hierarchy with that controller is mounted, or the unified one, and our group there.
fn mounted(mounts: &str, own: &str, controller: Option<&str>) -> Option<(PathBuf, PathBuf)> {
    let (root, point) = mounts.lines().find_map(|line| mount(line, controller))?;
    let path = own.lines().find_map(|line| member(line, controller))?;
    // Below what is mounted; a group elsewhere cannot be reached through this mount.
    let below = Path::new(path).strip_prefix(root).ok()?;
    let plain = below.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    plain.then(|| (PathBuf::from(point), below.to_owned()))
}

/// The root and the mount point of a line of mountinfo (proc_pid_mountinfo(5)), if it is that one.
fn mount<'a>(line: &'a str, controller: Option<&str>) -> Option<(&'a str, &'a str)> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    let mut after = after.split(' ');
    let (kind, options) = (after.next()?, after.nth(1)?);
    let right = match controller {
        None => kind == "cgroup2",
        Some(controller) => {
            kind == "cgroup" && options.split(',').any(|option| option == controller)
        }
    };
    right.then_some((root, point))
}

/// The path in a line of `/proc/PID/cgroup` (cgroups(7)), if it is of that hierarchy.
fn member<'a>(line: &'a str, controller: Option<&str>) -> Option<&'a str> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let right = match controller {
        None => controllers.is_empty(),
        Some(controller) => controllers.split(',').any(|one| one == controller),
    };
    right.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Limits = Limits { memory: 1, processes: 1, cpu_weight: 50 };

    #[test]
    fn the_unified_hierarchy_alone() {
        let mounts =
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        let own = "0::/user.slice/user-1000.slice/session-2.scope\n";
        let found = find(ALL, mounts, own).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].controllers, ["memory", "pids", "cpu"]);
        assert_eq!(found[0].own, Path::new("user.slice/user-1000.slice/session-2.scope"));
    }

    #[test]
    fn older_hierarchies_come_first_and_roots_are_taken_off() {
        let mounts = "32 31 0:30 /a /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let own = "4:memory:/x:y\n2:cpu,cpuacct:/a/b\n0::/\n";
        let found = find(ALL, mounts, own).unwrap();
        let kinds: Vec<_> = found.iter().map(|needed| needed.hierarchy).collect();
        assert_eq!(kinds, [Hierarchy::Memory, Hierarchy::Unified, Hierarchy::Cpu]);
        assert_eq!(found[0].own, Path::new("x:y"));
        assert_eq!(found[2].own, Path::new("b"));
    }

    #[test]
    fn groups_are_known_by_their_names() {
        for (path, ours) in [
            ("a/arkose-0123", true),
            ("user/app.slice/app-arkose-abc.scope/sandbox", true),
            ("user/app.slice/app-other.scope/sandbox", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(is_ours(Path::new(path)), ours, "{path}");
        }
    }

    #[test]
    fn a_group_that_is_out_of_reach_is_none() {
        let mounts = "30 23 0:26 /inner /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(find(ALL, mounts, "0::/elsewhere\n"), None);
        assert_eq!(find(ALL, mounts, "0::/inner/../..\n"), None);
        assert_eq!(find(ALL, "", "0::/\n"), None);
    }
}
