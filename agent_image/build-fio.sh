#!/usr/bin/env bash
# Builds a static fio from its release source, for an image that needs a newer one than Debian's.
# Usage: agent_image/build-fio.sh SOURCE OUTPUT [SHA256]
#   SOURCE   fio-3.38.tar.gz, or where to download it; a release of fio's own, unpacked by tar
#   OUTPUT   where the program goes; then: FIO=OUTPUT make image
#   SHA256   of the source; a download without it is refused
#
# Needs a C compiler, make, and the headers of libaio and zlib (libaio-dev zlib1g-dev).
# Engines that need a library of their own (rbd, nbd) are not in a static fio.
set -euo pipefail

source=${1:?usage: agent_image/build-fio.sh SOURCE OUTPUT [SHA256]}
output=$(realpath -m "${2:?usage: agent_image/build-fio.sh SOURCE OUTPUT [SHA256]}")
wanted=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { printf 'fio: %s\n' "$*" >&2 && exit 1; }

case $source in
http://* | https://*)
    [ -n "$wanted" ] || die "$source is a download; say its SHA256 too"
    curl -fsSL -o "$work/source" "$source" || die "cannot download $source"
    ;;
*)
    [ -f "$source" ] || die "there is no $source"
    cp "$source" "$work/source"
    ;;
esac
if [ -n "$wanted" ]; then
    echo "$wanted  $work/source" | sha256sum -c --quiet - || die "$source is not what was expected"
fi
mkdir "$work/fio"
tar -xf "$work/source" -C "$work/fio" --strip-components=1
cd "$work/fio"
[ -x configure ] && [ -f fio.c ] || die "$source holds no fio"
for each in cc make; do command -v $each >/dev/null || die "$each is missing: apt-get install gcc make libc6-dev libaio-dev zlib1g-dev"; done
log=$output.log
mkdir -p "$(dirname "$output")"
# For any x86_64, not for the machine that builds.
{ ./configure --build-static --disable-native && make -j"$(nproc)" fio; } >"$log" 2>&1 || die "it does not build (see $log)"
grep -q 'Linux AIO support *yes' "$log" || die "without libaio's headers it would lack libaio: apt-get install libaio-dev"
strip fio
./fio --version
install -m 0755 fio "$output"
