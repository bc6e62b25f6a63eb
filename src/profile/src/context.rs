//! Whose files `~` and `$USER` in a profile mean.

use crate::i18n::{Message, N_};
use crate::path::AbsPath;
use std::ffi::OsString;

/// The person who launches: what `~`, `$HOME` and `$USER` in a profile stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The home directory.
    pub home: AbsPath,
    /// The login name; empty when it is not known.
    pub user: String,
}

/// The environment does not say where the home directory is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ContextError(pub Message);

impl Context {
    /// From `HOME` and `USER` (or `LOGNAME`) of this process.
    ///
    /// # Errors
    /// When `HOME` is not set, or not an absolute path.
    pub fn current() -> Result<Self, ContextError> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self::from_variables(variable("HOME"), variable("USER").or_else(|| variable("LOGNAME")))
    }

    fn from_variables(
        home: Option<OsString>,
        user: Option<OsString>,
    ) -> Result<Self, ContextError> {
        let home = home.ok_or_else(|| {
            ContextError(Message::new(N_(
                "the variable HOME is not set; set it to your home directory",
            )))
        })?;
        let home = AbsPath::new(&home).map_err(|_| {
            let message = N_("HOME is “{home}”, which is not a plain absolute path; set it to your home directory");
            ContextError(Message::new(message).with("home", home.to_string_lossy()))
        })?;
        let user = user.and_then(|user| user.into_string().ok()).filter(|user| is_name(user));
        Ok(Self { home, user: user.unwrap_or_default() })
    }

    /// The directory of the user's own profiles: `$XDG_CONFIG_HOME/arkose/profiles`, where that
    /// variable holds an absolute path, or the same below `~/.config`.
    #[must_use]
    pub fn profiles_dir(&self) -> std::path::PathBuf {
        let config = std::env::var_os("XDG_CONFIG_HOME").and_then(|dir| AbsPath::new(dir).ok());
        let config =
            config.map_or_else(|| self.home.as_path().join(".config"), |dir| dir.as_path().into());
        config.join("arkose/profiles")
    }
}

/// Whether a login name can stand for one component of a path.
fn is_name(user: &str) -> bool {
    !user.is_empty() && user != "." && user != ".." && !user.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(home: Option<&str>, user: &str) -> Result<Context, String> {
        Context::from_variables(home.map(Into::into), Some(user.into())).map_err(|e| e.to_string())
    }

    #[test]
    fn a_home_must_be_an_absolute_path() {
        assert!(context(None, "a").unwrap_err().contains("HOME is not set"));
        for wrong in ["home/a", "/home/../a", "~"] {
            assert!(context(Some(wrong), "a").unwrap_err().contains(wrong));
        }
        assert_eq!(context(Some("/home/a/"), "a").unwrap().home.as_path(), "/home/a");
    }

    #[test]
    fn a_user_that_is_no_name_is_not_known() {
        for wrong in ["", "..", "a/b"] {
            assert_eq!(context(Some("/home/a"), wrong).unwrap().user, "");
        }
    }
}
