//! The names and summaries of the profiles that come with Arkose, in the user's language.
//!
//! A profile's file is in English and has no room for translations. What it says is listed here, so
//! that translators find it; a test compares the list with the files.

use arkose_profile::i18n::N_;
use arkose_profile::{Listed, Origin, Profile, Value};

/// What the shipped profiles say of themselves.
const WORDS: [&str; 25] = [
    N_("Coding Agent"),
    N_("Preset: one project directory, a home of its own, the network by rules"),
    N_("Throw-Away Shell"),
    N_("A root shell in a copy of this system that is dropped at the end"),
    N_("Document Viewer"),
    N_("Read documents that you do not trust"),
    N_("Firefox ESR"),
    N_("Browse the web, away from your files"),
    N_("Games"),
    N_("Preset: games that use the network, sound, graphics card and controllers"),
    N_("gedit"),
    N_("Edit text; only the files it is opened with can be reached"),
    N_("Text Editor"),
    N_("Inkscape"),
    N_("Draw in the files it is opened with, offline"),
    N_("LibreOffice"),
    N_("Work on the documents it is opened with, offline"),
    N_("Untrusted Program"),
    N_("Preset: everything is closed"),
    N_("Video Call"),
    N_("Preset: network, camera, sound and microphone, and none of your files"),
    N_("VLC"),
    N_("Play music and films from the files it is opened with"),
    N_("X Eyes"),
    N_("Eyes that follow the mouse, and can do nothing else"),
];

/// What a profile is called.
pub(crate) fn name(profile: &Profile, translate: &dyn Fn(&str) -> String) -> String {
    let name = profile.name();
    if came_with_it(profile.origin("name")) { known(&name, translate) } else { name }
}

/// What a profile is for; may be empty.
pub(crate) fn summary(profile: &Profile, translate: &dyn Fn(&str) -> String) -> String {
    value(profile, "summary", translate).as_text().to_owned()
}

/// The value of an option as it is shown.
pub(crate) fn value(profile: &Profile, key: &str, translate: &dyn Fn(&str) -> String) -> Value {
    match profile.value(key) {
        Value::Text(text)
            if ["name", "summary"].contains(&key) && came_with_it(profile.origin(key)) =>
        {
            Value::Text(known(&text, translate))
        }
        value => value,
    }
}

/// A listed profile with its name and summary translated.
pub(crate) fn listed(mut listed: Listed, translate: &dyn Fn(&str) -> String) -> Listed {
    if came_with_it(&listed.origin) {
        listed.name = known(&listed.name, translate);
        listed.summary = known(&listed.summary, translate);
    }
    listed
}

fn came_with_it(origin: &Origin) -> bool {
    matches!(origin, Origin::Shipped(_))
}

/// A text of somebody else's profile stays as it is, even where a button says the same.
fn known(text: &str, translate: &dyn Fn(&str) -> String) -> String {
    if WORDS.contains(&text) { translate(text) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_profile_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../profiles");
        let mut said = Vec::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "toml") {
                let text = std::fs::read_to_string(&path).unwrap();
                for line in text.lines().take_while(|line| !line.starts_with('[')) {
                    let value =
                        ["name = ", "summary = "].iter().find_map(|key| line.strip_prefix(key));
                    said.extend(value.map(|value| value.trim_matches('"').to_owned()));
                }
            }
        }
        said.sort();
        said.dedup();
        let mut words = WORDS.to_vec();
        words.sort_unstable();
        assert_eq!(said, words);
    }

    #[test]
    fn only_what_is_shipped_is_translated() {
        let listed_as = |name: &str, origin| {
            let shown = Listed {
                id: "games".to_owned(),
                name: name.to_owned(),
                summary: String::new(),
                app: None,
                origin,
                overridden: false,
                error: None,
            };
            listed(shown, &|text| text.to_uppercase()).name
        };
        assert_eq!(listed_as("Games", Origin::Shipped("/a".into())), "GAMES");
        assert_eq!(listed_as("Mine", Origin::Shipped("/a".into())), "Mine");
        assert_eq!(listed_as("Games", Origin::User("/a".into())), "Games");
    }
}
