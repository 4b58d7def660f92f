# shellcheck shell=bash
# build.sh - what ./run and ./check share: the Debian packages that thox needs, and a quiet build.
# Sourced, from the root of the source tree.

# One list for everything: programs, tests, lint.
packages=(
    build-essential
    libconfig-dev
    libcriterion-dev
    libedit-dev
    libevent-dev
    libjansson-dev
    liblmdb-dev
    liblua5.4-dev
    libmd-dev
    libncurses-dev
    libprotobuf-c-dev
    libseccomp-dev
    libsystemd-dev
    lua-check
    lua5.4
    mandoc
    meson
    ninja-build
    pkg-config
    protobuf-c-compiler
    python3
    shellcheck
)

say() {
    echo "$*" >&2
}

# Prints those of `packages` that are not installed.
missing_packages() {
    local package
    for package in "${packages[@]}"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            echo "$package"
    done
}

# Runs its arguments with output in a file, which is shown when they fail.
quietly() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null && return
    say "failed: $*"
    cat "$log" >&2
    return 1
}

install_packages() {
    local missing as_root=()
    if ! command -v dpkg-query >/dev/null; then
        say "This is no Debian system: the packages that thox needs are not looked for."
        return
    fi
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} > 0)) || return 0

    if ((EUID != 0)); then
        # Without a terminal sudo cannot ask for a password.
        if command -v sudo >/dev/null && { [[ -t 0 && -t 2 ]] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            say "thox needs packages that are not installed. As root, run:"
            say "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
            exit 1
        fi
    fi
    say "installing ${missing[*]} ..."
    mkdir -p build
    quietly build/packages.log "${as_root[@]}" apt-get update -qq || exit 1
    quietly build/packages.log "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" || exit 1
}

# build_in DIR [MESON OPTIONS]: configures once, compiles what changed.
build_in() {
    local dir=$1
    shift
    mkdir -p "$dir"
    if [[ ! -e $dir/build.ninja ]]; then
        say "configuring $dir ..."
        quietly "$dir/configure.log" meson setup "$dir" "$@" || exit 1
    fi
    if ! ninja -C "$dir" -n 2>/dev/null | grep -q 'no work to do'; then
        say "building in $dir ..."
    fi
    quietly "$dir/compile.log" ninja -C "$dir" || exit 1
}
