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
needs /dev/vda 2806190703
needs /dev/nvme0n1 2806190703

# Arrays: new ones are brought in step when the machine is up; now that would only slow the copy.
run 'modprobe -q md_mod'
echo 1000 > /proc/sys/dev/raid/speed_limit_max
echo MAILADDR root | config /etc/mdadm/mdadm.conf

# The disk first
run 'wipefs --all --force --quiet /dev/vda'
run 'parted --script --align optimal /dev/vda mklabel gpt mkpart bios_boot 1MiB 2MiB set 1 bios_grub on mkpart esp1 2MiB 66MiB set 2 esp on mkpart half1 66MiB 100% set 3 raid on'
run 'wipefs --all --force --quiet /dev/vda2 /dev/vda3'

# The disk second
run 'wipefs --all --force --quiet /dev/nvme0n1'
run 'parted --script --align optimal /dev/nvme0n1 mklabel gpt mkpart bios_boot 1MiB 2MiB set 1 bios_grub on mkpart esp2 2MiB 66MiB set 2 esp on mkpart half2 66MiB 100% set 3 raid on'
run 'wipefs --all --force --quiet /dev/nvme0n1p2 /dev/nvme0n1p3'

# The array system
run 'modprobe -q raid1'
run 'mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --metadata=1.2 --homehost=any --name=system --bitmap=internal /dev/vda3 /dev/nvme0n1p3'
run 'wipefs --all --force --quiet /dev/md0'
mdadm --detail --brief /dev/md0 | sed 's|^ARRAY [^ ]*|ARRAY /dev/md/system|' | config /etc/mdadm/mdadm.conf a

# The volume group vg0
export DM_DISABLE_UDEV=1
run 'modprobe -q dm_mod'
run 'pvcreate --quiet --yes --force /dev/md0'
run 'vgcreate --quiet vg0 /dev/md0'
run 'lvcreate --quiet --yes --wipesignatures y --size 2048m --name root vg0'
run 'lvcreate --quiet --yes --wipesignatures y --size 240m --name swap vg0'
run 'lvcreate --quiet --yes --wipesignatures y --extents 100%FREE --name srv vg0'

# File systems and swap
run 'mkfs.vfat -F 32 /dev/vda2'
run 'mkfs.vfat -F 32 /dev/nvme0n1p2'
run 'mkfs.ext4 -q -F /dev/mapper/vg0-root'
run 'mkswap /dev/mapper/vg0-swap'
run 'mkfs.xfs -q -f /dev/mapper/vg0-srv'

run 'mkdir -p /chroot && mount -t ext4 /dev/mapper/vg0-root /chroot'
run 'mkdir -p /chroot/srv && mount -t xfs /dev/mapper/vg0-srv /chroot/srv'
run 'mkdir -p /chroot/boot/efi && mount -t vfat /dev/vda2 /chroot/boot/efi'

# What the installed system mounts
{
  echo "UUID=$(blkid -o value -s UUID /dev/mapper/vg0-root) / ext4 noatime 0 1"
  echo "UUID=$(blkid -o value -s UUID /dev/mapper/vg0-srv) /srv xfs defaults 0 2"
  echo "UUID=$(blkid -o value -s UUID /dev/vda2) /boot/efi vfat umask=0077 0 2"
  echo "UUID=$(blkid -o value -s UUID /dev/mapper/vg0-swap) none swap sw 0 0"
} | config /etc/fstab

# What is installed, and from where it starts
grub_options console=ttyS1
_append_vars BOOT_DISKS '/dev/vda /dev/nvme0n1'
_append_vars EXTRA_ESPS /dev/nvme0n1p2
set_role web D12-F.1.0.0 /dev/vda
