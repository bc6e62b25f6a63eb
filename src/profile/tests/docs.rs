//! `docs/profiles.md` says what the option table says. With `ARKOSE_BLESS=1` the tables in it are
//! written anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use arkose_profile::options::{DEVICE_CLASSES, Group, Kind, OPTIONS, Opt};
use arkose_profile::{Layer, Origin};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/profiles.md")
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

#[test]
fn the_reference_is_that_of_the_option_table() {
    let document = std::fs::read_to_string(file()).unwrap();
    let mut right = document.clone();
    for (name, text) in [("options", options()), ("devices", devices()), ("conflicts", conflicts())]
    {
        right = filled(&right, name, &text);
    }
    if std::env::var_os("ARKOSE_BLESS").is_some() {
        std::fs::write(file(), &right).unwrap();
    } else {
        assert!(document == right, "docs/profiles.md is old; run this test with ARKOSE_BLESS=1");
    }
}

#[test]
fn its_examples_are_valid() {
    let document = std::fs::read_to_string(file()).unwrap();
    let blocks: Vec<_> =
        document.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        Layer::parse(block, Origin::Default).expect(block);
    }
}
