#!/bin/bash
# Install what up.sh needs: Debian packages for the back ends, OpenStack itself from PyPI.
# usage: [LAB_DIR=dir] [LAB_VENV=dir] ./install.sh
set -euo pipefail
. "$(dirname "$0")/lib.sh"
export DEBIAN_FRONTEND=noninteractive
pkgs="rabbitmq-server mariadb-server curl iproute2 openssh-client
    qemu-system-x86 qemu-utils qemu-block-extra ovmf genisoimage debootstrap
    libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients python3-libvirt python3-venv
    ceph-mon ceph-mgr ceph-osd ceph-common python3-rados python3-rbd"
for p in $pkgs; do
    dpkg -s $p >/dev/null 2>&1 || { apt-get update -q; apt-get install -qy --no-install-recommends $pkgs; break; }
done
# libvirtd looks these up at its start, whatever qemu.conf says; libvirt-daemon-system, which makes
# them, would also bring units, polkit and networks that are of no use here.
getent group libvirt-qemu >/dev/null || groupadd --system libvirt-qemu
getent passwd libvirt-qemu >/dev/null || useradd --system -g libvirt-qemu -d /nonexistent -s /usr/sbin/nologin libvirt-qemu
[ -x "$VENV/bin/pip" ] || python3 -m venv "$VENV"
cp -r "$HERE/labtap" "$LAB_DIR/" # pip builds in place; keep the source folder clean
"$VENV/bin/pip" install -q -r "$HERE/requirements.txt" -c "$HERE/constraints.txt" "$LAB_DIR/labtap"
# Debian's bindings of libvirt and librbd fit any CPython 3.11 and are not on PyPI as wheels.
site=$("$VENV/bin/python3" -c 'import site; print(site.getsitepackages()[0])')
ln -sf /usr/lib/python3/dist-packages/{rados,rbd,libvirt*}.* "$site/"
"$VENV/bin/python3" -c 'import rados, rbd, libvirt'
say "installed: $("$VENV/bin/pip" list 2>/dev/null | grep -cE '^[A-Za-z]') Python packages, $(du -sh "$VENV" | cut -f1)"
