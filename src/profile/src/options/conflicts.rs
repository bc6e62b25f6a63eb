//! Settings that cannot be had together, and why.

use super::Conflict;
use crate::i18n::N_;

pub(super) const ROOT_ON_BUS: Conflict = Conflict {
    value: "root",
    other: "dbus",
    other_values: &["session", "system", "both"],
    reason: N_("an app that runs as root would speak on the host's bus with root's authority"),
};

pub(super) const ROOT_ON_DIRECT_SCREEN: Conflict = Conflict {
    value: "root",
    other: "wayland",
    other_values: &["direct"],
    reason: N_(
        "the compositor belongs to you, and an app that runs as root could not open its socket",
    ),
};

pub(super) const ROOT_WITH_NAMESPACES: Conflict = Conflict {
    value: "root",
    other: "user-namespaces",
    other_values: &["true"],
    reason: N_("an app that runs as root could mount the control groups of the machine there"),
};

/// What the light walls cannot do: Landlock knows what may be opened, and makes nothing.
pub(super) const LIGHT: &[Conflict] = &[
    light("runas", &["root"], N_("without namespaces nobody is root but the administrator")),
    light(
        "files.root",
        &["cow"],
        N_("without mounts there are no copies; “read-only” shows the same files"),
    ),
    light("files.home", &["cow"], N_("without mounts there are no copies")),
    light(
        "files.home",
        &["direct"],
        N_(
            "without mounts nothing below a shared directory can be hidden, and what your next login starts lies in your home directory",
        ),
    ),
    light("files.cow", &["*"], N_("without mounts there are no copies")),
    light(
        "limits.cow-size",
        &["*"],
        N_("without mounts there are no copies whose size could be limited"),
    ),
    light(
        "xserver",
        &["isolated", "direct"],
        N_("without mounts no single socket can be shown, and the filter refuses them all"),
    ),
    light(
        "wayland",
        &["direct"],
        N_("without mounts no single socket can be shown, and the filter refuses them all"),
    ),
    light(
        "dbus",
        &["session", "system", "both"],
        N_("without mounts no single socket can be shown, and the filter refuses them all"),
    ),
    light(
        "pulseaudio",
        &["true"],
        N_("without mounts no single socket can be shown, and the filter refuses them all"),
    ),
    light(
        "network",
        &["filtered"],
        N_("without namespaces there is no network of its own that could be filtered"),
    ),
    light(
        "user-namespaces",
        &["true"],
        N_("the kernel lets nobody mount anything whose files Landlock confines"),
    ),
];

const fn light(
    other: &'static str,
    other_values: &'static [&'static str],
    reason: &'static str,
) -> Conflict {
    Conflict { value: "light", other, other_values, reason }
}
