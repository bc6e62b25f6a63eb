# What a desktop has and a bare machine has not: an ordinary user, a system bus, polkitd.
# Sourced by ./dev. It adds what is missing, and stops or changes nothing that is there:
#
#   the user arkose-test, with a group of its own and the group video
#   its runtime directory                                 where nothing made it
#   a system bus, and polkitd on it                       where none runs and systemd is not there
#   /etc/polkit-1/rules.d/49-arkose-tests-only.rules      where systemd is not there
#   /tmp/.X11-unix; /dev/net/tun and /dev/fuse for all    where systemd is not there
# shellcheck shell=bash

TEST_USER=arkose-test
TEST_RULES=/etc/polkit-1/rules.d/49-arkose-tests-only.rules
POLKITD=/usr/lib/polkit-1/polkitd

has_systemd() { [ -d /run/systemd/system ]; }

ensure_user() {
    if ! getent passwd "$TEST_USER" >/dev/null; then
        say "adding the user $TEST_USER"
        as_root useradd --create-home --user-group --groups video --shell /bin/bash "$TEST_USER"
    fi
    TEST_UID=$(id -u "$TEST_USER")
    TEST_HOME=$(getent passwd "$TEST_USER" | cut -d: -f6)
    TEST_RUNTIME=/run/user/$TEST_UID
    [ -d "$TEST_RUNTIME" ] ||
        as_root install -d -m 0700 -o "$TEST_USER" -g "$TEST_USER" "$TEST_RUNTIME"
}

bus_answers() {
    dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId
}

ensure_bus() {
    bus_answers >/dev/null 2>&1 && return
    ! has_systemd || die "the system bus does not answer: systemctl start dbus"
    say "starting a system bus"
    as_root install -d /run/dbus
    as_root dbus-uuidgen --ensure
    as_root dbus-daemon --system --fork --nopidfile </dev/null >/dev/null 2>&1
    await 10 bus_answers || die "the system bus did not start: try dbus-daemon --system --nofork"
}

polkit_answers() {
    dbus-send --system --print-reply --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.GetNameOwner string:org.freedesktop.PolicyKit1
}

ensure_polkitd() {
    polkit_answers >/dev/null 2>&1 && return
    # Where systemd is, the bus starts polkitd at its first call.
    ! has_systemd || return 0
    say "starting polkitd"
    as_root setsid --fork "$POLKITD" --no-debug </dev/null >/dev/null 2>&1
    await 10 polkit_answers || die "polkitd did not start: try $POLKITD"
}

print_rules() {
    cat <<EOF
// Written by ./dev of Arkose for its tests, on a machine without systemd. Nobody is at the
// screen here and nobody can answer a prompt, so the test user is not asked. Delete at will.
polkit.addRule(function (action, subject) {
    if (subject.user == "$TEST_USER" &&
        (action.id == "io.github.arkose.launch" || action.id == "io.github.arkose.admin")) {
        return polkit.Result.YES;
    }
});
EOF
}

test_user_may_launch() {
    as_test_user sh -c "pkcheck --action-id io.github.arkose.launch --process \$\$"
}

# Prints why no sandbox can be had here, as in most containers, and nothing where one can.
why_no_sandbox() {
    local namespaces=(--mount --net --pid --fork --mount-proc true)
    as_root unshare "${namespaces[@]}" 2>/dev/null && return
    as_test_user unshare --user --map-root-user "${namespaces[@]}" 2>&1 && return
    echo "it refuses new namespaces"
}

# Where systemd runs, a real session and a real agent decide, and the suites skip what neither allows.
ensure_rules() {
    ! has_systemd || return 0
    print_rules | as_root cmp --silent - "$TEST_RULES" ||
        print_rules | as_root install -D -m 0644 /dev/stdin "$TEST_RULES"
    await 10 test_user_may_launch || say "polkit does not let $TEST_USER launch: the suites will say so"
}

# The first X server of a machine would make it, with the rights of whoever runs that.
ensure_x_sockets() {
    ! has_systemd && [ ! -d /tmp/.X11-unix ] || return 0
    as_root install -d -m 1777 /tmp/.X11-unix
}

# The two devices that udev's own rules give to everyone.
ensure_devices() {
    local device
    ! has_systemd || return 0
    for device in /dev/net/tun /dev/fuse; do
        [ -c "$device" ] || continue
        [ "$(stat -c %a "$device")" = 666 ] || as_root chmod 0666 "$device"
    done
}

# Runs a command as the test user, with nothing of our environment but what is named.
as_test_user() {
    as_root setpriv --reuid="$TEST_USER" --regid="$TEST_USER" --init-groups \
        env -i -C "$TEST_HOME" HOME="$TEST_HOME" USER="$TEST_USER" LOGNAME="$TEST_USER" \
        SHELL=/bin/bash LANG=C.UTF-8 XDG_RUNTIME_DIR="$TEST_RUNTIME" \
        PATH="$STAGE/bin:/usr/local/bin:/usr/bin:/bin:/usr/games" ARKOSE_PROFILES="$STAGE/profiles" \
        ARKOSE_LOCALEDIR="$STAGE/share/locale" XDG_DATA_DIRS="$STAGE/share:/usr/local/share:/usr/share" \
        ${TERM:+TERM="$TERM"} "$@"
}
