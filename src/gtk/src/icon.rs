//! The icon of an app, from the desktop entry that a profile names.

use gio_unix::DesktopAppInfo;
use gtk::prelude::*;

/// What stands for an app without an icon.
pub(crate) const FALLBACK: &str = "application-x-executable";

/// Shows the app's icon in an image.
pub(crate) fn show(image: &gtk::Image, app: Option<&str>) {
    let icon = app.and_then(DesktopAppInfo::new).and_then(|info| info.icon());
    let theme = gtk::IconTheme::for_display(&image.display());
    match icon.filter(|icon| theme.has_gicon(icon)) {
        Some(icon) => image.set_from_gicon(&icon),
        None => image.set_icon_name(Some(FALLBACK)),
    }
}
