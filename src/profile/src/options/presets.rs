//! What apps commonly need of the buses, by a name: each the least that real apps were seen to need.
//!
//! A service is mostly one process with several names and many objects, and whoever may talk to one
//! name reaches all of it. So the rules here name single interfaces and objects wherever there is
//! more behind a name; `docs/dbus.md` says of each rule why it is there.

use super::{BusPreset, Risk};
use crate::bus::Access::{Ask, Broadcast, Call, Deny, Own};
use crate::i18n::N_;

const NOTHING: BusPreset = BusPreset {
    name: "",
    title: "",
    summary: "",
    risk: Risk::Partial,
    session: &[],
    system: &[],
    accessibility: &[],
    portals: false,
};

/// Every preset.
pub static DBUS_PRESETS: &[BusPreset] = &[
    BusPreset {
        name: "notifications",
        title: N_("Notifications"),
        summary: N_("The app can show notifications, and learns which of its own you click."),
        session: &[
            (
                Call,
                "org.freedesktop.Notifications=org.freedesktop.Notifications.*@/org/freedesktop/Notifications",
            ),
            (
                Call,
                "org.freedesktop.Notifications=org.freedesktop.DBus.Introspectable.Introspect@/org/freedesktop/Notifications",
            ),
            (
                Broadcast,
                "org.freedesktop.Notifications=org.freedesktop.Notifications.*@/org/freedesktop/Notifications",
            ),
        ],
        ..NOTHING
    },
    BusPreset {
        name: "tray",
        title: N_("Tray icon"),
        summary: N_("The app can put an icon with a menu into the tray."),
        session: &[
            (Own, "org.kde.StatusNotifierItem-*"),
            (
                Call,
                "org.kde.StatusNotifierWatcher=org.kde.StatusNotifierWatcher.RegisterStatusNotifierItem@/StatusNotifierWatcher",
            ),
            (
                Call,
                "org.kde.StatusNotifierWatcher=org.freedesktop.DBus.Properties.Get@/StatusNotifierWatcher",
            ),
            (
                Call,
                "org.kde.StatusNotifierWatcher=org.freedesktop.DBus.Properties.GetAll@/StatusNotifierWatcher",
            ),
            (
                Call,
                "org.kde.StatusNotifierWatcher=org.freedesktop.DBus.Introspectable.Introspect@/StatusNotifierWatcher",
            ),
            (
                Broadcast,
                "org.kde.StatusNotifierWatcher=org.kde.StatusNotifierWatcher.*@/StatusNotifierWatcher",
            ),
        ],
        ..NOTHING
    },
    BusPreset {
        name: "global-menu",
        title: N_("Global menu"),
        summary: N_("The app can show its menus in the panel of the desktop."),
        session: &[
            (
                Call,
                "com.canonical.AppMenu.Registrar=com.canonical.AppMenu.Registrar.RegisterWindow@/com/canonical/AppMenu/Registrar",
            ),
            (
                Call,
                "com.canonical.AppMenu.Registrar=com.canonical.AppMenu.Registrar.UnregisterWindow@/com/canonical/AppMenu/Registrar",
            ),
            (
                Call,
                "com.canonical.AppMenu.Registrar=org.freedesktop.DBus.Introspectable.Introspect@/com/canonical/AppMenu/Registrar",
            ),
        ],
        ..NOTHING
    },
    BusPreset {
        name: "media-player",
        title: N_("Media player"),
        summary: N_(
            "The app can be controlled by media keys and the panel, which see what it plays.",
        ),
        session: &[
            (Own, "org.mpris.MediaPlayer2.*"),
            // Owning a name allows talking to it, and other players own theirs.
            (Deny, "org.mpris.MediaPlayer2.*=*@/*"),
        ],
        ..NOTHING
    },
    BusPreset {
        name: "secrets",
        title: N_("Passwords"),
        summary: N_(
            "The app can ask for passwords and keys of your keyring, and you are asked each time.",
        ),
        session: &[
            (Ask, "org.freedesktop.secrets"),
            (
                Call,
                "org.freedesktop.secrets=org.freedesktop.Secret.Service.OpenSession@/org/freedesktop/secrets",
            ),
            (
                Call,
                "org.freedesktop.secrets=org.freedesktop.Secret.Service.ReadAlias@/org/freedesktop/secrets",
            ),
            // Which keyrings there are, and nothing that is in them.
            (
                Call,
                "org.freedesktop.secrets=org.freedesktop.DBus.Properties.GetAll@/org/freedesktop/secrets arg0=org.freedesktop.Secret.Service",
            ),
            (
                Call,
                "org.freedesktop.secrets=org.freedesktop.Secret.Session.*@/org/freedesktop/secrets/session/*",
            ),
            (
                Call,
                "org.freedesktop.secrets=org.freedesktop.Secret.Prompt.*@/org/freedesktop/secrets/prompt/*",
            ),
            (
                Broadcast,
                "org.freedesktop.secrets=org.freedesktop.Secret.Prompt.Completed@/org/freedesktop/secrets/prompt/*",
            ),
            (Ask, "org.kde.kwalletd5"),
            (Ask, "org.kde.kwalletd6"),
        ],
        ..NOTHING
    },
    BusPreset {
        name: "contacts",
        title: N_("Contacts"),
        summary: N_("The app can ask for your address books, and you are asked each time."),
        session: CONTACTS,
        ..NOTHING
    },
    BusPreset {
        name: "portals",
        title: N_("Portals"),
        summary: N_(
            "The app can open files, links, printers and notifications through dialogs of the desktop, which tell it only what you choose there.",
        ),
        session: PORTALS,
        portals: true,
        ..NOTHING
    },
    BusPreset {
        name: "input-method",
        title: N_("Input methods"),
        summary: N_("The app can be typed into with IBus and Fcitx."),
        session: &[
            (
                Call,
                "org.freedesktop.portal.IBus=org.freedesktop.IBus.Portal.CreateInputContext@/org/freedesktop/IBus",
            ),
            // Its library asks with this whether there is one, and goes without it if that is refused.
            (
                Call,
                "org.freedesktop.portal.IBus=org.freedesktop.DBus.Peer.Ping@/org/freedesktop/IBus",
            ),
            (
                Call,
                "org.freedesktop.portal.IBus=org.freedesktop.IBus.InputContext.*@/org/freedesktop/IBus/*",
            ),
            (
                Call,
                "org.freedesktop.portal.IBus=org.freedesktop.IBus.Service.Destroy@/org/freedesktop/IBus/*",
            ),
            (
                Call,
                "org.freedesktop.portal.IBus=org.freedesktop.DBus.Properties.*@/org/freedesktop/IBus/*",
            ),
            (Broadcast, "org.freedesktop.portal.IBus=*@/org/freedesktop/IBus/*"),
            (
                Call,
                "org.freedesktop.portal.Fcitx=org.fcitx.Fcitx.InputMethod1.*@/org/freedesktop/portal/inputmethod",
            ),
            (
                Call,
                "org.freedesktop.portal.Fcitx=org.fcitx.Fcitx.InputContext1.*@/org/freedesktop/portal/inputcontext/*",
            ),
            (
                Broadcast,
                "org.freedesktop.portal.Fcitx=org.fcitx.Fcitx.InputContext1.*@/org/freedesktop/portal/inputcontext/*",
            ),
        ],
        ..NOTHING
    },
    BusPreset {
        name: "accessibility",
        title: N_("Accessibility"),
        summary: N_("Screen readers can read the app and operate it; it cannot read other apps."),
        session: &[
            (Call, "org.a11y.Bus=org.freedesktop.DBus.Properties.Get@/org/a11y/bus"),
            (Call, "org.a11y.Bus=org.freedesktop.DBus.Properties.GetAll@/org/a11y/bus"),
            (
                Broadcast,
                "org.a11y.Bus=org.freedesktop.DBus.Properties.PropertiesChanged@/org/a11y/bus",
            ),
        ],
        accessibility: ACCESSIBILITY,
        ..NOTHING
    },
    BusPreset {
        name: "settings",
        title: N_("Appearance"),
        summary: N_(
            "The app can follow the colours, fonts and theme of your desktop, and can change no setting.",
        ),
        session: &[
            (
                Call,
                "org.freedesktop.portal.Desktop=org.freedesktop.portal.Settings.*@/org/freedesktop/portal/desktop",
            ),
            (
                Broadcast,
                "org.freedesktop.portal.Desktop=org.freedesktop.portal.Settings.*@/org/freedesktop/portal/desktop",
            ),
            (Broadcast, "ca.desrt.dconf=ca.desrt.dconf.Writer.Notify@/ca/desrt/dconf/Writer/*"),
        ],
        ..NOTHING
    },
];

/// An address book is asked about when it is named and when it is read; that it is opened and closed in
/// between, and what it says of itself, is not. Its views tell everyone on the bus what they show, and
/// so are not heard.
const CONTACTS: &[(crate::bus::Access, &str)] = &[
    (Ask, "org.gnome.evolution.dataserver.Sources5"),
    (
        Call,
        "org.gnome.evolution.dataserver.Sources5=org.freedesktop.DBus.Properties.GetAll@/org/gnome/evolution/dataserver/SourceManager",
    ),
    (Ask, "org.gnome.evolution.dataserver.AddressBook9"),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook9=org.freedesktop.DBus.Properties.GetAll@/org/gnome/evolution/dataserver/AddressBookFactory",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook9=org.gnome.evolution.dataserver.AddressBook.Open@/org/gnome/evolution/dataserver/Subprocess/*",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook9=org.gnome.evolution.dataserver.AddressBook.Close@/org/gnome/evolution/dataserver/Subprocess/*",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook9=org.gnome.evolution.dataserver.AddressBook.RetrieveProperties@/org/gnome/evolution/dataserver/Subprocess/*",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook9=org.freedesktop.DBus.Properties.GetAll@/org/gnome/evolution/dataserver/Subprocess/* arg0=org.gnome.evolution.dataserver.AddressBook",
    ),
    (Ask, "org.gnome.evolution.dataserver.AddressBook10"),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook10=org.freedesktop.DBus.Properties.GetAll@/org/gnome/evolution/dataserver/AddressBookFactory",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook10=org.gnome.evolution.dataserver.AddressBook.Open@/org/gnome/evolution/dataserver/Subprocess/*",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook10=org.gnome.evolution.dataserver.AddressBook.Close@/org/gnome/evolution/dataserver/Subprocess/*",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook10=org.gnome.evolution.dataserver.AddressBook.RetrieveProperties@/org/gnome/evolution/dataserver/Subprocess/*",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.AddressBook10=org.freedesktop.DBus.Properties.GetAll@/org/gnome/evolution/dataserver/Subprocess/* arg0=org.gnome.evolution.dataserver.AddressBook",
    ),
    (
        Ask,
        "org.gnome.evolution.dataserver.Subprocess.Backend.*=org.gnome.evolution.dataserver.AddressBook.*",
    ),
    (
        Ask,
        "org.gnome.evolution.dataserver.Subprocess.Backend.*=org.gnome.evolution.dataserver.AddressBookView.*",
    ),
    (
        Ask,
        "org.gnome.evolution.dataserver.Subprocess.Backend.*=org.gnome.evolution.dataserver.AddressBookCursor.*",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.Subprocess.Backend.*=org.gnome.evolution.dataserver.AddressBook.Open",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.Subprocess.Backend.*=org.gnome.evolution.dataserver.AddressBook.Close",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.Subprocess.Backend.*=org.gnome.evolution.dataserver.AddressBook.RetrieveProperties",
    ),
    (
        Call,
        "org.gnome.evolution.dataserver.Subprocess.Backend.*=org.freedesktop.DBus.Properties.GetAll arg0=org.gnome.evolution.dataserver.AddressBook",
    ),
];

/// What shows a dialog of its own before it gives anything, or gives nothing away, is allowed; what
/// else the portals offer, now or one day, is asked about.
const PORTALS: &[(crate::bus::Access, &str)] = &[
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.FileChooser.*@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.OpenURI.*@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.Print.*@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.Email.*@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.Account.*@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.Notification.*@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.Inhibit.*@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.Settings.*@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.Request.*@/org/freedesktop/portal/desktop/request/*",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.portal.Session.*@/org/freedesktop/portal/desktop/session/*",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.DBus.Properties.Get@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.DBus.Properties.GetAll@/org/freedesktop/portal/desktop",
    ),
    (
        Call,
        "org.freedesktop.portal.Desktop=org.freedesktop.DBus.Introspectable.Introspect@/org/freedesktop/portal/desktop",
    ),
    (Ask, "org.freedesktop.portal.Desktop"),
    (Broadcast, "org.freedesktop.portal.Desktop=*@/org/freedesktop/portal/desktop/*"),
    (
        Call,
        "org.freedesktop.portal.Documents=org.freedesktop.portal.Documents.GetMountPoint@/org/freedesktop/portal/documents",
    ),
    (
        Call,
        "org.freedesktop.portal.Documents=org.freedesktop.portal.FileTransfer.*@/org/freedesktop/portal/documents",
    ),
    (
        Call,
        "org.freedesktop.portal.Documents=org.freedesktop.DBus.Properties.Get@/org/freedesktop/portal/documents",
    ),
    (
        Call,
        "org.freedesktop.portal.Documents=org.freedesktop.DBus.Properties.GetAll@/org/freedesktop/portal/documents",
    ),
    (
        Broadcast,
        "org.freedesktop.portal.Documents=org.freedesktop.portal.FileTransfer.*@/org/freedesktop/portal/documents",
    ),
];

/// On the accessibility bus: to be found there, and to learn which events are listened to.
const ACCESSIBILITY: &[(crate::bus::Access, &str)] = &[
    (Call, "org.a11y.atspi.Registry=org.a11y.atspi.Socket.Embed@/org/a11y/atspi/accessible/root"),
    (Call, "org.a11y.atspi.Registry=org.a11y.atspi.Socket.Unembed@/org/a11y/atspi/accessible/root"),
    (
        Call,
        "org.a11y.atspi.Registry=org.a11y.atspi.Registry.GetRegisteredEvents@/org/a11y/atspi/registry",
    ),
    (
        Call,
        "org.a11y.atspi.Registry=org.a11y.atspi.DeviceEventController.GetKeystrokeListeners@/org/a11y/atspi/registry/deviceeventcontroller",
    ),
    (
        Call,
        "org.a11y.atspi.Registry=org.a11y.atspi.DeviceEventController.GetDeviceEventListeners@/org/a11y/atspi/registry/deviceeventcontroller",
    ),
    (
        Call,
        "org.a11y.atspi.Registry=org.a11y.atspi.DeviceEventController.NotifyListenersSync@/org/a11y/atspi/registry/deviceeventcontroller",
    ),
    (
        Call,
        "org.a11y.atspi.Registry=org.a11y.atspi.DeviceEventController.NotifyListenersAsync@/org/a11y/atspi/registry/deviceeventcontroller",
    ),
    (Broadcast, "org.a11y.atspi.Registry=org.a11y.atspi.Registry.*@/org/a11y/atspi/registry"),
];
