//! The supervisor: accompanies one sandbox from its launch to its end, on the user's side.
//!
//! One thread, one loop. It watches what the sandbox uses of the host, hands signals and the terminal
//! through, and when it ends, however it ends, the kernel closes its socket and the helper ends
//! the sandbox. A command that enters a sandbox is accompanied in the same way, by a process of its
//! own.

use crate::bus::Bus;
use crate::error::{Error, Kind};
use crate::events::Events;
use crate::failure::{CANNOT_SUPERVISE, LaunchError};
use crate::helper::Helper;
use crate::host::Host;
use crate::limits::{Limit, Limited, last_words};
use crate::listing::Listing;
use crate::network::{Ask, Network, Told};
use crate::questions::Source;
use crate::registry::Asked;
use crate::services::Services;
use crate::spec::LaunchSpec;
use crate::streams::Pump;
use crate::terminal::{Console, Relay};
use arkose_profile::text::visible;
use arkose_protocol::{Channel, Control, Event, NetworkPart, Received, Status, Struck};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::getpgrp;
use std::ffi::OsString;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

/// Signals that are the app's business.
const FORWARDED: [Signal; 6] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];
/// Signals that are the supervisor's own.
const OWN: [Signal; 4] = [Signal::SIGCHLD, Signal::SIGWINCH, Signal::SIGCONT, Signal::SIGTSTP];

/// How long an app may go on after its display or its terminal has gone.
const GRACE: Duration = Duration::from_secs(2);

/// The signals that a session waits for.
pub(crate) fn watch_signals() -> Result<SignalFd, Errno> {
    watch(FORWARDED.into_iter().chain(OWN))
}

/// Blocks those signals, and gives what reports them.
pub(crate) fn watch(signals: impl IntoIterator<Item = Signal>) -> Result<SignalFd, Errno> {
    let set: SigSet = signals.into_iter().collect();
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(crate) struct State {
    started: bool,
    /// The sandbox's first process, as the helper sees it.
    first: Option<i32>,
    /// Whether the app was asked to end.
    asked: bool,
    status: Option<Status>,
    /// What the helper has told of the limits.
    struck: Struck,
    failure: Option<LaunchError>,
    /// When the app must have ended by itself.
    deadline: Option<Instant>,
    /// Nothing more is waited for.
    over: bool,
}

/// One command in its sandbox, and what is connected to it: the app, or a command that entered.
pub(crate) struct Session<'a> {
    pub(crate) channel: Channel,
    pub(crate) helper: Helper,
    pub(crate) signals: &'a mut SignalFd,
    pub(crate) services: &'a mut Services,
    /// What is launched, when it is this process's.
    pub(crate) launch: Option<(&'a LaunchSpec, &'a Host)>,
    /// Where the sandbox is listed, when it is this process's.
    pub(crate) listing: Option<Listing<'a>>,
    /// What holds its limits, when it is this process's.
    pub(crate) limits: Option<&'a Limited>,
    pub(crate) console: Option<Console>,
    pub(crate) relay: Option<Relay>,
    pub(crate) pumps: Vec<Pump>,
    pub(crate) state: State,
}

impl Session<'_> {
    /// Stays until everything has ended; gives back an unused console.
    pub(crate) fn accompany(
        mut self,
        command: &[OsString],
        events: &mut Events,
        id: &str,
    ) -> (Result<u8, LaunchError>, Option<Console>) {
        if let Some(first) = self.helper.first() {
            self.introduce(first);
        }
        while !self.state.over {
            if let Err(errno) = self.turn(command, events, id) {
                self.state.failure = Some(LaunchError::because(CANNOT_SUPERVISE, errno));
                break;
            }
        }
        // The sandbox ends when the socket closes; what built it is gone when that is done.
        drop(self.channel);
        self.helper.give_up();
        let end = self.helper.wait();
        if let Some(mut relay) = self.relay.take() {
            relay.finish();
        }
        self.pumps.iter_mut().for_each(Pump::finish);
        self.limits.iter().for_each(|limits| tell_limits(limits, &mut self.state, events, id));
        let result = match (self.state.failure, self.state.status) {
            (Some(error), _) => Err(error),
            (None, Some(status)) => {
                events.exited(id, status.code());
                self.listing.iter_mut().for_each(|listing| listing.tell(events));
                Ok(status.code())
            }
            (None, None) => Err(end),
        };
        (result, self.console)
    }

    /// Waits for one thing to happen and does what it asks for.
    fn turn(&mut self, command: &[OsString], events: &mut Events, id: &str) -> Result<(), Errno> {
        let Some(ready) = self.wait()? else { return Ok(()) };
        // What the sandbox has said is heard before a signal that could end what has not started.
        if ready.signals && (self.state.started || !ready.channel) {
            while let Ok(Some(signal)) = self.signals.read_signal() {
                self.signal(signal.ssi_signo.cast_signed());
            }
        }
        if let Some(relay) = &mut self.relay {
            if ready.room {
                relay.pass_input();
            }
            if ready.output {
                relay.pass_output();
            }
            if ready.input {
                relay.take_input();
            }
        }
        for (pump, ready) in self.pumps.iter_mut().zip(&ready.pumps) {
            if *ready {
                pump.pass();
            }
        }
        if ready.services
            && let Some(error) = self.services.ended()
        {
            self.forsaken(error);
        }
        if ready.channel {
            self.listen(command, events, id);
        }
        if ready.bus {
            self.serve_bus(events, id);
        }
        self.list(&ready.listing, events, id);
        if self.state.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.state.status.get_or_insert(Status::Signal(Signal::SIGTERM as i32));
            self.state.over = true;
        }
        Ok(())
    }

    /// What there is to do; `None` when a signal of no interest came in between.
    fn wait(&self) -> Result<Option<Ready>, Errno> {
        let mut fds = Vec::with_capacity(8);
        let mut add = |fd, flags| {
            fds.push(PollFd::new(fd, flags));
            fds.len() - 1
        };
        let readable = PollFlags::POLLIN;
        let signals = add(self.signals.as_fd(), readable);
        let channel = add(self.channel.as_fd(), readable);
        // A descriptor of which nothing is wanted would still report its end, again and again.
        let (mut master, mut input) = (None, None);
        if let Some(relay) = &self.relay {
            let wanted = relay.wanted();
            let room = if wanted.room { PollFlags::POLLOUT } else { PollFlags::empty() };
            master = wanted.output.then(|| add(relay.master(), readable | room));
            input = wanted.input.then(|| add(relay.input(), readable));
        }
        let pumps: Vec<Option<usize>> =
            self.pumps.iter().map(|pump| pump.wanted().map(|(fd, flags)| add(fd, flags))).collect();
        let services: Vec<usize> = if self.state.deadline.is_none() {
            self.services.watched().into_iter().map(|fd| add(fd, readable)).collect()
        } else {
            Vec::new()
        };
        let bus: Vec<usize> = self
            .services
            .bus
            .iter()
            .flat_map(Bus::wanted)
            .chain(self.services.network.iter().flat_map(Network::wanted))
            .chain(self.services.questions.wanted())
            .map(|(fd, flags)| add(fd, flags))
            .collect();
        let listing: Vec<usize> = self
            .listing
            .iter()
            .flat_map(Listing::wanted)
            .map(|(fd, flags)| add(fd, flags))
            .collect();
        match poll(&mut fds, self.timeout()) {
            Err(Errno::EINTR) => return Ok(None),
            result => result?,
        };
        let events =
            |index: usize| fds.get(index).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        let any = |index: usize| !events(index).is_empty();
        let output = PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR;
        Ok(Some(Ready {
            signals: any(signals),
            channel: any(channel),
            output: master.is_some_and(|master| events(master).intersects(output)),
            room: master.is_some_and(|master| events(master).contains(PollFlags::POLLOUT)),
            input: input.is_some_and(any),
            pumps: pumps.into_iter().map(|pump| pump.is_some_and(any)).collect(),
            services: services.into_iter().any(any),
            bus: bus.into_iter().any(any),
            listing: listing.into_iter().map(events).collect(),
        }))
    }

    /// Passes on what the programs tell that stand between the app and what it may reach, has asked what they
    /// ask, and tells them what was answered.
    fn serve_bus(&mut self, events: &mut Events, id: &str) {
        let terminal = self.relay.is_none() && self.console.is_none();
        let Some((spec, host)) = self.launch else { return };
        let Services { bus, network, questions, .. } = &mut *self.services;
        let mut given = questions.serve(spec);
        for bus in bus.iter_mut() {
            for event in bus.serve(spec, host, questions, terminal) {
                events.bus(event);
            }
        }
        for network in network.iter_mut() {
            for event in network.serve(id, spec, host, questions, terminal) {
                events.bus(event);
            }
            for told in network.told() {
                self.listing.iter_mut().for_each(|listing| listing.answer(&told));
            }
        }
        given.extend(questions.refused());
        for given in given {
            match given.source {
                Source::Bus => bus.iter_mut().for_each(|bus| bus.answer(&given)),
                Source::Network => network.iter_mut().for_each(|network| network.answer(&given)),
            }
        }
    }

    fn timeout(&self) -> PollTimeout {
        let due = self.listing.as_ref().and_then(Listing::due);
        let next = self.state.deadline.into_iter().chain(due).min();
        let left = next.map(|next| next.saturating_duration_since(Instant::now()));
        // One millisecond more, so that the deadline has passed when the wait has.
        left.map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::ZERO)
        })
    }

    fn send(&mut self, control: Control) {
        // A sandbox that is gone closes its side, which is noticed.
        let _ = self.channel.send(&control);
    }

    fn end_soon(&mut self) {
        self.state.deadline.get_or_insert(Instant::now() + GRACE);
    }

    /// Reads one event of the sandbox.
    fn listen(&mut self, command: &[OsString], events: &mut Events, id: &str) {
        match self.channel.receive::<Event>() {
            Ok(Received::Message(Event::Terminal, Some(master))) => {
                match self.console.take().map(|console| Relay::new(console, master)) {
                    Some(Ok(relay)) => self.relay = Some(relay),
                    _ => self.state.over = true,
                }
            }
            Ok(Received::Message(Event::Started, _)) => {
                self.state.started = true;
                self.listing.iter_mut().for_each(Listing::started);
                events.started(id);
            }
            Ok(Received::Message(Event::ExecFailed(errno), _)) => {
                self.state.failure = Some(not_executed(command, errno));
            }
            Ok(Received::Message(Event::First(pid), _)) => {
                self.state.first = Some(pid);
                self.introduce(pid);
                self.listing.iter_mut().for_each(Listing::known);
            }
            Ok(Received::Message(Event::Network(part), Some(fd))) => self.connect(part, fd),
            Ok(Received::Message(Event::Awaited(bridge), _)) => self.awaited(&bridge),
            Ok(Received::Message(Event::Routers(routers), _)) => self.open_network(&routers),
            Ok(Received::Message(Event::Stopped(signal), _)) => {
                events.stopped(id, signal);
                self.listing.iter_mut().for_each(|listing| listing.tell(events));
                self.stop_too();
            }
            Ok(Received::Message(Event::Exited(status), _)) => self.state.status = Some(status),
            Ok(Received::Message(Event::Failed(failure), _)) => {
                self.state.failure = Some(LaunchError::Engine(failure));
            }
            Ok(Received::Message(Event::Struck(struck), _)) => self.state.struck = struck,
            Ok(Received::Nothing) => {}
            Ok(Received::Message(Event::Terminal | Event::Network(_), None) | Received::Closed) => {
                self.state.over = true;
            }
            Err(error) => {
                self.state.failure = Some(error.into());
                self.state.over = true;
            }
        }
    }

    /// Something has ended that the app cannot do without.
    fn forsaken(&mut self, error: Error) {
        let of_network = self.services.network.is_some() && error.kind() != Kind::DisplayGone;
        if of_network && !self.state.started {
            self.state.failure = Some(error.into());
            self.state.over = true;
            return;
        }
        if let (true, Some((spec, _))) = (of_network, self.launch) {
            let why = error.message(&|text| (spec.translate)(text));
            (spec.note)(&Error::new(Kind::NetworkGone).value(why));
        }
        // Programs end when their display does; one that does not is ended soon.
        self.send(Control::Signal(Signal::SIGTERM as i32));
        self.end_soon();
    }

    /// Starts what a network with rules needs, with what its first process hands over.
    fn connect(&mut self, part: NetworkPart, fd: OwnedFd) {
        let (Some(network), Some((spec, _)), Some(listing)) =
            (&mut self.services.network, self.launch, &self.listing)
        else {
            return;
        };
        if let Err(error) = listing.connect(network, part, fd, spec) {
            self.state.failure = Some(error.into());
            self.state.over = true;
        }
    }

    /// Tells why nothing happens yet.
    fn awaited(&self, bridge: &str) {
        if let Some((spec, _)) = self.launch {
            (spec.note)(&Error::new(Kind::Awaited).value(bridge));
        }
    }

    /// Names can be looked up from now on.
    fn open_network(&mut self, routers: &[IpAddr]) {
        let (Some(network), Some((spec, _))) = (&mut self.services.network, self.launch) else {
            return;
        };
        if let Err(error) = network.open(routers, spec) {
            self.state.failure = Some(error.into());
            self.state.over = true;
        }
    }

    /// Tells who has to know which process is the sandbox's first.
    fn introduce(&mut self, first: i32) {
        self.services.network.iter_mut().for_each(|network| network.introduce(first));
        if let (Some(bus), Some(listing)) = (&self.services.bus, &self.listing) {
            listing.introduce(bus, first);
        }
    }

    /// Takes the sandbox's place in the list when it is time, and does what is asked there.
    fn list(&mut self, ready: &[PollFlags], events: &mut Events, id: &str) {
        let Some(mut listing) = self.listing.take() else { return };
        listing.take(&self.helper, self.helper.first().or(self.state.first));
        for asked in listing.serve(ready, &events.log) {
            match asked {
                Asked::Stop(grace) => {
                    self.send(Control::Signal(Signal::SIGTERM as i32));
                    // What was stopped hears nothing else.
                    self.send(Control::Signal(Signal::SIGCONT as i32));
                    let end = Instant::now() + grace;
                    self.state.deadline = self.state.deadline.into_iter().chain([end]).min();
                    events.stopping(id);
                }
                Asked::Network(number, ask) => {
                    if let Some(told) = self.ask_network(number, ask) {
                        listing.answer(&told);
                    }
                }
                Asked::LogAll => {
                    self.services.bus.iter_mut().for_each(Bus::log_all);
                }
                Asked::Enter(socket) => {
                    let _ = self.channel.send_with(&Control::Enter, socket.as_fd());
                    events.entered(id);
                }
            }
        }
        listing.tell(events);
        self.listing = Some(listing);
    }

    /// Asks the network for somebody; the answer, if that is known already.
    fn ask_network(&mut self, number: u64, ask: Ask) -> Option<Told> {
        match (&mut self.services.network, self.launch) {
            (Some(network), Some((spec, _))) => network.ask(number, ask, spec),
            _ => Some(Told::not_filtered(number)),
        }
    }

    fn signal(&mut self, number: i32) {
        match Signal::try_from(number) {
            // What the sandbox has said before is still to be heard, up to the end of the socket.
            Ok(Signal::SIGCHLD) if self.helper.has_ended() => self.end_soon(),
            Ok(Signal::SIGCHLD) | Err(_) => {}
            Ok(Signal::SIGWINCH) => {
                if let Some(relay) = &self.relay {
                    relay.resize();
                }
            }
            Ok(Signal::SIGCONT) => {
                if let Some(relay) = &mut self.relay {
                    relay.resume();
                }
            }
            Ok(Signal::SIGTSTP) => {
                self.send(Control::Signal(Signal::SIGSTOP as i32));
                if self.relay.is_none() {
                    self.stop_too();
                }
            }
            Ok(signal) if self.state.started => {
                self.send(Control::Signal(signal as i32));
                if signal == Signal::SIGTERM && std::mem::replace(&mut self.state.asked, true) {
                    // Asked twice: an app that does not want to end is ended.
                    self.state.deadline.get_or_insert(Instant::now());
                }
                if signal == Signal::SIGHUP && self.relay.is_some() {
                    // The terminal is gone, and with it whoever could end what ignores the signal.
                    self.end_soon();
                }
            }
            // Nothing runs yet that could decide for itself.
            Ok(signal) => {
                self.state.status = Some(Status::Signal(signal as i32));
                self.state.over = true;
            }
        }
    }

    /// The app was stopped, as by Ctrl+Z: so is this process, with its job, and both go on together.
    fn stop_too(&mut self) {
        if let Some(relay) = &mut self.relay {
            relay.pause();
        }
        let _ = killpg(getpgrp(), Signal::SIGSTOP);
        if let Some(relay) = &mut self.relay {
            relay.resume();
        }
        self.send(Control::Signal(Signal::SIGCONT as i32));
    }
}

/// Says which limits were met: it may be why the app has ended.
fn tell_limits(limits: &Limited, state: &mut State, events: &mut Events, id: &str) {
    for met in limits.met(state.struck) {
        let words = last_words(met, state.status);
        limits.say(&words);
        events.limit(id, met, &words);
        if met.0 == Limit::Memory && state.failure.is_none() {
            // The first process, too, can be what the kernel ends.
            state.status.get_or_insert(Status::Signal(Signal::SIGKILL as i32));
        }
    }
}

/// What is ready to be done.
struct Ready {
    signals: bool,
    channel: bool,
    output: bool,
    room: bool,
    input: bool,
    pumps: Vec<bool>,
    services: bool,
    bus: bool,
    listing: Vec<PollFlags>,
}

fn not_executed(command: &[OsString], errno: i32) -> LaunchError {
    let command = command.first().map_or_else(String::new, |word| visible(word.as_bytes()));
    let error = std::io::Error::from_raw_os_error(errno);
    if error.kind() == std::io::ErrorKind::NotFound {
        LaunchError::NotFound(command)
    } else {
        LaunchError::NotExecutable(command, error)
    }
}
