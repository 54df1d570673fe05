#!/usr/bin/env bash
# Builds the image that agents boot from: Debian with fio, Python, sshd and cloud-init.
# Usage: agent_image/build.sh FOLDER
#   FOLDER/storperf-agent.qcow2            boots by BIOS and by UEFI, x86_64
#   FOLDER/storperf-agent.qcow2.sha256     its checksum, as sha256sum writes it
#   FOLDER/storperf-agent.packages         what is in it, a package and its version a line
#   FOLDER/vmlinuz, FOLDER/initrd          for clouds that start a kernel themselves
#
# FIO=PATH           a static fio of your own instead of Debian's (build-fio.sh makes one)
# DEBIAN_MIRROR=URL  where the packages come from; by default where this machine's own do
#
# Needs root and Debian or Ubuntu on x86_64.  Mounts nothing and takes no loop device: partitions
# are made as files and laid into the disk where its table says.
set -euo pipefail

out=$(mkdir -p "${1:?usage: agent_image/build.sh FOLDER}" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
release=bookworm
name=storperf-agent
# Of the disk in MiB: where root begins, and the size of its file system; it grows at first boot.
root_at=34 root_size=1400

say() { printf '%s [%3ds] %s\n' "$(date +%T)" "$SECONDS" "$*"; }
die() { printf 'image: %s\n' "$*" >&2 && exit 1; }

[ "$(id -u)" -eq 0 ] || die "debootstrap needs root"
[ "$(uname -m)" = x86_64 ] || die "this recipe knows x86_64 alone"
[ -z "${FIO:-}" ] || [ -x "$FIO" ] || die "FIO=$FIO is no program"
tools="debootstrap qemu-utils e2fsprogs dosfstools mtools fdisk python3 grub-pc-bin grub-efi-amd64-bin grub-common"
# shellcheck disable=SC2086 # one word a package
dpkg -s $tools >/dev/null 2>&1 || {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -qy --no-install-recommends $tools
} >"$out/tools.log" 2>&1 || die "cannot install $tools (see $out/tools.log)"

work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root

# --- the system -----------------------------------------------------------------------------------

mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $release" | head -n 1)}
[ -n "$mirror" ] || die "this machine's apt knows no $release; say DEBIAN_MIRROR=URL"
debootstrap --variant=minbase "$release" "$root" "$mirror" >"$out/debootstrap.log" 2>&1 ||
    die "debootstrap failed (see $out/debootstrap.log)"
say "a bare Debian"

cp /etc/resolv.conf "$root/etc/" # for apt in there; removed below
for each in doc man locale info; do echo "path-exclude=/usr/share/$each/*"; done >"$root/etc/dpkg/dpkg.cfg.d/slim"
# Nothing starts while packages are installed.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
# cloud-init needs virtual packages, which debootstrap --include cannot resolve.
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -qy --no-install-recommends \
    systemd-sysv systemd-resolved dbus udev openssh-server fio python3 cloud-init cloud-guest-utils fdisk \
    iproute2 sudo procps e2fsprogs initramfs-tools kmod linux-image-cloud-amd64 >"$out/packages.log" 2>&1 ||
    die "packages failed (see $out/packages.log)"
[ -z "${FIO:-}" ] || install -m 0755 "$FIO" "$root/usr/local/bin/fio"
say "its packages"

cp -r "$here/files/." "$root/"
# What finds a root on virtio, SCSI, NVMe, Xen or Hyper-V, and no more.
sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
printf '%s\n' virtio_pci virtio_blk virtio_scsi virtio_net sd_mod sr_mod ata_piix ahci nvme ext4 crc32c_generic \
    xen_blkfront hv_storvsc >>"$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u >"$out/initrd.log" 2>&1
chroot "$root" systemctl -q enable systemd-networkd systemd-resolved
# A measurement wants a machine to itself.
chroot "$root" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer fstrim.timer \
    e2scrub_reap.service e2scrub_all.timer dpkg-db-backup.timer systemd-tmpfiles-clean.timer \
    systemd-networkd-wait-online.service cloud-init-hotplugd.socket
chroot "$root" passwd -q -l root
echo "LABEL=storperf-root / ext4 defaults,noatime 0 1" >"$root/etc/fstab"
echo localhost >"$root/etc/hostname"
chroot "$root" dpkg-query -W -f '${Package} ${Version}\n' >"$out/$name.packages"

# What is of this build alone, or must be new on each machine.  It has no package sources: where
# packages come from is for user data to say.
rm -f "$root"/usr/sbin/policy-rc.d "$root"/etc/ssh/ssh_host_* "$root/etc/apt/sources.list"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
: >"$root/etc/machine-id"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log \
    "$root"/usr/share/{doc,man,locale,info}/*
cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
cp "$root"/boot/initrd.img-* "$out/initrd"
# One name for each, so that the boot loader needs no list.
mv "$root"/boot/vmlinuz-* "$root/boot/vmlinuz"
mv "$root"/boot/initrd.img-* "$root/boot/initrd"

# --- the disk -------------------------------------------------------------------------------------

mkdir -p "$root/boot/grub"
cp "$here/grub.cfg" "$root/boot/grub/grub.cfg"
mke2fs -q -t ext4 -L storperf-root -d "$root" "$work/root.ext4" "${root_size}M"
modules="part_gpt ext2 normal linux search search_label echo test"
# Both find root by its label, wherever the firmware has put the disk.
printf 'search --no-floppy --label storperf-root --set=root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n' >"$work/early.cfg"
# shellcheck disable=SC2086
grub-mkimage -O i386-pc -o "$work/core.img" -c "$work/early.cfg" -p /boot/grub biosdisk configfile serial $modules
# shellcheck disable=SC2086
grub-mkimage -O x86_64-efi -o "$work/bootx64.efi" -c "$work/early.cfg" -p /boot/grub configfile serial efi_gop fat $modules
truncate -s 32M "$work/esp.fat"
mkfs.vfat -n EFI "$work/esp.fat" >/dev/null
mmd -i "$work/esp.fat" ::EFI ::EFI/BOOT
mcopy -i "$work/esp.fat" "$work/bootx64.efi" ::EFI/BOOT/BOOTX64.EFI
truncate -s "$((root_at + root_size + 1))M" "$work/disk.raw"
sfdisk -q "$work/disk.raw" <<T
label: gpt
start=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name=bios
start=2MiB, size=32MiB, type=U, name=efi
start=${root_at}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root
T
python3 "$here/lay.py" "$work/disk.raw" --boot /usr/lib/grub/i386-pc/boot.img --core "$work/core.img" --at 1 \
    --part 2 "$work/esp.fat" --part "$root_at" "$work/root.ext4"
qemu-img convert -c -O qcow2 "$work/disk.raw" "$out/$name.qcow2.new"
mv "$out/$name.qcow2.new" "$out/$name.qcow2"
(cd "$out" && sha256sum "$name.qcow2" >"$name.qcow2.sha256")
say "$out/$name.qcow2: $(du -h "$out/$name.qcow2" | cut -f1)"
