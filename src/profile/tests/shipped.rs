//! The profiles in `profiles/`: each can be launched as it is, says what it is for, and opens no
//! more than its kind needs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use arkose_profile::explain::{Explanation, explain};
use arkose_profile::options::Risk;
use arkose_profile::{AbsPath, Context, DBus, Home, Profile, Store, XServer};
use std::path::Path;

fn store() -> Store {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../profiles");
    Store::with_dirs(shipped, "/nonexistent", "/nonexistent")
}

fn context() -> Context {
    Context { home: AbsPath::new("/home/ann").unwrap(), user: "ann".into() }
}

fn explained(profile: &Profile) -> Explanation {
    let policy = profile.policy(&context()).expect(&profile.id);
    explain(profile, &policy, &context(), &|text| text.to_owned())
}

#[test]
fn every_profile_is_valid_and_says_what_it_is_for() {
    let list = store().list();
    assert!(list.len() >= 13, "{}", list.len());
    for listed in list {
        assert_eq!(listed.error, None, "{}", listed.id);
        assert!(
            !listed.name.is_empty() && listed.name != listed.id || listed.id == "gedit",
            "{}",
            listed.id
        );
        let summary = listed.summary;
        assert!((20..=80).contains(&summary.chars().count()), "{}: {summary}", listed.id);
        assert!(!summary.ends_with('.'), "{}: {summary}", listed.id);
        let profile = store().load(&listed.id).unwrap();
        profile.policy(&context()).expect(&listed.id);
        if let Some(app) = profile.app() {
            assert!(app.ends_with(".desktop") && !app.contains('/'), "{}: {app}", listed.id);
        }
        // A preset names no command; anything else does.
        assert_eq!(profile.command().is_empty(), summary.starts_with("Preset: "), "{}", listed.id);
    }
}

#[test]
fn each_is_as_open_as_its_kind_needs() {
    for (id, level) in [
        ("xeyes", Risk::Contained),
        ("gedit", Risk::Contained),
        ("gnome-text-editor", Risk::Contained),
        ("evince", Risk::Contained),
        ("libreoffice", Risk::Contained),
        ("inkscape", Risk::Contained),
        ("untrusted", Risk::Contained),
        ("vlc", Risk::Partial),
        ("firefox-esr", Risk::Open),
        ("games", Risk::Open),
        ("video-call", Risk::Open),
        ("dev-shell", Risk::Open),
        ("agent", Risk::Partial),
    ] {
        assert_eq!(explained(&store().load(id).expect(id)).level, level, "{id}");
    }
}

#[test]
fn none_hands_over_the_session() {
    for id in store().ids() {
        let policy = store().load(&id).unwrap().policy(&context()).unwrap();
        assert_eq!(
            policy.dbus,
            DBus::None,
            "{id}: without a session there is no bus, and no launch may need one"
        );
        assert_ne!(policy.xserver, XServer::Direct, "{id}");
        assert_ne!(policy.home, Home::Direct, "{id}");
        // A shared path that is not there stops a launch, and not everyone has the same directories.
        let shared =
            policy.paths.iter().filter(|rule| rule.access != arkose_profile::Access::Restrict);
        assert_eq!(shared.count(), 0, "{id}");
    }
}

#[test]
fn untrusted_names_everything_it_closes() {
    let profile = store().load("untrusted").unwrap();
    for option in arkose_profile::options::OPTIONS {
        let named = profile.layers()[0].get(option.key).is_some();
        // Without a bus and without a network there is nothing to rule.
        let needless = matches!(option.key, "command" | "app" | "files.restrict")
            || ["dbus-", "network-"].iter().any(|start| option.key.starts_with(start));
        assert_eq!(named, !needless, "{}", option.key);
    }
    let told = explained(&profile);
    let open: Vec<_> = told.lines.iter().filter(|line| line.risk != Risk::Contained).collect();
    assert!(open.is_empty(), "{open:?}");
}
