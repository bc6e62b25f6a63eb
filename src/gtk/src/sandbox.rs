//! A launch and the app that runs from it: an `arkose launch` process and what it reports.
//!
//! The process writes events to a pipe and its sentences to standard error. This object follows
//! both on the main loop and never waits; the widgets watch its properties.

use crate::i18n::tr;
use crate::model::{Event, Failure, Request};
use arkose_profile::i18n::N_;
use gio_unix::InputStream;
use gtk::glib::subclass::prelude::*;
use gtk::{gio, glib, prelude::*};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

/// How far a launch has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "ArkoseSandboxState")]
pub(crate) enum State {
    /// The sandbox is being built.
    #[default]
    Starting,
    /// The app runs.
    Running,
    /// The app was told to stop.
    Stopping,
    /// It is over.
    Ended,
    /// It never came to run.
    Failed,
}

impl State {
    /// Whether there is a process.
    pub(crate) fn is_alive(self) -> bool {
        matches!(self, State::Starting | State::Running | State::Stopping)
    }
}

/// How long the pipes of a process that has ended are still read.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How much of standard error is kept for the sentence at its end.
const KEPT: usize = 16 * 1024;

mod imp {
    use super::{Failure, State};
    use gtk::prelude::*;
    use gtk::subclass::prelude::*;
    use gtk::{gio, glib};
    use std::cell::{Cell, OnceCell, RefCell};

    #[derive(Default, glib::Properties)]
    #[properties(wrapper_type = super::Sandbox)]
    pub(crate) struct Sandbox {
        /// The id of its profile, or the path of the file.
        #[property(get, construct_only)]
        pub(super) profile: OnceCell<String>,
        /// What the app is called.
        #[property(get, construct_only)]
        pub(super) name: OnceCell<String>,
        #[property(get, builder(State::Starting))]
        pub(super) state: Cell<State>,
        pub(super) process: RefCell<Option<gio::Subprocess>>,
        pub(super) failure: RefCell<Option<Failure>>,
        pub(super) stderr: RefCell<Vec<u8>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Sandbox {
        const NAME: &'static str = "ArkoseSandbox";
        type Type = super::Sandbox;
    }

    #[glib::derived_properties]
    impl ObjectImpl for Sandbox {}
}

glib::wrapper! {
    /// One launch.
    pub(crate) struct Sandbox(ObjectSubclass<imp::Sandbox>);
}

impl Sandbox {
    /// Starts `arkose launch`; whether that went well shows in the state.
    pub(crate) fn start(request: &Request, name: &str) -> Self {
        let profile = request.profile.to_string_lossy();
        let sandbox: Self =
            glib::Object::builder().property("profile", &*profile).property("name", name).build();
        match spawn(request) {
            Ok((process, events)) => {
                sandbox.imp().process.replace(Some(process.clone()));
                let following = sandbox.clone();
                glib::spawn_future_local(async move { following.follow(process, events).await });
            }
            Err(failure) => {
                // Whoever asked is not listening yet.
                let sandbox = sandbox.clone();
                glib::idle_add_local_once(move || sandbox.fail(failure));
            }
        }
        sandbox
    }

    /// Why it failed.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.imp().failure.borrow().clone()
    }

    /// Ends the app and its sandbox; a second call does not wait for the app.
    pub(crate) fn stop(&self) {
        let Some(process) = self.imp().process.borrow().clone() else { return };
        if self.state() == State::Stopping {
            process.force_exit();
        } else {
            process.send_signal(SIGTERM);
            self.set_state(State::Stopping);
        }
    }

    fn set_state(&self, state: State) {
        if self.imp().state.replace(state) != state {
            self.notify_state();
        }
    }

    fn fail(&self, failure: Failure) {
        self.imp().failure.replace(Some(failure));
        self.set_state(State::Failed);
    }

    async fn follow(&self, process: gio::Subprocess, events: InputStream) {
        let errors = process.stderr_pipe();
        let sandbox = self.clone();
        let reading = glib::spawn_future_local(async move { sandbox.read_events(events).await });
        let sandbox = self.clone();
        let listening = glib::spawn_future_local(async move {
            if let Some(errors) = errors {
                sandbox.keep_errors(&errors).await;
            }
        });
        let waited = process.wait_future().await;
        // What the process said last may still be in the pipes. Something that it left behind may
        // hold them open, which must not keep the end from being told.
        let _ = glib::future_with_timeout(LAST_WORDS, reading).await;
        let _ = glib::future_with_timeout(LAST_WORDS, listening).await;
        let imp = self.imp();
        imp.process.take();
        let reported = imp.failure.take();
        let began = self.state() != State::Starting || process.is_successful();
        if waited.is_ok() && began && reported.is_none() {
            return self.set_state(State::Ended);
        }
        if self.state() == State::Stopping {
            return self.set_state(State::Ended);
        }
        let said = Failure::from_stderr(&imp.stderr.take());
        let failure = match reported {
            Some(reported) => Some(reported.with_words_of(said)),
            None => said,
        };
        self.fail(failure.unwrap_or_else(|| Failure {
            message: tr(N_("The app ended before it had started, and nothing says why.")),
            ..Failure::default()
        }));
    }

    /// Follows the events until the process closes them.
    async fn read_events(&self, events: InputStream) {
        let events = gio::DataInputStream::new(&events);
        while let Ok(Some(line)) = events.read_line_utf8_future(glib::Priority::DEFAULT).await {
            match Event::parse(&line) {
                Some(Event::Started) if self.state() == State::Starting => {
                    self.set_state(State::Running);
                }
                Some(Event::Failed(failure)) => {
                    self.imp().failure.replace(Some(failure));
                }
                _ => {}
            }
        }
    }

    /// Passes standard error on and keeps its end.
    async fn keep_errors(&self, errors: &gio::InputStream) {
        while let Ok(bytes) = errors.read_bytes_future(4096, glib::Priority::DEFAULT).await {
            if bytes.is_empty() {
                break;
            }
            // Nobody may be listening to ours.
            let _ = io::Write::write_all(&mut io::stderr(), &bytes);
            let mut kept = self.imp().stderr.borrow_mut();
            kept.extend_from_slice(&bytes);
            let surplus = kept.len().saturating_sub(KEPT);
            kept.drain(..surplus);
        }
    }
}

/// The signal that asks a process to end (POSIX fixes the number).
const SIGTERM: i32 = 15;

fn spawn(request: &Request) -> Result<(gio::Subprocess, InputStream), Failure> {
    let failed = |cause: String| Failure {
        message: tr(N_("The command “arkose” could not be started.")),
        cause: Some(cause),
        remedy: None,
    };
    let (reader, writer) = io::pipe().map_err(|error| failed(error.to_string()))?;
    // The child gets the pipe under the number of a second, equal descriptor: that number is free
    // in the child, and known before it is spawned.
    let numbered = writer.try_clone().map_err(|error| failed(error.to_string()))?;
    let launcher = gio::SubprocessLauncher::new(gio::SubprocessFlags::STDERR_PIPE);
    launcher.take_fd(writer.into(), &numbered);
    let program = program();
    let arguments = request.arguments(numbered.as_raw_fd());
    let mut argv: Vec<&OsStr> = vec![&program];
    argv.extend(arguments.iter().map(OsString::as_os_str));
    let process = launcher.spawn(&argv).map_err(|error| failed(error.message().to_owned()))?;
    // Our writing ends must go, or the reading end never sees the end.
    drop(launcher);
    Ok((process, InputStream::take_fd(reader.into())))
}

/// `arkose` beside our own executable, else wherever the search path finds it.
fn program() -> OsString {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("arkose"));
    beside.filter(|file| file.is_file()).map_or_else(|| "arkose".into(), PathBuf::into_os_string)
}
