//! Builds Arkose with one weakness after another, and sees that the tests which guard against it
//! fail: `./dev weakened` starts it on a prepared machine.
//!
//! The weakened programs never lie where Arkose is installed. They are mounted over it in a mount
//! namespace of the tests, and gone with that.

use arkose_tests::host::descendants;
use arkose_tests::weakened::Weakness;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// What is copied; no weakness and no build needs more of a checkout.
const COPIED: [&str; 10] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "clippy.toml",
    "data",
    "docs",
    "po",
    "profiles",
    "src",
    "tests",
];
/// What is built of it, and where among the programs it belongs.
const PROGRAMS: [(&str, &str); 4] = [
    ("arkose", "bin"),
    ("arkose-dbus-proxy", "bin"),
    ("arkose-network", "bin"),
    ("arkose-helper", "libexec"),
];
/// Built as well where a weakness is in it: it takes as long as all the others.
const WINDOW: &str = "arkose-gtk";
const HELPER: &str = "/usr/libexec/arkose-helper";

/// Pass with every weakness: what fails then did not fail because nothing can be launched, or because
/// the proxy serves nobody.
const ALIVE: [(&str, &str); 2] = [
    ("walls", "a_named_host_is_called_so"),
    ("dbus_proxy", "an_app_is_whom_the_proxy_is_whatever_it_calls_itself"),
];
/// How often what needs luck is tried.
const TRIES: u32 = 8;
/// Seconds after which a suite has not ended because of the weakness.
const LIMIT: &str = "240";
/// A setting of the whole machine that a weakened sandbox may be able to write.
const SETTING: &str = "/proc/sys/kernel/core_pattern";

/// In a mount namespace of its own, the programs below `$1` stand for those of the same name.
///
/// Over the directories, and not over the files: root copies a file that is mounted.
const MOUNTED: &str = r#"over() { mount -t overlay -o "lowerdir=$1:$2" none "$2"; }
over "$1/bin" "$ARKOSE_BIN_DIR"
over "$1/libexec" /usr/libexec
shift; exec "$@""#;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == "--inside" => run_inside(rest),
        Some((first, _)) if first == "--list" => {
            for weakness in Weakness::all(Path::new(".")) {
                println!("{:28} {}", weakness.name, weakness.breaks);
            }
            ExitCode::SUCCESS
        }
        _ => try_all(&arguments),
    }
}

fn try_all(names: &[String]) -> ExitCode {
    let mut chosen = Weakness::all(Path::new("."));
    for name in names {
        assert!(
            chosen.iter().any(|weakness| weakness.name == *name),
            "there is no weakness {name}"
        );
    }
    chosen.retain(|weakness| names.is_empty() || names.contains(&weakness.name));
    let mut bench = Bench::new();
    println!("building what is sound");
    assert!(bench.build(false), "the tree cannot be built");
    let mut wrong = bench.unsound(&chosen);
    for weakness in &chosen {
        let judged = bench.judge(weakness);
        println!("{:28} {}", weakness.name, judged.as_ref().unwrap_or_else(|why| why));
        wrong += usize::from(judged.is_err());
    }
    println!("{} weaknesses, {wrong} not as they should be", chosen.len());
    ExitCode::from(u8::from(wrong > 0))
}

/// The copied tree, what is built of it, and the tests of the tree itself.
struct Bench {
    tree: PathBuf,
    built: PathBuf,
    /// What weakness is in it.
    tried: String,
    /// This program; cargo may put the same anew in its place while it builds the suites.
    program: PathBuf,
    /// The program of each suite.
    suites: BTreeMap<String, PathBuf>,
}

impl Bench {
    fn new() -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        let place = fs::canonicalize(target).expect("the target directory").join("weakened");
        let (tree, built) = (place.join("tree"), place.join("build"));
        fs::create_dir_all(&tree).expect("a place for the copy");
        for name in COPIED {
            copy(Path::new(name), &tree.join(name));
        }
        let program = std::env::current_exe().expect("this program");
        Self { tree, built, tried: "none".to_owned(), program, suites: suites() }
    }

    fn build(&self, window: bool) -> bool {
        // One that is not built here is the sound one that is installed.
        let _ = fs::remove_file(self.programs().join("bin").join(WINDOW));
        let window = window.then_some((WINDOW, "bin"));
        let programs = || PROGRAMS.into_iter().chain(window);
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--locked", "--quiet"]);
        cargo.args(programs().map(|(program, _)| format!("--package={program}")));
        // What a weakness leaves unused is no mistake in it.
        cargo
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.built)
            .env("RUSTFLAGS", "-Awarnings");
        if !cargo.status().expect("cargo").success() {
            return false;
        }
        for (program, place) in programs() {
            let place = self.programs().join(place);
            fs::create_dir_all(&place).expect("a place for the programs");
            let place = place.join(program);
            // Not into the file itself: what was started from it may still be ending.
            let _ = fs::remove_file(&place);
            fs::copy(self.built.join("debug").join(program), place).expect("a program");
        }
        true
    }

    fn programs(&self) -> PathBuf {
        self.built.with_file_name("programs")
    }

    /// Runs what is named of one suite with the programs last built. What it says is kept.
    fn run(&self, suite: &str, tests: &[&str]) -> Results {
        let Some(program) = self.suites.get(suite) else { panic!("there is no suite {suite}") };
        let mut command = as_root(&self.program);
        command.arg("--inside").arg(self.programs()).arg(program).args(tests);
        let output = command.stdin(Stdio::null()).output().expect("the suite");
        let mut said = output.stdout;
        let results = Results::read(&String::from_utf8_lossy(&said));
        said.extend(output.stderr);
        let log = self.built.with_file_name("log").join(format!("{}-{suite}.txt", self.tried));
        fs::create_dir_all(log.parent().expect("a directory")).expect("a place for what is said");
        fs::write(log, said).expect("what is said can be kept");
        results
    }

    /// How many of the tests do not pass with programs that are sound: no failure of theirs would mean
    /// anything.
    fn unsound(&self, chosen: &[Weakness]) -> usize {
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (suite, test) in chosen.iter().flat_map(Weakness::guards).chain(ALIVE) {
            wanted.entry(suite).or_default().insert(test);
        }
        let mut unsound = 0;
        for (suite, tests) in wanted {
            let tests: Vec<&str> = tests.into_iter().collect();
            let results = self.run(suite, &tests);
            for test in tests {
                let run = results.of(test);
                // A second chance, as on a machine that is busy with other things.
                if run.is_empty() || !self.passes(suite, test, &run) {
                    println!("{suite}::{test} does not pass without any weakness");
                    unsound += 1;
                }
            }
        }
        unsound
    }

    fn passes(&self, suite: &str, test: &str, first: &BTreeMap<String, bool>) -> bool {
        first.values().all(|passed| *passed)
            || self.run(suite, &[test]).of(test).values().all(|passed| *passed)
    }

    fn judge(&mut self, weakness: &Weakness) -> Result<String, String> {
        self.tried.clone_from(&weakness.name);
        let mut originals = Vec::new();
        for edit in &weakness.edits {
            let path = self.tree.join(&edit.file);
            let source =
                fs::read_to_string(&path).map_err(|error| format!("{}: {error}", edit.file))?;
            fs::write(&path, edit.apply(&source)?).map_err(|error| error.to_string())?;
            originals.push((path, source));
        }
        let judged = self.judge_applied(weakness);
        // In reverse: two changes may be to one file.
        for (path, source) in originals.into_iter().rev() {
            fs::write(&path, source).map_err(|error| error.to_string())?;
        }
        judged
    }

    fn judge_applied(&self, weakness: &Weakness) -> Result<String, String> {
        if !self.build(weakness.is_in_window()) {
            return Err("WRONG: it cannot be built".to_owned());
        }
        for (suite, test) in ALIVE {
            let alive = self.run(suite, &[test]).of(test);
            if alive.is_empty() || alive.values().any(|passed| !passed) {
                return Err(format!("WRONG: nothing works with it: {suite}::{test}"));
            }
        }
        let mut failed = 0;
        for (suite, test) in weakness.guards() {
            let missed = self.missed(weakness, suite, test)?;
            if !missed.is_empty() {
                return Err(format!("WRONG: not seen by {suite}::{}", missed.join(", ")));
            }
            failed += 1;
        }
        Ok(format!("seen by {failed} of {failed}"))
    }

    /// The ways of a test that pass although the weakness is there.
    fn missed(&self, weakness: &Weakness, suite: &str, test: &str) -> Result<Vec<String>, String> {
        let mut passing: Option<BTreeSet<String>> = None;
        for _ in 0..if weakness.race { TRIES } else { 1 } {
            let run = self.run(suite, &[test]).of(test);
            if run.is_empty() {
                return Err(format!("WRONG: {suite}::{test} did not run"));
            }
            let now = run.into_iter().filter(|(_, passed)| *passed).map(|(name, _)| name).collect();
            let left = match passing {
                None => now,
                Some(before) => before.intersection(&now).cloned().collect(),
            };
            if left.is_empty() {
                return Ok(Vec::new());
            }
            passing = Some(left);
        }
        Ok(passing.into_iter().flatten().collect())
    }
}

/// What became of tests, by their full names: whether they passed.
struct Results(BTreeMap<String, bool>);

impl Results {
    /// Reads what the test harness prints. What was started and has no result did not end.
    fn read(output: &str) -> Self {
        let mut found = BTreeMap::new();
        for line in output.lines() {
            let Some((name, result)) =
                line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
            else {
                continue;
            };
            found.insert(name.to_owned(), result.starts_with("ok"));
        }
        Self(found)
    }

    /// Those of a test: of one that is run both ways, both.
    fn of(&self, test: &str) -> BTreeMap<String, bool> {
        let is = |name: &str| {
            name == test || name.strip_prefix(test).is_some_and(|way| way.starts_with("::"))
        };
        self.0
            .iter()
            .filter(|(name, _)| is(name))
            .map(|(name, passed)| (name.clone(), *passed))
            .collect()
    }
}

/// The programs of the suites, as cargo built them.
fn suites() -> BTreeMap<String, PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "test",
        "--locked",
        "--quiet",
        "--package=arkose-tests",
        "--no-run",
        "--message-format=json",
    ]);
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo");
    assert!(output.status.success(), "the suites cannot be built");
    let text = String::from_utf8(output.stdout).expect("JSON");
    let messages =
        text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    messages
        .filter(|message| message["target"]["kind"][0] == "test")
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, message["executable"].as_str()?.into()))
        })
        .collect()
}

/// Makes `to` what `from` is; what is alike is left alone, so that cargo builds what has changed.
fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        let content = fs::read(from).expect("what is listed is there");
        if fs::read(to).ok().as_ref() != Some(&content) {
            fs::write(to, content).expect("the copy can be written");
        }
        return;
    }
    fs::create_dir_all(to).expect("the copy can be written");
    let names = |directory: &Path| -> BTreeSet<_> {
        fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name())
            .collect()
    };
    for name in names(from) {
        copy(&from.join(&name), &to.join(&name));
    }
    for gone in names(to).difference(&names(from)) {
        let path = to.join(gone);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
    }
}

fn as_root(program: impl AsRef<OsStr>) -> Command {
    if nix::unistd::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("tests/env/as-root.sh");
    command.arg(program);
    command
}

/// Runs tests with the programs in a directory: DIRECTORY SUITE TEST…, as root. Whatever they leave,
/// as a weakness may have it, is ended and mended.
fn run_inside(arguments: &[String]) -> ExitCode {
    let [programs, suite, tests @ ..] = arguments else {
        panic!("--inside is for this program itself")
    };
    assert!(Path::new(HELPER).exists(), "no helper is installed: ./dev weakened does it");
    set_child_subreaper(true).expect("what is left comes here");
    let setting = fs::read(SETTING).ok();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation=private", "sh", "-ec", MOUNTED, "sh", programs]);
    command.args(["timeout", "--kill-after=5", LIMIT, suite]).args(tests);
    let status = command.status().expect("unshare");
    end_all();
    if let Some(setting) =
        setting.filter(|setting| fs::read(SETTING).is_ok_and(|now| now != *setting))
    {
        let _ = fs::write(SETTING, setting);
    }
    ExitCode::from(u8::from(!status.success()))
}

/// Ends every process that was started here, until none is left.
fn end_all() {
    loop {
        for (pid, _) in descendants(nix::unistd::getpid()) {
            let _ = kill(pid, Signal::SIGKILL);
        }
        if waitpid(None, Some(WaitPidFlag::empty())) == Err(nix::errno::Errno::ECHILD) {
            return;
        }
    }
}
