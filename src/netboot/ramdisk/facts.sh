#!/bin/sh
# The machine's facts as eDeploy's JSON tuples, read from /sys and /proc.

text() { { cat "$1" 2> /dev/null | tr -d '\000-\037' | sed 's/^ *//; s/ *$//; s/\\/\\\\/g; s/"/\\"/g'; } 2> /dev/null; }

first=1
fact() {
	[ -n "$4" ] || return 0
	[ -n "$first" ] || printf ',\n'
	first=
	printf '["%s","%s","%s","%s"]' "$1" "$2" "$3" "$4"
}

system() {
	dmi=/sys/class/dmi/id
	fact system product name "$(text $dmi/product_name)"
	fact system product vendor "$(text $dmi/sys_vendor)"
	fact system product version "$(text $dmi/product_version)"
	fact system product serial "$(text $dmi/product_serial)"
	fact system product uuid "$(text $dmi/product_uuid)"
	fact system motherboard name "$(text $dmi/board_name)"
	fact system motherboard vendor "$(text $dmi/board_vendor)"
	fact system motherboard serial "$(text $dmi/board_serial)"
	fact system kernel version "$(uname -r)"
	fact system kernel arch "$(uname -m)"
	fact firmware bios version "$(text $dmi/bios_version)"
	fact firmware bios date "$(text $dmi/bios_date)"
	fact firmware bios vendor "$(text $dmi/bios_vendor)"
	if [ -d /sys/firmware/efi ]; then fact firmware boot type uefi; else fact firmware boot type bios; fi
	fact memory total size "$(awk '$1 == "MemTotal:" { printf "%.0f", $2 * 1024 }' /proc/meminfo)"
}

disks() {
	count=0
	for path in /sys/block/*; do
		name=${path##*/}
		case "$name" in loop* | ram* | sr* | fd* | zram* | md* | dm-*) continue ;; esac
		sectors=$(text "$path/size")
		[ "${sectors:-0}" -gt 0 ] || continue
		count=$((count + 1))
		fact disk "$name" size $((sectors * 512 / 1000000000))
		fact disk "$name" vendor "$(text "$path/device/vendor")"
		fact disk "$name" model "$(text "$path/device/model")"
		fact disk "$name" rev "$(text "$path/device/rev")"
		serial=$(text "$path/serial")
		fact disk "$name" serial "${serial:-$(text "$path/device/serial")}"
		fact disk "$name" rotational "$(text "$path/queue/rotational")"
		fact disk "$name" physical_block_size "$(text "$path/queue/physical_block_size")"
	done
	fact disk logical count "$count"
}

network() {
	for path in /sys/class/net/*; do
		name=${path##*/}
		[ -e "$path/device" ] || continue
		fact network "$name" serial "$(text "$path/address")"
		if [ "$(cat "$path/carrier" 2> /dev/null)" = 1 ]; then fact network "$name" link yes; else fact network "$name" link no; fi
		driver=$(readlink "$path/device/driver")
		fact network "$name" driver "${driver##*/}"
		fact network "$name" vendor "$(text "$path/device/vendor")"
		fact network "$name" speed "$(text "$path/speed")"
		cidr=$(ip -4 -o address show dev "$name" scope global | awk '{ print $4; exit }')
		[ -n "$cidr" ] || continue
		eval "$(ipcalc -m -n "$cidr" 2> /dev/null | grep -E '^(NETMASK|NETWORK)=[0-9.]+$')"
		fact network "$name" ipv4 "${cidr%/*}"
		fact network "$name" ipv4-cidr "${cidr#*/}"
		fact network "$name" ipv4-netmask "$NETMASK"
		fact network "$name" ipv4-network "$NETWORK"
	done
}

processors() {
	awk -F '[ \t]*:[ \t]*' '
		function out(instance, key, value) {
			gsub(/["\\]/, "", value)
			if (value != "") printf ",\n[\"cpu\",\"%s\",\"%s\",\"%s\"]", instance, key, value
		}
		$1 == "processor" { logical++ }
		$1 == "vendor_id" { vendor = $2 }
		$1 == "model name" { product = $2 }
		$1 == "cpu MHz" { frequency = sprintf("%.0f", $2 * 1000000) }
		$1 == "flags" { flags = $2 }
		$1 == "physical id" { id = $2 }
		$1 == "" && logical { flush_cpu() }
		function flush_cpu() {
			if (!(id in seen)) {
				seen[id] = 1
				instance = "physical_" (physical + 0)
				physical++
				out(instance, "vendor", vendor)
				out(instance, "product", product)
				out(instance, "physid", id "")
				out(instance, "frequency", frequency)
				out(instance, "flags", flags)
			}
		}
		END {
			flush_cpu()
			out("physical", "number", physical "")
			out("logical", "number", logical "")
		}
	' /proc/cpuinfo
}

echo '['
system
disks
network
processors
printf '\n]\n'
