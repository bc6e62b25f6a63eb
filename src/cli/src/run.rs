//! Where the command line hands over to the session, which launches.

use crate::request::Launch;
use crate::say::{self, Failure, gettext};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::{AbsPath, Context, Layer, Network, Origin, Policy, Profile, explain};
use arkose_session::display::Backend;
use arkose_session::doctor;
use arkose_session::{Explained, LaunchError, LaunchSpec};
use std::fs::File;
use std::os::fd::OwnedFd;

/// Launches, waits, and gives the exit status.
///
/// # Errors
/// When there is no sandbox.
pub(crate) fn start(launch: Launch) -> Result<u8, Failure> {
    for note in launch.notes() {
        eprintln!("arkose: {note}");
    }
    if let Some(missing) = missing_wall(&launch.policy).filter(|_| !launch.quiet) {
        say::note(&missing);
    }
    let events = launch.events.map(events).transpose()?;
    let quiet = launch.quiet;
    let mut spec = spec(launch)?;
    spec.events = events;
    if !quiet {
        spec.note = |error| eprintln!("arkose: {}", error.message(&gettext));
    }
    Ok(arkose_session::launch(spec)?)
}

/// What this kernel cannot keep an app with that policy from. An intact wall needs no word.
pub(crate) fn missing_wall(policy: &Policy) -> Option<Message> {
    let open = policy.network == Network::Direct && !doctor::keeps_abstract_sockets();
    open.then(|| {
        Message::new(N_(
            "this kernel cannot keep an app with the host's network from the host's abstract sockets, such as the X server's; Linux 6.12 can",
        ))
    })
}

/// Prints the steps that would build the sandbox.
///
/// # Errors
/// When there is no plan.
pub(crate) fn plan(launch: Launch, json: bool) -> Result<u8, Failure> {
    let plan = arkose_session::plan(&spec(launch)?)?;
    if json {
        say::answer_json(&plan.to_json())?;
    } else {
        say::answer(&plan.to_text())?;
    }
    Ok(0)
}

/// Prints what this machine can do.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn report(json: bool) -> Result<u8, Failure> {
    let report = doctor::examine();
    if json {
        say::answer_json(&report.to_json())?;
    } else {
        say::answer(&report.to_text(&gettext))?;
    }
    Ok(u8::from(!report.can_launch()))
}

/// What the session is asked for.
pub(crate) fn spec(launch: Launch) -> Result<LaunchSpec, Failure> {
    let name = launch.profile.name();
    let title = match launch.command.first() {
        Some(program) if name.is_empty() => program.to_string_lossy().into_owned(),
        _ => name,
    };
    let context = Context::current()?;
    let home = context.home.clone();
    let profile = Some(launch.profile.id.clone()).filter(|id| !id.is_empty());
    let is_file = |layer: &Layer| matches!(layer.origin, Origin::File(_));
    let stored = profile.is_some() && !launch.profile.layers().iter().any(is_file);
    let desktop = launch.profile.app();
    let explained = explained(launch.profile, launch.policy.clone(), context);
    let directory = launch.chdir.map(AbsPath::new).transpose();
    let directory = directory.map_err(|error| {
        Failure::new(&Message::new(N_("the directory to start in cannot be used"))).because(error)
    })?;
    Ok(LaunchSpec {
        policy: launch.policy,
        command: launch.command,
        title,
        profile,
        stored,
        desktop,
        home,
        directory,
        hostname: launch.hostname,
        via: launch.via,
        display: Backend::default(),
        linger: launch.linger,
        files: launch.files,
        note: |_| {},
        translate: gettext,
        events: None,
        explained: Some(explained),
    })
}

/// What `arkose info` shows of the launch's policy; it is made when it is asked for.
fn explained(profile: Profile, policy: Policy, context: Context) -> Explained {
    Explained(Box::new(move || {
        let mut told = explain::explain(&profile, &policy, &context, &gettext).to_json();
        if let Some(told) = told.as_object_mut() {
            told.insert("values".to_owned(), crate::profiles::values(&profile));
        }
        told
    }))
}

/// A descriptor that this process was started with, to write to.
fn events(number: i32) -> Result<OwnedFd, Failure> {
    let path = format!("/proc/self/fd/{number}");
    File::options().append(true).open(path).map(OwnedFd::from).map_err(|error| {
        let message = N_("nothing can be written to descriptor {number}");
        Failure::new(&Message::new(message).with("number", number.to_string())).because(error)
    })
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        Self {
            sentence: error.message(&gettext),
            causes: error.cause().into_iter().collect(),
            remedy: error.remedy(),
            status: error.code(),
        }
    }
}
