//! The weaknesses of `./dev weakened` can be put in, name tests that are there, and are the ones that
//! the documentation names. That the tests fail with them takes minutes, and is not tried here.

use arkose_tests::weakened::Weakness;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

fn read(name: impl AsRef<Path>) -> String {
    let path = root().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The source of a suite: its own file, and those of its modules.
fn suite(name: &str) -> String {
    let mut source = read(format!("tests/suites/{name}.rs"));
    let modules = fs::read_dir(root().join("tests/suites").join(name)).into_iter().flatten();
    for module in modules.flatten().map(|entry| entry.path()) {
        if module.extension().is_some_and(|extension| extension == "rs") {
            source.push_str(&read(module));
        }
    }
    source
}

/// The rows of the table of promises, as cells.
fn promises() -> Vec<Vec<String>> {
    let text = read("docs/threat-model.md");
    let rows = text.lines().filter(|line| line.starts_with("| ")).map(|line| {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    });
    rows.filter(|cells| cells.len() == 4).skip(1).filter(|cells| cells[0] != "---").collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_weakness_can_be_put_in() {
    let mut names = BTreeSet::new();
    for weakness in Weakness::all(&root()) {
        assert!(names.insert(weakness.name.clone()), "{} is there twice", weakness.name);
        assert!(!weakness.tests.is_empty(), "{} has no test", weakness.name);
        for edit in &weakness.edits {
            let source = read(&edit.file);
            let changed =
                edit.apply(&source).unwrap_or_else(|why| panic!("{}: {why}", weakness.name));
            assert_ne!(changed, source, "{} changes nothing", weakness.name);
        }
        for (suite_name, test) in weakness.guards() {
            let test = test.trim_end_matches("::helper").trim_end_matches("::user");
            let name = test.rsplit("::").next().unwrap_or(test);
            let source = suite(suite_name);
            assert!(
                source.contains(&format!("fn {name}(")) || source.contains(&format!("mod {name} ")),
                "{}: there is no test {test}",
                weakness.name
            );
        }
    }
}

#[test]
fn the_documentation_names_every_weakness_and_no_other() {
    let known: BTreeSet<String> =
        Weakness::all(&root()).into_iter().map(|weakness| weakness.name).collect();
    let named: BTreeSet<String> =
        promises().iter().flat_map(|cells| quoted(&cells[3])).map(ToOwned::to_owned).collect();
    assert_eq!(known, named);
}

#[test]
fn the_documentation_names_tests_that_are_there() {
    for cells in promises() {
        // `suite: test…, test…; suite: all`: a name may be cut short by an ellipsis.
        for part in cells[2].split("; ") {
            let Some((name, _)) = part.split_once(": ") else { continue };
            let source = suite(name);
            for test in quoted(part) {
                let found = match (test.strip_prefix('…'), test.strip_suffix('…')) {
                    (Some(end), _) => source.contains(&format!("{end}(")),
                    (_, Some(start)) => source.contains(&format!("fn {start}")),
                    _ => source.contains(&format!("fn {test}(")),
                };
                assert!(found, "{name} has no test {test}");
            }
        }
    }
}
