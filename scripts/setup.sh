#!/usr/bin/env bash
# Makes .venv hold storperf, built from this tree, and its locked dependencies.
# Usage: scripts/setup.sh run|test|all      (what it is for; each includes the one before)
#
# Says one line for each thing it had to do and nothing when all was there; details are in
# .make/*.log.  It may be interrupted at any point and started twice at once: .venv/.unfinished
# marks a venv that must be thrown away, a lock file lets one set-up run at a time.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:?usage: scripts/setup.sh run|test|all}
case $purpose in run | test | all) ;; *) echo "set-up: unknown purpose $purpose" >&2 && exit 2 ;; esac

venv=.venv
python=$venv/bin/python
mkdir -p .make
exec 9>.make/lock
flock -n 9 || { echo "set-up: waiting for another set-up of this tree" && flock 9; }

# Nothing that the caller's shell says about Python may leak into the venv.
unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
export PIP_USER=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
PATH=${PATH//"$PWD/$venv/bin:"/}
PATH=$PATH:/usr/sbin:/sbin # where debootstrap lives, which plain users do not search

die() {
    printf 'set-up: %s\n' "$@" >&2
    exit 1
}

no_network='NewConnectionError|ProxyError|ConnectTimeout|ReadTimeout|Temporary failure|Could not resolve|Network is unreachable|Could not connect'

step() { # step LOG WHAT COMMAND...
    local log=.make/$1.log what=$2 started=$SECONDS
    shift 2
    printf 'set-up: %s ... ' "$what"
    if "$@" >"$log" 2>&1 9>&-; then
        echo "done ($((SECONDS - started)) s)"
        return
    fi
    echo "failed"
    if grep -qE "$no_network" "$log"; then
        die "no network: $what needs to download, and nothing answered (see $log)." \
            "Connect this machine, or name a mirror to pip and apt, then run make again."
    fi
    tail -n 15 "$log" >&2
    die "$what failed; the whole output is in $log"
}

# --- the interpreter --------------------------------------------------------------------------

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

is_complete() { # Debian and Ubuntu keep parts of the standard library in pythonX.Y-venv
    "$1" -c 'import ctypes, ensurepip, sqlite3, ssl, venv' 2>/dev/null
}

find_python() { # sets base_python; prefers one that needs nothing installed
    local candidate candidates=(python3.13 python3.12 python3.11 python3 python3.14)
    base_python=
    [ -n "${PYTHON:-}" ] && candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        command -v "$candidate" >/dev/null && is_new_enough "$candidate" || continue
        [ -n "$base_python" ] || base_python=$candidate
        if is_complete "$candidate"; then
            base_python=$candidate
            return
        fi
    done
    [ -n "$base_python" ] || die \
        "no Python 3.11 or newer found (looked for: ${candidates[*]})." \
        "On Debian 12 and Ubuntu 24.04:  apt-get install python3 python3-venv" \
        "Elsewhere: install one and name it:  make PYTHON=/path/to/python3.12 ..."
}

# --- the system's packages ----------------------------------------------------------------------

missing_packages() {
    command -v fio >/dev/null || echo fio
    if [ -n "$base_python" ] && ! is_complete "$base_python"; then
        "$base_python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
    # graphite-web draws with it.  Who only measures can do without Graphite's pictures, and so
    # is not asked for a password.
    if [[ $(ldconfig -p) != *libcairo.so.2* ]] && { [ "$purpose" != run ] || may_install; }; then
        echo libcairo2
    fi
    [ "$purpose" = run ] || command -v sshd >/dev/null || echo openssh-server
    [ "$purpose" = all ] || return 0
    command -v debootstrap >/dev/null || echo debootstrap
    # Debian keeps the server's programs off the PATH.
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
        echo postgresql
    command -v chromium >/dev/null || echo chromium
    command -v nbdkit >/dev/null || echo nbdkit
    # For tests/tools/stepped_clock.c.
    command -v cc >/dev/null || echo gcc libc6-dev
}

may_install() { # without asking anybody
    command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null 9>&-; }
}

install_packages() { # install_packages PACKAGE...
    local as_root=()
    command -v apt-get >/dev/null || die \
        "missing: $*" "This system has no apt-get; install the like of these, then run make again."
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null && sudo -n true 2>/dev/null 9>&- || die \
            "missing: $*" \
            "Installing needs root, and sudo asks for a password here.  Please run" \
            "    sudo apt-get install $*" "and then make again."
        as_root=(sudo -n)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1)
    # A broken third-party list makes `update` fail; whether it matters is for `install` to say.
    step apt "installing $* with apt-get" bash -c '
        "$@" apt-get update || true
        "$@" apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 '"$*" \
        bash "${as_root[@]}"
}

# --- the venv ---------------------------------------------------------------------------------

# What the venv was made for: another place, interpreter or lock means a new one.
venv_key() {
    { pwd && echo "${PYTHON:-}" && cat requirements.txt requirements-test.txt; } | sha256sum
}

is_venv_good() {
    [ ! -e $venv/.unfinished ] && [ "$(cat $venv/.key 2>/dev/null)" = "$(venv_key)" ] &&
        $python -c 'import pip' 2>/dev/null
}

make_venv() {
    rm -rf $venv
    mkdir $venv
    touch $venv/.unfinished
    step venv "making $venv with $("$base_python" -c 'import sys; print("Python", sys.version.split()[0])')" \
        "$base_python" -m venv $venv
    venv_key >$venv/.key
}

download_locked() {
    # graphyte alone has no wheel; it is built by the locked setuptools, so that comes first.
    awk '/^setuptools==/ { found = 1 } found { print; if (!/\\$/) exit }' "$1" >.make/build.txt
    $python -m pip install --require-hashes --only-binary :all: --retries 2 -r .make/build.txt
    $python -m pip download --require-hashes --only-binary :all: --no-binary graphyte,multi-key-dict \
        --no-build-isolation --retries 2 -d .make/wheels -r "$1"
}

install_locked() { # install_locked LOCKFILE; downloads first, so that a lost network spoils nothing
    step download "downloading the locked packages of $1" download_locked "$1"
    touch $venv/.unfinished
    step pip "installing them" \
        $python -m pip install --require-hashes --no-index --no-build-isolation \
        --find-links .make/wheels -r "$1"
    rm -r .make/wheels
}

install_dependencies() { # requirements-test.txt holds all of requirements.txt, at the same versions
    if [ "$purpose" = run ]; then
        [ -e $venv/.has-run ] || install_locked requirements.txt
    else
        [ -e $venv/.has-test ] || install_locked requirements-test.txt
        touch $venv/.has-test
    fi
    touch $venv/.has-run
    rm -f $venv/.unfinished
}

# --- the package ------------------------------------------------------------------------------

sources=(storperf heat_templates setup.py pyproject.toml README.md LICENSE)

tree_key() {
    find "${sources[@]}" -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z |
        xargs -0 sha256sum | sha256sum
}

build_and_install() {
    # Built from a copy: setuptools would take modules deleted since out of an old build/.
    rm -rf .make/src .make/dist
    mkdir -p .make/src
    tar -c --exclude=__pycache__ "${sources[@]}" | tar -x -C .make/src
    $python -m pip wheel --no-index --no-deps --no-build-isolation -w .make/dist .make/src
    $python -m pip install --no-index --no-deps --force-reinstall .make/dist/storperf-*.whl
}

install_package() {
    local key
    key=$(tree_key)
    [ "$(cat $venv/.package 2>/dev/null)" != "$key" ] || return 0
    rm -f $venv/.package
    step package "installing storperf from this tree" build_and_install
    echo "$key" >$venv/.package
}

# --- the tests' Graphite -------------------------------------------------------------------------

# One for all tests; they are told where it is by STORPERF_GRAPHITE_VENV.
install_graphite() {
    export STORPERF_GRAPHITE_VENV=$PWD/.make/graphite-venv
    $python -c 'import sys; from storperf.graphite.installation import is_ready; from pathlib import Path
sys.exit(not is_ready(Path(sys.argv[1])))' "$STORPERF_GRAPHITE_VENV" ||
        step graphite "installing Graphite for the tests" $venv/bin/storperf graphite install
}

# --- the tests' Keystone -------------------------------------------------------------------------

make_keystone_venv() {
    rm -rf $keystone
    $python -m venv $keystone
    $keystone/bin/python -m pip install --require-hashes --only-binary :all: --retries 2 \
        -r tests/lab/requirements-keystone.txt
}

install_keystone() {
    local keystone=.make/keystone-venv key
    key=$(sha256sum <tests/lab/requirements-keystone.txt)
    [ "$(cat $keystone/.key 2>/dev/null)" != "$key" ] || return 0
    step keystone "installing Keystone for the tests" make_keystone_venv
    echo "$key" >$keystone/.key
}

base_python=
is_venv_good || find_python
packages=$(missing_packages)
# shellcheck disable=SC2086 # one word a package
[ -z "$packages" ] || install_packages $packages
if [ -n "$base_python" ]; then
    is_complete "$base_python" || die "$base_python lacks ensurepip, ssl or sqlite3; install a whole Python 3.11 or newer."
    make_venv
fi
install_dependencies
install_package
[ "$purpose" = run ] || install_graphite
[ "$purpose" != all ] || install_keystone
