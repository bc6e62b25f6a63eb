//! What desktops offer to apps: notifications, the tray, media keys, the portals as a whole.

use super::Known;
use crate::i18n::N_;
use crate::options::Risk;

pub(super) static DESKTOP: &[Known] = &[
    Known {
        names: &["org.freedesktop.Notifications", "org.gtk.Notifications"],
        interface: "",
        summary: N_("The app can show notifications."),
        wish: N_("“{app}” wants to show notifications."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.kde.StatusNotifierWatcher"],
        interface: "",
        summary: N_("The app can put icons into the tray, and see which are there."),
        wish: N_("“{app}” wants to put icons into the tray, and see which are there."),
        risk: Risk::Partial,
    },
    Known {
        names: &["com.canonical.AppMenu.Registrar"],
        interface: "",
        summary: N_("The app can show menus in the panel, and see those of others."),
        wish: N_("“{app}” wants to show menus in the panel, and see those of others."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.mpris.MediaPlayer2.*"],
        interface: "",
        summary: N_("The app can control media players, and see what they play."),
        wish: N_("“{app}” wants to control media players, and see what they play."),
        risk: Risk::Partial,
    },
    Known {
        names: &[
            "org.freedesktop.ScreenSaver",
            "org.gnome.ScreenSaver",
            "org.freedesktop.PowerManagement.*",
        ],
        interface: "",
        summary: N_("The app can keep the screen awake, and lock it."),
        wish: N_("“{app}” wants to keep the screen awake, and lock it."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Documents"],
        interface: "",
        summary: N_("The app can pass on files that you chose for it to other confined apps."),
        wish: N_("“{app}” wants to pass on files that you chose for it to other confined apps."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "",
        summary: N_(
            "The app can ask the desktop for files, links, printers and more, mostly by dialogs that you answer.",
        ),
        wish: N_(
            "“{app}” wants to ask the desktop for files, links, printers and more, mostly by dialogs that you answer.",
        ),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.IBus", "org.freedesktop.portal.Fcitx"],
        interface: "",
        summary: N_("The app can be typed into with an input method."),
        wish: N_("“{app}” wants to be typed into with an input method."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.a11y.Bus", "org.a11y.atspi.*"],
        interface: "",
        summary: N_("The app can tell screen readers about itself, and learn which run."),
        wish: N_("“{app}” wants to tell screen readers about itself, and learn which run."),
        risk: Risk::Partial,
    },
];
