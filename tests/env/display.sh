#!/usr/bin/env bash
# Runs a command on a display of its own: a virtual X server with a cookie, a session bus with the
# accessibility bus on it, and a small window manager. All of it ends with the command.
#
#     display.sh [--size WxH] [--no-wm] COMMAND [ARGUMENT…]
set -euo pipefail

size=1280x800
manager=openbox
while [ $# -gt 0 ]; do
    case $1 in
    --size) size=$2 && shift 2 ;;
    --no-wm) manager='' && shift ;;
    *) break ;;
    esac
done

scratch=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT

# The server takes every cookie of its file, whatever display it stands for.
cookie=$(mcookie)
touch "$scratch/server" "$scratch/client"
xauth -q -f "$scratch/server" add :0 . "$cookie"
mkfifo "$scratch/number"
exec 8<>"$scratch/number"
Xvfb -displayfd 8 -screen 0 "${size}x24" -nolisten tcp -noreset -auth "$scratch/server" \
    >"$scratch/log" 2>&1 &
server=$!
if ! read -r -t 20 -u 8 number; then
    cat "$scratch/log" >&2
    echo "display.sh: Xvfb did not start" >&2
    exit 1
fi
exec 8>&-
xauth -q -f "$scratch/client" add ":$number" . "$cookie"

export DISPLAY=":$number" XAUTHORITY="$scratch/client"
# A software renderer draws the same everywhere, and needs no graphics card.
export GDK_BACKEND=x11 GSK_RENDERER=cairo GTK_A11Y=atspi NO_AT_BRIDGE=0
unset WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
# The variables are for the inner shell.
# shellcheck disable=SC2016
dbus-run-session -- bash -c '
    manager=$1 && shift
    [ -z "$manager" ] || "$manager" >/dev/null 2>&1 &
    exec "$@"' display "$manager" "$@"
