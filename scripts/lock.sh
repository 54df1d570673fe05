#!/usr/bin/env bash
# Writes requirements.txt and requirements-test.txt from pyproject.toml, and what the embedded
# Graphite needs from storperf/graphite/requirements-graphite.in, and the Keystone of the tests from
# tests/lab/requirements-keystone.in: exact versions with their hashes,
# good for Linux on x86_64 and aarch64 and every Python we support.
# Pins that are still allowed stay; UPGRADE=1 takes the newest of everything.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=.make/lock-venv
if [ ! -e $tool/.ready ]; then
    rm -rf $tool
    mkdir -p .make
    "${PYTHON:-python3}" -m venv $tool
    $tool/bin/python -m pip install --quiet uv==0.13.9
    touch $tool/.ready
fi

compile() {
    $tool/bin/uv pip compile --quiet --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" ${UPGRADE:+--upgrade} "$@"
}

project=(pyproject.toml --group build)
compile "${project[@]}" -o requirements.txt
compile "${project[@]}" --extra test --extra postgresql --extra s3 -c requirements.txt -o requirements-test.txt
graphite=storperf/graphite/requirements-graphite
compile $graphite.in -o $graphite.txt
keystone=tests/lab/requirements-keystone
compile $keystone.in -o $keystone.txt
