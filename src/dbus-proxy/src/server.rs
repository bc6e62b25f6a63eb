//! The loop: one thread that waits for all sockets at once, and for nobody in particular.

use crate::address::Address;
use crate::ask::Asks;
use crate::confine;
use crate::connection::{Connection, End};
use crate::control::{Answer, Control, Said, Span};
use crate::events::{Event, Events};
use crate::fault::Fault;
use crate::filter::{Policy, Shared};
use crate::listener::Listener;
use crate::setup::Setup;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};
use thiserror::Error;

/// The most connections of one proxy.
const MOST: usize = 512;
/// The most of them to the system's bus: half of what that gives all programs of one user
/// (`max_connections_per_user` of dbus-daemon(1)), who needs the rest outside of the sandbox.
const MOST_SYSTEM: usize = 128;
/// The most that are not known to their bus yet: a bus bounds those of all its users together.
const MOST_BEGINNING: usize = 32;
/// How long nobody is let in when there are no descriptors left.
const FULL: Duration = Duration::from_millis(200);
/// How long it takes until a bus that has too much to do is tried again.
const AGAIN: Duration = Duration::from_millis(5);

/// Why a proxy does not run.
#[derive(Debug, Error)]
pub enum CannotServe {
    /// An address of a kind that is not known.
    #[error("{0} is not the address of a bus on this machine")]
    Address(String),
    /// The socket for apps.
    #[error("{0} cannot be made: {1}")]
    Listen(String, Errno),
    /// The identity.
    #[error("an identity for portals cannot be had here: {0}")]
    Identity(String),
    /// Anything else that the kernel refuses.
    #[error("the kernel refuses what the proxy needs: {0}")]
    Kernel(#[from] Errno),
}

/// What an event of the kernel's is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Supervisor,
    Listener(usize),
    Connection(usize, End),
}

/// Who ends the proxy.
#[derive(Debug)]
pub enum Master {
    /// A supervisor, who is told and answers.
    Supervisor(Control),
    /// Whoever has the other end of a descriptor.
    Descriptor(OwnedFd),
    /// Nobody.
    Nobody,
}

/// An app that waits for its bus.
#[derive(Debug)]
struct Arrival {
    app: OwnedFd,
    policy: Rc<Policy>,
    upstream: Address,
    until: Instant,
}

/// A running proxy.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    /// Whether new apps are heard.
    listening: bool,
    /// Until when they are not, for want of descriptors.
    full: Option<Instant>,
    connections: Vec<Option<Box<Connection>>>,
    free: Vec<usize>,
    arrivals: VecDeque<Arrival>,
    shared: Shared,
    master: Master,
    scratch: Vec<u8>,
}

impl Server {
    /// Makes the sockets, gives up what is not needed, and tells that it listens.
    ///
    /// # Errors
    /// When any of that cannot be done.
    pub fn start(setup: Setup, master: Master) -> Result<Self, CannotServe> {
        let mut listeners = Vec::new();
        for bus in setup.buses {
            let upstream =
                Address::parse(&bus.upstream).ok_or(CannotServe::Address(bus.upstream))?;
            let listener = Listener::open(&bus.listen, bus.policy, upstream)
                .map_err(|errno| CannotServe::Listen(bus.listen.display().to_string(), errno))?;
            listeners.push(listener);
        }
        if let Some(identity) = &setup.identity {
            let mut addresses: Vec<&mut Address> =
                listeners.iter_mut().map(|listener| &mut listener.upstream).collect();
            confine::take_identity(identity, &mut addresses)
                .map_err(|error| CannotServe::Identity(error.to_string()))?;
        }
        confine::give_up_rights()?;
        let mut server = Self {
            listeners,
            listening: true,
            full: None,
            connections: Vec::new(),
            free: Vec::new(),
            arrivals: VecDeque::new(),
            shared: Shared {
                events: Events::new(setup.detail),
                asks: Asks::new(matches!(master, Master::Supervisor(_))),
            },
            master,
            scratch: Vec::new(),
        };
        server.begin()?;
        Ok(server)
    }

    fn begin(&mut self) -> Result<(), CannotServe> {
        match &self.master {
            Master::Supervisor(_) => {
                self.shared.events.line(&serde_json::json!({ "ready": true }));
            }
            Master::Descriptor(fd) => drop(rustix::io::write(fd, b"x")?),
            Master::Nobody => {}
        }
        Ok(())
    }

    /// Serves until whoever started it is gone.
    ///
    /// # Errors
    /// When the kernel refuses to wait.
    pub fn run(mut self) -> Result<(), CannotServe> {
        loop {
            if self.tell().is_err() {
                return Ok(());
            }
            let deadline = self.deadline();
            for (token, flags) in self.wait(deadline)? {
                if !self.event(token, flags) {
                    return Ok(());
                }
            }
            if deadline.is_some() {
                self.tick(Instant::now());
            }
            self.full = self.full.filter(|until| *until > Instant::now());
            self.listening = self.full.is_none()
                && self.beginning() < MOST_BEGINNING
                && self.connections.len() - self.free.len() < MOST;
        }
    }

    /// Waits for what is wanted of all sockets, until `deadline` at most: what is ready.
    ///
    /// A list that is handed over anew each time, and not epoll: an app has a handful of connections, and
    /// the kernel wakes who waits in poll(2) on the processor of who sent, which saves a call to a
    /// service a fifth of what the proxy adds to it (`./dev bench dbus`).
    fn wait(&self, deadline: Option<Instant>) -> Result<Vec<(Token, PollFlags)>, Errno> {
        let timeout = deadline.map(|at| {
            let left = at.saturating_duration_since(Instant::now());
            // Rounded up, so that it has passed afterwards.
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos().min(998_999_999)) + 1_000_000,
            }
        });
        let (tokens, mut fds): (Vec<Token>, Vec<PollFd<'_>>) = self.wanted().unzip();
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(errno) => return Err(errno),
        }
        let ready = tokens.into_iter().zip(fds.iter().map(PollFd::revents));
        Ok(ready.filter(|(_, flags)| !flags.is_empty()).collect())
    }

    /// Every socket, with what it is waited for.
    fn wanted(&self) -> impl Iterator<Item = (Token, PollFd<'_>)> {
        let master = match &self.master {
            Master::Supervisor(control) => {
                let mut wanted = PollFlags::IN;
                wanted.set(PollFlags::OUT, self.shared.events.is_waiting());
                Some(PollFd::new(control.socket(), wanted))
            }
            Master::Descriptor(fd) => Some(PollFd::new(fd, PollFlags::empty())),
            Master::Nobody => None,
        };
        let listeners = self.listeners.iter().filter(|_| self.listening).enumerate();
        let listeners = listeners.map(|(index, listener)| {
            (Token::Listener(index), PollFd::new(&listener.socket, PollFlags::IN))
        });
        let connections = self.connections.iter().enumerate();
        let connections = connections.filter_map(|(index, one)| Some((index, one.as_deref()?)));
        let connections = connections.flat_map(|(index, connection)| {
            [End::App, End::Bus].into_iter().filter_map(move |end| {
                let wanted = connection.wanted(end);
                // A socket that hung up would be told for ever.
                (!wanted.is_empty()).then(|| {
                    let socket = &connection.side(end).socket;
                    (Token::Connection(index, end), PollFd::new(socket, wanted))
                })
            })
        });
        master.into_iter().map(|fd| (Token::Supervisor, fd)).chain(listeners).chain(connections)
    }

    /// Whether the proxy goes on.
    fn event(&mut self, token: Token, flags: PollFlags) -> bool {
        match token {
            Token::Supervisor => return self.hear(flags),
            Token::Listener(index) => self.accept(index),
            Token::Connection(index, end) => self.serve(index, end, flags),
        }
        true
    }

    fn hear(&mut self, flags: PollFlags) -> bool {
        let Master::Supervisor(control) = &mut self.master else { return false };
        if !flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            return true;
        }
        let Some(lines) = control.said() else { return false };
        for said in lines {
            match said {
                Said::Answer(answer) => self.answered(answer),
                Said::Log { log } => self.shared.events.set_detail(log.detail()),
            }
        }
        true
    }

    fn answered(&mut self, answer: Answer) {
        let launch = answer.span == Span::Launch;
        let Shared { asks, events } = &mut self.shared;
        let answered = asks.answer(answer.answer, answer.allow, launch, events);
        let Some((question, numbers)) = answered else { return };
        let held = |connection: &Option<Box<Connection>>| {
            connection
                .as_ref()
                .is_some_and(|one| one.questions().any(|number| numbers.contains(&number)))
        };
        let waiting: Vec<usize> = self
            .connections
            .iter()
            .enumerate()
            .filter_map(|(index, connection)| held(connection).then_some(index))
            .collect();
        for index in waiting {
            if let Some(Some(connection)) = self.connections.get_mut(index) {
                connection.answered(&numbers, answer.allow);
            }
            self.end_if_over(index);
        }
        self.shared.events.tell(Event {
            event: "answered",
            bus: &question.bus,
            kind: "call",
            destination: Some(&question.destination),
            path: Some(&question.path),
            interface: question.interface.as_deref(),
            member: Some(&question.member),
            reason: Some(if answer.allow { "allowed" } else { "refused" }.to_owned()),
            ..Event::default()
        });
    }

    fn accept(&mut self, index: usize) {
        let Some(listener) = self.listeners.get(index) else { return };
        let app = match listener.accept() {
            Ok(Some(app)) => app,
            Ok(None) => return,
            Err(_) => return self.full = Some(Instant::now() + FULL),
        };
        let (bus, connections) = (&listener.policy.bus, self.connections.iter().flatten());
        let others = connections.filter(|one| one.bus_name() == bus).count();
        if bus == "system" && others >= MOST_SYSTEM {
            return closed(&mut self.shared.events, bus, Fault::TooMany);
        }
        let arrival = Arrival {
            app,
            policy: listener.policy.clone(),
            upstream: listener.upstream.clone(),
            until: Instant::now() + crate::connection::HANDSHAKE,
        };
        self.connect(arrival);
    }

    fn connect(&mut self, arrival: Arrival) {
        match arrival.upstream.connect() {
            Ok(bus) => {
                let connection = Connection::new(arrival.app, bus, arrival.policy);
                let index = self.free.pop().unwrap_or_else(|| {
                    self.connections.push(None);
                    self.connections.len() - 1
                });
                if let Some(place) = self.connections.get_mut(index) {
                    *place = Some(Box::new(connection));
                }
                self.serve(index, End::Bus, PollFlags::empty());
            }
            Err(Errno::AGAIN) if Instant::now() < arrival.until => self.arrivals.push_back(arrival),
            Err(_) => closed(&mut self.shared.events, &arrival.policy.bus, Fault::Unreachable),
        }
    }

    fn serve(&mut self, index: usize, end: End, flags: PollFlags) {
        let Some(Some(connection)) = self.connections.get_mut(index) else { return };
        let served = connection.serve(end, flags, &mut self.scratch, &mut self.shared);
        if let Err(fault) = served {
            closed(&mut self.shared.events, connection.bus_name(), fault);
            self.close(index);
        } else {
            self.end_if_over(index);
        }
    }

    /// Ends a connection on which all has been said.
    fn end_if_over(&mut self, index: usize) {
        if let Some(Some(connection)) = self.connections.get(index)
            && connection.is_over()
        {
            self.close(index);
        }
    }

    fn close(&mut self, index: usize) {
        if let Some(connection) = self.connections.get_mut(index).and_then(Option::take) {
            for number in connection.questions() {
                self.shared.asks.give_up(number, false, &mut self.shared.events);
            }
            self.free.push(index);
        }
    }

    fn beginning(&self) -> usize {
        let connections = self.connections.iter().flatten();
        connections.filter(|one| !one.is_established()).count() + self.arrivals.len()
    }

    fn deadline(&self) -> Option<Instant> {
        let again = (!self.arrivals.is_empty()).then(|| Instant::now() + AGAIN);
        let connections = self.connections.iter().flatten().filter_map(|one| one.deadline());
        let others = self.full.into_iter().chain(self.shared.events.deadline());
        connections.chain(again).chain(others).min()
    }

    fn tick(&mut self, now: Instant) {
        for _ in 0..self.arrivals.len() {
            if let Some(arrival) = self.arrivals.pop_front() {
                self.connect(arrival);
            }
        }
        for index in 0..self.connections.len() {
            let Some(Some(connection)) = self.connections.get_mut(index) else { continue };
            if connection.deadline().is_none_or(|deadline| deadline > now) {
                continue;
            }
            match connection.tick(now) {
                Ok(given_up) => {
                    for number in given_up {
                        self.shared.asks.give_up(number, true, &mut self.shared.events);
                    }
                    self.end_if_over(index);
                }
                Err(fault) => {
                    closed(&mut self.shared.events, connection.bus_name(), fault);
                    self.close(index);
                }
            }
        }
        self.shared.events.tick(now);
    }

    /// Writes what is to be told.
    fn tell(&mut self) -> Result<(), Errno> {
        let lines = self.shared.events.lines();
        match &self.master {
            _ if lines.is_empty() => {}
            Master::Supervisor(control) => control.tell(lines)?,
            Master::Descriptor(_) | Master::Nobody => {
                // By hand: whoever reads it slowly waits.
                let _ = std::io::stdout().write_all(lines.make_contiguous());
                lines.clear();
            }
        }
        Ok(())
    }
}

fn closed(events: &mut Events, bus: &str, fault: Fault) {
    events.tell(Event {
        event: "closed",
        bus,
        reason: Some(fault.to_string()),
        ..Event::default()
    });
}
