//! What a question says to people.

use super::{Question, Source};
use crate::network::{Offer, Scope};
use crate::spec::LaunchSpec;
use arkose_profile::bus::words::wish;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::net::{Ports, Protocol, Target};
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

/// What an answer would be about; the rule says the same more exactly.
pub(super) fn scope(offer: &Offer, spec: &LaunchSpec) -> String {
    let Ports { protocol, range } = offer.rule.ports;
    let pattern = match protocol {
        Some(Protocol::Icmp) => N_("{what}, echo requests (ping)"),
        _ => N_("{what}, port {port}"),
    };
    let port = range.map_or(0, |(port, _)| port).to_string();
    let message = Message::new(pattern).with_message("what", what(offer)).with("port", port);
    message.translated(&|text| (spec.translate)(text))
}

fn what(offer: &Offer) -> Message {
    let pattern = match (offer.scope, &offer.rule.target) {
        (Scope::Name, _) => N_("This name"),
        (Scope::Domain, _) => N_("Every name in this domain"),
        (Scope::Address, Target::Host) => N_("This computer"),
        (Scope::Address, _) => N_("This address"),
        (Scope::Everything, Target::Public) => N_("Everything on the internet"),
        (Scope::Everything, Target::Lan) => N_("Everything in the local network"),
        (Scope::Everything, Target::Network(_)) => N_("Everything in {network}"),
        (Scope::Everything, _) => N_("Everything"),
    };
    Message::new(pattern).with("network", offer.rule.target.to_string())
}
