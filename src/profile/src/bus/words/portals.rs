//! Single portals: interfaces of the desktop's portal service.

use super::Known;
use crate::i18n::N_;
use crate::options::Risk;

pub(super) static PORTALS: &[Known] = &[
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Screenshot",
        summary: N_("The app can ask the desktop for a picture of your screen."),
        wish: N_("“{app}” wants to ask the desktop for a picture of your screen."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.ScreenCast",
        summary: N_("The app can ask the desktop to record your screen."),
        wish: N_("“{app}” wants to ask the desktop to record your screen."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.RemoteDesktop",
        summary: N_(
            "The app can ask the desktop to type and click for you, and to record your screen.",
        ),
        wish: N_(
            "“{app}” wants to ask the desktop to type and click for you, and to record your screen.",
        ),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.InputCapture",
        summary: N_("The app can ask the desktop for all that you type and where you point."),
        wish: N_("“{app}” wants to ask the desktop for all that you type and where you point."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.GlobalShortcuts",
        summary: N_(
            "The app can ask the desktop for shortcuts that work while you use other apps.",
        ),
        wish: N_(
            "“{app}” wants to ask the desktop for shortcuts that work while you use other apps.",
        ),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Camera",
        summary: N_("The app can ask the desktop for your cameras."),
        wish: N_("“{app}” wants to ask the desktop for your cameras."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Location",
        summary: N_("The app can ask the desktop where you are."),
        wish: N_("“{app}” wants to ask the desktop where you are."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Background",
        summary: N_(
            "The app can ask the desktop to run in the background and to be started with your session.",
        ),
        wish: N_(
            "“{app}” wants to ask the desktop to run in the background and to be started with your session.",
        ),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Wallpaper",
        summary: N_("The app can ask the desktop to change its background."),
        wish: N_("“{app}” wants to ask the desktop to change its background."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.DynamicLauncher",
        summary: N_("The app can ask the desktop to add launchers for apps."),
        wish: N_("“{app}” wants to ask the desktop to add launchers for apps."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Trash",
        summary: N_("The app can move files that it has open into the trash."),
        wish: N_("“{app}” wants to move files that it has open into the trash."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.NetworkMonitor",
        summary: N_(
            "The app can learn whether this computer is online, and which hosts it reaches.",
        ),
        wish: N_(
            "“{app}” wants to learn whether this computer is online, and which hosts it reaches.",
        ),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.ProxyResolver",
        summary: N_("The app can look up how hosts are reached, also when it is offline itself."),
        wish: N_("“{app}” wants to look up how hosts are reached, also when it is offline itself."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Secret",
        summary: N_("The app can get a key of its own to keep its secrets with."),
        wish: N_("“{app}” wants to get a key of its own to keep its secrets with."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Usb",
        summary: N_("The app can ask the desktop for USB devices."),
        wish: N_("“{app}” wants to ask the desktop for USB devices."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.FileChooser",
        summary: N_(
            "The app can show the desktop's file dialog, and opens or saves the files that you choose there.",
        ),
        wish: N_(
            "“{app}” wants to show the desktop's file dialog, and to open or save the files that you choose there.",
        ),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.OpenURI",
        summary: N_("The app can have other apps open links and files."),
        wish: N_("“{app}” wants to have other apps open links and files."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Print",
        summary: N_("The app can show the desktop's print dialog, and prints when you say so."),
        wish: N_("“{app}” wants to show the desktop's print dialog, and to print when you say so."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Notification",
        summary: N_("The app can show notifications."),
        wish: N_("“{app}” wants to show notifications."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.portal.Desktop"],
        interface: "org.freedesktop.portal.Settings",
        summary: N_("The app can read the colours, fonts and theme of your desktop."),
        wish: N_("“{app}” wants to read the colours, fonts and theme of your desktop."),
        risk: Risk::Partial,
    },
];
