# Putting what was built where it has to be to be tried: sourced by ./dev.
#
# pkexec and polkit look at fixed places only, so the helper and the policy go where a package puts
# them. The rest goes where the test user can read it, which a checkout in somebody's home is not.
# shellcheck shell=bash

HELPER_PATH=/usr/libexec/arkose-helper
POLICY_PATH=/usr/share/polkit-1/actions/io.github.arkose.policy
STAGE=/var/lib/arkose-test

# Copies FILE to DESTINATION as root with MODE, unless it is there already.
place() {
    if [ "$(stat -c %a "$2" 2>/dev/null)" != "$3" ] || ! cmp --silent "$1" "$2"; then
        as_root install -D -m "$3" "$1" "$2"
    fi
}

# A copy of Arkose that a package brought is the administrator's, and stays.
refuse_over_package() {
    ! have dpkg-query || ! dpkg-query --search "$HELPER_PATH" >/dev/null 2>&1 ||
        die "$HELPER_PATH belongs to a package: remove the package to try this tree"
}

# The same as meson makes of it.
make_policy() {
    local draft=target/dev/io.github.arkose.policy.in
    mkdir -p target/dev
    sed "s|@helper@|$HELPER_PATH|" data/io.github.arkose.policy.in >"$draft"
    msgfmt --xml --template="$draft" -d po -o target/dev/io.github.arkose.policy
}

# What pkexec needs, from the binaries in directory $1.
place_helper() {
    refuse_over_package
    make_policy
    place "$1/arkose-helper" "$HELPER_PATH" 755
    # Suites mount what an administrator could write there.
    as_root install -d -m 755 /etc/arkose
    place target/dev/io.github.arkose.policy "$POLICY_PATH" 644
    if polkit_answers >/dev/null 2>&1; then
        await 10 pkaction --action-id io.github.arkose.launch ||
            die "polkitd does not see $POLICY_PATH"
    fi
}

place_translations() {
    local language
    while read -r language; do
        msgfmt "po/$language.po" -o "target/dev/$language.mo"
        place "target/dev/$language.mo" "$STAGE/share/locale/$language/LC_MESSAGES/arkose.mo" 644
    done <po/LINGUAS
}

# What the test user needs: the programs in $1, the profiles, and the scripts that drive the window.
place_stage() {
    local file
    for file in arkose arkose-gtk arkose-probe arkose-dbus-proxy arkose-network arkose-request arkose-bus arkose-load; do
        place "$1/$file" "$STAGE/bin/$file" 755
    done
    for file in tests/window/*.py tests/bench/*.py tests/env/display.sh; do
        place "$file" "$STAGE/${file#tests/}" 755
    done
    for file in scalable/apps/io.github.arkose.Arkose symbolic/apps/io.github.arkose.Arkose-symbolic; do
        place "data/icons/${file##*/}.svg" "$STAGE/share/icons/hicolor/$file.svg" 644
    done
    for file in "$STAGE"/profiles/*.toml; do
        [ -e "profiles/${file##*/}" ] || as_root rm -f "$file"
    done
    for file in profiles/*.toml; do
        place "$file" "$STAGE/$file" 644
    done
}
