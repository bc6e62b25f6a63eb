//! What is tried and what was found, in words.

use arkose_probe::{Found, Trial, calls};
use arkose_profile::i18n::{Message, N_};
use std::path::Path;

/// So many names are told; the rest is counted.
const TOLD: usize = 12;

/// What is tried.
pub(crate) fn tried(trial: &Trial) -> Message {
    let about = |pattern, path: &Path| Message::new(pattern).with("path", path.to_string_lossy());
    match trial {
        Trial::Read { path } => about(N_("reading {path}"), path),
        Trial::List { path } => about(N_("listing {path}"), path),
        Trial::Write { path } => about(N_("opening {path} to write"), path),
        Trial::Create { path } => about(N_("making the file {path}"), path),
        Trial::Identity { path } => about(N_("which file {path} is"), path),
        Trial::Mounted { path } => about(N_("how {path} is mounted"), path),
        Trial::Space { path } => about(N_("how many bytes fit in {path}"), path),
        Trial::Fill { path, bytes } => {
            about(N_("writing {bytes} bytes to {path}"), path).with("bytes", bytes.to_string())
        }
        Trial::Node { path } => about(N_("which device {path} is"), path),
        Trial::OpenNode { path } => about(N_("opening the device {path}"), path),
        Trial::Nodes => Message::new(N_("looking for devices")),
        Trial::MakeNode { path } => about(N_("making and opening the device {path}"), path),
        Trial::ConnectPath { path } => about(N_("connecting to the socket {path}"), path),
        Trial::Bus { path } => about(N_("greeting the bus at {path}"), path),
        Trial::BusNames { path } => about(N_("listing the names on the bus at {path}"), path),
        Trial::BusPeer { path, service } => {
            about(N_("calling {service} on the bus at {path}"), path).with("service", service)
        }
        Trial::Namespace { kind } => {
            Message::new(N_("which namespace of kind “{kind}” it is in")).with("kind", kind)
        }
        other => tried_without_path(other),
    }
}

fn tried_without_path(trial: &Trial) -> Message {
    match trial {
        Trial::ConnectAbstract { name } => {
            Message::new(N_("connecting to the abstract socket “{name}”")).with("name", name)
        }
        Trial::ConnectTcp { address } => {
            Message::new(N_("connecting to {address}")).with("address", address.to_string())
        }
        Trial::SendUdp { address, .. } => {
            Message::new(N_("sending a datagram to {address}")).with("address", address.to_string())
        }
        Trial::Loopback { address } => {
            let message = Message::new(N_("talking to itself over {address}"));
            message.with("address", address.ip().to_string())
        }
        Trial::Family { family, raw } => {
            let message = if *raw {
                Message::new(N_("making a raw socket of the family {name}"))
            } else {
                Message::new(N_("making a socket of the family {name}"))
            };
            message.with("name", named(calls::FAMILIES, family))
        }
        Trial::Screen { display: None } => Message::new(N_("looking for windows on its screen")),
        Trial::Screen { display: Some(name) } => {
            Message::new(N_("looking for windows on the screen {name}")).with("name", name)
        }
        Trial::Variable { name } => Message::new(N_("the variable {name}")).with("name", name),
        Trial::Become { uid } => {
            Message::new(N_("becoming the user {uid}")).with("uid", uid.to_string())
        }
        Trial::Status { field } => {
            Message::new(N_("“{field}” of its own process")).with("field", field)
        }
        Trial::Unshare { flags } => Message::new(N_("making a namespace of kind “{kind}”"))
            .with("kind", named(calls::NAMESPACES, flags)),
        Trial::Call { number, .. } => {
            Message::new(N_("the system call {name}")).with("name", call_name(*number))
        }
        Trial::Terminal { request } => Message::new(N_("the terminal control {name}"))
            .with("name", named(calls::FORGING, request)),
        Trial::Signal { pid } => Message::new(N_("signalling the process {pid} of the host"))
            .with("pid", pid.to_string()),
        Trial::Limit { name } => {
            Message::new(N_("the limit of the resource “{name}”")).with("name", name)
        }
        Trial::Crowd { enough } => Message::new(N_("starting {number} processes and threads"))
            .with("number", enough.to_string()),
        other => Message::new(plain(other)),
    }
}

/// Those that have no part.
fn plain(trial: &Trial) -> &'static str {
    match trial {
        Trial::Interfaces => N_("looking for network interfaces"),
        Trial::Variables => N_("looking at its environment"),
        Trial::Ids => N_("who it is"),
        Trial::Home => N_("writing to its home directory, and listing it"),
        Trial::Processes => N_("looking for processes"),
        Trial::Descriptors => N_("looking at its descriptors"),
        _ => N_("the name of the machine"),
    }
}

fn named<T: PartialEq + std::fmt::Display>(table: &[(&str, T)], value: &T) -> String {
    let known = table.iter().find(|(_, known)| known == value);
    known.map_or_else(|| value.to_string(), |(name, _)| (*name).to_owned())
}

fn call_name(number: i64) -> String {
    if number == calls::CLONE3 {
        return "clone3".to_owned();
    }
    let tables = [calls::REFUSED, calls::MOUNTING, calls::UNKNOWN, calls::CHANGING];
    let known = tables.into_iter().flatten().find(|(_, known)| *known == number);
    known.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}

/// What was found.
pub(crate) fn found(found: &Found) -> Message {
    match found {
        Found::Text { text } if text.is_empty() => Message::new(N_("it can be done")),
        Found::Text { text } => Message::new(N_("“{text}”")).with("text", text),
        Found::Names { names } if names.is_empty() => Message::new(N_("nothing")),
        Found::Names { names } => Message::new(N_("{names}")).with("names", list(names)),
        Found::Refused { error } => {
            Message::new(N_("it cannot be done ({reason})")).with("reason", error)
        }
    }
}

/// Names in a row, and how many more there are.
pub(crate) fn list(names: &[String]) -> String {
    let mut text = names.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > TOLD {
        text.push_str(&format!(", … (+{})", names.len() - TOLD));
    }
    text
}
