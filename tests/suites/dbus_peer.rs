//! Arkose's D-Bus proxy and xdg-dbus-proxy, each before a bus of its own, with rules that mean the
//! same: whatever passes one passes the other, or the difference is on purpose and on a list.
//! `docs/dbus-peer.md` is drawn from what was seen.

#[path = "dbus_peer/differences.rs"]
mod differences;
#[path = "dbus_peer/steps.rs"]
mod steps;
#[path = "dbus_peer/world.rs"]
mod world;

use arkose_tests::bus::Which;
use arkose_tests::machine::{machine, skip};
use arkose_tests::random::Random;
use differences::{DIFFERENCES, Difference};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use world::{Seen, Step, World};

/// How many things are drawn.
const DRAWN: usize = 1000;

/// From which they are drawn.
const SEED: u64 = 20;

/// Two worlds that are alike but for the proxy.
struct Both {
    ours: World,
    theirs: World,
    /// What is not alike and not on the list.
    wrong: Vec<String>,
    /// The entries of the list that were met.
    met: BTreeSet<usize>,
}

impl Both {
    /// Does one thing in both worlds, and answers whether it was alike.
    fn step(&mut self, what: &str, step: &Step) -> bool {
        let (ours, mut theirs) = (self.ours.see(step), self.theirs.see(step));
        theirs.iter_mut().for_each(|line| *line = differences::signed(line));
        let alike = ours == theirs;
        if !alike {
            self.differ(what, step, &ours, &theirs);
        }
        // What comes next is to begin alike.
        if !alike || ours.iter().any(|line| world::is_end(line)) {
            self.ours.renew();
            self.theirs.renew();
        }
        alike
    }

    fn differ(&mut self, what: &str, step: &Step, ours: &Seen, theirs: &Seen) {
        let known = |difference: &Difference| (difference.is_it)(step, ours, theirs);
        // On no list is a message that only Arkose lets through.
        let more = |line: &&String| {
            line.contains(" hears ")
                && ![" to what was asked ", "Error.NoReply"].iter().any(|part| line.contains(part))
                && (line.contains("Secret") || !line.starts_with("bare hears signal"))
        };
        let wider = ours.iter().filter(|line| !theirs.contains(line)).any(|line| more(&line));
        match DIFFERENCES.iter().position(known).filter(|_| !wider) {
            Some(known) => drop(self.met.insert(known)),
            None => {
                let only = |these: &Seen, others: &Seen| -> Seen {
                    these.iter().filter(|line| !others.contains(line)).cloned().collect()
                };
                let (ours, theirs) = (only(ours, theirs), only(theirs, ours));
                self.wrong.push(format!(
                    "{what}: {step:?}\n    ours alone:   {ours:#?}\n    theirs alone: {theirs:#?}"
                ));
            }
        }
    }
}

fn seed() -> u64 {
    let wanted = std::env::var("ARKOSE_BUS_SEED").ok();
    wanted.map_or(SEED, |seed| seed.parse().expect("ARKOSE_BUS_SEED is a number"))
}

#[test]
fn what_passes_one_passes_the_other() {
    if machine().as_user("xdg-dbus-proxy").arg("--version").output().is_err() {
        return skip("what_passes_one_passes_the_other", "xdg-dbus-proxy is not installed");
    }
    let mut both = Both {
        ours: World::new(Which::Ours),
        theirs: World::new(Which::Theirs),
        wrong: Vec::new(),
        met: BTreeSet::new(),
    };
    let mut alike = Vec::new();
    for (what, steps) in steps::chapters() {
        let differ = steps.iter().filter(|step| !both.step(what, step)).count();
        if differ == 0 {
            alike.push(what);
        }
    }
    let (seed, mut random) = (seed(), Random::new(seed()));
    for number in 0..DRAWN {
        let step = steps::any(&mut random);
        both.step(&format!("number {number} of seed {seed}"), &step);
    }
    let Both { wrong, met, ours, .. } = &both;
    if !wrong.is_empty() {
        let shown: Vec<_> = wrong.iter().take(400).cloned().collect();
        panic!("{} differences:\n{}\n{}", wrong.len(), shown.join("\n"), tail(&ours.log()));
    }
    if seed == SEED {
        let stale = DIFFERENCES.iter().enumerate().filter(|(number, _)| !met.contains(number));
        let stale: Vec<_> = stale.map(|(_, difference)| difference.what).collect();
        assert!(stale.is_empty(), "on the list, and not met: {stale:?}");
        is_written(&page(&alike));
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn page(alike: &[&str]) -> String {
    let mut page = format!(
        "# Arkose's D-Bus proxy next to xdg-dbus-proxy\n\n\
         The suite `dbus_peer` starts both, each before a bus of its own with the same services, gives them\n\
         rules that mean the same, does the same on both sides, and compares everything that anybody saw:\n\
         the chapters below, and {DRAWN} messages and match rules drawn by a seed. This page is drawn from\n\
         what it saw (`ARKOSE_BLESS=1 ./dev test what_passes_one_passes_the_other`).\n\n\
         The rules are\n\n```\n{}\n```\n\nWhat xdg-dbus-proxy refuses comes from nobody; a bus signs what it says, and so does Arkose. That\n\
         aside, they are alike in everything that was tried:\n\n",
        world::RULES.join("\n")
    );
    for what in alike {
        let _ = writeln!(page, "- {what}");
    }
    page.push_str(
        "\nNot alike:\n\n| | arkose | xdg-dbus-proxy | why |\n| --- | --- | --- | --- |\n",
    );
    for Difference { what, ours, theirs, why, .. } in DIFFERENCES {
        let _ = writeln!(page, "| {what} | {ours} | {theirs} | {why} |");
    }
    page
}

fn is_written(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/dbus-peer.md");
    if std::env::var_os("ARKOSE_BLESS").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "ARKOSE_BLESS=1 ./dev test what_passes_one_passes_the_other");
}
