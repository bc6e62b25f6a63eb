//! Names and places that are fixed when the window is built.

/// The application's id: of its desktop entry, its icon and its name on the session bus.
pub(crate) const APP_ID: &str = "io.github.arkose.Arkose";

/// The gettext domain, also named in every `.ui` file.
pub(crate) const GETTEXT_DOMAIN: &str = "arkose";

/// The version of the whole workspace.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where translations are installed, unless the environment names another place at run time.
pub(crate) const LOCALE_DIR: &str = match option_env!("ARKOSE_LOCALEDIR") {
    Some(dir) => dir,
    None => "/usr/share/locale",
};
