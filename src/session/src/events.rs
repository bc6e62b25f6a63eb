//! What happens to a sandbox, as JSON lines for whoever started it.

use crate::failure::LaunchError;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

/// Where events go; nowhere, if nobody asked for them.
#[derive(Debug)]
pub(crate) struct Events(Option<File>);

impl Events {
    pub(crate) fn to(fd: Option<OwnedFd>) -> Self {
        Self(fd.map(File::from))
    }

    pub(crate) fn starting(&mut self, id: &str) {
        self.write(&json!({ "event": "starting", "id": id }));
    }

    pub(crate) fn started(&mut self, id: &str) {
        self.write(&json!({ "event": "started", "id": id }));
    }

    pub(crate) fn exited(&mut self, id: &str, status: u8) {
        self.write(&json!({ "event": "exited", "id": id, "status": status }));
    }

    pub(crate) fn failed(&mut self, error: &LaunchError) {
        if self.0.is_some() {
            self.write(&json!({
                "event": "failed",
                "message": error.message(&|text| text.to_owned()),
                "cause": error.cause(),
                "remedy": error.remedy(),
            }));
        }
    }

    fn write(&mut self, event: &Value) {
        if let Some(file) = &mut self.0 {
            // Whoever asked and went away does not end the sandbox.
            if writeln!(file, "{event}").is_err() {
                self.0 = None;
            }
        }
    }
}
