//! What happens to a sandbox, as JSON lines for whoever started it, and for those who follow it.

use crate::bus::Ring;
use crate::error::Error;
use crate::failure::LaunchError;
use crate::limits::Limit;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

/// Where events go; nowhere, if nobody asked for them.
#[derive(Debug)]
pub(crate) struct Events {
    file: Option<File>,
    /// Whether somebody follows the sandbox.
    pub(crate) followed: bool,
    /// With whether it happened on a bus.
    untold: Vec<(Value, bool)>,
    /// What has happened on the buses.
    pub(crate) log: Ring,
}

impl Events {
    pub(crate) fn to(fd: Option<OwnedFd>) -> Self {
        Self { file: fd.map(File::from), followed: false, untold: Vec::new(), log: Ring::default() }
    }

    /// What followers were not told yet.
    pub(crate) fn untold(&mut self) -> Vec<(Value, bool)> {
        std::mem::take(&mut self.untold)
    }

    pub(crate) fn starting(&mut self, id: &str) {
        self.write(|| json!({ "event": "starting", "id": id }));
    }

    pub(crate) fn started(&mut self, id: &str) {
        self.write(|| json!({ "event": "started", "id": id }));
    }

    /// A command was let in.
    pub(crate) fn entered(&mut self, id: &str) {
        self.write(|| json!({ "event": "entered", "id": id }));
    }

    /// The app was stopped by a signal, as by Ctrl+Z, and can go on.
    pub(crate) fn stopped(&mut self, id: &str, signal: i32) {
        self.write(|| json!({ "event": "stopped", "id": id, "signal": signal }));
    }

    /// The app was asked to end.
    pub(crate) fn stopping(&mut self, id: &str) {
        self.write(|| json!({ "event": "stopping", "id": id }));
    }

    pub(crate) fn exited(&mut self, id: &str, status: u8) {
        self.write(|| json!({ "event": "exited", "id": id, "status": status }));
    }

    pub(crate) fn limit(&mut self, id: &str, (limit, value): (Limit, u64), words: &Error) {
        self.write(|| {
            let message = words.message(&|text| text.to_owned());
            let limit = limit.word();
            json!({ "event": "limit", "id": id, "limit": limit, "value": value, "message": message })
        });
    }

    pub(crate) fn failed(&mut self, error: &LaunchError) {
        self.write(|| {
            json!({
                "event": "failed",
                "message": error.message(&|text| text.to_owned()),
                "cause": error.cause(),
                "remedy": error.remedy(),
            })
        });
    }

    /// Something happened on a bus.
    pub(crate) fn bus(&mut self, event: Value) {
        self.log.push(&event);
        self.tell(|| event, true);
    }

    fn write(&mut self, event: impl FnOnce() -> Value) {
        self.tell(event, false);
    }

    fn tell(&mut self, event: impl FnOnce() -> Value, of_bus: bool) {
        if self.file.is_none() && !self.followed {
            return;
        }
        let event = event();
        if let Some(file) = &mut self.file {
            // Whoever asked and went away does not end the sandbox.
            if writeln!(file, "{event}").is_err() {
                self.file = None;
            }
        }
        if self.followed {
            self.untold.push((event, of_bus));
        }
    }
}
