//! The TOML of a profile: read, judged, explained, written, and edited in place.

use super::context;
use arkose_profile::net::Rule;
use arkose_profile::{Error, Errors, Layer, Origin, Profile, edited, explain, to_toml};
use toml_edit::DocumentMut;

/// Tries one profile.
pub fn try_one(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Layer::parse(text, Origin::User("ann.toml".into())) {
        Ok(layer) => understood(text, &layer),
        Err(errors) => told(text, &errors),
    }
}

/// Every mistake has a place in the text and a sentence without control characters.
pub(crate) fn told(text: &str, errors: &Errors) {
    assert!(!errors.0.is_empty(), "refused without a reason");
    for error @ Error { place, .. } in &errors.0 {
        let place = place.expect("a place");
        let line = text.split('\n').nth(place.line - 1).unwrap_or_default();
        assert!(
            place.column >= 1 && place.column <= line.chars().count() + 1,
            "{place:?}: {error}"
        );
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
    }
}

fn understood(text: &str, layer: &Layer) {
    let written = to_toml(layer);
    same(layer, &written);
    // Its own settings change nothing in it, and neither does taking away what is not there.
    let kept = edited(text, layer, &["pulseaudio2"]).expect("it was valid");
    same(layer, &kept);
    let keys: Vec<_> = layer.iter().map(|(key, _)| key).collect();
    let bare = edited(text, &Layer::new(Origin::Launch), &keys).expect("it was valid");
    bare.parse::<DocumentMut>().expect("what was edited is valid");
    assert!(read(&bare).is_empty(), "{bare}");
    let profile = Profile::new("ann", vec![layer.clone()]);
    let Ok(policy) = profile.policy(&context()) else { return };
    let again = Profile::new("ann", vec![read(&written)]).policy(&context());
    assert_eq!(again.as_ref(), Ok(&policy));
    for rule in &policy.network_rules.list {
        assert_eq!(Rule::parse(rule.verdict, &rule.to_string()).as_ref(), Ok(rule));
    }
    for line in explain::explain(&profile, &policy, &context(), &|text| text.to_owned()).lines {
        assert!(!line.text.contains(char::is_control), "{:?}", line.text);
    }
}

fn read(text: &str) -> Layer {
    Layer::parse(text, Origin::User("ann.toml".into()))
        .unwrap_or_else(|errors| panic!("{errors}\nin what was written:\n{text}"))
}

fn same(layer: &Layer, text: &str) {
    let again = read(text);
    assert!(layer.iter().eq(again.iter()), "{text}");
}
