# What Debian has to provide, and installing it: sourced by ./dev.
# shellcheck shell=bash disable=SC2034

# To build it.
PACKAGES_BUILD=(build-essential pkg-config libgtk-4-dev libadwaita-1-dev gettext)
# To use it, and to see xeyes in it.
PACKAGES_USE=(dbus polkitd pkexec xauth xserver-xephyr passt x11-apps adwaita-icon-theme
    librsvg2-common fonts-dejavu-core fonts-cantarell)
# To drive the window where there is no display.
PACKAGES_WINDOW=(xvfb openbox python3 python3-gi gir1.2-atspi-2.0 at-spi2-core x11-utils xdotool
    imagemagick libglib2.0-bin dbus-daemon procps locales)
# To check what is not Rust.
PACKAGES_CHECK=(shellcheck desktop-file-utils appstream meson)
# What the suites probe with, from inside and outside.
PACKAGES_SUITES=(iproute2 nftables xinput x11-xserver-utils python3-gi-cairo util-linux coreutils bash hostname python3 pulseaudio
    pulseaudio-utils bubblewrap xdg-dbus-proxy systemd python3-dbus python3-dbus-next libnotify-bin dunst gnome-keyring
    libsecret-tools gir1.2-gtk-4.0 bind9-dnsutils)
# What bench compares with.
PACKAGES_BENCH=(bubblewrap firejail firejail-profiles xdg-dbus-proxy iperf3 iptables)

# Names those of the packages given that are not installed.
missing_packages() {
    comm -23 <(printf '%s\n' "$@" | sort -u) \
        <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
            sed -n 's/ installed$//p' | sort -u)
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --no-install-recommends "$@" </dev/null
}

# Installs what is missing of the packages given. The lists are fetched only when they are of no use.
need() {
    local missing
    if ! have dpkg-query; then
        say "no dpkg here: this needs what Debian calls $*"
        return
    fi
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    apt_install "${missing[@]}" >&2 && return
    as_root apt-get update --quiet </dev/null >&2
    apt_install "${missing[@]}" >&2 || die "apt could not install ${missing[*]}"
}
