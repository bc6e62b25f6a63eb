//! Arkose and bubblewrap, asked for the same: where both do the same, an expectation is not ours
//! alone, and where they differ, it is on purpose and stays so. `docs/peer.md` is drawn from the table.

#[path = "peer/cases.rs"]
mod cases;

use arkose_tests::arkose::busy;
use arkose_tests::machine::{machine, skip};
use arkose_tests::{Outcome, Scratch, Via, both_ways};
use cases::{CHAPTERS, Case, NOT_OFFERED, Seen};
use std::fmt::Write as _;
use std::path::Path;

/// What comes nearest to Arkose's defaults.
const BWRAP: &str =
    "bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --unshare-all --die-with-parent";

/// What a script of the table prints.
fn printed(script: &str, via: Via) -> Outcome {
    let scratch = Scratch::home();
    scratch.file("dir/file", "outside\n");
    scratch.directory("empty");
    let mut command = machine().as_user("timeout");
    command.args(["30", "sh", "-c", script]).env("W", scratch.path());
    command.env("A", format!("arkose run --via {}", via.word())).env("B", BWRAP);
    Outcome::of(&mut command)
}

fn bwrap_has(option: &str) -> bool {
    let help = machine().as_user("bwrap").arg("--help").output().unwrap();
    let words = String::from_utf8(help.stdout).unwrap() + &String::from_utf8_lossy(&help.stderr);
    words.split_whitespace().any(|word| word == option)
}

/// What is not as the table says, of both programs.
fn wrong(case: &Case, via: Via) -> Vec<String> {
    let (ours, theirs) = match case.seen {
        Seen::Same(both) => (both, both),
        Seen::Differs { arkose, bwrap, .. } => (arkose, bwrap),
    };
    let mut asked = vec![(case.arkose, ours)];
    match case.needs {
        Some(option) if !bwrap_has(option) => {
            skip(case.what, &format!("this bwrap has no {option}"));
        }
        _ => asked.push((case.bwrap, theirs)),
    }
    let wrong = |(script, expected): (&str, &str)| {
        let outcome = printed(script, via);
        (outcome.text() != expected)
            .then(|| format!("{}: expected {expected:?}\n{outcome}", case.what))
    };
    asked.into_iter().filter_map(wrong).collect()
}

both_ways! {
    fn both_do_what_the_table_says(via) {
        if machine().as_user("bwrap").args(BWRAP.split(' ').skip(1)).arg("true").output().is_ok_and(|output| output.status.success()) {
            let wrong: Vec<String> = CHAPTERS.iter().flat_map(|(_, cases)| *cases).flat_map(|case| wrong(case, via)).collect();
            assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        } else {
            skip("both_do_what_the_table_says", "bwrap is not installed, or cannot be used here");
        }
    }
}

#[test]
fn an_option_of_the_peers_alone_is_refused() {
    let _busy = busy();
    for (option, _) in NOT_OFFERED {
        let output =
            machine().as_user("arkose").args(["run", option, "x", "--", "true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{option}");
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Arkose next to bubblewrap\n\n\
         What bubblewrap's own tests cover, asked of both programs. `tests/suites/peer` runs every line of\n\
         this page, in both ways of building a sandbox, and sees that it is so; the page is drawn from there\n\
         (`ARKOSE_BLESS=1 cargo test -p arkose-tests --test peer page`). The calls are written in full in\n\
         `tests/suites/peer/cases.rs`.\n",
    );
    for (chapter, cases) in CHAPTERS {
        let _ = write!(page, "\n## {chapter}\n\nAlike:\n\n");
        for case in cases.iter().filter(|case| matches!(case.seen, Seen::Same(_))) {
            let _ = writeln!(page, "- {}", case.what);
        }
        let mut first = true;
        for case in *cases {
            let Seen::Differs { arkose, bwrap, why } = case.seen else { continue };
            if first {
                page.push_str(
                    "\nNot alike:\n\n| | arkose | bwrap | why |\n| --- | --- | --- | --- |\n",
                );
                first = false;
            }
            let cell = |text: &str| match text {
                "" => "nothing".to_owned(),
                text => format!("`{}`", text.replace('\n', " ")),
            };
            let _ =
                writeln!(page, "| {} | {} | {} | {why} |", case.what, cell(arkose), cell(bwrap));
        }
    }
    page.push_str("\n## What Arkose does not offer\n\n| option of bwrap | why |\n| --- | --- |\n");
    for (option, why) in NOT_OFFERED {
        let _ = writeln!(page, "| `{option}` | {why} |");
    }
    page
}

#[test]
fn the_page_is_drawn_from_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/peer.md");
    if std::env::var_os("ARKOSE_BLESS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&path).unwrap_or_default(),
        page(),
        "ARKOSE_BLESS=1 cargo test -p arkose-tests --test peer page"
    );
}
