# Words, and rights, for the other scripts: sourced by ./dev, never run by itself.
# shellcheck shell=bash

say() { printf '\e[1m==>\e[0m %s\n' "$*" >&2; }
die() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: as it is when we are, else through sudo, which may ask only at a terminal.
as_root() {
    if [ "$EUID" -eq 0 ]; then
        "$@"
    elif ! have sudo; then
        die "this needs root, and there is no sudo: run ./dev as root, or install sudo"
    elif [ -t 0 ]; then
        sudo -- "$@"
    elif sudo -n true 2>/dev/null; then
        sudo -n -- "$@"
    else
        die "this needs root (${1##*/}): run ./dev as root, or let sudo do it without a password"
    fi
}

# Waits for a condition that nobody announces: tries COMMAND until it succeeds, at most SECONDS.
await() {
    local limit=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$limit" ] || return 1
        sleep 0.05
    done
}
