//! What is yours, and what acts for you: secrets, contacts, the screen, the desktop itself, files.

use super::Known;
use crate::i18n::N_;
use crate::options::Risk;

pub(super) static PERSON: &[Known] = &[
    Known {
        names: &[
            "org.freedesktop.secrets",
            "org.gnome.keyring",
            "org.kde.kwalletd",
            "org.kde.kwalletd5",
            "org.kde.kwalletd6",
        ],
        interface: "",
        summary: N_("The app can read, change and remove your passwords and other secrets."),
        wish: N_("“{app}” wants to read, change and remove your passwords and other secrets."),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.gnome.evolution.dataserver.AddressBook9",
            "org.gnome.evolution.dataserver.AddressBook10",
            "org.gnome.Contacts",
        ],
        interface: "",
        summary: N_("The app can read and change your contacts."),
        wish: N_("“{app}” wants to read and change your contacts."),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.gnome.evolution.dataserver.Calendar7",
            "org.gnome.evolution.dataserver.Calendar8",
        ],
        interface: "",
        summary: N_("The app can read and change your calendars and tasks."),
        wish: N_("“{app}” wants to read and change your calendars and tasks."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.gnome.evolution.dataserver.*"],
        interface: "",
        summary: N_(
            "The app can read and change your contacts, calendars and tasks, and see your accounts for them.",
        ),
        wish: N_(
            "“{app}” wants to read and change your contacts, calendars and tasks, and see your accounts for them.",
        ),
        risk: Risk::Open,
    },
    Known {
        names: &["org.gnome.OnlineAccounts"],
        interface: "",
        summary: N_("The app can see your online accounts, and use them."),
        wish: N_("“{app}” wants to see your online accounts, and use them."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.gnome.Shell.Screenshot", "org.gnome.Screenshot", "org.kde.KWin.ScreenShot2"],
        interface: "",
        summary: N_("The app can take pictures of your screen."),
        wish: N_("“{app}” wants to take pictures of your screen."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.gnome.Mutter.*", "org.gnome.Shell.Screencast"],
        interface: "",
        summary: N_("The app can record your screen, and type and click for you."),
        wish: N_("“{app}” wants to record your screen, and type and click for you."),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.gnome.Shell",
            "org.gnome.Shell.*",
            "org.kde.KWin",
            "org.kde.plasmashell",
            "org.kde.kglobalaccel",
            "org.Cinnamon",
        ],
        interface: "",
        summary: N_(
            "The app can control the desktop itself, see its windows and run programs in it.",
        ),
        wish: N_(
            "“{app}” wants to control the desktop itself, see its windows and run programs in it.",
        ),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.gnome.SessionManager",
            "org.kde.ksmserver",
            "org.kde.Shutdown",
            "org.xfce.SessionManager",
            "org.mate.SessionManager",
        ],
        interface: "",
        summary: N_("The app can end your session, and have programs started with it."),
        wish: N_("“{app}” wants to end your session, and have programs started with it."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.freedesktop.systemd1"],
        interface: "",
        summary: N_(
            "The app can start and stop services, and through them run any program outside of its sandbox.",
        ),
        wish: N_(
            "“{app}” wants to start and stop services, and through them run any program outside of its sandbox.",
        ),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.freedesktop.Flatpak",
            "org.freedesktop.Flatpak.*",
            "org.freedesktop.portal.Flatpak",
            "org.gnome.Terminal",
            "org.kde.klauncher",
            "org.kde.klauncher5",
            "org.kde.konsole",
        ],
        interface: "",
        summary: N_("The app can run programs outside of its sandbox."),
        wish: N_("“{app}” wants to run programs outside of its sandbox."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.freedesktop.impl.portal.*"],
        interface: "",
        summary: N_("The app can give itself what the portals ask you about."),
        wish: N_("“{app}” wants to give itself what the portals ask you about."),
        risk: Risk::Open,
    },
    Known {
        names: &["ca.desrt.dconf", "org.gnome.SettingsDaemon.*", "org.xfce.Xfconf"],
        interface: "",
        summary: N_("The app can change the settings of your desktop and of other apps."),
        wish: N_("“{app}” wants to change the settings of your desktop and of other apps."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.gtk.vfs.*"],
        interface: "",
        summary: N_("The app can reach files of yours, also on servers and devices."),
        wish: N_("“{app}” wants to reach files of yours, also on servers and devices."),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.freedesktop.Tracker1.*",
            "org.freedesktop.Tracker3.*",
            "org.freedesktop.LocalSearch3",
            "org.kde.baloo",
        ],
        interface: "",
        summary: N_("The app can search in all your files."),
        wish: N_("“{app}” wants to search in all your files."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.freedesktop.IBus", "org.fcitx.Fcitx", "org.fcitx.Fcitx5"],
        interface: "",
        summary: N_("The app can read what you type with an input method."),
        wish: N_("“{app}” wants to read what you type with an input method."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.freedesktop.FileManager1"],
        interface: "",
        summary: N_("The app can have your file manager show files and their places."),
        wish: N_("“{app}” wants to have your file manager show files and their places."),
        risk: Risk::Partial,
    },
];
