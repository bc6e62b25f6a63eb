//! A network that has rules: its uplink, and the program that resolves names for the app, tells what it may
//! not reach, and has asked what is to be asked.
//!
//! The rules themselves are the kernel's to enforce, in the sandbox's own network namespace, and count
//! before the app is there (`arkose_engine::network`). What is used of them here is what the sandbox's
//! first process has opened and handed over; nothing outside enters that namespace but the uplink.

mod ask;
mod process;
mod scopes;
mod told;
mod traffic;
mod uplink;

use crate::child::Program;
use crate::error::{Error, Kind};
use crate::facts::now;
use crate::host::Host;
use crate::lines::Lines;
use crate::questions::{Given, Question, Questions, Source};
use crate::runtime::Runtime;
use crate::spec::{LaunchSpec, Via};
use crate::{guard, installed};
use arkose_profile::Network as Wanted;
use arkose_profile::net::Rule;
use arkose_protocol::{HostNetwork, NetworkPart};
use nix::poll::PollFlags;
use scopes::Asked;
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;

pub(crate) use ask::{Ask, Told, file as ask_file};
pub(crate) use process::Origin;
pub(crate) use scopes::{Offer, Scope};
pub use traffic::{Destination, Families, Sum, Traffic};
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
    of_host: HostNetwork,
    /// By which addresses this computer is reached from inside.
    host: Vec<IpAddr>,
    /// The sandbox's first process.
    first: Option<i32>,
    /// The rules that answers have added.
    added: Vec<Rule>,
    parts: Parts,
    uplink: Option<Program>,
    resolver: Option<Resolver>,
    /// Answers that nobody was given yet.
    told: Vec<Told>,
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
        let routes = arkose_engine::network::default_routes().map_err(failed)?;
        let of_host = HostNetwork { addresses, routes };
        let parts = Parts::default();
        Ok(Some(Self {
            pasta,
            program,
            of_host,
            host: Vec::new(),
            first: None,
            added: Vec::new(),
            parts,
            uplink: None,
            resolver: None,
            told: Vec::new(),
        }))
    }

    /// Which process is the sandbox's first.
    pub(crate) fn introduce(&mut self, first: i32) {
        self.first = Some(first);
    }

    /// What is known of this computer's.
    pub(crate) fn of_host(&self) -> &HostNetwork {
        &self.of_host
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
        self.host = self.of_host.addresses.iter().chain(routers).copied().collect();
        let first = json!({
            "descriptors": names,
            "rules": spec.policy.network_rules,
            "host": self.host,
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
        let lines = resolver.lines.pass();
        for line in lines.iter().filter_map(Value::as_object) {
            told.extend(told::event(id, line, now()));
            self.told.extend(Told::of(line));
            let number = |key: &str| line.get(key).and_then(Value::as_u64);
            if let Some(number) = number("withdrawn") {
                questions.withdraw(Source::Network, number);
            } else if let Some(number) = number("settled") {
                questions.settle(Source::Network, number);
            } else if let Some(number) = number("ask") {
                let question = self.question(number, line, spec);
                questions.ask(question, spec, host, terminal);
            }
        }
        let Some(resolver) = &mut self.resolver else { return told };
        if resolver.lines.is_over() {
            // Whatever it has said last; that it has ended is seen as well.
            questions.forget(Source::Network);
            resolver.program.stop();
        }
        told
    }

    /// Asks the program something for somebody, who waits for the answer with that number: the answer, if
    /// it is known already.
    pub(crate) fn ask(&mut self, number: u64, ask: Ask, spec: &LaunchSpec) -> Option<Told> {
        let Some(resolver) = &mut self.resolver else { return Some(Told::not_filtered(number)) };
        if let Some(refused) = ask.refused(number, spec) {
            return Some(refused);
        }
        match ask {
            Ask::Traffic => resolver.lines.say(&json!({ "traffic": number })),
            Ask::Rules => resolver.lines.say(&json!({ "rules": number })),
            Ask::Change(change) => match ask_file(&change) {
                Ok(file) => resolver.lines.say_file(&json!({ "change": number }), file),
                Err(error) => return Some(Told::refused(number, "failed", &error.to_string())),
            },
        }
        None
    }

    /// What was answered to what was asked.
    pub(crate) fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// A question, with the rules that an answer to it can be, and where it comes from.
    fn question(&self, number: u64, line: &Map<String, Value>, spec: &LaunchSpec) -> Question {
        let texts = told::texts(line);
        let Some(asked) = Asked::read(line) else {
            return Question::of_network(number, texts, Vec::new(), None);
        };
        let mut rules = spec.policy.network_rules.clone();
        rules.list.extend(self.added.iter().cloned());
        let offers = asked.offers(&self.host, &rules);
        let origin = self.first.map(|first| Origin { first, asked });
        Question::of_network(number, texts, offers, origin)
    }

    /// Passes on what was answered.
    pub(crate) fn answer(&mut self, given: &Given) {
        let Given { number, allow, lasts, ref rule, .. } = *given;
        let text = rule.as_ref().map(ToString::to_string);
        if lasts {
            self.added.extend(rule.clone());
        }
        let lasts = if lasts { "launch" } else { "once" };
        if let Some(resolver) = &mut self.resolver {
            let line = json!({ "answer": number, "allow": allow, "for": lasts, "rule": text });
            resolver.lines.say(&line);
        }
    }
}
