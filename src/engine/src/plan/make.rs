//! From a request to a plan.

use super::{Plan, Step, Way, devices, system};
use crate::error::{Error, Result};
use crate::host::Host;
use arkose_profile::{AbsPath, Access, Home, Network, RunAs};
use arkose_protocol::Request;
use std::path::Path;

/// Directories that every sandbox has of its own.
const DIRECTORIES: [(&str, u32); 13] = [
    ("/boot", 0o755),
    ("/dev", 0o755),
    ("/home", 0o755),
    ("/media", 0o755),
    ("/mnt", 0o755),
    ("/proc", 0o555),
    ("/root", 0o700),
    ("/run", 0o755),
    ("/run/lock", 0o1777),
    ("/run/user", 0o755),
    ("/srv", 0o755),
    ("/sys", 0o555),
    ("/tmp", 0o1777),
];

/// Makes the plan; `uid` is the app's, inside.
///
/// # Errors
/// When the request asks for what cannot be.
pub fn make(request: &Request, host: &impl Host, way: Way, uid: u32) -> Result<Plan> {
    let policy = &request.policy;
    let own_network = policy.network == Network::None;
    let mut steps = Vec::new();
    for (path, mode) in DIRECTORIES {
        steps.push(Step::Directory { dest: absolute(path)?, mode, owned: false });
    }
    steps.extend(system::steps(host, way, policy.root));
    steps.push(Step::Scratch { dest: absolute("/var/tmp")?, mode: 0o1777 });
    let runtime = absolute(&format!("/run/user/{uid}"))?;
    steps.push(Step::Directory { dest: runtime, mode: 0o700, owned: true });
    steps.extend(paths(request)?);
    steps.extend(services(request));
    steps.extend(devices::steps(host, &policy.devices)?);
    steps.push(Step::Processes);
    // A fresh sysfs belongs to a network namespace, and only its owner may mount it.
    steps.push(Step::Sysfs { fresh: own_network || way == Way::Helper });
    Ok(Plan {
        way,
        own_network,
        as_root: policy.runas == RunAs::Root,
        user_namespaces: policy.user_namespaces,
        size: policy.cow_size,
        home: request.home.path.clone(),
        private_home: (policy.home == Home::Private).then(|| request.home.path.clone()),
        writable: writable(request),
        steps,
    })
}

fn home(request: &Request) -> Result<Step> {
    let path = request.home.path.clone();
    Ok(match request.policy.home {
        Home::Empty => Step::Scratch { dest: path, mode: 0o700 },
        Home::Cow => {
            Step::Overlay { lower: path.clone(), dest: path, of_user: true, optional: false }
        }
        Home::Direct => {
            Step::Bind { source: path.clone(), dest: path, read_only: false, of_user: true }
        }
        Home::Private => {
            let source =
                request.home.private.clone().ok_or_else(|| {
                    Error::new("the request names no directory for the private home")
                })?;
            Step::Bind { source, dest: path, read_only: false, of_user: true }
        }
    })
}

/// The home and the rules for single paths: parents first, so that a rule for a child holds inside
/// its parent, and the home before a rule for the very same directory.
fn paths(request: &Request) -> Result<Vec<Step>> {
    refuse_own(&request.home.path, "cannot be a home directory")?;
    let mut rules = vec![(request.home.path.clone(), home(request)?)];
    for rule in &request.policy.paths {
        refuse_own(
            &rule.path,
            "cannot be shared or hidden as a whole; name what is needed below it",
        )?;
        let (dest, source) = (rule.path.clone(), rule.path.clone());
        let step = match rule.access {
            Access::Bind => Step::Bind { source, dest, read_only: false, of_user: true },
            Access::BindReadOnly => Step::Bind { source, dest, read_only: true, of_user: true },
            Access::Cow => Step::Overlay { lower: source, dest, of_user: true, optional: false },
            Access::Restrict => Step::Hide { dest, always: false },
        };
        rules.push((rule.path.clone(), step));
    }
    rules.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(rules.into_iter().map(|(_, step)| step).collect())
}

/// The directories of the host that the app can change.
fn writable(request: &Request) -> Vec<AbsPath> {
    let home = (request.policy.home == Home::Direct).then(|| request.home.path.clone());
    let rules = request.policy.paths.iter().filter(|rule| rule.access == Access::Bind);
    home.into_iter().chain(rules.map(|rule| rule.path.clone())).collect()
}

/// What is the sandbox's own must stay so, or the host's sockets and processes would show.
fn refuse_own(path: &AbsPath, message: &str) -> Result<()> {
    let whole = ["/", "/run", "/run/user"].iter().any(|own| path.as_path() == Path::new(own));
    let below = ["/dev", "/proc", "/sys"].iter().any(|own| path.as_path().starts_with(own));
    if whole || below {
        return Err(Error::new(format!("“{path}” {message}")));
    }
    Ok(())
}

fn services(request: &Request) -> Vec<Step> {
    let mut steps: Vec<Step> =
        request.hidden.iter().map(|path| Step::Hide { dest: path.clone(), always: true }).collect();
    steps.extend(request.mounts.iter().map(|mount| Step::Bind {
        source: mount.source.clone(),
        dest: mount.dest.clone(),
        read_only: mount.read_only,
        of_user: false,
    }));
    steps.extend(request.files.iter().enumerate().map(|(index, file)| Step::File {
        dest: file.dest.clone(),
        mode: file.mode,
        index,
    }));
    steps
}

/// A path that is written in this program.
pub(super) fn absolute(path: &str) -> Result<AbsPath> {
    AbsPath::new(path).map_err(|error| Error::new(format!("“{path}” {error}")))
}
