#!/usr/bin/env bash
# Brings up a small real OpenStack of its own, runs the tests that it allows, and takes it down.
# Usage: scripts/test-openstack.sh LEVEL [PYTEST-ARGUMENT...]      LEVEL: 1, 2 or 3
#        scripts/test-openstack.sh 2 --bench [ARGUMENT...]         measure stacks instead
#   1: Keystone and Heat; 2: all services, with fake servers and volumes; 3: real guests on Ceph
#
# Needs root, Debian 12 and its Python 3.11.  Everything runs in a network namespace and a folder
# of this call alone, so that two calls never meet; .make/openstack-* is what they share.
set -euo pipefail
cd "$(dirname "$0")/.."

level=${1:?usage: scripts/test-openstack.sh LEVEL [PYTEST-ARGUMENT...]}
shift
case $level in 1 | 2 | 3) ;; *) echo "openstack: LEVEL is 1, 2 or 3, not $level" >&2 && exit 2 ;; esac
[ "$(id -u)" -eq 0 ] || { echo "openstack: the lab needs root" >&2 && exit 2; }

scripts/setup.sh test
lab=$PWD/tests/openstack/lab
export LAB_VENV=$PWD/.make/openstack-venv LAB_IMAGE=$PWD/.make/openstack-image LEVEL=$level
mkdir -p .make
# Short: a socket's path has 108 bytes at most.
LAB_DIR=$(mktemp -d /tmp/storperf-lab.XXXXXX)
export LAB_DIR
netns=${LAB_DIR##*/}

step() { # step LOG WHAT COMMAND...
    local log=$LAB_DIR/$1.log what=$2 started=$SECONDS
    shift 2
    printf 'openstack: %s ... ' "$what"
    if "$@" >"$log" 2>&1 </dev/null; then
        echo "done ($((SECONDS - started)) s)"
        return
    fi
    echo "failed"
    tail -n 25 "$log" >&2
    kept=1
    echo "openstack: $what failed; see $log and $LAB_DIR/logs" >&2
    return 1
}

kept=${KEEP_LAB:-}
take_down() {
    local code=$?
    trap - EXIT
    trap '' INT TERM # a second Ctrl-C must not leave half a cloud behind
    if [ -e "/run/netns/$netns" ]; then
        LAB_NETNS=$netns "$lab/down.sh" >"$LAB_DIR/down.log" 2>&1 || true
        ip netns del "$netns" || true
    fi
    if [ -n "$kept" ]; then echo "openstack: the lab's files are in $LAB_DIR"; else rm -rf "$LAB_DIR"; fi
    exit $code
}
trap take_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What the cloud is made of; a change of any of it means a new one.
wanted=$(cat "$lab/install.sh" "$lab"/*.txt "$lab"/labtap/* | sha256sum)
exec 8>.make/openstack-lock
flock 8
if [ "$(cat "$LAB_VENV/.key" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$LAB_VENV"
    step install "installing OpenStack" "$lab/install.sh" 8>&-
    echo "$wanted" >"$LAB_VENV/.key"
fi
wanted=$(find agent_image -type f ! -name "*.md" -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum)
if [ "$level" -ge 3 ] && [ "$(cat "$LAB_IMAGE/.key" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$LAB_IMAGE"
    step image "building a guest" agent_image/build.sh "$LAB_IMAGE" 8>&-
    echo "$wanted" >"$LAB_IMAGE/.key"
fi
exec 8>&-

# Only from here on: what is installed comes over the network.
export LAB_NETNS=$netns
step up "bringing up a cloud of level $level" "$lab/up.sh"
export STORPERF_OPENSTACK_LEVEL=$level STORPERF_OPENSTACK_LAB=$LAB_DIR
unset PYTHONPATH
if [ "${1:-}" = --bench ]; then
    shift
    export OS_CLIENT_CONFIG_FILE=$LAB_DIR/etc/clouds.yaml OS_CLOUD=bench
    ip netns exec "$netns" .venv/bin/python benches/heat_stacks.py "$@" || exit $?
    exit
fi
ip netns exec "$netns" .venv/bin/pytest -m openstack "$@" || exit $?
