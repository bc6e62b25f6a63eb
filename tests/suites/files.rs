//! Files: what a sandbox finds of the system, of the home directory and of single paths, and what
//! the host finds afterwards.

use arkose_tests::machine::machine;
use arkose_tests::{Arkose, Outcome, Scratch, both_ways};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

/// Names, sizes, modes, owners, times and content of a tree, as text.
fn snapshot(directory: &Path) -> String {
    let script = r#"cd "$1" && find . -printf '%p %y %s %m %U:%G %T@ %l\n' | sort && find . -type f -exec sha256sum {} + | sort"#;
    let output = Command::new("sh").args(["-c", script, "sh"]).arg(directory).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Mounts a file system of FUSE that opens for one user alone, and for root no more than for others.
const FUSE: &str = include_str!("probes/fuse.py");

/// What mounts it for that user.
fn mount_fuse(system: &Scratch, place: &Path, (uid, gid): (u32, u32)) -> String {
    let probe = system.file("fuse.py", FUSE);
    format!("python3 '{}' '{}' {uid} {gid}", probe.display(), place.display())
}

both_ways! {
    /// As the documents portal has one.
    fn a_file_system_that_opens_for_the_user_alone_can_be_shared(via) {
        let system = Scratch::system();
        let place = system.directory("fuse");
        let mount = mount_fuse(&system, &place, (machine().uid.as_raw(), machine().gid.as_raw()));
        // Not even root can look there.
        let mount = format!("{mount}; ! ls '{}' 2>/dev/null", place.display());
        for option in ["bind", "bind-read-only"] {
            let call = Arkose::run(via).option(option, place.join("given"));
            let call = call.command(["cat"]).command_arguments([place.join("given/file")]);
            let outcome = Outcome::of(&mut call.on_changed_host(&mount));
            assert_eq!(outcome.success(), "of one user alone", "{option}: {outcome}");
        }
    }

    fn a_file_system_that_opens_for_root_alone_cannot_be_shared(via) {
        let system = Scratch::system();
        let place = system.directory("fuse");
        let mount = mount_fuse(&system, &place, (0, 0));
        for (option, what) in [("bind", "given"), ("cow", "given"), ("cow", "given/file")] {
            let call = Arkose::run(via).option(option, place.join(what));
            let call = call.command(["cat"]).command_arguments([place.join("given/file")]);
            let outcome = Outcome::of(&mut call.on_changed_host(&mount));
            assert!(!outcome.text().contains("of one user"), "{option} {what}: {outcome}");
            assert!(outcome.said().contains("ermission denied"), "{option} {what}: {outcome}");
        }
    }

    fn a_write_to_the_system_is_invisible_to_the_host(via) {
        let system = Scratch::system();
        system.file("old", "before");
        let before = snapshot(system.path());
        let seen = Arkose::run(via).option("root", "cow").command(["sh", "-c",
            r#"cd "$1"; cat old; echo; echo after >old; echo new >new; mkdir -p a/b; mv old a/b; cat a/b/old new"#,
            "sh", system.path().to_str().unwrap()]).prints();
        assert_eq!(seen, "before\nafter\nnew");
        assert_eq!(snapshot(system.path()), before);
    }

    fn a_deletion_in_the_system_is_invisible_to_the_host(via) {
        let system = Scratch::system();
        system.file("tree/leaf", "kept");
        let before = snapshot(system.path());
        let seen = Arkose::run(via).command(["sh", "-c", r#"cd "$1"; rm -r tree; ls -A"#,
            "sh", system.path().to_str().unwrap()]).prints();
        assert_eq!(seen, "");
        assert_eq!(snapshot(system.path()), before);
    }

    fn two_sandboxes_do_not_see_each_others_changes(via) {
        let system = Scratch::system();
        let path = system.path().to_str().unwrap().to_owned();
        let mut first = Arkose::run(via).command(["sh", "-c", r#"echo mine >"$1/mine"; echo ready; cat"#, "sh", &path]).start();
        first.lines().expect_line("ready");
        let seen = Arkose::run(via).command(["ls", "-A", &path]).prints();
        assert_eq!(seen, "");
        assert_eq!(first.finish().code(), 0);
    }

    fn a_read_only_system_cannot_be_written(via) {
        let system = Scratch::system();
        let file = system.file("old", "before");
        let outcome = Arkose::run(via).option("root", "read-only")
            .command(["sh", "-c", r#"cat "$1"; echo after >"$1""#, "sh", file.to_str().unwrap()]).output();
        assert_ne!(outcome.code(), 0, "{outcome}");
        assert_ne!(outcome.code(), 125, "{outcome}");
        assert_eq!(outcome.text(), "before");
        assert_eq!(system.read("old"), "before");
    }

    fn a_service_among_the_systems_files_is_out_of_reach(via) {
        let system = Scratch::system();
        let socket = system.join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
        system.file("file", "seen");
        for root in ["cow", "read-only"] {
            let seen = Arkose::run(via).option("root", root).command(["/usr/bin/python3", "-c",
                "import socket, sys\nprint(open(sys.argv[1] + '/file').read())\ntry: socket.socket(socket.AF_UNIX).connect(sys.argv[1] + '/socket'); print('connected')\nexcept OSError: print('refused')",
                system.path().to_str().unwrap()]).prints();
            assert_eq!(seen, "seen\nrefused", "root = {root}");
        }
    }

    fn what_the_user_may_not_read_cannot_be_read_inside(via) {
        let system = Scratch::system();
        let secret = system.join("secret");
        fs::write(&secret, "for root only").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(secret.metadata().unwrap().uid(), 0);
        let outcome = Arkose::run(via).command(["cat", secret.to_str().unwrap()]).output();
        assert_eq!(outcome.code(), 1, "{outcome}");
        assert_eq!(outcome.text(), "");
    }

    fn a_copy_opens_nothing_that_the_user_may_not_read(via) {
        let home = Scratch::home();
        let secret = home.join("secret");
        fs::write(&secret, "for root only").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        for (option, value) in [("home", "cow".as_ref()), ("cow", home.path())] {
            let outcome = Arkose::run(via).option(option, value)
                .command(["sh", "-c", r#"cat "$1"; echo planted >"$1"; cat "$1""#, "sh", secret.to_str().unwrap()]).output();
            assert_eq!(outcome.code(), 1, "{outcome}");
            assert_eq!(outcome.text(), "", "{outcome}");
        }
        assert_eq!(fs::read_to_string(&secret).unwrap(), "for root only");
    }

    fn an_empty_home_shows_no_file_of_the_host(via) {
        let home = Scratch::home();
        let secret = home.file("secret", "from the host");
        let seen = Arkose::run(via).option("home", "empty")
            .command(["sh", "-c", r#"cd && ls -A | grep scratch; cat "$1" 2>/dev/null; cd && pwd"#, "sh", secret.to_str().unwrap()]).prints();
        assert_eq!(seen, machine().home.to_str().unwrap());
    }

    fn an_empty_home_is_empty_at_another_mount_as_well(via) {
        let (home, system) = (Scratch::home(), Scratch::system());
        let secret = home.file("secret", "of the home");
        let homes = home.path().parent().unwrap();
        let other = system.directory("homes");
        let seen = other.join(secret.strip_prefix(homes).unwrap());
        let mount = format!("mount --bind {} {}", homes.display(), other.display());
        let light = Arkose::run(via).option("walls", "light").option("root", "read-only");
        for call in [Arkose::run(via), Arkose::run(via).option("root", "read-only"), light] {
            let call = call.command(["sh", "-c", r#"cat "$1" 2>/dev/null; ls "$2" 2>/dev/null; echo end"#, "sh"]).command_arguments([&seen, &other]);
            let outcome = Outcome::of(&mut call.on_changed_host(&mount));
            // The helper builds no light walls, and an old kernel none either.
            if !outcome.said().contains("ight walls") {
                assert_eq!(outcome.success(), "end", "{outcome}");
            }
        }
    }

    fn an_empty_home_can_be_written_and_is_dropped(via) {
        let home = &machine().home;
        let seen = Arkose::run(via).shell("echo words >~/left-in-an-empty-home && cat ~/left-in-an-empty-home").prints();
        assert_eq!(seen, "words");
        assert!(!home.join("left-in-an-empty-home").exists());
        let again = Arkose::run(via).shell("test ! -e ~/left-in-an-empty-home && echo gone").prints();
        assert_eq!(again, "gone");
    }

    fn a_private_home_is_kept_for_its_profile_alone(via) {
        let home = Scratch::home();
        let name = format!("kept-{}-{}", via.word(), std::process::id());
        let profile = |id: &str| home.file(format!("{id}.toml"),
            "name = \"Kept\"\ncommand = [\"sh\", \"-c\", \"ls -A; echo $$ >mark\"]\n[files]\nhome = \"private\"\n");
        let one = profile(&name);
        let other = profile(&format!("{name}-other"));
        let launch = |path: &Path| Arkose::launch(via, path).directory(home.path()).output().success();
        assert!(!launch(&one).contains("mark"));
        assert!(launch(&one).contains("mark"), "the private home was not kept");
        assert!(!launch(&other).contains("mark"), "the private home is shared by two profiles");
        let kept = Command::new("find").arg(&machine().home).args(["-name", "mark", "-path"])
            .arg(format!("*{name}*")).output().unwrap();
        assert!(!kept.stdout.is_empty(), "the private home is not below the user's own");
        for path in String::from_utf8(kept.stdout).unwrap().lines() {
            fs::remove_file(path).unwrap();
        }
    }

    fn a_copied_home_is_read_and_its_changes_are_dropped(via) {
        let home = Scratch::home();
        let file = home.file("letter", "written outside");
        let before = snapshot(home.path());
        let seen = Arkose::run(via).option("home", "cow")
            .command(["sh", "-c", r#"cat "$1"; echo; echo changed >"$1"; cat "$1""#, "sh", file.to_str().unwrap()]).prints();
        assert_eq!(seen, "written outside\nchanged");
        assert_eq!(snapshot(home.path()), before);
    }

    fn a_direct_home_is_the_hosts(via) {
        let home = Scratch::home();
        let file = home.file("letter", "written outside");
        let seen = Arkose::run(via).option("home", "direct")
            .command(["sh", "-c", r#"cat "$1"; echo inside >"$1""#, "sh", file.to_str().unwrap()]).prints();
        assert_eq!(seen, "written outside");
        assert_eq!(home.read("letter"), "inside\n");
        assert_eq!(file.metadata().unwrap().uid(), machine().uid.as_raw());
    }

    fn a_bound_directory_is_the_hosts(via) {
        let home = Scratch::home();
        home.file("shared/letter", "outside");
        home.file("hidden", "not granted");
        let shared = home.join("shared");
        let seen = Arkose::run(via).option("bind", &shared)
            .command(["sh", "-c", r#"cat "$1/letter"; echo inside >"$1/reply"; ls -A "$1/..""#, "sh", shared.to_str().unwrap()]).prints();
        assert_eq!(seen, "outsideshared");
        assert_eq!(home.read("shared/reply"), "inside\n");
        assert_eq!(home.join("shared/reply").metadata().unwrap().uid(), machine().uid.as_raw());
    }

    fn a_bound_file_is_the_hosts(via) {
        let home = Scratch::home();
        let file = home.file("letter", "outside");
        let seen = Arkose::run(via).option("bind", &file)
            .command(["sh", "-c", r#"cat "$1"; echo inside >"$1""#, "sh", file.to_str().unwrap()]).prints();
        assert_eq!(seen, "outside");
        assert_eq!(home.read("letter"), "inside\n");
    }

    fn a_bind_outside_the_home_is_the_hosts(via) {
        let system = Scratch::system();
        system.file("letter", "outside");
        let seen = Arkose::run(via).option("bind", system.path()).option("root", "read-only")
            .command(["sh", "-c", r#"cd "$1"; cat letter; echo inside >reply"#, "sh", system.path().to_str().unwrap()]).prints();
        assert_eq!(seen, "outside");
        assert_eq!(system.read("reply"), "inside\n");
    }

    fn a_read_only_bind_can_be_read_and_not_changed(via) {
        let home = Scratch::home();
        let file = home.file("shared/letter", "outside");
        let before = snapshot(home.path());
        let outcome = Arkose::run(via).option("bind-read-only", home.join("shared"))
            .command(["sh", "-c", r#"cat "$1"; echo inside >"$1" || touch "$1" || rm -f "$1" || chmod 0 "$1""#, "sh", file.to_str().unwrap()]).output();
        assert_eq!(outcome.text(), "outside", "{outcome}");
        assert_ne!(outcome.code(), 0, "{outcome}");
        assert_eq!(snapshot(home.path()), before);
    }

    fn a_copied_path_takes_changes_that_are_dropped(via) {
        let home = Scratch::home();
        let file = home.file("project/source", "outside");
        let before = snapshot(home.path());
        let seen = Arkose::run(via).option("cow", home.join("project"))
            .command(["sh", "-c", r#"cat "$1"; echo; echo inside >"$1"; cat "$1"; echo >"$1.new""#, "sh", file.to_str().unwrap()]).prints();
        assert_eq!(seen, "outside\ninside");
        assert_eq!(snapshot(home.path()), before);
    }

    fn a_restricted_directory_is_empty(via) {
        let system = Scratch::system();
        system.file("keys/private", "a secret");
        let keys = system.join("keys");
        let seen = Arkose::run(via).option("restrict", &keys)
            .command(["sh", "-c", r#"test -d "$1" && ls -A "$1"; cat "$1/private" 2>/dev/null; echo end"#, "sh", keys.to_str().unwrap()]).prints();
        assert_eq!(seen, "end");
        assert_eq!(system.read("keys/private"), "a secret");
    }

    fn a_restricted_directory_below_a_bind_is_empty(via) {
        let home = Scratch::home();
        home.file("work/keys/private", "a secret");
        home.file("work/source", "shared");
        let seen = Arkose::run(via).option("bind", home.join("work")).option("restrict", home.join("work/keys"))
            .command(["sh", "-c", r#"cd "$1"; cat source; ls -A keys"#, "sh", home.join("work").to_str().unwrap()]).prints();
        assert_eq!(seen, "shared");
        assert_eq!(home.read("work/keys/private"), "a secret");
    }

    fn a_restricted_file_is_empty(via) {
        let system = Scratch::system();
        let file = system.file("password", "a secret");
        let seen = Arkose::run(via).option("restrict", &file)
            .command(["sh", "-c", r#"test -e "$1" && cat "$1"; echo end"#, "sh", file.to_str().unwrap()]).prints();
        assert_eq!(seen, "end");
        assert_eq!(system.read("password"), "a secret");
    }

    fn the_temporary_directory_is_its_own(via) {
        let name = format!("/tmp/arkose-outside-{}-{}", via.word(), std::process::id());
        fs::write(&name, "outside").unwrap();
        let seen = Arkose::run(via).command(["sh", "-c",
            r#"test -e "$1" || echo absent; echo x >"$1.inside" && stat -c %a /tmp"#, "sh", &name]).prints();
        let inside = Path::new(&format!("{name}.inside")).exists();
        fs::remove_file(&name).unwrap();
        assert_eq!(seen, "absent\n1777");
        assert!(!inside);
    }

    fn arkoses_own_directories_are_invisible_inside(via) {
        let home = &machine().home;
        let name = format!("planted-{}-{}.toml", via.word(), std::process::id());
        let seen = Arkose::run(via).option("home", "direct").command(["sh", "-c",
            r#"cat ~/.config/arkose/* ~/.local/share/arkose/* 2>/dev/null; mkdir -p ~/.config/arkose/profiles && echo x >~/.config/arkose/profiles/"$1"; echo end"#, "sh", &name]).output();
        assert_eq!(seen.text().lines().last(), Some("end"), "{seen}");
        let planted = home.join(".config/arkose/profiles").join(name);
        let reached = planted.exists();
        let _ = fs::remove_file(&planted);
        assert!(!reached, "an app with the home directory wrote a profile for its next launch");
    }

    fn the_file_named_at_a_launch_is_reachable_and_its_neighbour_is_not(via) {
        let home = Scratch::home();
        let file = home.file("a letter.txt", "dear all");
        home.file("neighbour", "not granted");
        let profile = home.file("reader.toml",
            "name = \"Reader\"\ncommand = [\"sh\", \"-c\", 'cat \"$1\"; echo; echo more >>\"$1\"; ls -A \"${1%/*}\"', \"reader\", \"%f\"]\n");
        let seen = Arkose::launch(via, &profile).arg(&file).prints();
        assert_eq!(seen, "dear all\na letter.txt");
        assert_eq!(home.read("a letter.txt"), "dear allmore\n");
    }

    fn an_editor_saves_the_file_named_at_a_launch(via) {
        let home = Scratch::home();
        let file = home.file("letter", "before");
        // Saves as editors do: it writes a file beside, and renames it, where that is possible.
        let profile = home.file("editor.toml",
            "name = \"Editor\"\ncommand = [\"sh\", \"-c\", 'echo after | gio save \"$1\"', \"editor\", \"%f\"]\n");
        let outcome = Arkose::launch(via, &profile).arg(&file).output();
        assert_eq!(outcome.code(), 0, "{outcome}");
        assert_eq!(home.read("letter"), "after\n");
    }

    fn a_file_named_read_only_at_a_launch_cannot_be_changed(via) {
        let home = Scratch::home();
        let file = home.file("letter", "dear all");
        let profile = home.file("writer.toml",
            "name = \"Writer\"\ncommand = [\"sh\", \"-c\", 'cat \"$1\"; echo more >>\"$1\"', \"writer\", \"%f\"]\n");
        let outcome = Arkose::launch(via, &profile).option("files", "read-only").arg(&file).output();
        assert_eq!(outcome.text(), "dear all", "{outcome}");
        assert_ne!(outcome.code(), 0, "{outcome}");
        assert_eq!(home.read("letter"), "dear all");
    }

    fn a_full_copy_gives_no_space_and_leaves_the_host_alone(via) {
        let system = Scratch::system();
        let outcome = Arkose::run(via).option("cow-size", "32M").command(["sh", "-c",
            r#"dd if=/dev/zero of="$1/large" bs=1M count=64"#, "sh", system.path().to_str().unwrap()]).output();
        assert_eq!(outcome.code(), 1, "{outcome}");
        assert!(outcome.said().contains("No space left"), "{outcome}");
        assert!(!system.has("large"));
    }
}
