//! What a question says to people.

use super::{Question, Source};
use crate::spec::LaunchSpec;
use arkose_profile::bus::words::wish;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::options::Risk;
use arkose_profile::text::visible;

/// What the app wants, in a sentence, and how far that opens its sandbox, in a word.
pub(super) fn told(question: &Question, spec: &LaunchSpec) -> (String, &'static str) {
    let interface = Some(question.text("interface")).filter(|name| !name.is_empty());
    let (message, risk) = match question.source {
        Source::Bus => wish(&spec.title, question.text("destination"), interface),
        Source::Network => (connection(question, spec), Risk::Partial),
    };
    let sentence = message.translated(&|text| (spec.translate)(text));
    (visible(sentence.as_bytes()), risk.word())
}

/// Where the app wants to go on the network: by the name that it asked for, where it did.
fn connection(question: &Question, spec: &LaunchSpec) -> Message {
    let pattern = match (question.text("name"), question.text("port")) {
        ("", "") => N_("“{app}” wants to know whether {address} answers."),
        (_, "") => N_("“{app}” wants to know whether {name} ({address}) answers."),
        ("", _) => N_("“{app}” wants to connect to {address}, port {port} ({protocol})."),
        (_, _) => N_("“{app}” wants to connect to {name} ({address}), port {port} ({protocol})."),
    };
    let message = Message::new(pattern).with("app", &spec.title);
    let keys = ["name", "address", "port", "protocol"];
    keys.into_iter().fold(message, |message, key| message.with(key, question.text(key)))
}
