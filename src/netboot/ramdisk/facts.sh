#!/bin/sh
# What the kernel and the firmware say about this machine, as it stands there: the server makes facts of it
# (src/inventory/hardware.ts), so that a better reader needs no other ramdisk. The shell reads most files by itself, because
# on a slow machine each process counts.

# section NAME: what follows is NAME's.
section() { printf '\n@%s\n' "$1"; }

# show FILE…: "path, tab, first line" of each that can be read.
show() {
	for file in "$@"; do
		if { read -r line < "$file"; } 2> /dev/null || [ -n "$line" ]; then printf '%s\t%s\n' "$file" "$line"; fi
		line=
	done
}

# Whether there is a link whose other end has not been heard.
unheard() {
	for path in /sys/class/net/*; do
		[ -e "$path/device" ] && [ ! -s "/run/lldp/${path##*/}" ] || continue
		{ read -r carrier < "$path/carrier"; } 2> /dev/null && [ "$carrier" = 1 ] && return
	done
	return 1
}

uptime() {
	read -r seconds _ < /proc/uptime
	seconds=${seconds%.*}
}

uptime
listen_until=$((seconds + ${LLDP:-0}))
echo 'stackwright-hardware 1'
section files
show /sys/class/dmi/id/* /proc/sys/kernel/osrelease /proc/sys/kernel/arch /sys/firmware/efi/fw_platform_size
for path in /sys/block/*; do
	case "${path##*/}" in loop* | ram* | sr* | fd* | zram* | md* | dm-*) continue ;; esac
	show "$path/size" "$path/device/vendor" "$path/device/model" "$path/device/rev" "$path/device/firmware_rev" \
		"$path/serial" "$path/device/serial" "$path/wwid" "$path/device/wwid" "$path/queue/rotational" \
		"$path/queue/physical_block_size" "$path/queue/logical_block_size" "$path/queue/optimal_io_size"
done
for path in /sys/class/net/*; do
	[ -e "$path/device" ] || continue
	show "$path/address" "$path/carrier" "$path/speed" "$path/duplex" "$path/mtu" "$path/device/vendor" "$path/device/device"
done
for path in /sys/bus/pci/devices/*; do
	show "$path/class" "$path/vendor" "$path/device" "$path/subsystem_vendor" "$path/subsystem_device"
done
show /sys/class/ata_port/*/port_no /sys/devices/system/node/node*/cpumap
section links
ls -ld /sys/block/* /sys/class/net/*/device /sys/class/net/*/device/driver /sys/bus/pci/devices/*/driver 2> /dev/null
section uname
uname -m
section meminfo
cat /proc/meminfo
section cpuinfo
cat /proc/cpuinfo
section addresses
ip -o address show 2> /dev/null
if command -v dmidecode > /dev/null && [ -e /sys/firmware/dmi/tables/DMI ]; then
	section dmidecode
	dmidecode --type 17 --type 38 2> /dev/null
fi
if command -v ipmitool > /dev/null && [ -e /dev/ipmi0 ]; then
	for channel in 1 2 3 4 5 6 7 8; do
		lan=$(timeout 10 ipmitool lan print "$channel" 2> /dev/null)
		case $? in
			0) ;;
			# Out of time, as coreutils or busybox tells it: such a BMC answers for no channel.
			124 | 143) break ;;
			*) continue ;;
		esac
		section "ipmi $channel"
		# All but the password of SNMP.
		echo "$lan" | grep -v '^SNMP'
		break
	done
fi
# Whom install.sh has heard since the links came up: of each interface the first frame, as it came.
while [ "$seconds" -lt "$listen_until" ] && unheard; do
	sleep 0.1
	uptime
done
section lldp
for path in /run/lldp/*; do
	[ ! -s "$path" ] || echo "${path##*/} $(od -A n -v -t x1 "$path" | tr -d ' \n')"
done
section end
