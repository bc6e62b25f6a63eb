//! `docs/profiles.md` says what the option table says. With `ARKOSE_BLESS=1` the tables in it are
//! written anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use arkose_profile::bus::Access;
use arkose_profile::options::{DBUS_PRESETS, DEVICE_CLASSES, Group, Kind, OPTIONS, Opt};
use arkose_profile::{Layer, Origin};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn values(option: &Opt) -> String {
    match option.kind {
        Kind::Text => "a text".to_owned(),
        Kind::Command => "a list of words".to_owned(),
        Kind::Switch(_) => "`true`, `false`".to_owned(),
        Kind::Choice(choices) => choices
            .iter()
            .map(|choice| format!("`\"{}\"`", choice.value))
            .collect::<Vec<_>>()
            .join(", "),
        Kind::Paths(_) => "a list of paths".to_owned(),
        Kind::Devices => "a list of classes and paths".to_owned(),
        Kind::Environment => "a list of `NAME` (your value) and `NAME=VALUE`".to_owned(),
        Kind::Calls => "a list of names of system calls".to_owned(),
        Kind::BusRules(_, Access::Call | Access::Broadcast) => "a list of `NAME=RULE`".to_owned(),
        Kind::BusRules(_, Access::Ask | Access::Deny) => {
            "a list of `NAME` and `NAME=RULE`".to_owned()
        }
        Kind::BusRules(..) => "a list of names on the bus".to_owned(),
        Kind::BusPresets => "a list of presets".to_owned(),
        Kind::NetworkRules(_) => "a list of targets".to_owned(),
        Kind::Bridge => "the name of a bridge".to_owned(),
        Kind::OwnAddresses => "a list of `ADDRESS/LENGTH`".to_owned(),
        Kind::Routers => "a list of addresses".to_owned(),
        Kind::Size => "a size".to_owned(),
        Kind::Number { min, max } => format!("a number from {min} to {max}"),
    }
}

fn options() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        writeln!(text, "\n### {}\n", group.title()).unwrap();
        for option in OPTIONS.iter().filter(|option| option.group == group) {
            let Opt { key, summary, default, .. } = option;
            writeln!(text, "**`{key}`** – {summary}  ").unwrap();
            write!(text, "Takes {}; default `{default}`.", values(option)).unwrap();
            if !option.flag.is_empty() {
                write!(text, " On the command line `--{}`.", option.flag).unwrap();
            }
            if let Some(conf) = option.conf {
                write!(text, " In a `.conf`: `{conf}`.").unwrap();
            }
            text.push_str("\n\n");
            if let Kind::Choice(choices) = option.kind {
                text.push_str("| value | level | |\n| --- | --- | --- |\n");
                for choice in choices {
                    writeln!(
                        text,
                        "| `{}` | {} | {} |",
                        choice.value,
                        choice.risk.title(),
                        choice.summary
                    )
                    .unwrap();
                }
                text.push('\n');
            }
        }
    }
    text
}

fn devices() -> String {
    let mut text =
        String::from("\n| class | level | | nodes below `/dev` |\n| --- | --- | --- | --- |\n");
    for class in DEVICE_CLASSES {
        let nodes: Vec<_> = class.nodes.iter().map(|node| format!("`{node}`")).collect();
        writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            class.name,
            class.risk.title(),
            class.summary,
            nodes.join(" ")
        )
        .unwrap();
    }
    text + "\n"
}

fn presets() -> String {
    let mut text = String::from("\n| preset | level | |\n| --- | --- | --- |\n");
    for preset in DBUS_PRESETS {
        writeln!(text, "| `{}` | {} | {} |", preset.name, preset.risk.title(), preset.summary)
            .unwrap();
    }
    text + "\n"
}

/// The rules behind each preset, as `docs/dbus.md` has them.
fn preset_rules() -> String {
    let mut text = String::new();
    for preset in DBUS_PRESETS {
        write!(text, "\n### {}: {}\n\n{}\n", preset.name, preset.title, preset.summary).unwrap();
        for (bus, rules) in [
            ("session", preset.session),
            ("system", preset.system),
            ("accessibility", preset.accessibility),
        ] {
            if rules.is_empty() {
                continue;
            }
            write!(text, "\n| on the {bus} bus | |\n| --- | --- |\n").unwrap();
            for (access, rule) in rules {
                writeln!(text, "| {access} | `{rule}` |").unwrap();
            }
        }
    }
    text + "\n"
}

fn conflicts() -> String {
    let mut text = String::from("\n");
    for option in OPTIONS {
        for conflict in option.conflicts {
            let others: Vec<_> = conflict
                .other_values
                .iter()
                .map(|value| match *value {
                    "*" => "anything".to_owned(),
                    value => format!("`{value}`"),
                })
                .collect();
            writeln!(
                text,
                "- `{} = {}` with `{}` = {}: {}.",
                option.key,
                conflict.value,
                conflict.other,
                others.join(", "),
                conflict.reason
            )
            .unwrap();
        }
    }
    text + "\n"
}

fn filled(document: &str, name: &str, text: &str) -> String {
    let end = format!("<!-- end of {name} -->");
    let start = document.find(&format!("<!-- {name}")).expect(name);
    let start = start + document[start..].find("-->\n").expect(name) + 4;
    let stop = start + document[start..].find(&end).expect(name);
    format!("{}{text}{}", &document[..start], &document[stop..])
}

/// Holds the parts of a document that are made here against what they should be, or writes them.
fn made(name: &str, parts: &[(&str, String)]) {
    let document = std::fs::read_to_string(file(name)).unwrap();
    let mut right = document.clone();
    for (part, text) in parts {
        right = filled(&right, part, text);
    }
    if std::env::var_os("ARKOSE_BLESS").is_some() {
        std::fs::write(file(name), &right).unwrap();
    } else {
        assert!(document == right, "docs/{name} is old; run this test with ARKOSE_BLESS=1");
    }
}

#[test]
fn the_reference_is_that_of_the_option_table() {
    let parts = [
        ("options", options()),
        ("devices", devices()),
        ("presets", presets()),
        ("conflicts", conflicts()),
    ];
    made("profiles.md", &parts);
}

#[test]
fn the_presets_are_those_of_the_table() {
    made("dbus.md", &[("rules of the presets", preset_rules())]);
}

#[test]
fn the_examples_are_valid() {
    for name in ["profiles.md", "dbus.md", "network.md"] {
        let document = std::fs::read_to_string(file(name)).unwrap();
        let blocks: Vec<_> = document
            .split("```toml\n")
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap())
            .collect();
        assert!(!blocks.is_empty(), "{name}");
        for block in blocks {
            Layer::parse(block, Origin::Default).expect(block);
        }
    }
}
