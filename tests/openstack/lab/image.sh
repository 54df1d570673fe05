#!/bin/bash
# Build the guest: Debian with sshd, fio, python3, cloud-init, as a bare ext4 file system plus
# kernel and initramfs. No partition table and no boot loader: Nova starts the kernel directly,
# which needs no loop device to build and saves the firmware's and GRUB's time under emulation.
# Result: $LAB_IMAGE/{root.qcow2,vmlinuz,initrd}
set -euo pipefail
. "$(dirname "$0")/lib.sh"
OUT=$IMAGE ROOT=$IMAGE/rootfs
[ -s "$OUT/root.qcow2" ] && exit 0
rm -rf "$ROOT"; mkdir -p "$OUT"
# the mirror that this machine's own apt uses, unless told otherwise
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -1)}
debootstrap --variant=minbase bookworm "$ROOT" "$mirror" >"$LOGS/debootstrap.log" 2>&1
say "debootstrap done"
cp /etc/resolv.conf "$ROOT/etc/"       # for apt in the chroot; removed below
printf 'path-exclude=/usr/share/%s/*\n' doc man locale info >"$ROOT/etc/dpkg/dpkg.cfg.d/slim"
mkdir -p "$ROOT/etc/initramfs-tools" "$ROOT/etc/cloud/cloud.cfg.d"
# cloud-init's dependencies hold virtual packages, which debootstrap --include cannot resolve.
DEBIAN_FRONTEND=noninteractive chroot "$ROOT" apt-get install -qy --no-install-recommends \
    systemd-sysv dbus udev openssh-server fio python3 cloud-init iproute2 sudo procps e2fsprogs \
    initramfs-tools kmod linux-image-cloud-amd64 >"$LOGS/image-apt.log" 2>&1
say "packages done"

# a small initramfs: what finds a virtio disk with ext4
sed -i 's/^MODULES=.*/MODULES=list/' "$ROOT/etc/initramfs-tools/initramfs.conf"
printf '%s\n' virtio_pci virtio_blk virtio_net ext4 crc32c_generic >>"$ROOT/etc/initramfs-tools/modules"
chroot "$ROOT" update-initramfs -u >"$LOGS/image-initrd.log" 2>&1

# cloud-init: only the config drive, only what a key, user data and an address need
cat >"$ROOT/etc/cloud/cloud.cfg.d/99-lab.cfg" <<'C'
datasource_list: [ConfigDrive]
ssh_genkeytypes: [ed25519]
system_info:
  default_user: {name: debian, gecos: Debian, groups: [sudo], sudo: ["ALL=(ALL) NOPASSWD:ALL"], shell: /bin/bash, lock_passwd: true}
  network: {renderers: [networkd]}
cloud_init_modules: [write-files, resizefs, set_hostname, update_etc_hosts, users-groups, ssh]
manage_etc_hosts: true
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user, final-message]
C
chroot "$ROOT" systemctl -q enable systemd-networkd
chroot "$ROOT" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer fstrim.timer e2scrub_reap.service \
    systemd-networkd-wait-online.service cloud-init-hotplugd.socket dpkg-db-backup.timer e2scrub_all.timer
echo "/dev/vda / ext4 defaults,noatime 0 0" >"$ROOT/etc/fstab"
echo localhost >"$ROOT/etc/hostname"
rm -f "$ROOT/etc/resolv.conf" "$ROOT"/etc/ssh/ssh_host_* "$ROOT/etc/machine-id"
: >"$ROOT/etc/machine-id"
rm -rf "$ROOT"/var/cache/apt/* "$ROOT"/var/lib/apt/lists/* "$ROOT"/usr/share/{doc,man,locale,info}/*
cp "$ROOT"/boot/vmlinuz-* "$OUT/vmlinuz"; cp "$ROOT"/boot/initrd.img-* "$OUT/initrd"
rm -rf "$ROOT"/boot/*
mke2fs -q -t ext4 -O ^has_journal -L root -d "$ROOT" "$OUT/root.raw" 1200M
qemu-img convert -O qcow2 "$OUT/root.raw" "$OUT/root.qcow2"
rm -rf "$ROOT" "$OUT/root.raw"
say "image built: $(du -h "$OUT"/* | tr '\n' ' ')"
