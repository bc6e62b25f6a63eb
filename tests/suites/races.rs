//! Races: while a sandbox is built, somebody swaps what it is built of, as fast as the kernel can and
//! for seconds. Whatever was looked at is what is mounted, nothing outside is reached, and the host's
//! tree stays as it was.

use arkose_tests::host::while_swapped;
use arkose_tests::{Arkose, Outcome, Scratch, both_ways};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long each pair of names is swapped.
const LONG: Duration = Duration::from_secs(2);

/// What nobody inside may ever read.
const SECRET: &str = "for root only";

/// Launches again and again while two names are swapped; answers how often something was launched.
fn race(one: &Path, other: &Path, call: impl Fn() -> Arkose, holds: impl Fn(&Outcome)) -> u32 {
    let mut launched = 0;
    while_swapped(one, other, || {
        let end = Instant::now() + LONG;
        while Instant::now() < end {
            let outcome = call().output();
            let (text, code) = (outcome.text(), outcome.code());
            assert!(!text.contains(SECRET), "{outcome}");
            // Refused, or run to its end: nothing between.
            assert!(code == 0 || (code == 125 && text.is_empty()), "{outcome}");
            assert!(!outcome.said().contains("panicked"), "{outcome}");
            holds(&outcome);
            launched += u32::from(code == 0);
        }
    });
    launched
}

/// A directory of root's with a secret, to which only root finds the way: whoever is there can read it.
fn closed(system: &Scratch) -> PathBuf {
    let closed = system.join("closed");
    let inner = closed.join("inner");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("letter"), SECRET).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    inner
}

/// Everything below a directory: names, kinds, modes, owners, and when a directory was changed.
fn snapshot(directory: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let (path, meta) = (entry.path(), entry.path().symlink_metadata().unwrap());
        let changed = if meta.is_dir() { meta.mtime_nsec() } else { 0 };
        all.push(format!("{} {:o} {} {changed}", path.display(), meta.mode(), meta.uid()));
        if meta.is_dir() {
            all.extend(snapshot(&path));
        }
    }
    all.sort();
    all
}

/// Reads, lists and writes at each of the paths.
fn probe(call: Arkose, paths: &[&Path]) -> Arkose {
    let script = r#"for at; do cat "$at" "$at/letter"; ls "$at"; echo planted >"$at/planted"; echo planted >"$at"; done 2>/dev/null; echo end"#;
    let words = paths.iter().map(|path| path.to_str().unwrap());
    call.command(["/bin/sh", "-c", script, "sh"].into_iter().chain(words))
}

both_ways! {
    /// A grant is opened once, whatever kind of thing it then is.
    fn a_grant_swapped_for_a_link_shows_nothing_that_the_user_may_not_read(via) {
        let (home, system) = (Scratch::home(), Scratch::system());
        let closed = closed(&system);
        home.file("work/thing/letter", "granted");
        symlink(&closed, home.join("work/link")).unwrap();
        let before = snapshot(&closed);
        for (option, runas) in [("bind", "user"), ("bind-read-only", "root"), ("cow", "root")] {
            let (thing, link) = (home.join("work/thing"), home.join("work/link"));
            let launched = race(&thing, &link,
                || probe(Arkose::run(via).option(option, &thing).option("runas", runas), &[&thing, &link]), |_| {});
            assert!(launched > 0, "{option}: nothing was ever launched");
        }
        assert_eq!(snapshot(&closed), before);
    }

    fn a_grant_swapped_between_a_file_and_a_directory_is_the_one_or_the_other(via) {
        let home = Scratch::home();
        home.file("work/thing/letter", "in a directory");
        let (thing, file) = (home.join("work/thing"), home.file("work/file", "a file"));
        for option in ["bind-read-only", "cow", "restrict"] {
            let launched = race(&thing, &file, || probe(Arkose::run(via).option(option, &thing), &[&thing]), |outcome| {
                // Never what is called otherwise, and of two kinds never both.
                let text = outcome.text();
                assert!(!(text.contains("a file") && text.contains("in a directory")), "{outcome}");
                assert!(option != "restrict" || !(text.contains("a file") || text.contains("in a directory")), "{outcome}");
            });
            assert!(launched > 0, "{option}: nothing was ever launched");
        }
        let left = snapshot(&home.join("work"));
        assert_eq!(left.len(), 3, "{left:?}");
        assert!(!left.iter().any(|line| line.contains("planted")), "{left:?}");
    }

    fn what_is_hidden_stays_hidden_while_the_way_to_it_is_swapped(via) {
        let home = Scratch::home();
        home.file("work/private/keys/letter", SECRET);
        home.file("elsewhere/keys/harmless", "");
        let (private, link) = (home.join("work/private"), home.join("work/link"));
        symlink(home.join("elsewhere"), &link).unwrap();
        let keys = private.join("keys");
        let launched = race(&private, &link,
            || probe(Arkose::run(via).option("bind", home.join("work")).option("restrict", &keys), &[&keys, &link.join("keys")]), |_| {});
        println!("{launched} launched");
        assert!(home.has("elsewhere/keys/harmless"));
    }

    fn an_empty_home_stays_empty_while_it_is_swapped(via) {
        let (home, system) = (Scratch::home(), Scratch::system());
        let closed = closed(&system);
        home.file("real/letter", SECRET);
        let (real, link) = (home.join("real"), home.join("link"));
        symlink(&closed, &link).unwrap();
        let before = snapshot(&closed);
        for runas in ["user", "root"] {
            let launched = race(&real, &link,
                || probe(Arkose::run(via).env("HOME", &real).directory("/").option("runas", runas), &[&real, &link]), |_| {});
            assert!(launched > 0, "{runas}: nothing was ever launched");
        }
        assert_eq!(snapshot(&closed), before);
        assert!(!home.has("real/planted") && !home.has("link/planted"));
    }

    fn a_copied_home_swapped_for_a_link_is_never_written(via) {
        let (home, system) = (Scratch::home(), Scratch::system());
        let closed = closed(&system);
        home.file("real/letter", "copied");
        home.file("victim/letter", "not granted");
        let (real, link) = (home.join("real"), home.join("link"));
        for target in [&closed, &home.join("victim")] {
            let _ = fs::remove_file(&link);
            symlink(target, &link).unwrap();
            let before = snapshot(target);
            race(&real, &link, || probe(Arkose::run(via).env("HOME", &real).directory("/").option("home", "cow"), &[&real, target]), |_| {});
            assert_eq!(snapshot(target), before);
            // They were swapped some number of times.
            if link.is_dir() && !link.is_symlink() {
                fs::rename(&real, home.join("was-link")).unwrap();
                fs::rename(&link, &real).unwrap();
            }
        }
        assert!(!home.has("real/planted"));
    }

    fn what_is_copied_is_never_written_while_it_is_swapped(via) {
        let (home, system) = (Scratch::home(), Scratch::system());
        let closed = closed(&system);
        home.file("work/lower/letter", "copied");
        symlink(&closed, home.join("work/link")).unwrap();
        let (lower, link) = (home.join("work/lower"), home.join("work/link"));
        let before = snapshot(&closed);
        for runas in ["user", "root"] {
            let launched = race(&lower, &link,
                || probe(Arkose::run(via).option("cow", &lower).option("runas", runas), &[&lower, &link]), |_| {});
            assert!(launched > 0, "{runas}: nothing was ever launched");
        }
        assert_eq!(snapshot(&closed), before);
        let left = snapshot(&home.join("work"));
        assert_eq!(left.len(), 3, "{left:?}");
    }

    fn no_component_of_a_private_home_is_followed_while_it_is_swapped(via) {
        let home = Scratch::home();
        home.file("victim/letter", SECRET);
        home.file("victim/raced/letter", SECRET);
        let profile = home.file("raced.toml", "name = \"Raced\"\ncommand = [\"sh\", \"-c\", \"cat ~/letter; ls ~; echo x >~/planted\"]\n[files]\nhome = \"private\"\n");
        let launch = || Arkose::launch(via, &profile).directory("/").env("XDG_DATA_HOME", home.join("data"));
        assert_eq!(launch().output().code(), 0);
        let victim = home.join("victim");
        let before = snapshot(&victim);
        // What lies above is the user's to put elsewhere, by a link too.
        for component in ["data/arkose/homes/raced", "data/arkose/homes"] {
            let (name, link) = (home.join(component), home.join(component).with_file_name("swapped"));
            symlink(&victim, &link).unwrap();
            let _ = race(&name, &link, launch, |_| {});
            assert_eq!(snapshot(&victim), before, "{component}");
            if name.is_symlink() {
                fs::remove_file(&name).unwrap();
                fs::rename(&link, &name).unwrap();
            } else {
                fs::remove_file(&link).unwrap();
            }
        }
    }
}
