//! The plan of a sandbox without mounts: what Landlock lets the app reach of the host's own system.
//!
//! Landlock only adds. What lies below something that is allowed is allowed as well, so that a
//! directory with something in it that is not is taken apart into its entries, and a grant with
//! something in it that must not be reached is refused.

use super::make::{homes, refuse_own, writable};
use super::{Plan, Reach, Step, Way, absolute, devices, system};
use crate::error::{Error, Result};
use crate::host::{EntryKind, Host, below};
use arkose_profile::{AbsPath, Access, Home, Network, Policy, Root, RunAs, Walls};
use arkose_protocol::Request;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;

/// Makes the plan.
pub(super) fn make(request: &Request, host: &impl Host, way: Way) -> Result<Plan> {
    let policy = &request.policy;
    check(policy, way)?;
    let closed = Closed::of(request, host)?;
    let mut steps = Vec::new();
    for entry in host.entries(&AbsPath::root()) {
        let own = system::OWN.iter().any(|own| own.as_bytes() == entry.name.as_bytes());
        if let (false, EntryKind::Directory) = (own, entry.kind) {
            steps.extend(
                below(&AbsPath::root(), &entry.name)
                    .map_or_else(Vec::new, |path| closed.around(host, path)),
            );
        }
    }
    for kernels in ["/proc", "/sys"] {
        steps.push(Step::Allow { path: absolute(kernels)?, reach: Reach::Read, granted: false });
    }
    steps.extend(devices::of_host(host, &policy.devices)?);
    steps.extend(grants(request, host, &closed)?);
    Ok(Plan {
        way,
        walls: Walls::Light,
        own_network: policy.network != Network::Direct,
        as_root: false,
        copied_for_root: false,
        user_namespaces: false,
        denied_calls: policy.denied_calls.clone(),
        size: 0,
        home: request.home.path.clone(),
        private_home: (policy.home == Home::Private).then(|| request.home.path.clone()),
        writable: writable(request),
        steps,
    })
}

/// What a profile cannot say, a request can.
fn check(policy: &Policy, way: Way) -> Result<()> {
    if way == Way::Helper {
        return Err(Error::new("light walls need no root, and root does not build them"));
    }
    let copies = policy.root == Root::Cow
        || policy.home == Home::Cow
        || policy.paths.iter().any(|rule| rule.access == Access::Cow);
    if copies || policy.home == Home::Direct {
        return Err(Error::new("light walls know no copies, and share no home directory"));
    }
    if policy.network == Network::Filtered {
        return Err(Error::new("light walls have no network of their own that could be filtered"));
    }
    if policy.runas == RunAs::Root || policy.user_namespaces {
        return Err(Error::new("light walls know neither root nor namespaces"));
    }
    Ok(())
}

/// What must not be reached.
struct Closed {
    /// Wherever it is: Arkose's own directories, and what the policy hides.
    refused: Vec<AbsPath>,
    /// Those, and where the files of people are; a grant may bring back what is below the latter.
    paths: BTreeSet<AbsPath>,
}

impl Closed {
    fn of(request: &Request, host: &impl Host) -> Result<Self> {
        let mut refused = request.hidden.clone();
        let hidden = |rule: &&arkose_profile::PathRule| rule.access == Access::Restrict;
        refused.extend(request.policy.paths.iter().filter(hidden).map(|rule| rule.path.clone()));
        refuse_own(&request.home.path, "cannot be a home directory")?;
        let mut named = refused.clone();
        named.push(request.home.path.clone());
        named.extend(homes(request, host)?);
        named.push(absolute("/var/tmp")?);
        for place in system::PERSONAL.iter().chain(&["/run", "/tmp"]) {
            named.push(absolute(place)?);
        }
        let real = |path: &AbsPath| host.canonical(path);
        refused.extend(refused.iter().filter_map(real).collect::<Vec<_>>());
        let paths = named.iter().filter_map(real).collect::<Vec<_>>().into_iter().chain(named);
        Ok(Self { refused, paths: paths.collect() })
    }

    /// What can be allowed of a directory of the system.
    fn around(&self, host: &impl Host, path: AbsPath) -> Vec<Step> {
        if self.paths.iter().any(|closed| closed.contains(&path)) {
            return Vec::new();
        }
        if !self.paths.iter().any(|closed| path.contains(closed)) {
            return vec![Step::Allow { path, reach: Reach::Use, granted: false }];
        }
        let mut steps = Vec::new();
        for entry in host.entries(&path) {
            let Some(child) = below(&path, &entry.name) else { continue };
            match entry.kind {
                EntryKind::Directory => steps.extend(self.around(host, child)),
                EntryKind::File if !self.paths.contains(&child) => {
                    steps.push(Step::Allow { path: child, reach: Reach::Use, granted: false });
                }
                // Where a link leads decides; the rest is of no use to an app that may read it.
                EntryKind::Symlink(_) | EntryKind::File | EntryKind::Other => {}
            }
        }
        steps
    }

    /// Refuses a grant by which something would be reached that must not.
    fn check(&self, host: &impl Host, path: &AbsPath, hidden: &[AbsPath]) -> Result<()> {
        let real = host.canonical(path);
        for named in std::iter::once(path).chain(&real) {
            if let Some(inner) = self.refused.iter().find(|refused| named.contains(refused)) {
                return Err(Error::new(format!(
                    "“{path}” cannot be shared as a whole with light walls, which hide nothing below it, as “{inner}”"
                ))
                .remedy("share what is needed below it, or leave out “--walls light”"));
            }
            if hidden.iter().any(|hidden| hidden.contains(named)) {
                return Err(Error::new(format!("“{path}” is Arkose's own and cannot be shared")));
            }
        }
        Ok(())
    }
}

/// The home, what the policy shares, and what this launch brings along.
fn grants(request: &Request, host: &impl Host, closed: &Closed) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let writable = writable(request);
    for rule in &request.policy.paths {
        // What is the kernel's is given as a whole, so that nothing there could be hidden either.
        refuse_own(
            &rule.path,
            "cannot be shared or hidden as a whole; name what is needed below it",
        )?;
        let reach = match rule.access {
            Access::Bind => Reach::Change,
            Access::BindReadOnly => Reach::Use,
            Access::Cow | Access::Restrict => continue,
        };
        closed.check(host, &rule.path, &request.hidden)?;
        if reach == Reach::Use
            && let Some(outer) = writable.iter().find(|outer| outer.contains(&rule.path))
        {
            return Err(Error::new(format!(
                "with light walls “{}” cannot be read-only below “{outer}”, which the app can change",
                rule.path
            )));
        }
        steps.push(Step::Allow { path: rule.path.clone(), reach, granted: true });
    }
    if let Some(private) = &request.home.private {
        steps.push(Step::PrivateHome {
            data: private.data.clone(),
            source: private.path.clone(),
            dest: private.path.clone(),
        });
    }
    for mount in &request.mounts {
        if mount.source != mount.dest {
            return Err(Error::new(format!(
                "with light walls “{}” cannot appear as “{}”, because nothing is mounted",
                mount.source, mount.dest
            )));
        }
        let reach = if mount.read_only { Reach::Use } else { Reach::Change };
        steps.push(Step::Allow { path: mount.source.clone(), reach, granted: false });
    }
    Ok(steps)
}
