//! What a launch would do, without doing it.

use crate::failure::LaunchError;
use crate::grant::Inside;
use crate::host::Host;
use crate::light::Places;
use crate::request::{self, Launch};
use crate::spec::LaunchSpec;
use arkose_engine::host::ThisMachine;
use arkose_engine::plan::{Plan, Reach, Step, Way};
use arkose_profile::Walls;
use arkose_profile::text::visible;
use arkose_protocol::{Failure, HostNetwork};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The steps of a launch, in their order.
#[derive(Debug)]
pub struct Planned(Plan);

/// Makes the plan; services of the host that a launch would start are left out.
///
/// # Errors
/// When the policy cannot be carried out.
pub fn plan(spec: &LaunchSpec) -> Result<Planned, LaunchError> {
    let host = Host::current();
    let uid = request::app_uid(spec, &host);
    Inside::new(uid)?;
    let light = Places::planned(spec, &host, "ID")?;
    let light = light.as_ref();
    let launch = Launch { spec, host: &host, id: "plan", terminal: None, light };
    let request = request::build(&launch, std::iter::empty(), HostNetwork::default())?;
    let way = if spec.asks_root() { Way::Helper } else { Way::User };
    let engine = |message: String| LaunchError::Engine(Failure { message, ..Failure::default() });
    let machine = ThisMachine::read().map_err(|error| engine(error.to_string()))?;
    let plan = arkose_engine::plan::make(&request, &machine, way, uid)
        .map_err(|error| LaunchError::Engine(error.into_failure()))?;
    Ok(Planned(plan))
}

impl Planned {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(&self.0).unwrap_or_else(|_| json!({}))
    }

    /// As lines, a step each.
    #[must_use]
    pub fn to_text(&self) -> String {
        let plan = &self.0;
        let way = match plan.way {
            Way::Helper => "helper",
            Way::User => "user",
        };
        let network = match (plan.walls, plan.own_network) {
            (Walls::Full, true) => "own",
            (Walls::Light, true) => "none",
            (_, false) => "host",
        };
        let mut text = format!(
            "built by {way}, walls: {}, network: {network}, root inside: {}\n",
            plan.walls.as_str(),
            plan.as_root
        );
        for step in &plan.steps {
            let _ = writeln!(text, "{}", line(step));
        }
        text
    }
}

fn line(step: &Step) -> String {
    match step {
        Step::Directory { dest, mode, .. } => format!("directory  {dest} ({mode:o})"),
        Step::Symlink { dest, target } => format!("symlink    {dest} -> {}", visible(target)),
        Step::Overlay { lower, dest, read_only: true, .. } => {
            format!("overlay    {lower} on {dest}, read-only")
        }
        Step::Overlay { lower, dest, .. } => format!("overlay    {lower} on {dest}"),
        Step::Bind { source, dest, read_only: true, .. } => {
            format!("read-only  {source} on {dest}")
        }
        Step::Bind { source, dest, .. } => format!("bind       {source} on {dest}"),
        Step::Service { source, dest, .. } => format!("service    {source} on {dest}"),
        Step::PrivateHome { source, dest, .. } => format!("home       {source} on {dest}"),
        Step::Pin { dest } => format!("pin        {dest}"),
        Step::Hide { dest, .. } => format!("hide       {dest}"),
        Step::Scratch { dest, mode } => format!("empty      {dest} ({mode:o})"),
        Step::File { dest, mode, .. } => format!("file       {dest} ({mode:o})"),
        Step::Device { path, .. } => format!("device     {path}"),
        Step::Allow { path, reach, .. } => match reach {
            Reach::Read => format!("to read    {path}"),
            Reach::Use => format!("to use     {path}"),
            Reach::Change => format!("to change  {path}"),
        },
        Step::Terminals => "terminals  /dev/pts".to_owned(),
        Step::Processes => "processes  /proc".to_owned(),
        Step::Sysfs { .. } => "devices    /sys".to_owned(),
    }
}
