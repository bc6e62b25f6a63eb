//! Names for new profiles, and paths as a profile writes them.

use arkose_profile::is_id;
use std::path::Path;

/// A profile id made from a name that no profile has yet: `Text Editor` becomes `text-editor`.
/// `None` when nothing of the name can be in an id.
#[must_use]
pub fn free_id(name: &str, taken: impl Fn(&str) -> bool) -> Option<String> {
    let mut id = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            c if c.is_alphanumeric() || c == '_' => id.push(c),
            _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
            _ => {}
        }
    }
    let id: String = id.trim_end_matches('-').chars().take(60).collect();
    if !is_id(&id) {
        return None;
    }
    let numbered = (2..10_000).map(|number| format!("{id}-{number}"));
    std::iter::once(id.clone()).chain(numbered).find(|id| !taken(id))
}

/// A chosen path as a profile writes it: below the home directory it begins with `~`. `None` when
/// it is not UTF-8 and cannot be written into a profile.
#[must_use]
pub fn home_relative(path: &Path, home: &Path) -> Option<String> {
    match path.strip_prefix(home) {
        Ok(rest) if rest.as_os_str().is_empty() => Some("~".to_owned()),
        Ok(rest) => rest.to_str().map(|rest| format!("~/{rest}")),
        Err(_) => path.to_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_from_any_name_with_a_letter() {
        let none = |_: &str| false;
        assert_eq!(free_id("Text Editor", none).as_deref(), Some("text-editor"));
        assert_eq!(free_id(" --Éditeur (2) ", none).as_deref(), Some("éditeur-2"));
        assert_eq!(free_id("…", none), None);
        assert_eq!(free_id("vlc", |id| id == "vlc" || id == "vlc-2").as_deref(), Some("vlc-3"));
    }

    #[test]
    fn a_path_below_home_begins_with_a_tilde() {
        let home = Path::new("/home/a");
        assert_eq!(home_relative(Path::new("/home/a/x y"), home).as_deref(), Some("~/x y"));
        assert_eq!(home_relative(Path::new("/home/a"), home).as_deref(), Some("~"));
        assert_eq!(home_relative(Path::new("/home/ab"), home).as_deref(), Some("/home/ab"));
    }
}
