//! A network that has rules: its uplink, and the program that resolves names for the app, tells what it may
//! not reach, and has asked what is to be asked.
//!
//! The rules themselves are the kernel's to enforce, in the sandbox's own network namespace, and count
//! before the app is there (`arkose_engine::network`). What is used of them here is what the sandbox's
//! first process has opened and handed over; nothing outside enters that namespace but the uplink.

mod told;
mod uplink;

use crate::child::Program;
use crate::error::{Error, Kind};
use crate::facts::now;
use crate::host::Host;
use crate::lines::Lines;
use crate::questions::{Given, Questions, Source};
use crate::runtime::Runtime;
use crate::spec::{LaunchSpec, Via};
use crate::{guard, installed};
use arkose_profile::Network as Wanted;
use arkose_protocol::NetworkPart;
use nix::poll::PollFlags;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;

pub(crate) use uplink::INTERFACE;

/// Whether this machine has what a filtered network needs.
pub(crate) fn has_uplink() -> bool {
    installed::inner(PROGRAM).is_some() && uplink::find().is_ok()
}

/// The name of the program, in `libexec`.
pub(crate) const PROGRAM: &str = "arkose-network";

/// What the first process has handed over so far.
#[derive(Debug, Default)]
struct Parts {
    namespace: Option<OwnedFd>,
    owner: Option<OwnedFd>,
    /// What the program gets, and what it calls each.
    doors: Vec<(&'static str, OwnedFd)>,
}

/// A filtered network; dropping it ends what was started for it.
#[derive(Debug)]
pub(crate) struct Network {
    /// What makes the way out; a zone needs none.
    pasta: Option<&'static Path>,
    program: PathBuf,
    addresses: Vec<IpAddr>,
    parts: Parts,
    uplink: Option<Program>,
    resolver: Option<Resolver>,
}

/// The program.
#[derive(Debug)]
struct Resolver {
    /// First, so that it has ended by itself when it is stopped.
    lines: Lines,
    program: Program,
}

impl Network {
    /// What a policy needs, if it is that; nothing is started yet.
    ///
    /// # Errors
    /// When something is not installed.
    pub(crate) fn prepare(spec: &LaunchSpec) -> Result<Option<Self>, Error> {
        if spec.policy.network != Wanted::Filtered {
            return Ok(None);
        }
        if spec.policy.zone.is_some() && spec.via == Via::User {
            return Err(Error::new(Kind::ZoneByUser));
        }
        if nix::unistd::Uid::effective().is_root() {
            return Err(Error::new(Kind::RootNetwork));
        }
        let program =
            installed::inner(PROGRAM).ok_or_else(|| Error::new(Kind::NoNetworkProgram))?;
        let zone = spec.policy.zone.is_some();
        let pasta = if zone { None } else { Some(uplink::find()?) };
        let failed = |error: arkose_engine::Error| {
            Error::new(Kind::Internal).value("netlink").because(std::io::Error::other(error))
        };
        let addresses = arkose_engine::network::local_addresses().map_err(failed)?;
        let parts = Parts::default();
        Ok(Some(Self { pasta, program, addresses, parts, uplink: None, resolver: None }))
    }

    /// The addresses of this computer.
    pub(crate) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Takes a part of the sandbox's network; with the last, its way out is made.
    pub(crate) fn take(
        &mut self,
        part: NetworkPart,
        fd: OwnedFd,
        spec: &LaunchSpec,
        runtime: &Runtime,
    ) -> Result<(), Error> {
        let parts = &mut self.parts;
        match part {
            NetworkPart::Namespace => parts.namespace = Some(fd),
            NetworkPart::Owner => parts.owner = Some(fd),
            NetworkPart::Packets => parts.doors.push(("udp", fd)),
            NetworkPart::Streams => parts.doors.push(("tcp", fd)),
            NetworkPart::Log => parts.doors.push(("nflog", fd)),
            NetworkPart::Control | NetworkPart::Steering => {
                let role = if part == NetworkPart::Control { "nfnetlink" } else { "steering" };
                parts.doors.push((role, fd));
                self.uplink = self.make_uplink(spec, runtime)?;
            }
        }
        Ok(())
    }

    /// Starts what makes the way out, where one is to be made.
    fn make_uplink(
        &mut self,
        spec: &LaunchSpec,
        runtime: &Runtime,
    ) -> Result<Option<Program>, Error> {
        let Some(pasta) = self.pasta else { return Ok(None) };
        let parts = &mut self.parts;
        let (Some(namespace), Some(owner)) = (parts.namespace.take(), parts.owner.take()) else {
            return Err(Error::new(Kind::Internal).value("network"));
        };
        let to_host = spec.policy.network_rules.may_reach_host();
        uplink::start(pasta, runtime, &namespace, &owner, to_host).map(Some)
    }

    /// The rules count: names can be looked up. By these addresses this computer is reached as well.
    pub(crate) fn open(&mut self, routers: &[IpAddr], spec: &LaunchSpec) -> Result<(), Error> {
        let failed = |errno| Error::new(Kind::CannotStart).value(PROGRAM).because(errno);
        let (mut lines, theirs) = Lines::pair().map_err(failed)?;
        let mut command = guard::disposable(&self.program);
        command.env_clear().current_dir("/").stdin(Stdio::from(theirs));
        let program = Program::start_disposable(PROGRAM, command)?;
        let doors = std::mem::take(&mut self.parts.doors);
        let (names, fds): (Vec<&str>, Vec<BorrowedFd<'_>>) =
            doors.iter().map(|(name, fd)| (*name, fd.as_fd())).unzip();
        let host: Vec<&IpAddr> = self.addresses.iter().chain(routers).collect();
        let first = json!({
            "descriptors": names,
            "rules": spec.policy.network_rules,
            "host": host,
            "generation": 1,
        });
        lines.say_with(&first, &fds);
        self.resolver = Some(Resolver { lines, program });
        Ok(())
    }

    /// What is waited for: lines.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        self.resolver.iter().map(|resolver| (resolver.lines.socket(), resolver.lines.wanted()))
    }

    /// Readable when something may have ended.
    pub(crate) fn watched(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let resolver = self.resolver.iter().map(|resolver| resolver.program.pidfd());
        resolver.chain(self.uplink.iter().map(Program::pidfd))
    }

    /// Why the app reaches no network any more, if so.
    pub(crate) fn ended(&mut self) -> Option<Error> {
        let resolver = self.resolver.iter_mut().map(|resolver| &mut resolver.program);
        let mut all = self.uplink.iter_mut().chain(resolver);
        all.find_map(|program| program.has_ended().then(|| program.last_words()))
    }

    /// Does what there is to do, and has asked what is asked: what is to be told. `terminal` is whether nobody
    /// else reads from the user's terminal.
    pub(crate) fn serve(
        &mut self,
        id: &str,
        spec: &LaunchSpec,
        host: &Host,
        questions: &mut Questions,
        terminal: bool,
    ) -> Vec<Value> {
        let mut told = Vec::new();
        let Some(resolver) = &mut self.resolver else { return told };
        for line in resolver.lines.pass().iter().filter_map(Value::as_object) {
            told.extend(told::event(id, line, now()));
            if let Some(number) = line.get("withdrawn").and_then(Value::as_u64) {
                questions.withdraw(Source::Network, number);
            } else if let Some(number) = line.get("ask").and_then(Value::as_u64) {
                let question = (Source::Network, number);
                questions.ask(question, told::texts(line), spec, host, terminal);
            }
        }
        if resolver.lines.is_over() {
            // Whatever it has said last; that it has ended is seen as well.
            questions.forget(Source::Network);
            resolver.program.stop();
        }
        told
    }

    /// Passes on what was answered.
    pub(crate) fn answer(&mut self, given: Given) {
        let Given { number, allow, lasts, .. } = given;
        let lasts = if lasts { "launch" } else { "once" };
        if let Some(resolver) = &mut self.resolver {
            resolver.lines.say(&json!({ "answer": number, "allow": allow, "for": lasts }));
        }
    }
}
