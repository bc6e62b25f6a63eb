//! The files of the system, and the home directory.

use crate::verify::check::{About, After, Checks, about};
use crate::verify::expect::Expect;
use crate::verify::subject::Subject;
use arkose_probe::{Found, Trial};
use arkose_profile::i18n::N_;
use arkose_profile::{Access, Home, Root, RunAs};
use std::path::{Path, PathBuf};

/// Directories of the system that every machine has.
const SYSTEM: [&str; 3] = ["/usr", "/etc", "/var"];

/// So many entries of a directory stand for all of them.
pub(super) const SAMPLE: usize = 5;

pub(super) fn add(subject: &Subject<'_>, checks: &mut Checks) {
    system(subject, checks);
    home(subject, checks);
    own(subject, checks);
}

fn system(subject: &Subject<'_>, checks: &mut Checks) {
    let root = about("files.root");
    for path in SYSTEM.into_iter().map(PathBuf::from).filter(|path| !subject.is_ruled(path)) {
        let mounted = Trial::Mounted { path: path.clone() };
        let read_only = vec!["read-only".to_owned()];
        let new = Trial::Create { path: subject.new_name(&path) };
        let gone = After::NotThere(subject.new_name(&path));
        match subject.policy.root {
            Root::ReadOnly => {
                if !subject.light() {
                    checks.add(root, mounted, Expect::Has(read_only));
                }
                checks.add_after(root, new, Expect::Refused, gone);
            }
            Root::Cow => {
                checks.add(root, mounted, Expect::HasNot(read_only));
                let which = Trial::Identity { path: path.clone() };
                checks.add(root, which, Expect::NotHostFile(path.clone()));
                // A directory that a user namespace has to compose of its entries is the app's own.
                let may = subject.root_by_helper();
                let expect = if may { Expect::Works } else { Expect::Anything };
                checks.add_after(root, new, expect, gone);
            }
        }
    }
    for path in writable_places(subject) {
        let new = Trial::Create { path: subject.new_name(&path) };
        let expect = match subject.policy.root {
            Root::Cow => Expect::WorksIn(path.clone()),
            Root::ReadOnly => Expect::Refused,
        };
        checks.add_after(root, new, expect, After::NotThere(subject.new_name(&path)));
    }
    checks.add(root, Trial::Read { path: "/etc/passwd".into() }, Expect::Works);
}

/// Directories of the system that the user may write to, where there are any: in a copy, too.
fn writable_places(subject: &Subject<'_>) -> Vec<PathBuf> {
    let below = ["/opt", "/usr/local", "/var/local"].into_iter().filter_map(|above| {
        let names = std::fs::read_dir(above).ok()?;
        Some(names.flatten().map(|entry| entry.path()).collect::<Vec<_>>())
    });
    let wanted = |path: &PathBuf| {
        let is_directory = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
        let writable = || {
            !matches!(subject.on_host(&Trial::Write { path: path.clone() }), Found::Refused { .. })
        };
        is_directory && !subject.is_ruled(path) && writable()
    };
    below.flatten().filter(wanted).take(SAMPLE).collect()
}

fn home(subject: &Subject<'_>, checks: &mut Checks) {
    let (key, home) = (about("files.home"), &subject.spec.home);
    if subject.rule_for(home).is_some() {
        checks.not_tried(key, N_("another option names the same directory"));
        return;
    }
    let path = home.as_path().to_owned();
    let which = Trial::Identity { path: path.clone() };
    match subject.policy.home {
        // It is somewhere else, and that of the host is closed.
        Home::Empty | Home::Private if subject.light() => {
            checks.add(key, Trial::List { path: path.clone() }, Expect::Refused);
            checks.add(key, Trial::Write { path }, Expect::Refused);
            let kept = subject.policy.home == Home::Private;
            let expect = if kept { Expect::Works } else { Expect::Empty };
            checks.add(key, Trial::Home, expect);
        }
        Home::Empty => {
            checks.add(key, which, Expect::NotHostFile(path.clone()));
            let list = Trial::List { path: path.clone() };
            checks.add(key, list, Expect::Only(subject.placed_below(home)));
            checks.add(key, Trial::Write { path }, Expect::Works);
        }
        Home::Private => {
            let private = subject.private_home();
            checks.add(
                key,
                which,
                private.map_or(Expect::NotHostFile(path.clone()), Expect::HostFile),
            );
            checks.add(key, Trial::Write { path }, Expect::Works);
        }
        Home::Cow => copy(subject, checks, key, &path),
        Home::Direct => direct(subject, checks, key, &path),
    }
}

/// A copy of a directory: what is there, and a change that does not arrive.
pub(super) fn copy(subject: &Subject<'_>, checks: &mut Checks, about: About, path: &Path) {
    let which = Trial::Identity { path: path.to_owned() };
    checks.add(about, which, Expect::NotHostFile(path.to_owned()));
    let new = subject.new_name(path);
    let may = Expect::as_on_host(&subject.on_host(&Trial::Write { path: path.to_owned() }));
    if may == Expect::Works || !subject.as_root() {
        let gone = After::NotThere(new.clone());
        checks.add_after(about, Trial::Create { path: new }, may, gone);
    }
    has_entries(subject, checks, about, path);
}

/// What the host has, as the user may change it.
pub(super) fn direct(subject: &Subject<'_>, checks: &mut Checks, about: About, path: &Path) {
    let which = Trial::Identity { path: path.to_owned() };
    checks.add(about, which, Expect::HostFile(path.to_owned()));
    let write = Trial::Write { path: path.to_owned() };
    let may = Expect::as_on_host(&subject.on_host(&write));
    // Root inside has not the user's groups: it may less.
    if may == Expect::Refused || subject.policy.runas == RunAs::User || is_own(subject, path) {
        checks.add(about, write, may);
    }
    has_entries(subject, checks, about, path);
}

fn is_own(subject: &Subject<'_>, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    path.metadata().is_ok_and(|meta| meta.uid() == subject.host.uid())
}

/// Some of what the host has in a directory must be there; in a file there is what it holds.
pub(super) fn has_entries(subject: &Subject<'_>, checks: &mut Checks, about: About, path: &Path) {
    let list = Trial::List { path: path.to_owned() };
    if let Found::Names { mut names } = subject.on_host(&list) {
        // What others make and delete meanwhile has mostly a hidden name.
        names.sort_by_key(|name| name.starts_with('.'));
        names.truncate(SAMPLE);
        checks.add(about, list, Expect::HasOfHost(path.to_owned(), names));
    }
}

/// Arkose's own directories, wherever the app would see them.
fn own(subject: &Subject<'_>, checks: &mut Checks) {
    let config = subject.host.config().map(|config| config.join("arkose"));
    for path in config.into_iter().chain([subject.data_dir()]).filter(|path| path.is_dir()) {
        if subject.is_given(&path) {
            let about = match subject.rules(Access::Bind).next() {
                Some(_) if subject.policy.home != Home::Direct => about("files.bind"),
                _ => about("files.home"),
            };
            checks.add(about, Trial::List { path }, Expect::Empty);
        }
    }
}
