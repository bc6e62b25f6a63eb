//! The command as it arrives inside, what it reads and prints, and how its end is told.

use arkose_tests::{Arkose, Scratch, both_ways};
use nix::sys::signal::Signal;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

both_ways! {
    fn arguments_arrive_unchanged(via) {
        let words: [&[u8]; 9] = [b"two words", b"a\nnewline", b"-n", b"--", b"", b"--help", b"\xff\xfe not utf-8", b"$HOME `id` \"'\\", "déjà".as_bytes()];
        let mut command = vec![OsStr::new("printf"), OsStr::new("%s\\0")];
        command.extend(words.iter().map(|word| OsStr::from_bytes(word)));
        let outcome = Arkose::run(via).command(command).output();
        assert_eq!(outcome.code(), 0, "{outcome}");
        let mut expected: Vec<u8> = Vec::new();
        for word in words {
            expected.extend(word);
            expected.push(0);
        }
        assert_eq!(outcome.stdout, expected, "{outcome}");
    }

    fn a_command_that_begins_with_a_dash_is_no_option(via) {
        let outcome = Arkose::run(via).command(["--version"]).output();
        assert_eq!(outcome.code(), 127, "{outcome}");
    }

    fn a_file_name_that_begins_with_a_dash_is_no_option(via) {
        let home = Scratch::home();
        home.file("-n", "dashed");
        let profile = home.file("cat.toml", "name = \"Cat\"\ncommand = [\"cat\", \"%f\"]\n");
        let seen = Arkose::launch(via, &profile).directory(home.path()).arg("--").arg("-n").prints();
        assert_eq!(seen, "dashed");
    }

    fn input_and_output_pass_unchanged(via) {
        let bytes: Vec<u8> = (0..=255).cycle().take(200_000).collect();
        let outcome = Arkose::run(via).command(["sh", "-c", "cat; echo aside >&2"]).input(&bytes).output();
        assert_eq!(outcome.code(), 0, "{outcome}");
        assert!(outcome.stdout == bytes, "the output differs from the input");
        assert_eq!(outcome.said(), "aside\n");
    }

    fn the_exit_status_is_the_commands(via) {
        for code in [0, 3, 77, 124, 255] {
            let outcome = Arkose::run(via).shell(&format!("exit {code}")).output();
            assert_eq!(outcome.code(), code, "{outcome}");
            assert_eq!(outcome.said(), "");
        }
    }

    fn a_command_killed_by_a_signal_is_told_as_128_and_its_number(via) {
        for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGSEGV] {
            let outcome = Arkose::run(via).shell(&format!("kill -{} $$", signal as i32)).output();
            assert_eq!(outcome.code(), 128 + signal as i32, "{outcome}");
        }
    }

    fn a_command_that_is_not_there_is_127(via) {
        let outcome = Arkose::run(via).command(["no-such-command-anywhere"]).output();
        assert_eq!(outcome.code(), 127, "{outcome}");
        assert!(outcome.said().contains("no-such-command-anywhere"), "{outcome}");
    }

    fn a_command_that_cannot_be_executed_is_126(via) {
        let system = Scratch::system();
        let file = system.file("not-a-program", "words");
        let outcome = Arkose::run(via).command([file]).output();
        assert_eq!(outcome.code(), 126, "{outcome}");
        let outcome = Arkose::run(via).command(["/usr/share"]).output();
        assert_eq!(outcome.code(), 126, "{outcome}");
    }

    fn signals_are_forwarded(via) {
        for (signal, name) in [(Signal::SIGTERM, "TERM"), (Signal::SIGINT, "INT"), (Signal::SIGHUP, "HUP"), (Signal::SIGUSR1, "USR1")] {
            // A signal that comes just before bash waits for a line is not heeded until that is over.
            let script = format!("trap 'echo got {name}; exit 7' {name}; echo ready; while :; do read -t 1 line; done");
            let mut running = Arkose::run(via).command(["bash", "-c", &script]).start();
            let mut lines = running.lines();
            lines.expect_line("ready");
            running.signal(signal);
            lines.expect_line(&format!("got {name}"));
            assert_eq!(running.finish().code(), 7);
        }
    }
}
