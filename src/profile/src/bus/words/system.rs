//! Services of the computer.

use super::Known;
use crate::i18n::N_;
use crate::options::Risk;

pub(super) static SYSTEM: &[Known] = &[
    Known {
        names: &["org.freedesktop.login1", "org.freedesktop.ConsoleKit"],
        interface: "",
        summary: N_(
            "The app can end sessions, and suspend, restart or shut down the computer where you may.",
        ),
        wish: N_(
            "“{app}” wants to end sessions, and suspend, restart or shut down the computer where you may.",
        ),
        risk: Risk::Open,
    },
    Known {
        names: &["org.freedesktop.PolicyKit1"],
        interface: "",
        summary: N_("The app can ask for an administrator's rights in your name."),
        wish: N_("“{app}” wants to ask for an administrator's rights in your name."),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.freedesktop.PackageKit",
            "org.debian.apt",
            "io.snapcraft.*",
            "org.projectatomic.rpmostree1",
            "org.rpm.dnf.*",
            "org.freedesktop.fwupd",
        ],
        interface: "",
        summary: N_("The app can install, update and remove software where you may."),
        wish: N_("“{app}” wants to install, update and remove software where you may."),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.freedesktop.NetworkManager",
            "org.freedesktop.NetworkManager.*",
            "org.freedesktop.ModemManager1",
            "org.freedesktop.network1",
            "fi.w1.wpa_supplicant1",
            "net.connman",
            "net.connman.iwd",
        ],
        interface: "",
        summary: N_(
            "The app can see and change the network connections of this computer, and their passwords.",
        ),
        wish: N_(
            "“{app}” wants to see and change the network connections of this computer, and their passwords.",
        ),
        risk: Risk::Open,
    },
    Known {
        names: &["org.freedesktop.resolve1", "org.freedesktop.Avahi"],
        interface: "",
        summary: N_("The app can look up names in the network, also when it is offline itself."),
        wish: N_("“{app}” wants to look up names in the network, also when it is offline itself."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.bluez", "org.bluez.*"],
        interface: "",
        summary: N_(
            "The app can find Bluetooth devices, connect to them and exchange files with them.",
        ),
        wish: N_(
            "“{app}” wants to find Bluetooth devices, connect to them and exchange files with them.",
        ),
        risk: Risk::Open,
    },
    Known {
        names: &["org.freedesktop.UDisks2"],
        interface: "",
        summary: N_("The app can see disks, and mount, change and erase them where you may."),
        wish: N_("“{app}” wants to see disks, and mount, change and erase them where you may."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.freedesktop.Accounts", "org.freedesktop.home1"],
        interface: "",
        summary: N_(
            "The app can see the people of this computer, and change their accounts where you may.",
        ),
        wish: N_(
            "“{app}” wants to see the people of this computer, and change their accounts where you may.",
        ),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.freedesktop.machine1",
            "org.freedesktop.import1",
            "org.freedesktop.portable1",
            "org.libvirt",
        ],
        interface: "",
        summary: N_("The app can start machines and containers, and run programs in them."),
        wish: N_("“{app}” wants to start machines and containers, and run programs in them."),
        risk: Risk::Open,
    },
    Known {
        names: &["org.fedoraproject.FirewallD1"],
        interface: "",
        summary: N_("The app can change the firewall where you may."),
        wish: N_("“{app}” wants to change the firewall where you may."),
        risk: Risk::Open,
    },
    Known {
        names: &[
            "org.freedesktop.hostname1",
            "org.freedesktop.timedate1",
            "org.freedesktop.timesync1",
            "org.freedesktop.locale1",
        ],
        interface: "",
        summary: N_(
            "The app can see the name, clock and language of this computer, and change them where you may.",
        ),
        wish: N_(
            "“{app}” wants to see the name, clock and language of this computer, and change them where you may.",
        ),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.UPower", "org.freedesktop.UPower.*", "net.hadess.PowerProfiles"],
        interface: "",
        summary: N_("The app can see the batteries, and choose how power is used."),
        wish: N_("“{app}” wants to see the batteries, and choose how power is used."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.cups.cupsd.*", "org.opensuse.CupsPkHelper.Mechanism"],
        interface: "",
        summary: N_("The app can see printers, and set them up where you may."),
        wish: N_("“{app}” wants to see printers, and set them up where you may."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.GeoClue2"],
        interface: "",
        summary: N_("The app can ask where you are."),
        wish: N_("“{app}” wants to ask where you are."),
        risk: Risk::Partial,
    },
    Known {
        names: &["org.freedesktop.RealtimeKit1"],
        interface: "",
        summary: N_("The app can be given precedence over other programs."),
        wish: N_("“{app}” wants to be given precedence over other programs."),
        risk: Risk::Partial,
    },
];
