#!/bin/sh
# What web.layout.yaml means for this machine.
set -eu

# Nothing is written before all disks are there and large enough.
needs() {
  _has=$(blockdev --getsize64 "$1" 2> /dev/null || echo 0)
  [ "$_has" -lt "$2" ] || return 0
  echo "the layout needs $2 bytes on the disk $1, which has $_has; nothing was written" | tee "$_root/run/configure.reason"
  exit 1
}
needs /dev/vda 3264217088

# The disk only
run 'wipefs --all --force --quiet /dev/vda'
run 'parted --script --align optimal /dev/vda mklabel msdos mkpart primary 1MiB 3073MiB mkpart primary 3073MiB 100% set 1 boot on'
run 'wipefs --all --force --quiet /dev/vda1 /dev/vda2'

# File systems and swap
run 'mkfs.ext4 -q -F /dev/vda1'
run 'mkfs.ext4 -q -F /dev/vda2'

run 'mkdir -p /chroot && mount -t ext4 /dev/vda1 /chroot'
run 'mkdir -p /chroot/var && mount -t ext4 /dev/vda2 /chroot/var'

# What the installed system mounts
{
  echo "UUID=$(blkid -o value -s UUID /dev/vda1) / ext4 defaults 0 1"
  echo "UUID=$(blkid -o value -s UUID /dev/vda2) /var ext4 defaults 0 2"
} | config /etc/fstab

# What is installed, and from where it starts
_append_vars BOOT_DISKS /dev/vda
set_role db D12-F.1.0.0 /dev/vda
