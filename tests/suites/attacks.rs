//! What a hostile app tries, and what a hostile user prepares for one, both ways. Each of these worked
//! once, or is next to one that did.

use arkose_tests::administrator::text;
use arkose_tests::host::while_swapped;
use arkose_tests::machine::{Machine, machine};
use arkose_tests::owned::{names, own_all, secret};
use arkose_tests::{Arkose, Outcome, Scratch, Via, both_ways};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

/// Starts a command that finds its children collected by the kernel, so that their ids are free at once.
fn ignoring_children(command: &Command) -> Command {
    let script = "import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])";

    let mut around = Command::new("timeout");
    around
        .args(["20", "python3", "-c", script])
        .arg(command.get_program())
        .args(command.get_args());
    around.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    around
}

both_ways! {
    fn a_caller_that_ignores_its_children_is_told_how_the_app_ended(via) {
        let command = match via {
            Via::User => Arkose::run(via),
            Via::Helper => Arkose::crafted(),
        };
        let command = command.command(["sh", "-c", "true; exit 3"]).into_command();
        let outcome = Outcome::of(&mut ignoring_children(&command));
        assert_eq!(outcome.code(), 3, "{outcome}");
    }

    fn a_link_in_the_place_of_a_private_home_is_not_followed(via) {
        let home = Scratch::home();
        let victim = home.file("victim/letter", "not granted");
        let name = format!("planted-{}-{}", via.word(), std::process::id());
        let profile = home.file(format!("{name}.toml"),
            "name = \"Planted\"\ncommand = [\"sh\", \"-c\", \"cat ~/letter; echo x >~/planted\"]\n[files]\nhome = \"private\"\n");
        let launch = || Arkose::launch(via, &profile).directory(home.path()).env("XDG_DATA_HOME", home.join("data")).output();
        assert_eq!(launch().code(), 0);
        let private = home.join("data/arkose/homes").join(&name);
        assert_eq!(names(&private), ["planted"]);
        fs::remove_dir_all(&private).unwrap();
        symlink(victim.parent().unwrap(), &private).unwrap();
        let outcome = launch();
        assert!(!outcome.text().contains("not granted"), "{outcome}");
        assert_eq!(names(victim.parent().unwrap()), ["letter"]);
        let _ = outcome.refusal();
    }

    /// What is in a private home came from a sandbox; the next launch makes and mounts things there.
    fn a_link_planted_in_a_private_home_leads_nowhere(via) {
        let home = Scratch::home();
        let victim = home.directory("victim");
        home.directory("granted");
        let name = format!("links-{}-{}", via.word(), std::process::id());
        let grant = machine().home.join(format!("planted-{}", via.word()));
        let granted = grant.join("granted");
        let profile = home.file(format!("{name}.toml"), format!(
            "name = \"Links\"\ncommand = [\"sh\", \"-c\", \"ln -s {} ~/planted-{}; echo launched\"]\n[files]\nhome = \"private\"\n", text(&victim), via.word()));
        let launch = |options: &[(&str, &Path)]| {
            let call = Arkose::launch(via, &profile).directory(home.path()).env("XDG_DATA_HOME", home.join("data"));
            options.iter().fold(call, |call, (option, path)| call.option(option, path)).output()
        };
        assert_eq!(launch(&[]).success(), "launched");
        // Below the link a place for a grant of the host's own directory of that name would be made.
        fs::create_dir_all(&granted).unwrap();
        own_all(&grant);
        let outcome = launch(&[("bind", &granted)]);
        fs::remove_dir_all(&grant).unwrap();
        assert!(names(&victim).is_empty(), "{outcome}");
        assert!(outcome.refusal().contains("symbolic link"), "{outcome}");
    }

    fn a_link_swapped_in_below_a_grant_is_not_followed(via) {
        let home = Scratch::home();
        home.file("not-granted/letter", "not granted");
        home.file("work/sub/letter", "granted");
        let work = home.join("work");
        symlink(home.join("not-granted"), work.join("link")).unwrap();
        while_swapped(&work.join("link"), &work.join("sub"), || {
            for _ in 0..30 {
                let outcome = Arkose::run(via).option("bind", &work).option("bind", work.join("sub"))
                    .command(["sh", "-c", r#"cat "$1"/*/letter"#, "sh", text(&work)]).output();
                assert!(!outcome.text().contains("not granted"), "{outcome}");
            }
        });
    }

    fn a_copy_for_root_inside_shows_no_file_of_others(via) {
        let home = Scratch::home();
        let own = home.file("own", "the user's");
        let system = Scratch::system();
        let secret = secret(&system, "secret");
        std::os::unix::fs::chown(&secret, Some(65534), Some(65534)).unwrap();
        let hidden = home.join("secret");
        fs::copy(&secret, &hidden).unwrap();
        fs::set_permissions(&hidden, fs::Permissions::from_mode(0o600)).unwrap();
        let outcome = Arkose::run(via).option("runas", "root").option("cow", home.path()).option("cow", system.path())
            .command(["cat", text(&own), text(&secret), text(&hidden)]).output();
        assert_eq!(outcome.text(), "the user's", "{outcome}");
    }

    fn a_home_behind_a_link_is_hidden_where_it_is(via) {
        let home = Scratch::home();
        let file = home.file("letter", "not granted");
        let real = Path::new("/var").join(file.strip_prefix("/").unwrap());
        // What is mounted to be tried lies in the way of the overlay, and is shown in it as well.
        let script = format!("mount -t tmpfs none /mnt
mkdir -p /mnt/upper/var/home /mnt/work /mnt/root
ln -s var/home /mnt/upper/home
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work none /mnt/root
cd /mnt/root
mount --rbind /home var/home
for d in proc sys dev run tmp usr/libexec {}; do mount --rbind /$d ./$d; done
/sbin/pivot_root . media; cd /; umount -l /media", machine().programs.display());
        let call = Arkose::run(via).command(["sh", "-c", r#"cat "$1"; echo; test -e "$1" && cat "$1"; echo end"#, "sh", text(&real)]);
        let outcome = Outcome::of(&mut call.on_changed_host(&script));
        assert_eq!(outcome.text().trim(), "end", "{outcome}");
    }

    fn families_of_sockets_that_nothing_confines_are_refused(via) {
        let script = "import socket
for family in range(1, 46):
    for kind in (1, 2, 3, 5):
        try: socket.socket(family, kind); print(family); break
        except OSError: pass";
        for network in ["none", "direct"] {
            let seen = Arkose::run(via).option("network", network).command(["python3", "-c", script]).prints();
            // AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
            assert_eq!(seen, "1\n2\n10\n16");
        }
    }

    fn arkoses_own_directories_cannot_be_moved_away(via) {
        let Machine { home, .. } = machine();
        let seen = Arkose::run(via).option("home", "direct").shell(
            "cd; for d in .config .local .local/share; do mv $d $d-moved 2>/dev/null && { echo moved $d; mv $d-moved $d; }; done; echo end").output();
        assert_eq!(seen.text(), "end", "{seen}");
        assert!(home.join(".config").is_dir());
    }

    fn arkoses_own_directories_behind_a_link_are_invisible_inside(via) {
        let home = Scratch::home();
        let real = home.directory("dotfiles/config");
        symlink(&real, home.join("config")).unwrap();
        let plant = r#"cd "$1/config"; ls -A; mkdir -p arkose/profiles autostart; echo x >arkose/profiles/planted.toml; echo x >autostart/planted.desktop; echo end"#;
        for before in [false, true] {
            if before {
                home.file("dotfiles/config/arkose/profiles/own.toml", "");
            }
            let seen = Arkose::run(via).env("XDG_CONFIG_HOME", home.join("config")).option("bind", home.join("dotfiles"))
                .command(["sh", "-c", plant, "sh", text(&home.join("dotfiles"))]).output();
            assert_eq!(seen.text().lines().last(), Some("end"), "{seen}");
            let planted = ["arkose/profiles/planted.toml", "autostart/planted.desktop"];
            assert!(!planted.iter().any(|name| real.join(name).exists()), "{seen}");
        }
    }

    fn what_is_restricted_below_a_grant_cannot_be_moved_away(via) {
        let home = Scratch::home();
        home.file("work/project/keys/private", "a secret");
        let work = home.join("work");
        for rule in ["restrict", "bind-read-only", "cow"] {
            let seen = Arkose::run(via).option("bind", &work).option(rule, work.join("project/keys"))
                .command(["sh", "-c", r#"cd "$1"; mv project moved 2>/dev/null && echo moved; mv project/keys moved 2>/dev/null && echo moved; echo x >project/new; echo end"#, "sh", text(&work)]).output();
            assert_eq!(seen.text(), "end", "{rule}: {seen}");
        }
        assert_eq!(home.read("work/project/keys/private"), "a secret");
        assert!(home.has("work/project/new"));
    }

    fn a_directory_as_standard_input_is_no_way_out(via) {
        let home = Scratch::home();
        home.file("letter", "not granted");
        let script = "import os; print(os.listdir(0)); print(os.open('letter', os.O_RDONLY, dir_fd=0))";
        let mut command = Arkose::run(via).command(["python3", "-c", script]).into_command();
        let outcome = Outcome::of(command.stdin(File::open(home.path()).unwrap()));
        assert!(outcome.refusal().contains("directory"), "{outcome}");
        assert_eq!(outcome.text(), "");
    }
}
