//! The files of a launch: in the command, and reachable inside.

use crate::request::absolute;
use crate::say::Failure;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::{AbsPath, Access, Context, Home, PathRule, Policy};
use arkose_session::SharedFile;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// A profile's command with `%f`, `%F`, `%u`, `%U` filled as the Desktop Entry Specification has
/// it: a file or all files, as paths or as URIs; `%%` is a percent sign.
///
/// # Errors
/// When the command takes no file, or fewer than are given.
pub fn command(template: &[String], files: &[OsString]) -> Result<Vec<OsString>, Failure> {
    let (mut words, mut taken) = (Vec::new(), 0);
    for word in template {
        match word.as_str() {
            "%F" | "%U" => {
                for file in files {
                    words.push(if word == "%F" { path(file)? } else { uri(file)? });
                }
                taken = files.len();
            }
            "%f" | "%u" if files.is_empty() => {}
            word => {
                let (filled, used) = within(word, files.first())?;
                words.push(filled);
                taken = taken.max(usize::from(used));
            }
        }
    }
    if taken >= files.len() {
        return Ok(words);
    }
    let pattern = match taken {
        0 => N_("the command “{command}” takes no file"),
        _ => N_("the command “{command}” takes one file at a time"),
    };
    Err(Failure::new(&Message::new(pattern).with("command", template.join(" "))))
}

/// One word with the codes in it filled, and whether it took the file.
fn within(word: &str, file: Option<&OsString>) -> Result<(OsString, bool), Failure> {
    let (mut filled, mut used, mut rest) = (OsString::new(), false, word);
    while let Some((before, after)) = rest.split_once('%') {
        filled.push(before);
        let code = after.chars().next();
        match (code, file) {
            (Some('%'), _) => filled.push("%"),
            (Some('f'), Some(file)) => filled.push(path(file)?),
            (Some('u'), Some(file)) => filled.push(uri(file)?),
            (Some('f' | 'u'), None) => {}
            // What is no code of a file is the app's own.
            _ => {
                filled.push("%");
                rest = after;
                continue;
            }
        }
        used |= matches!(code, Some('f' | 'u'));
        rest = after.get(1..).unwrap_or_default();
    }
    filled.push(rest);
    Ok((filled, used))
}

/// The path of a file of this launch; a URI that is no file stays as it is.
fn path(file: &OsStr) -> Result<OsString, Failure> {
    Ok(local(file)?.map_or_else(|| file.to_owned(), |path| path.as_path().as_os_str().to_owned()))
}

/// The URI of a file; what is a URI already stays as it is.
///
/// # Errors
/// When it is not a path.
pub fn uri(file: &OsStr) -> Result<OsString, Failure> {
    if scheme(file).is_some() {
        return Ok(file.to_owned());
    }
    let mut uri = String::from("file://");
    for byte in absolute(Path::new(file))?.as_path().as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(*byte));
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(uri.into())
}

/// Where single files of a launch are, inside.
const FILES: &str = "/run/arkose/files";

/// What became of the files of a launch.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// What the command is filled with.
    pub(crate) names: Vec<OsString>,
    /// Single files that appear at another place.
    pub(crate) files: Vec<SharedFile>,
}

/// Opens the files of this launch to a policy that does not reach them yet, and gives the names by
/// which the app finds them.
///
/// A directory keeps its place. A single file is a mount, over which nothing can be renamed, as
/// editors do to save; so it is put into a directory in which nothing can be made, where they write
/// into the file itself.
///
/// # Errors
/// When one is not a path.
pub(crate) fn open(
    policy: &mut Policy,
    context: &Context,
    files: &[OsString],
    read_only: bool,
) -> Result<Opened, Failure> {
    let access = if read_only { Access::BindReadOnly } else { Access::Bind };
    let mut opened = Opened::default();
    for (index, file) in files.iter().enumerate() {
        opened.names.push(file.clone());
        let Some(path) = local(file)? else { continue };
        // Every app has a /proc and a /dev of its own.
        if path.as_path().starts_with("/proc") || path.as_path().starts_with("/dev") {
            continue;
        }
        let nearest = policy.paths.iter().rev().find(|rule| rule.path.contains(&path));
        let open = match nearest.map(|rule| rule.access) {
            Some(Access::Bind) => true,
            Some(Access::BindReadOnly) => read_only,
            Some(Access::Cow | Access::Restrict) => false,
            None => policy.home == Home::Direct && context.home.contains(&path),
        };
        if !open && path.as_path().is_file() {
            let name = path.as_path().file_name().unwrap_or_default();
            let inside = absolute(&Path::new(FILES).join(index.to_string()).join(name))?;
            if let Some(last) = opened.names.last_mut() {
                inside.as_path().as_os_str().clone_into(last);
            }
            opened.files.push(SharedFile { source: path, dest: inside, read_only });
        } else if !open {
            policy.paths.retain(|rule| rule.path != path);
            policy.paths.push(PathRule { access, path });
            policy.paths.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }
    Ok(opened)
}

/// The file on this computer that a path or a `file:` URI means; `None` for what lies elsewhere.
///
/// # Errors
/// When it is not a path, or the URI names no file of this computer.
pub fn local(file: &OsStr) -> Result<Option<AbsPath>, Failure> {
    let Some((scheme, rest)) = scheme(file) else { return absolute(Path::new(file)).map(Some) };
    if !scheme.eq_ignore_ascii_case("file") {
        return Ok(None);
    }
    // `file:///path`, `file://localhost/path` and `file:/path` are the same file.
    let rest = rest.strip_prefix(b"//".as_slice()).unwrap_or(rest);
    let rest = rest.strip_prefix(b"localhost".as_slice()).unwrap_or(rest);
    let path = PathBuf::from(OsString::from_vec(unescaped(rest)));
    AbsPath::new(&path).map(Some).map_err(|error| {
        let message = Message::new(N_("the URI “{uri}” names no file of this computer"));
        Failure::new(&message.with("uri", file.to_string_lossy())).because(error)
    })
}

/// The scheme of a URI and what follows its colon. A path is one only when it says so: a file may
/// be called `a:b`.
fn scheme(text: &OsStr) -> Option<(&str, &[u8])> {
    let bytes = text.as_bytes();
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let (scheme, rest) = (bytes.get(..colon)?, bytes.get(colon + 1..)?);
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let named = scheme.first()?.is_ascii_alphabetic() && scheme.iter().all(letters);
    let known = rest.starts_with(b"//")
        || matches!(scheme, b"file" | b"mailto" | b"magnet" | b"tel" | b"data");
    if named && known && !Path::new(text).exists() {
        Some((std::str::from_utf8(scheme).ok()?, rest))
    } else {
        None
    }
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, after @ ..]) => digit(*high).zip(digit(*low)).zip(Some(after)),
            _ => None,
        };
        let (byte, after) = match escaped {
            Some(((high, low), after)) => (high << 4 | low, after),
            None => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// The value of a hexadecimal digit; a sign is none.
fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &[&str], files: &[&str]) -> Result<Vec<String>, String> {
        let template: Vec<_> = template.iter().map(|&word| word.to_owned()).collect();
        let files: Vec<_> = files.iter().map(OsString::from).collect();
        let words = command(&template, &files).map_err(|failure| failure.sentence)?;
        Ok(words.into_iter().map(|word| word.into_string().unwrap()).collect())
    }

    #[test]
    fn codes_take_paths_or_uris() {
        for (template, files, words) in [
            (
                &["a", "%U"][..],
                &["/x y", "/é", "https://a/?b%c"][..],
                &["a", "file:///x%20y", "file:///%C3%A9", "https://a/?b%c"][..],
            ),
            (&["a", "%F"], &["/x y", "file:///b%20c"], &["a", "/x y", "/b c"]),
            (&["a", "%f", "z"], &[], &["a", "z"]),
            (&["a", "--file=%f", "100%%", "%H"], &["/x"], &["a", "--file=/x", "100%", "%H"]),
            (&["a", "%u"], &["/x"], &["a", "file:///x"]),
            (&["a", "%F"], &[], &["a"]),
        ] {
            assert_eq!(filled(template, files).unwrap(), words);
        }
        assert!(filled(&["a"], &["/x"]).unwrap_err().contains("takes no file"));
        assert!(filled(&["a", "%f"], &["/x", "/y"]).unwrap_err().contains("one file at a time"));
    }

    #[test]
    fn a_file_that_looks_like_a_uri_is_a_file() {
        assert!(scheme(OsStr::new("notes:today")).is_none());
        assert!(scheme(OsStr::new("/a://b")).is_none());
        assert_eq!(scheme(OsStr::new("mailto:a@b")).unwrap().0, "mailto");
    }

    #[test]
    fn only_two_digits_are_an_escape() {
        for (text, bytes) in [
            ("%41", &b"A"[..]),
            ("%+f", b"%+f"),
            ("%4", b"%4"),
            ("%zz%", b"%zz%"),
            ("%e9", b"\xe9"),
        ] {
            assert_eq!(unescaped(text.as_bytes()), bytes, "{text}");
        }
    }

    #[test]
    fn files_that_are_not_text_arrive_unchanged() {
        let file = OsString::from_vec(b"/a\xff".to_vec());
        let template = ["x".to_owned(), "%f".to_owned()];
        assert_eq!(command(&template, std::slice::from_ref(&file)).unwrap()[1], file);
        assert_eq!(uri(&file).unwrap(), "file:///a%FF");
    }
}
