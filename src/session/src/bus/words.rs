//! What a question says to people.

use super::questions::Question;
use crate::spec::LaunchSpec;
use arkose_profile::bus::words::wish;
use arkose_profile::text::visible;

/// What the app wants, in a sentence, and how far that opens its sandbox, in a word.
pub(super) fn told(question: &Question, spec: &LaunchSpec) -> (String, &'static str) {
    let interface = Some(question.text("interface")).filter(|name| !name.is_empty());
    let (message, risk) = wish(&spec.title, question.text("destination"), interface);
    let sentence = message.translated(&|text| (spec.translate)(text));
    (visible(sentence.as_bytes()), risk.word())
}
