//! The command of a desktop entry or profile with its field codes, and the files and URIs that fill it.

use super::words;
use arkose_cli::fill::{command, local, uri};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// Tries one: words, of which the first says how many of the others are files.
pub fn try_one(bytes: &[u8]) {
    let Some((count, bytes)) = bytes.split_first() else { return };
    let mut template = words(bytes);
    let files = template.split_off(template.len().saturating_sub(usize::from(count % 4)));
    let template: Option<Vec<String>> =
        template.into_iter().map(|word| word.into_string().ok()).collect();
    if let Some(template) = template {
        filled(&template, &files);
    }
    for file in &files {
        back(file);
    }
}

/// Without a percent sign nothing is filled, and nothing that was given is lost.
fn filled(template: &[String], files: &[OsString]) {
    let Ok(words) = command(template, files) else { return };
    if !template.iter().any(|word| word.contains('%')) {
        assert!(files.is_empty());
        assert!(words.iter().eq(template.iter().map(OsStr::new)), "{words:?}");
    }
    let lists = template.iter().filter(|word| matches!(word.as_str(), "%F" | "%U")).count();
    let singles = template.iter().filter(|word| matches!(word.as_str(), "%f" | "%u")).count();
    let empty = if files.is_empty() { singles } else { 0 };
    assert_eq!(words.len(), template.len() - lists + lists * files.len() - empty);
}

/// The URI of a file means that file.
fn back(file: &OsStr) {
    let (Ok(Some(path)), Ok(uri)) = (local(file), uri(file)) else { return };
    match local(&uri) {
        Ok(Some(again)) => assert_eq!(again, path, "{uri:?}"),
        other => panic!("{uri:?} is {other:?}"),
    }
    // And what stands in it is its bytes, two digits each.
    if let Some(rest) = file.as_bytes().strip_prefix(b"file:///") {
        let path = path.as_path().as_os_str().as_bytes();
        assert!(path.len() <= rest.len() + 1);
        let signs = rest.windows(3).any(|part| part[0] == b'%' && b"+-".contains(&part[1]));
        assert!(!signs || path.contains(&b'%'), "{file:?} is {path:?}");
    }
}
