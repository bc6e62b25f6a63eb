//! What the administrator puts off limits, or outside of the roots, and every way that leads there.

use arkose_tests::administrator::{Etc, FILE, Guarded, reading, text};
use arkose_tests::host::while_swapped;
use arkose_tests::machine::machine;
use arkose_tests::{Arkose, Outcome, Scratch, Via, both_ways, by_helper};
use std::fs::{self, File};
use std::os::unix::fs::{lchown, symlink};
use std::path::Path;

both_ways! {
    fn what_is_off_limits_is_reached_by_no_grant(via) {
        let guarded = Guarded::make();
        let (etc, home) = (guarded.closed(), Scratch::home());
        let secret = guarded.join("secret");
        symlink(&secret, home.join("link")).unwrap();
        symlink(secret.join("file"), home.join("file-link")).unwrap();
        symlink(&guarded.0, home.join("parent")).unwrap();
        for option in ["bind", "bind-read-only", "cow"] {
            for path in [secret.clone(), secret.join("file"), home.join("link"), home.join("file-link"), home.join("parent/secret")] {
                let said = etc.refuses(reading(Arkose::run(via).option(option, &path), &[&path]));
                assert!(said.contains("lets no sandbox reach") && said.contains(&format!("{FILE}:2:15")), "{option}: {said}");
            }
            for path in [guarded.0.clone(), home.join("parent")] {
                let seen = etc.run(reading(Arkose::run(via).option(option, &path), &[&path, &path.join("."), &secret]));
                assert_eq!(seen.text().replace("shown", ""), "end", "{option} {}: {seen}", path.display());
                assert!(seen.text().contains("shown"), "{option}: {seen}");
            }
        }
    }

    fn what_is_off_limits_among_the_systems_files_is_hidden(via) {
        let guarded = Guarded::make();
        let etc = guarded.closed();
        for root in ["cow", "read-only"] {
            let seen = etc.run(reading(Arkose::run(via).option("root", root), &[&guarded.0]));
            assert_eq!(seen.success(), "shownend", "{root}");
        }
        let all = Etc::with("[default]\noff-limits = [\"/opt\", \"/etc/passwd\"]\n");
        let seen = all.run(Arkose::run(via).shell("ls -A /opt; cat /etc/passwd; echo end"));
        assert_eq!(seen.success(), "end", "{seen}");
    }

    fn what_is_off_limits_in_the_home_is_hidden_in_every_home(via) {
        let home = Scratch::home();
        home.file("secret/deep/file", "hidden");
        let below = home.path().strip_prefix(&machine().home).unwrap();
        let closed = format!("~/{}/secret", below.display());
        let etc = Etc::with(format!("[default]\noff-limits = [\"{closed}\"]\n"));
        for mode in ["direct", "cow"] {
            let seen = etc.run(reading(Arkose::run(via).option("home", mode), &[home.path()]));
            assert_eq!(seen.success(), "end", "{mode}: {seen}");
        }
        // Another HOME of the caller's is not the home that the system knows.
        let call = Arkose::run(via).env("HOME", "/opt").option("bind", home.path());
        assert_eq!(etc.run(reading(call, &[home.path()])).success(), "end");
    }

    fn what_is_off_limits_cannot_be_moved_from_inside(via) {
        let home = Scratch::home();
        home.file("work/a/b/secret/file", "hidden");
        let work = home.join("work");
        let etc = Etc::with(format!("[default]\noff-limits = [\"{}\"]\n", work.join("a/b/secret").display()));
        let script = r#"cd "$1"; mv a/b/secret moved && echo moved; mv a/b moved && echo moved; mv a moved && echo moved; rm -rf a; mkdir -p new; echo end"#;
        let seen = etc.run(Arkose::run(via).option("bind", &work).command(["sh", "-c", script, "sh", text(&work)]));
        assert_eq!(seen.text(), "end", "{seen}");
        assert_eq!(home.read("work/a/b/secret/file"), "hidden");
        assert!(home.has("work/new"));
    }

    fn what_is_off_limits_is_no_standard_descriptor(via) {
        let guarded = Guarded::make();
        let etc = guarded.closed();
        let through = |name: &str| {
            let mut command = etc.ready(Arkose::run(via).command(["cat"]));
            Outcome::of(command.stdin(File::open(guarded.join(name)).unwrap()))
        };
        assert_eq!(through("open/file").success(), "shown");
        let outcome = through("secret/file");
        assert!(outcome.refusal().contains("lets no sandbox reach"), "{outcome}");
        assert_eq!(outcome.text(), "");
    }

    /// Whatever the name stands for at each moment, it is what was opened that counts.
    fn a_name_that_changes_leads_to_nothing_that_is_off_limits(via) {
        let guarded = Guarded::make();
        let etc = guarded.closed();
        // One launch after the other: a race is won once in many.
        let again = r#"end=$(($(date +%s) + 4)); n=0; while [ $n -lt 24 ] || [ "$(date +%s)" -lt "$end" ]; do "$@" 2>&1 || true; n=$((n + 1)); done"#;
        for (target, option) in [(guarded.join("secret"), "bind"), (guarded.join("secret"), "cow"), (guarded.0.clone(), "bind")] {
            let home = Scratch::home();
            home.file("name/file", "mine");
            symlink(&target, home.join("link")).unwrap();
            let name = home.join("name");
            let call = Arkose::run(via).option(option, &name).command(["cat", text(&name.join("file")), text(&name.join("secret/file"))]);
            let mut said = String::new();
            while_swapped(&name, &home.join("link"), || {
                said = Outcome::of(&mut call.on_changed_host(&format!("{}\n{again}", etc.script()))).text();
            });
            assert!(!said.contains("hidden"), "{option}: {said}");
            // A race that is never won by either side tests nothing.
            let refused = if target == guarded.0 { "name/file: No such file" } else { "lets no sandbox reach" };
            assert!(said.contains("mine") && said.contains(refused), "{option}: {said}");
        }
    }

    fn a_rule_adds_to_what_is_off_limits_and_opens_nothing(via) {
        let guarded = Guarded::make();
        let (secret, open, uid) = (guarded.join("secret"), guarded.join("open"), machine().uid);
        let default = format!("[default]\noff-limits = [\"{}\"]\n[[rule]]\nusers = [{uid}]\n", secret.display());
        for (rule, seen) in [("", "shownend"), ("off-limits = []", "shownend"), (&*format!("off-limits = [\"{}\"]", open.display()), "end")] {
            let etc = Etc::with(format!("{default}{rule}\n"));
            assert_eq!(etc.run(reading(Arkose::run(via), &[&guarded.0])).success(), seen, "{rule}");
        }
    }

    fn only_what_lies_in_the_roots_is_granted(via) {
        let guarded = Guarded::make();
        let home = Scratch::home();
        home.file("in/file", "mine");
        home.file("out/file", "not granted");
        let below = home.path().strip_prefix(&machine().home).unwrap();
        let etc = Etc::with(format!("[default]\nbind-roots = [\"~/{}/in\", \"{}\"]\n", below.display(), guarded.join("open").display()));
        symlink(home.join("out"), home.join("in/link")).unwrap();
        symlink(home.join("in"), home.join("out/link")).unwrap();
        for option in ["bind", "bind-read-only", "cow"] {
            for inside in [home.join("in"), home.join("in/file"), home.join("out/link"), guarded.join("open")] {
                let seen = etc.run(reading(Arkose::run(via).option(option, &inside), &[&inside.join("."), &inside]));
                assert!(!seen.text().contains("not granted") && seen.text().contains("end"), "{option}: {seen}");
            }
            for outside in [home.join("out"), home.join("in/link"), home.path().to_owned(), guarded.0.clone(), guarded.join("secret/file"), "/tmp".into()] {
                let said = etc.refuses(Arkose::run(via).option(option, &outside).command(["echo", "launched"]));
                assert!(said.contains(&format!("{FILE}:2:14")), "{option} {}: {said}", outside.display());
            }
        }
        for mode in ["direct", "cow"] {
            assert!(etc.refuses(Arkose::run(via).option("home", mode).command(["true"])).contains("lets sandboxes reach only"));
        }
        assert_eq!(etc.run(Arkose::run(via).command(["echo", "launched"])).success(), "launched");
    }

    fn a_root_that_the_user_makes_a_link_widens_nothing(via) {
        let home = Scratch::home();
        let victim = Guarded::make();
        symlink(victim.join("open"), home.join("root")).unwrap();
        lchown(home.join("root"), Some(machine().uid.as_raw()), None).unwrap();
        let etc = Etc::with(format!("[default]\nbind-roots = [\"{}\"]\n", home.join("root").display()));
        for path in [home.join("root"), victim.join("open")] {
            let said = etc.refuses(Arkose::run(via).option("bind", &path).command(["echo", "launched"]));
            assert!(said.contains("lets sandboxes reach only"), "{said}");
        }
        // One of root's is followed.
        let link = victim.join("link");
        symlink("open", &link).unwrap();
        let etc = Etc::with(format!("[default]\nbind-roots = [\"{}\"]\n", link.display()));
        assert_eq!(etc.run(reading(Arkose::run(via).option("bind", &link), &[&link.join(".")])).success(), "shownend");
    }

    fn a_private_home_needs_no_root(via) {
        let home = Scratch::home();
        let etc = Etc::with("[default]\nbind-roots = [\"/srv\"]\n");
        let id = format!("administrator-{}-{}", std::process::id(), via.word());
        let profile = home.file(format!("{id}.toml"), "command = [\"sh\", \"-c\", \"echo launched >~/file; cat ~/file\"]\n[files]\nhome = \"private\"\n");
        let kept = machine().home.join(".local/share/arkose/homes").join(&id);
        assert_eq!(etc.run(Arkose::launch(via, &profile)).success(), "launched");
        fs::remove_dir_all(kept).unwrap();
        // Where the caller says that data lies elsewhere, it is a path as any other.
        let said = etc.refuses(Arkose::launch(via, &profile).env("XDG_DATA_HOME", home.join("data")));
        assert!(said.contains("lets sandboxes reach only"), "{said}");
    }
}

by_helper! {
    fn root_inside_finds_nothing_that_is_off_limits() {
        let guarded = Guarded::make();
        let etc = Etc::with(format!("[default]\noff-limits = [\"/etc/shadow\", \"{}\"]\n", guarded.join("secret").display()));
        for root in ["cow", "read-only"] {
            let call = Arkose::run(Via::Helper).option("runas", "root").option("root", root);
            let seen = etc.run(reading(call, &[Path::new("/etc/shadow"), &guarded.0]));
            assert_eq!(seen.success(), "shownend", "{root}");
        }
    }
}
