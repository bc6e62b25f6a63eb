//! The store on disk: what is read, what is written, and what is left as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use arkose_profile::{Layer, LoadError, Origin, Store, Value, is_id};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;

/// A store in a directory of its own, removed at the end.
struct Place {
    dir: PathBuf,
    store: Store,
}

impl Place {
    fn new(test: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("arkose-store-{}-{test}", std::process::id()));
        for name in ["shipped", "system"] {
            fs::create_dir_all(dir.join(name)).unwrap();
        }
        let store =
            Store::with_dirs(dir.join("shipped"), dir.join("system"), dir.join("config/user"));
        Self { dir, store }
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn wrong(&self, what: impl AsRef<std::ffi::OsStr>) -> String {
        self.store.load(what).expect_err("refused").to_string()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn layer(settings: &[(&str, Value)]) -> Layer {
    let mut layer = Layer::launch();
    for (key, value) in settings {
        layer.set(key, value.clone()).unwrap();
    }
    layer
}

#[test]
fn layers_are_read_in_their_order() {
    let place = Place::new("order");
    place.write(
        "shipped/a.toml",
        "name = \"A\"\nnetwork = \"direct\"\ndbus = \"both\"\nxserver = \"direct\"",
    );
    place.write("system/a.toml", "dbus = \"session\"\nxserver = \"isolated\"");
    place.write("config/user/a.toml", "xserver = \"none\"");
    let profile = place.store.load("a").unwrap();
    let origins =
        ["name", "network", "dbus", "xserver", "wayland"].map(|key| profile.origin(key).word());
    assert_eq!(origins, ["shipped", "shipped", "system", "user", "default"]);
    assert_eq!(profile.value("xserver"), text("none"));
    let changes = profile.changes();
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].key, &changes[0].before, &changes[0].after),
        ("xserver", &text("isolated"), &text("none"))
    );
}

#[test]
fn a_list_has_every_profile_and_its_error() {
    let place = Place::new("list");
    place.write("shipped/a.toml", "name = \"Apple\"\nsummary = \"s\"\napp = \"a.desktop\"");
    place.write("shipped/b.toml", "netwrok = 1");
    place.write("shipped/.hidden.toml", "");
    place.write("shipped/-x.toml", "");
    place.write("shipped/notes.txt", "");
    place.write("config/user/a.toml", "dbus = \"none\"");
    place.write("config/user/mine.toml", "");
    let list = place.store.list();
    let ids: Vec<_> =
        list.iter().map(|one| (one.id.as_str(), one.origin.word(), one.overridden)).collect();
    assert_eq!(ids, [("a", "shipped", true), ("b", "shipped", false), ("mine", "user", true)]);
    assert_eq!((list[0].name.as_str(), list[0].summary.as_str()), ("Apple", "s"));
    assert_eq!(list[0].app.as_deref(), Some("a.desktop"));
    assert!(list[1].error.as_ref().unwrap().to_string().contains("did you mean “network”?"));
    assert_eq!(list[2].name, "mine");
}

#[test]
fn a_wrong_layer_stops_the_launch() {
    let place = Place::new("wrong");
    place.write("shipped/a.toml", "");
    let user = place.write("config/user/a.toml", "\nruns = \"user\"");
    assert_eq!(
        place.wrong("a"),
        format!("{}:2:1: there is no key “runs”; did you mean “runas”?", user.display())
    );
}

#[test]
fn a_name_is_an_id_or_a_path() {
    let place = Place::new("names");
    place.write("shipped/firefox.toml", "");
    assert_eq!(place.wrong("firefx"), "there is no profile “firefx”; did you mean “firefox”?");
    assert!(place.wrong("zzz").starts_with("there is no profile “zzz”; `arkose profile list`"));
    for wrong in ["", "-x", ".x", "a b", "a\nb"] {
        assert!(place.wrong(wrong).contains("cannot be the name of a profile"), "{wrong:?}");
    }
    for wrong in ["a/b", "../a", "x.toml", "x.conf", "é\u{7}"] {
        assert!(!is_id(wrong), "{wrong:?}");
    }
    assert!(is_id("org.gnome.TextEditor") && is_id("é_1-2"));
    let file = place.write("elsewhere/mine.toml", "network = \"direct\"");
    let profile = place.store.load(&file).unwrap();
    assert_eq!((profile.id.as_str(), profile.origin("network")), ("mine", &Origin::File(file)));
    let conf = place.write("elsewhere/x.conf", "[x]\ncmd=x\nfstype=ext4\n");
    let profile = place.store.load(&conf).unwrap();
    assert_eq!((profile.command(), profile.notes.len()), (vec!["x".to_owned()], 1));
    let message = place.wrong(place.dir.join("none.toml"));
    assert!(message.contains("none.toml cannot be read"), "{message}");
}

#[test]
fn what_is_no_profile_is_refused_at_once() {
    let place = Place::new("files");
    fs::create_dir(place.dir.join("shipped/dir.toml")).unwrap();
    assert!(place.wrong("dir").ends_with("dir.toml is not a file"));
    fs::write(place.dir.join("shipped/latin.toml"), b"name = \"\xe9\"").unwrap();
    assert!(place.wrong("latin").ends_with("is not a text in UTF-8"));
    assert!(place.wrong("/dev/zero").contains("too large to be a profile"));
    let made = std::process::Command::new("mkfifo")
        .arg(place.dir.join("shipped/pipe.toml"))
        .status()
        .unwrap();
    assert!(made.success());
    assert!(place.wrong("pipe").ends_with("pipe.toml is not a file"));
}

#[test]
fn saving_keeps_what_a_person_wrote() {
    let place = Place::new("save");
    let path = place.write(
        "config/user/a.toml",
        "# mine\nfuture = 1 # not known here\nnetwork  =  \"none\"   # offline\ndbus = \"none\"\n\n[files] # paths\n# why\nbind = [\n  \"~/a\", # first\n]\nhome = \"cow\"\n\n[else]\nx = 1\n",
    );
    let set = layer(&[
        ("network", text("direct")),
        ("files.home", text("private")),
        ("pulseaudio", Value::Bool(true)),
    ]);
    place.store.save_override("a", &set, &["dbus", "runas"]).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "# mine\nfuture = 1 # not known here\nnetwork  =  \"direct\"   # offline\npulseaudio = true\n\n[files] # paths\n# why\nbind = [\n  \"~/a\", # first\n]\nhome = \"private\"\n\n[else]\nx = 1\n"
    );
    // Nothing but the profile is left in the directory.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn an_override_comes_and_goes() {
    let place = Place::new("cycle");
    place.write("shipped/a.toml", "network = \"direct\"");
    let set =
        layer(&[("network", text("none")), ("files.bind", Value::List(vec!["~/é \"q\"".into()]))]);
    place.store.save_override("a", &set, &[]).unwrap();
    let path = place.store.user_override("a");
    let profile = place.store.load("a").unwrap();
    assert_eq!(profile.value("network"), text("none"));
    assert_eq!(profile.value("files.bind"), Value::List(vec!["~/é \"q\"".into()]));
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    place.store.save_override("a", &Layer::launch(), &["network", "files.bind"]).unwrap();
    assert!(!path.exists());
    assert_eq!(place.store.load("a").unwrap().value("network"), text("direct"));
    place.store.save_override("a", &set, &[]).unwrap();
    place.store.reset("a").unwrap();
    place.store.reset("a").unwrap();
    assert!(!path.exists());
}

#[test]
fn a_linked_override_stays_a_link() {
    let place = Place::new("link");
    let real = place.write("dotfiles/a.toml", "dbus = \"none\"\n");
    fs::create_dir_all(place.store.user_dir()).unwrap();
    symlink(&real, place.store.user_override("a")).unwrap();
    place.store.save_override("a", &layer(&[("network", text("direct"))]), &[]).unwrap();
    assert!(fs::symlink_metadata(place.store.user_override("a")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "dbus = \"none\"\nnetwork = \"direct\"\n");
}

#[test]
fn a_file_that_is_not_understood_is_not_replaced() {
    let place = Place::new("broken");
    let path = place.write("config/user/a.toml", "network = ");
    let error =
        place.store.save_override("a", &layer(&[("network", text("none"))]), &[]).unwrap_err();
    assert!(error.to_string().contains("is not valid TOML and was left as it is"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "network = ");
}

#[test]
fn a_directory_that_cannot_be_written_is_a_sentence() {
    let place = Place::new("denied");
    place.write("config", "a file where a directory should be");
    let error =
        place.store.save_override("a", &layer(&[("network", text("none"))]), &[]).unwrap_err();
    assert!(error.to_string().ends_with("could not be written"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_new_profile_never_replaces_one() {
    let place = Place::new("create");
    place.write("shipped/a.toml", "");
    let new = layer(&[("command", Value::List(vec!["x".into()])), ("files.home", text("cow"))]);
    let told = |id: &str| place.store.create(id, &new).unwrap_err().to_string();
    assert_eq!(told("a"), "there is a profile “a” already");
    assert!(told("../a").contains("cannot be the name of a profile"));
    place.store.create("b", &new).unwrap();
    assert_eq!(
        fs::read_to_string(place.store.user_override("b")).unwrap(),
        "command = [\"x\"]\n\n[files]\nhome = \"cow\"\n"
    );
    assert_eq!(told("b"), "there is a profile “b” already");
    assert_eq!(fs::read_dir(place.store.user_dir()).unwrap().count(), 1);
}

#[test]
fn an_unreadable_layer_is_not_skipped() {
    let place = Place::new("unreadable");
    place.write("shipped/a.toml", "network = \"direct\"");
    fs::create_dir_all(place.store.user_dir()).unwrap();
    // A link to itself cannot be read by anyone, the superuser included.
    symlink("a.toml", place.store.user_override("a")).unwrap();
    let error = place.store.load("a").unwrap_err();
    assert!(matches!(error, LoadError::Missing { source: Some(_), .. }), "{error}");
}
