//! What ends a launch, and when: the death of one of its processes, a signal, a terminal that closes.

use super::draw::Draw;
use super::started::{Entry, Started};
use arkose_tests::Via;
use arkose_tests::random::Random;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Within this time everything has ended after what ends everything.
const SOON: Duration = Duration::from_secs(1);
/// The same where an app is given time to end by itself: two seconds more.
const GRACE: Duration = Duration::from_secs(3);
/// The same after `arkose stop`, which gives five.
const STOPPED: Duration = Duration::from_secs(6);
/// How long a launch may take to come to the app.
const LAUNCH: Duration = Duration::from_secs(30);

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A process of the app's.
    App,
    /// The first process of the sandbox.
    Init,
    Supervisor,
    Helper,
    /// Before it became the helper.
    Pkexec,
    /// What draws an isolated display.
    Screen,
    /// What carries packets out of a network with rules.
    Uplink,
    /// What resolves names there.
    Resolver,
    /// What cleans up, manages windows, or is about to become a program.
    Guard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// `kill -9`.
    Death(Role),
    /// The supervisor is asked to end.
    Term,
    /// The same, by `arkose stop`.
    Stop,
    /// The terminal is closed.
    Terminal,
    /// The standard input is closed.
    Input,
    /// Nothing happens until it is asked.
    Nothing,
}

/// What happens, and when.
#[derive(Debug)]
pub(crate) struct Blow {
    what: What,
    /// Before the app runs, or while it does.
    early: bool,
    delay: Duration,
    /// Whether somebody enters the sandbox before, and stays.
    entered: bool,
}

impl Blow {
    pub(crate) fn new(random: &mut Random, draw: &Draw) -> Self {
        use What::{Death, Input, Nothing, Stop, Term, Terminal};
        let mut all =
            vec![Death(Role::App), Death(Role::Init), Death(Role::Supervisor), Term, Stop, Nothing];
        all.push(if draw.terminal { Terminal } else { Input });
        if draw.via == Via::Helper {
            all.extend([Death(Role::Helper), Death(Role::Pkexec)]);
        }
        if draw.screen {
            all.extend([Death(Role::Screen), Death(Role::Screen), Death(Role::Guard)]);
        }
        if draw.ruled {
            all.extend([Death(Role::Uplink), Death(Role::Resolver), Death(Role::Guard)]);
        }
        let early = random.once_in(2);
        let longest = if early { 8_000 } else { 30_000 };
        let delay = Duration::from_micros(random.below(longest) as u64);
        let what = *random.pick(&all);
        Self { what, early, delay, entered: !early && random.once_in(4) }
    }

    /// Launches, strikes, and waits for the end: what was done, or what went wrong.
    pub(crate) fn strike(&self, draw: Draw, random: &mut Random) -> Result<String, String> {
        let (terminal, mut started) = (draw.terminal, Started::new(draw));
        self.wait_for_the_moment(&mut started);
        let mut entry = self.entered.then(|| started.enter()).flatten();
        let done = self.fall(&mut started, terminal, random);
        let begin = Instant::now();
        let limit = match self.what {
            _ if !done.certain => {
                self.end(&mut started, random);
                SOON
            }
            // An app that ignores what it is asked for is given time.
            What::Death(Role::Screen | Role::Uplink | Role::Resolver) | What::Terminal => GRACE,
            What::Stop => STOPPED,
            _ => SOON,
        };
        if !started.until(limit, Started::has_ended) {
            let (said, passed) = (done.said, begin.elapsed());
            return Err(format!("{said}: not over after {passed:?}; {}", started.said()));
        }
        if !started.until(SOON, |_| entry.as_mut().is_none_or(Entry::has_ended)) {
            return Err(format!("{}: what entered goes on; {}", done.said, started.said()));
        }
        Ok(format!("{}, over after {:?}; {}", done.said, begin.elapsed(), started.said()))
    }

    fn wait_for_the_moment(&self, started: &mut Started) {
        match self.what {
            What::Death(role) if self.early => {
                started.until(Duration::from_millis(500), |started| {
                    started.has_started() || !of_role(started, role).is_empty()
                });
            }
            _ if self.early => {}
            _ => drop(started.until(LAUNCH, Started::has_started)),
        }
        sleep(self.delay);
    }

    fn fall(&self, started: &mut Started, terminal: bool, random: &mut Random) -> Done {
        let mut certain = false;
        let said = match self.what {
            What::Death(role) => {
                let among = of_role(started, role);
                let victim = (!among.is_empty()).then(|| *random.pick(&among));
                let killed = victim.is_some_and(|victim| kill(victim, Signal::SIGKILL).is_ok());
                certain = match role {
                    Role::Init | Role::Supervisor => killed,
                    // It has a child for a moment, of which it needs no more than that it was there.
                    Role::Helper => killed && victim == among.first().copied(),
                    // Before the app runs there may be another display in its place.
                    Role::Screen | Role::Resolver => killed && !self.early,
                    // As it begins it has a child for a moment as well.
                    Role::Uplink => killed && !self.early && among.len() == 1,
                    Role::App | Role::Pkexec | Role::Guard => false,
                };
                format!("{role:?} {victim:?} of {} killed", among.len())
            }
            What::Term => {
                started.signal(Signal::SIGTERM);
                "asked to end".to_owned()
            }
            What::Stop => {
                let status = started.stop();
                certain = status.is_some();
                status.map_or("not listed".to_owned(), |status| format!("stopped: {status}"))
            }
            What::Terminal | What::Input => {
                // A terminal that goes before it controls anybody is not missed.
                certain = self.what == What::Terminal && !self.early;
                started.hang_up(terminal);
                "closed".to_owned()
            }
            What::Nothing => "let be".to_owned(),
        };
        Done { said, certain }
    }

    /// Ends what the blow did not end.
    fn end(&self, started: &mut Started, random: &mut Random) {
        if started.until(Duration::from_millis(random.below(40) as u64), Started::has_ended) {
            return;
        }
        // Who cleans up for a killed supervisor, or after itself, must not be dead already.
        let helpless = matches!(
            self.what,
            What::Death(Role::Guard | Role::Screen | Role::Uplink | Role::Resolver)
        );
        if random.once_in(2) && !helpless {
            return started.signal(Signal::SIGKILL);
        }
        started.signal(Signal::SIGTERM);
        if !started.until(Duration::from_millis(50), Started::has_ended) {
            // Asked twice, it ends what does not want to.
            started.signal(Signal::SIGTERM);
        }
    }
}

struct Done {
    said: String,
    /// Whether it ends everything.
    certain: bool,
}

/// The processes of a launch that are of a role now.
fn of_role(started: &Started, role: Role) -> Vec<Pid> {
    let supervisor = started.pid();
    started.processes().into_iter().filter(|pid| role_of(*pid, supervisor) == Some(role)).collect()
}

fn role_of(pid: Pid, supervisor: Pid) -> Option<Role> {
    if pid == supervisor {
        return Some(Role::Supervisor);
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    let inside = field("NSpid:")?;
    if inside.len() > 1 {
        return Some(if inside.last()? == "1" { Role::Init } else { Role::App });
    }
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    if command.split(|byte| *byte == 0).nth(1) == Some(b"--guard") {
        return Some(Role::Guard);
    }
    match field("Name:")?.first()?.as_str() {
        name if name.starts_with("arkose-helper") => Some(Role::Helper),
        "pkexec" => Some(Role::Pkexec),
        "Xephyr" | "Xvfb" | "xpra" => Some(Role::Screen),
        // pasta is another name of passt.
        name if name.starts_with("pas") => Some(Role::Uplink),
        "arkose-network" => Some(Role::Resolver),
        _ => None,
    }
}
