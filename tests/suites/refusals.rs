//! What Arkose cannot do: exit status 125, and a sentence that says what is wrong and what to do.

use arkose_tests::machine::machine;
use arkose_tests::{Arkose, Scratch, Via, both_ways};

both_ways! {
    fn a_bind_that_is_not_there_is_refused_and_named(via) {
        let home = Scratch::home();
        let missing = home.join("missing");
        let said = Arkose::run(via).option("bind", &missing).command(["echo", "launched"]).output();
        assert!(said.refusal().contains("missing"), "{said}");
        assert_eq!(said.text(), "");
    }

    fn a_bind_in_a_closed_directory_is_refused_whether_it_exists_or_not(via) {
        let system = Scratch::system();
        let closed = system.join("closed");
        std::fs::create_dir(&closed).unwrap();
        std::fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        std::fs::write(closed.join("there"), "").unwrap();
        let refused = |name: &str| {
            let outcome = Arkose::run(via).option("bind", closed.join(name)).command(["echo", "launched"]).output();
            assert_eq!(outcome.text(), "");
            outcome.refusal().replace(name, "NAME")
        };
        assert_eq!(refused("there"), refused("absent"));
    }

    fn a_relative_or_climbing_path_is_refused(via) {
        for path in ["/usr/../etc", "relative/path"] {
            let outcome = Arkose::run(via).option("bind", path).command(["true"]).output();
            assert!(outcome.refusal().contains(path), "{outcome}");
        }
    }

    fn an_isolated_screen_without_a_display_is_refused(via) {
        let outcome = Arkose::run(via).option("xserver", "isolated").command(["true"]).output();
        assert!(outcome.refusal().to_lowercase().contains("display"), "{outcome}");
    }

    fn a_direct_screen_without_a_display_is_refused(via) {
        let outcome = Arkose::run(via).option("xserver", "direct").command(["true"]).output();
        assert!(outcome.refusal().to_lowercase().contains("display"), "{outcome}");
    }

    fn a_device_that_is_not_there_is_refused_and_named(via) {
        let outcome = Arkose::run(via).option("device", "/dev/no-such-node").command(["true"]).output();
        assert!(outcome.refusal().contains("no-such-node"), "{outcome}");
    }

    fn a_profile_with_a_mistake_launches_nothing(via) {
        let home = Scratch::home();
        let profile = home.file("typo.toml", "name = \"Typo\"\ncommand = [\"echo\", \"launched\"]\nnetwrk = \"none\"\n");
        let outcome = Arkose::launch(via, &profile).output();
        let said = outcome.refusal();
        assert!(said.contains("typo.toml:3:1:"), "{outcome}");
        assert!(said.contains("network"), "{outcome}");
        assert_eq!(outcome.text(), "");
    }
}

/// polkit refuses whoever has no session and no agent: a sentence, not a hang, and no launch.
#[test]
fn without_authority_the_helper_is_refused_with_a_sentence() {
    let other = nix::unistd::User::from_name("nobody").unwrap().expect("the user nobody");
    let mut command = std::process::Command::new("setpriv");
    command
        .args([format!("--reuid={}", other.uid), format!("--regid={}", other.gid)])
        .args(["--clear-groups", "--"])
        .arg(machine().programs.join("arkose"))
        .args(["run", "--via", "helper", "--", "echo", "launched"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PATH", "/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .current_dir("/")
        .stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(125), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
    assert!(said.to_lowercase().contains("authori") || said.contains("polkit"), "{said}");
}

/// The helper serves pkexec and `arkose`; by itself it says so and does nothing.
#[test]
fn the_helper_alone_does_nothing() {
    for arguments in
        [vec![], vec!["launch"], vec!["admin"], vec!["--help"], vec!["launch", "--", "sh"]]
    {
        let mut command = machine().as_user("/usr/libexec/arkose-helper");
        let output = command.args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        assert!(output.status.code().is_some(), "{arguments:?} killed it: {said}");
    }
}

/// A person's own `PATH` cannot stand in for pkexec or the helper.
#[test]
fn a_planted_program_is_not_taken_for_the_helper() {
    let home = Scratch::home();
    for name in ["arkose-helper", "pkexec"] {
        let path =
            home.file(name, format!("#!/bin/sh\ntouch {}\n", home.join("started").display()));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", home.path().display());
    for via in [Via::User, Via::Helper] {
        let outcome = Arkose::run(via).env("PATH", &path).command(["/bin/true"]).output();
        assert!(!home.has("started"), "{outcome}");
    }
}
