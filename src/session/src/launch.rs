//! A launch: what the sandbox uses of the host is started, somebody builds it, and a session
//! accompanies it to its end.

use crate::allowed;
use crate::error::Kind;
use crate::events::Events;
use crate::failure::{CANNOT_SUPERVISE, LaunchError, NO_HELPER, NO_PKEXEC};
use crate::grant::Inside;
use crate::helper::Helper;
use crate::host::Host;
use crate::light::{self, Places};
use crate::limits::Limited;
use crate::listing::Listing;
use crate::network::Network;
use crate::request::{self, Launch};
use crate::runtime::Runtime;
use crate::services::Services;
use crate::spec::{LaunchSpec, Via};
use crate::streams::Pump;
use crate::supervisor::{Session, State, watch, watch_signals};
use crate::terminal::Console;
use arkose_admin::Caps;
use arkose_profile::{RunAs, Walls};
use arkose_protocol::{Channel, Request, Status, Terminal};
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use std::os::fd::AsFd as _;

/// Signals that end a launch which has not begun.
const ENDING: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// Launches, waits for the end, and gives the exit status that a shell would.
///
/// # Errors
/// When the app could not be started; nothing of the sandbox is left then.
pub fn launch(mut spec: LaunchSpec) -> Result<u8, LaunchError> {
    let mut events = Events::to(spec.events.take());
    let result = run(&mut spec, &mut events);
    if let Err(error) = &result {
        events.failed(error);
    }
    result
}

fn run(spec: &mut LaunchSpec, events: &mut Events) -> Result<u8, LaunchError> {
    let host = Host::current();
    // Before anything is started for a launch that is not allowed.
    let caps = allowed::caps(spec)?;
    let spec = &*spec;
    let runtime = Runtime::new(&host)?;
    let id = runtime.id();
    events.starting(id);
    let places = Places::make(spec, &runtime)?;
    let inside = Inside::new(request::app_uid(spec, &host))?;
    let cannot = |errno| LaunchError::because(CANNOT_SUPERVISE, errno);
    let mut signals = watch_signals().map_err(cannot)?;
    let mut ending = watch(ENDING).map_err(cannot)?;
    let stop = ending.as_fd();
    let prepared = Services::start(spec, &host, &inside, &runtime, stop)
        .and_then(|services| Ok((services, Limited::prepare(spec, &host, id, stop)?)));
    let (mut services, mut limits) = match prepared {
        Err(error) if error.kind() == Kind::GivenUp => {
            let status = given_up(&mut ending).map_err(cannot)?.code();
            events.exited(id, status);
            return Ok(status);
        }
        prepared => prepared?,
    };
    drop(ending);
    let (mut console, terminal) = match Console::find() {
        Some((console, replaces)) => {
            let size = console.size();
            (Some(console), Some(Terminal { replaces, size }))
        }
        None => (None, None),
    };
    let launch = Launch { spec, host: &host, id, terminal, light: places.as_ref() };
    let network = services.network.as_ref().map(Network::of_host).cloned().unwrap_or_default();
    let request = request::build(&launch, services.grants(), network)?;
    let (mut helper, mut by_root) =
        first_choice(spec, &host, &request, caps.as_ref(), &mut limits)?;
    loop {
        let (helper_process, channel, pumps) = helper;
        let session = Session {
            channel,
            helper: helper_process,
            pumps,
            signals: &mut signals,
            services: &mut services,
            launch: Some((spec, &host)),
            listing: Some(Listing::new(spec, &runtime)),
            limits: Some(&limits),
            console: console.take(),
            relay: None,
            state: State::default(),
        };
        match session.accompany(&spec.command, events, id) {
            (Err(error), left) if !by_root && root_could(spec, &error) => {
                console = left;
                by_root = true;
                helper = as_root(spec, &host, &request, &limits)?;
            }
            (result, _) => return result,
        }
    }
}

/// A helper that was started, what is said to it, and what is passed on for it.
type Started = (Helper, Channel, Vec<Pump>);

/// The unprivileged way, where it can do what is asked; and whether it was root's.
fn first_choice(
    spec: &LaunchSpec,
    host: &Host,
    request: &Request,
    caps: Option<&Caps>,
    limits: &mut Limited,
) -> Result<(Started, bool), LaunchError> {
    if !spec.asks_root() {
        match Helper::as_user(request, caps, limits) {
            Err(error) if root_could(spec, &error) => {}
            done => {
                let (helper, channel) = done?;
                return Ok(((helper, channel, Vec::new()), false));
            }
        }
    }
    Ok((as_root(spec, host, request, limits)?, true))
}

/// Root's way. Where there is none, and the user's was tried before, light walls may be left.
fn as_root(
    spec: &LaunchSpec,
    host: &Host,
    request: &Request,
    limits: &Limited,
) -> Result<Started, LaunchError> {
    Helper::as_root(host, request, limits).map_err(|error| match error {
        LaunchError::Plain(message @ (NO_HELPER | NO_PKEXEC), cause, _)
            if !spec.asks_root() && light::could_keep(spec) =>
        {
            LaunchError::Plain(message, cause, Some(light::REMEDY.to_owned()))
        }
        error => error,
    })
}

/// Whether the kernel refused to a user what root may do, and root may be asked.
fn root_could(spec: &LaunchSpec, error: &LaunchError) -> bool {
    let namespaces = spec.policy.walls == Walls::Full;
    let auto = spec.via == Via::Auto && spec.policy.runas == RunAs::User;
    auto && namespaces && matches!(error, LaunchError::Engine(failure) if failure.needs_root)
}

/// What ended a launch before it had begun.
fn given_up(ending: &mut SignalFd) -> Result<Status, Errno> {
    let signal = ending
        .read_signal()?
        .map_or(Signal::SIGTERM as i32, |signal| signal.ssi_signo.cast_signed());
    Ok(Status::Signal(signal))
}
