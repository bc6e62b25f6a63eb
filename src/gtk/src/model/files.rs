//! The files of a launch: what they are called, and what opening them gives to the app.

use arkose_profile::{AbsPath, Access, Context, Home, PathRule, Policy};
use std::ffi::OsString;
use std::path::Path;

/// The names of files that are to be opened, without their directories; `None` when there are none.
#[must_use]
pub fn file_names(files: &[OsString]) -> Option<String> {
    let name = |file: &OsString| {
        let file = Path::new(file);
        file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
    };
    let names: Vec<_> = files.iter().map(name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The policy of a launch that opens these files, as `arkose launch` will enforce it: a file that
/// the app could not change becomes one that it can. URIs of other places give it nothing.
#[must_use]
pub fn with_files(mut policy: Policy, context: &Context, files: &[OsString]) -> Policy {
    let local = files.iter().filter(|file| Path::new(file).is_absolute());
    let own = |path: &AbsPath| ["/proc", "/dev"].iter().any(|dir| path.as_path().starts_with(dir));
    for path in local.filter_map(|file| AbsPath::new(file).ok()).filter(|path| !own(path)) {
        let nearest = policy.paths.iter().rev().find(|rule| rule.path.contains(&path));
        let open = match nearest {
            Some(rule) => rule.access == Access::Bind,
            None => policy.home == Home::Direct && context.home.contains(&path),
        };
        if !open {
            policy.paths.retain(|rule| rule.path != path);
            policy.paths.push(PathRule { access: Access::Bind, path });
            policy.paths.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;
    use arkose_profile::{Layer, Origin, Profile};

    #[test]
    fn files_are_called_by_their_names() {
        assert_eq!(file_names(&[]), None);
        let files = ["/home/a/b c.txt".into(), "https://example.org/x".into()];
        assert_eq!(file_names(&files).as_deref(), Some("b c.txt, x"));
    }

    #[test]
    fn what_is_opened_can_be_changed() {
        let text = "[files]\nbind = [\"/srv\"]\nrestrict = [\"/srv/secret\"]\n";
        let layer = Layer::parse(text, Origin::Launch).unwrap();
        let context = Context { home: AbsPath::new("/home/a").unwrap(), user: "a".to_owned() };
        let policy = Profile::new("x", vec![layer]).policy(&context).unwrap();
        let opened = |files: &[&str]| {
            let files: Vec<OsString> = files.iter().map(OsString::from).collect();
            let rules = with_files(policy.clone(), &context, &files).paths;
            let open = rules.into_iter().filter(|rule| rule.access == Access::Bind);
            open.map(|rule| rule.path.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(opened(&[]), ["/srv"]);
        assert_eq!(opened(&["/srv/x", "https://example.org/", "/proc/1/mem"]), ["/srv"]);
        assert_eq!(opened(&["/home/a/x"]), ["/home/a/x", "/srv"]);
        assert_eq!(opened(&["/srv/secret/x"]), ["/srv", "/srv/secret/x"]);
    }
}
