//! What the administrator allows, held against a request: by its words before anything is done, and
//! by what was really opened while the tree is built.

use crate::error::{Context as _, Error, Result};
use crate::ids::Caller;
use arkose_admin::{Action, Caps, Denied, Reader, Whom};
use arkose_profile::{AbsPath, Network, Policy};
use rustix::fs::FileType;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;

/// What the administrator lets that caller ask for; nothing where no file says so.
pub(crate) fn of(caller: &Caller) -> Result<Option<Caps>> {
    let whom = Whom {
        uid: caller.uid.as_raw(),
        gid: caller.gid.as_raw(),
        groups: caller.groups.iter().map(|group| group.as_raw()).collect(),
    };
    let rules = arkose_admin::read(Reader::Helper);
    rules.and_then(|rules| rules.map(|rules| rules.caps(&whom)).transpose()).map_err(|errors| {
        let first = errors.0.first().map(ToString::to_string).unwrap_or_default();
        Error::new(format!("{first} – nothing is launched until an administrator mends it"))
            .remedy("arkose doctor")
    })
}

/// Refuses a policy that goes beyond what is allowed.
pub(crate) fn judge(caps: Option<&Caps>, policy: &Policy, action: Option<Action>) -> Result<()> {
    let denied = arkose_admin::judge(caps, policy, action);
    denied.into_iter().next().map_or(Ok(()), |denied| Err(refused(&denied)))
}

pub(crate) fn refused(denied: &Denied) -> Error {
    Error::new(denied.message().to_string()).remedy("ask the administrator of this computer")
}

/// For what something of the host is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The system's own files, which every sandbox shows.
    System,
    /// What a policy shares, copies or makes the home.
    Grant,
    /// What a service of the sandbox needs.
    Service,
    /// A private home.
    PrivateHome,
    /// A device.
    Device,
}

/// What one sandbox may reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds<'a> {
    pub(crate) caps: &'a Caps,
    pub(crate) policy: &'a Policy,
}

impl Bounds<'_> {
    /// Whether what lies at that real place may be used for that.
    pub(crate) fn allow(
        &self,
        real: &AbsPath,
        kind: FileType,
        purpose: Purpose,
    ) -> std::result::Result<(), Denied> {
        match purpose {
            Purpose::System => self.caps.may_reach(real),
            Purpose::Service if kind == FileType::Socket => {
                self.caps.may_connect(real, self.policy)
            }
            Purpose::Service if self.is_resolver(real) => self.caps.may_reach(real),
            Purpose::Grant | Purpose::Service => self.caps.may_grant(real),
            Purpose::PrivateHome => self.caps.may_be_private_home(real),
            Purpose::Device => self.caps.may_use(real),
        }
    }

    /// Whether that is the file in which the system says how names are resolved.
    fn is_resolver(&self, real: &AbsPath) -> bool {
        self.policy.network == Network::Direct
            && std::fs::canonicalize("/etc/resolv.conf").is_ok_and(|file| file == real.as_path())
    }
}

/// Where an open file really lies now, whatever it was opened by; nothing when it has no name any
/// more.
pub(crate) fn real_place(opened: impl AsFd) -> Result<Option<AbsPath>> {
    let message = "the kernel does not say what was opened";
    if rustix::fs::fstat(&opened).context(message)?.st_nlink == 0 {
        return Ok(None);
    }
    named_place(opened).map(Some)
}

/// The same without asking for the name: a file system of FUSE that is a user's tells root nothing.
pub(crate) fn named_place(opened: impl AsFd) -> Result<AbsPath> {
    let message = "the kernel does not say what was opened";
    let link = format!("/proc/self/fd/{}", opened.as_fd().as_raw_fd());
    let place = rustix::fs::readlink(link, Vec::new()).context(message)?;
    AbsPath::new(OsStr::from_bytes(place.as_bytes())).map_err(|_| Error::new(message))
}
