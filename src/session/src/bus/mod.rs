//! The host's message buses, as an app reaches them: through a proxy that holds every message against
//! the rules of the policy. Nothing of it is started for an app that reaches no bus.
//!
//! [`Starting`] starts the proxy and leaves it to get ready while other things are prepared; [`Bus`] is
//! what the supervisor serves in its loop: what the proxy tells is passed on, what it asks is asked.

pub(crate) mod address;
mod identity;
mod proxy;
mod ring;
mod told;
mod wake;

pub use address::{session, system};
pub(crate) use identity::leads_to;
pub(crate) use proxy::NAME as PROXY;
pub(crate) use ring::Ring;

use crate::error::{Error, Kind};
use crate::grant::{Grant, Inside, SocketBind};
use crate::host::Host;
use crate::questions::{Given, Question, Questions, Source};
use crate::runtime::Runtime;
use crate::spec::LaunchSpec;
use arkose_profile::bus::Rule;
use arkose_profile::{AbsPath, DBus};
use nix::poll::PollFlags;
use proxy::Proxy;
use serde_json::{Map, Value, json};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use wake::Session;

/// Where the accessibility bus is, on the host and inside.
const AT_SPI: &str = "AT_SPI_BUS_ADDRESS";
/// The portal of an input method.
const IBUS: &str = "org.freedesktop.portal.IBus";

/// One bus, as the app gets it.
#[derive(Debug)]
struct Door {
    /// What the proxy and the rules call it.
    bus: &'static str,
    /// The address of the host's.
    upstream: String,
    rules: Vec<Rule>,
    /// Where the proxy listens.
    listen: PathBuf,
    /// Where that is inside, and the variable that says so.
    dest: AbsPath,
    variable: &'static str,
}

/// How the portals know the app.
#[derive(Debug)]
struct Identity {
    app_id: String,
    text: String,
}

/// A proxy that is getting ready.
#[derive(Debug)]
pub(crate) struct Starting<'a> {
    spec: &'a LaunchSpec,
    host: &'a Host,
    inside: &'a Inside,
    id: &'a str,
    doors: Vec<Door>,
    identity: Option<Identity>,
    proxy: Proxy,
    stop: BorrowedFd<'a>,
}

impl<'a> Starting<'a> {
    /// Starts the proxy, if the policy grants a bus; given up when `stop` is readable.
    pub(crate) fn begin(
        spec: &'a LaunchSpec,
        host: &'a Host,
        inside: &'a Inside,
        runtime: &'a Runtime,
        stop: BorrowedFd<'a>,
    ) -> Result<Option<Self>, Error> {
        if spec.policy.dbus == DBus::None {
            return Ok(None);
        }
        let doors = doors(spec, host, inside, runtime, stop)?;
        let id = runtime.id();
        let portals = spec.policy.dbus.session() && identity::is_wanted(&spec.policy.buses);
        let identity = portals.then(|| {
            let app_id = identity::app_id(spec, id);
            Identity { text: identity::text(&app_id, id), app_id }
        });
        let proxy = Proxy::start(&first_line(spec, id, &doors, identity.as_ref()))?;
        Ok(Some(Self { spec, host, inside, id, doors, identity, proxy, stop }))
    }

    /// Waits until it listens. Where the portals cannot be told who the app is, they are left out.
    pub(crate) fn ready(mut self) -> Result<Bus, Error> {
        match self.proxy.wait_ready(self.stop) {
            Err(error) if error.kind() != Kind::GivenUp && self.identity.is_some() => {
                let why = error.message(&|text| (self.spec.translate)(text));
                (self.spec.note)(&Error::new(Kind::NoIdentity).value(why));
                self.leave_portals_out()?;
                self.proxy.wait_ready(self.stop)?;
            }
            ready => ready?,
        }
        let mut grant = Grant::default();
        for door in &self.doors {
            grant.set(door.variable, address::of(door.dest.as_path()));
            grant.sockets.push(SocketBind::open(&door.listen, &door.dest, Kind::NoBusSocket)?);
        }
        if leads_to(&self.spec.policy.buses, IBUS) {
            // Its library uses no portal that it is not told to (ibus(1)).
            grant.set("IBUS_USE_PORTAL", "1");
        }
        if let Some(Identity { app_id, text }) = &self.identity {
            identity::grant(&mut grant, text)?;
            self.show_documents(&mut grant, app_id)?;
        }
        let (proxy, portals) = (Some(self.proxy), self.identity.is_some());
        Ok(Bus { proxy, grant, id: self.id.to_owned(), portals })
    }

    /// What the documents portal shows this app. It shows nothing before something has used it.
    fn show_documents(&self, grant: &mut Grant, app_id: &str) -> Result<(), Error> {
        if identity::documents(self.host, app_id).is_none() {
            let found = session(self.host, self.inside)?;
            let socket = found.source.as_path();
            let session = Session { socket, uid: self.host.uid(), stop: self.stop };
            // Where there is none, nothing can be picked either.
            let _ = session.wake_documents();
        }
        let Some(documents) = identity::documents(self.host, app_id) else { return Ok(()) };
        grant.directories.push((documents, self.inside.below_runtime("doc")?));
        Ok(())
    }

    fn leave_portals_out(&mut self) -> Result<(), Error> {
        self.identity = None;
        for door in &mut self.doors {
            door.rules.extend(identity::without_portals());
            // The one that did not get ready may have made it.
            let _ = std::fs::remove_file(&door.listen);
        }
        self.proxy = Proxy::start(&first_line(self.spec, self.id, &self.doors, None))?;
        Ok(())
    }
}

/// What the policy grants, with what is there on the host.
fn doors(
    spec: &LaunchSpec,
    host: &Host,
    inside: &Inside,
    runtime: &Runtime,
    stop: BorrowedFd<'_>,
) -> Result<Vec<Door>, Error> {
    let (dbus, buses) = (spec.policy.dbus, &spec.policy.buses);
    let door = |bus, variable, upstream, rules: &[Rule], dest| -> Result<Door, Error> {
        let listen = runtime.dir()?.join(format!("bus-{bus}"));
        Ok(Door { bus, upstream, rules: rules.to_vec(), listen, dest, variable })
    };
    let mut doors = Vec::new();
    if dbus.session() {
        let found = session(host, inside)?;
        let upstream = address::of(found.source.as_path());
        if let Some(rules) = &buses.accessibility {
            let socket = found.source.as_path();
            let asked = || Session { socket, uid: host.uid(), stop }.wake_accessibility().ok();
            match accessibility(host).or_else(asked) {
                Some(upstream) => {
                    let dest = inside.below_runtime("at-spi/bus")?;
                    doors.push(door("accessibility", AT_SPI, upstream, rules, dest)?);
                }
                None => (spec.note)(&Error::new(Kind::NoAccessibility)),
            }
        }
        let variable = "DBUS_SESSION_BUS_ADDRESS";
        doors.push(door("session", variable, upstream, &buses.session, found.dest)?);
    }
    if dbus.system() {
        let found = system(host)?;
        let upstream = address::of(found.source.as_path());
        let variable = "DBUS_SYSTEM_BUS_ADDRESS";
        doors.push(door("system", variable, upstream, &buses.system, found.dest)?);
    }
    Ok(doors)
}

/// The address of the accessibility bus: what the desktop says in its variable, else where its launcher
/// has it listen (`at-spi-bus-launcher`: one for each display, or one).
fn accessibility(host: &Host) -> Option<String> {
    if let Some(address) = host.var(AT_SPI).and_then(|address| address.to_str()) {
        return Some(address.to_owned());
    }
    let display = host.var("DISPLAY").and_then(|display| display.to_str()).unwrap_or_default();
    let number = display.rsplit_once(':').map_or("", |(_, number)| number);
    let number = number.split_once('.').map_or(number, |(number, _)| number);
    let directory = host.runtime().join("at-spi");
    let names = [format!("bus_{number}"), "bus".to_owned()];
    let mut sockets = names.iter().map(|name| directory.join(name));
    sockets.find(|socket| socket.exists()).map(|socket| address::of(&socket))
}

/// What the proxy has to know.
fn first_line(spec: &LaunchSpec, id: &str, doors: &[Door], identity: Option<&Identity>) -> Value {
    let rule = |rule: &Rule| json!({ "access": rule.access.as_str(), "rule": rule.to_string() });
    let bus = |door: &Door| {
        json!({
            "bus": door.bus,
            "upstream": door.upstream,
            "listen": door.listen.to_string_lossy(),
            "rules": door.rules.iter().map(rule).collect::<Vec<_>>(),
        })
    };
    let mut line = json!({
        "app": spec.title,
        "id": id,
        "profile": spec.profile.as_deref().unwrap_or_default(),
        "log": "denied",
        "buses": doors.iter().map(bus).collect::<Vec<_>>(),
    });
    if let (Some(line), Some(identity)) = (line.as_object_mut(), identity) {
        line.insert("identity".to_owned(), identity.text.as_str().into());
    }
    line
}

/// The buses of a sandbox that runs; dropping it ends the proxy.
#[derive(Debug)]
pub(crate) struct Bus {
    /// Nothing once it has ended.
    proxy: Option<Proxy>,
    grant: Grant,
    id: String,
    /// Whether portals know the app.
    portals: bool,
}

impl Bus {
    /// Tells portals which process stands for the app, where they know of one.
    pub(crate) fn introduce(&self, runtime: &Runtime, first: i32, spec: &LaunchSpec) {
        if self.portals
            && let Err(error) = runtime.introduce(first)
        {
            (spec.note)(
                &Error::new(Kind::NoIdentity).value(error.message(&|text| (spec.translate)(text))),
            );
        }
    }

    /// What the sandbox gets.
    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }

    /// What is waited for.
    pub(crate) fn wanted(&self) -> Vec<(BorrowedFd<'_>, PollFlags)> {
        self.proxy.iter().map(|proxy| (proxy.lines.socket(), proxy.lines.wanted())).collect()
    }

    /// Does what there is to do, and has asked what is asked: what is to be told. `terminal` is whether nobody
    /// else reads from the user's terminal.
    pub(crate) fn serve(
        &mut self,
        spec: &LaunchSpec,
        host: &Host,
        questions: &mut Questions,
        terminal: bool,
    ) -> Vec<Value> {
        let mut told = Vec::new();
        let Some(proxy) = &mut self.proxy else { return told };
        let lines = proxy.lines.pass();
        for line in lines.iter().filter_map(Value::as_object) {
            told.extend(told::event(&self.id, line));
            if let Some(number) = line.get("withdrawn").and_then(Value::as_u64) {
                questions.withdraw(Source::Bus, number);
            } else if let Some(number) = line.get("ask").and_then(Value::as_u64) {
                let question = Question::of_bus(number, told::texts(line));
                questions.ask(question, spec, host, terminal);
            }
        }
        if proxy.lines.is_over() {
            // Whatever it has said last: without it the app reaches no bus.
            proxy.stop();
            self.proxy = None;
            questions.forget(Source::Bus);
            (spec.note)(&Error::new(Kind::BusGone));
            told.push(gone(&self.id));
        }
        told
    }

    /// Passes on what was answered.
    pub(crate) fn answer(&mut self, given: &Given) {
        let Given { number, allow, lasts, .. } = *given;
        let lasts = if lasts { "launch" } else { "once" };
        if let Some(proxy) = &mut self.proxy {
            proxy.lines.say(&json!({ "answer": number, "allow": allow, "for": lasts }));
        }
    }

    /// Has every message told from now on, and not only what is refused or asked.
    pub(crate) fn log_all(&mut self) {
        if let Some(proxy) = &mut self.proxy {
            proxy.lines.say(&json!({ "log": "all" }));
        }
    }
}

fn gone(id: &str) -> Value {
    let mut line = Map::new();
    line.insert("event".to_owned(), "bus-gone".into());
    line.insert("id".to_owned(), id.into());
    line.insert("time".to_owned(), crate::facts::now().into());
    line.into()
}
