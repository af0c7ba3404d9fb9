#!/bin/sh
# Links, the switches behind them, addresses. Sourced by /init.

raise_links() {
	ip link set lo up
	for path in /sys/class/net/*; do
		interface=${path##*/}
		[ "$interface" = lo ] || ip link set "$interface" up
	done
}

# A switch says who it is when a link comes up, and then twice a minute; what comes until the facts are collected is among
# them. A packet socket (17) for whole frames (3) of LLDP (0x88cc, in the order of the network 52360) at an address as
# packet(7) has it: the protocol, the index of the interface, zeros.
hear_neighbours() {
	LISTENERS=
	mkdir -p /run/lldp
	for path in /sys/class/net/*; do
		[ -e "$path/device" ] || continue
		interface=${path##*/}
		# Cards pass on nothing that is for a group, unless they are told to.
		ifconfig "$interface" allmulti
		index=$(cat "$path/ifindex")
		address=$(printf 'x88cc%02x%02x%028d' $((index % 256)) $((index / 256)) 0)
		socat -u "SOCKET-RECVFROM:17:3:52360:$address" "CREATE:/run/lldp/$interface" 2> /dev/null &
		LISTENERS="$LISTENERS $!"
	done
}

# IP=all:dhcp | IF:dhcp | IF:none | IF:ADDRESS/LENGTH[:GATEWAY], several separated by commas. IF is a name or a MAC
# address with hyphens.
start_network() {
	for word in $(echo "$IP" | tr ',' ' '); do
		interface=$(interface_named "${word%%:*}")
		how=${word#*:}
		[ -n "$interface" ] || fail "IP=$word names an interface that this machine has not: it has $(ls /sys/class/net | tr '\n' ' ')"
		case "$how" in
			none) ;;
			dhcp)
				if [ "$interface" = all ]; then
					for path in /sys/class/net/*; do
						[ "${path##*/}" = lo ] || dhcp "${path##*/}"
					done
				else dhcp "$interface"; fi ;;
			[0-9]*.*/*)
				[ "$interface" != all ] || fail "IP=$word gives one address to all interfaces: name one"
				ip address add "${how%%:*}" dev "$interface" || fail "IP=$word is no address with a length"
				case "$how" in
					*:*) ip route add default via "${how#*:}" || fail "IP=$word has a gateway that cannot be reached" ;;
				esac ;;
			*) fail "IP=$word is not IF:dhcp, IF:none or IF:ADDRESS/LENGTH[:GATEWAY]" ;;
		esac
	done
	tries=0
	while ! ip -4 -o address show scope global | grep -q inet; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || fail "no interface has an address: is the DHCP server on this network?"
		sleep 0.2
	done
	ip -4 -o address show scope global | awk '{ print "stackwright: " $2 " has " $4 }'
}

interface_named() {
	[ "$1" != all ] || { echo all; return; }
	[ ! -e "/sys/class/net/$1" ] || { echo "$1"; return; }
	for path in /sys/class/net/*; do
		[ "$(tr ':' '-' < "$path/address")" != "$1" ] || { echo "${path##*/}"; return; }
	done
}

dhcp() {
	udhcpc -i "$1" -b -t 5 -T 2 -A 2 -R -p "/run/udhcpc.$1.pid" -s /usr/share/udhcpc/default.script > /dev/null 2>&1 &
}
