#!/bin/sh
# Names the machine, configures its network and lets its keys in, from a config drive or a NoCloud drive; DHCP where there
# is none.
#
#   simple-init.sh                   the whole, early at every boot; a later boot changes nothing
#   simple-init.sh --interface IF    the network of one interface that appeared later
#   simple-init.sh --resolv          systemd-networkd's DNS servers into resolv.conf
#
# What is to be written is decided by stackwright-firstboot.js (run by mujs); here it is only found and written. The whole
# boot waits for it, and a slow machine takes a tenth of a second to start a program: what the shell can do, it does.
# Tests set SIMPLE_INIT_ROOT to a directory that stands for /, and SIMPLE_INIT_SCRIPT to the renderer.
set -u
umask 022

root=${SIMPLE_INIT_ROOT:-}
script=${SIMPLE_INIT_SCRIPT:-/usr/local/lib/stackwright/stackwright-firstboot.js}
run=$root/run/stackwright
net=$root/sys/class/net
udev=$root/run/udev
mounted=$root/mnt/config
seed=$root/var/lib/stackwright/config-drive/openstack/latest
carrier_wait=${SIMPLE_INIT_CARRIER_WAIT:-9}
only=
drive=
nocloud=
tried=
named=
renames=
keep_names=
wrote=
config_drive='[Cc][Oo][Nn][Ff][Ii][Gg]-2'
nocloud_drive='[Cc][Ii][Dd][Aa][Tt][Aa]'
newline='
'

say() {
    echo "stackwright-firstboot: $*"
}

main() {
    case ${1:-} in
    '') ;;
    --interface) only=$2 ;;
    --resolv)
        write_resolv
        return
        ;;
    *)
        echo "usage: simple-init.sh [--interface IF | --resolv]" >&2
        exit 2
        ;;
    esac
    [ -d "$run" ] || mkdir -p "$run" || exit 1
    # Two interfaces that appear at once must not both write; before the end of the first run there are none.
    if [ -e "$run/firstboot.done" ] && command -v flock > /dev/null; then
        exec 9> "$run/lock"
        flock 9
    fi
    work=$run/work
    : > "$work.problem"
    [ -n "$only" ] || wait_for_devices
    find_drive
    find_target
    [ -n "$only" ] || wait_for_carriers
    if ! decide; then
        say "the drive could not be used, DHCP on all interfaces: $problem"
        drive=
        nocloud=
        decide || orders=$(fall_back)
    fi
    obey
    if ! rename_interfaces; then
        # Without the new names now; the files for them are there for the next boot, when udev gives them.
        keep_names=yes
        if decide; then obey; fi
    fi
    : > "$run/firstboot.done"
    if [ -n "$only" ]; then start_interface; else start_late_interfaces; fi
}

# Half an output is none. A drive that keeps the renderer busy must not use up the time of the unit.
decide() {
    describe > "$work.state"
    # Every shell that is /bin/sh somewhere has it.
    # shellcheck disable=SC3045
    orders=$(ulimit -t 40 && exec mujs "$script" "$work.state" 2> "$work.problem")
    status=$?
    read_problem
    # Of SIGXCPU or SIGKILL.
    [ "$status" -ne 152 ] && [ "$status" -ne 137 ] || problem="it took longer than 40 seconds to read"
    case $status:$orders in
    0:end | 0:*"$newline"end) return 0 ;;
    esac
    return 1
}

# The first line of what a program had to say.
read_problem() {
    problem=
    read -r problem < "$work.problem"
}

# Until udev has dealt with all devices, or as soon as a config drive is there and all interfaces that it names. Others
# that are late get their configuration when they appear.
wait_for_devices() {
    [ -e "$udev/control" ] || return 0
    uptime
    limit=$((seconds + 30))
    until has_what_is_named || udevadm settle --timeout=1 2> /dev/null || [ "$seconds" -ge "$limit" ]; do
        uptime
    done
}

has_what_is_named() {
    choose_drive || mount_labelled "$config_drive" || return
    [ -n "$drive" ] || return
    [ -n "$named" ] || named=$(grep -ohiE '"ethernet_mac_address": *"[0-9a-f:]{17}"' "$drive"/*.json)
    [ -n "$named" ] || return
    present=" "
    for name in $(interfaces); do
        value "$name" address
        present="$present$value "
    done
    while read -r mac; do
        mac=${mac%?}
        mac=${mac##*\"}
        case $mac in *[A-F]*) mac=$(echo "$mac" | tr A-F a-f) ;; esac
        case $present in
        *" $mac "*) ;;
        *) return 1 ;;
        esac
    done << NAMED
$named
NAMED
}

# Where the drive's files are: one that is mounted already, what the installation left, a device with the label.
find_drive() {
    choose_drive || mount_labelled "$config_drive" probing || mount_labelled "$nocloud_drive" probing \
        || say "no config drive: DHCP on all interfaces"
}

choose_drive() {
    for directory in "$mounted/openstack/latest" "$seed"; do
        if [ -d "$directory" ]; then
            drive=$directory
            return
        fi
    done
    [ -e "$mounted/meta-data" ] || [ -e "$mounted/network-config" ] || return
    nocloud=$mounted
}

# Each device once.
mount_labelled() {
    find_device "$1" "${2:-}"
    case " $device" in
    " " | " $tried") return 1 ;;
    esac
    tried=$device
    [ -d "$mounted" ] || mkdir -p "$mounted"
    if ! mount -o ro,nosuid,nodev,noexec "$device" "$mounted" 2> "$work.problem"; then
        read_problem
        say "the drive $device cannot be mounted: $problem"
        return 1
    fi
    choose_drive && return
    say "the drive $device has neither openstack/latest nor meta-data"
    umount "$mounted"
    return 1
}

# udev has probed what it knows; where that is not enough blkid probes all.
find_device() {
    for device in "$root/dev/disk/by-label"/$1; do
        [ ! -e "$device" ] || return 0
    done
    device=
    [ -z "$2" ] || device=$(blkid -o full | sed -n 's/^\([^:]*\):.* LABEL="'"$1"'".*/\1/p;T;q')
}

# The target is what is there to read the files, so that they are not written for nobody.
find_target() {
    id=
    {
        while IFS='=' read -r name word; do
            [ "$name" != ID ] || id=$word
        done < "$root/etc/os-release"
    } 2> /dev/null
    case $id in
    *gentoo*) target=gentoo ;;
    *suse* | *sles*) target=suse ;;
    *rhel* | *redhat* | *centos* | *fedora* | *rocky* | *almalinux*) target=redhat ;;
    *)
        target=networkd
        [ ! -x "$root/sbin/ifup" ] && [ ! -x "$root/usr/sbin/ifup" ] || target=ifupdown
        ;;
    esac
}

# Without a process for each: there are many to read, and a small machine needs long to start one.
value() {
    value=
    { IFS= read -r value < "$net/$1/$2"; } 2> /dev/null
    [ "$value" = "${3:-$value}" ]
}

# What "ip link set up" does: a small image has no iproute2.
bring_up() {
    value "$1" flags
    [ -z "$value" ] || echo "$((value | 1))" > "$net/$1/flags"
}

uptime() {
    read -r seconds _ < /proc/uptime
    seconds=${seconds%.*}
}

# Interfaces that are no hardware are told apart by the renderer; here only what costs time is left out, and what udev
# has not named yet.
interfaces() {
    for path in "$net"/*; do
        name=${path##*/}
        value "$name" ifindex
        [ ! -e "$udev/control" ] || [ -e "$udev/data/n$value" ] || continue
        [ -e "$path/address" ] && value "$name" addr_assign_type 0 && [ "$name" != lo ] && echo "$name"
    done
}

# An interface that is down says nothing of its carrier, so all are brought up, and then waited for together.
wait_for_carriers() {
    down=
    for name in $(interfaces); do
        value "$name" carrier 1 && continue
        [ -n "$root" ] || bring_up "$name"
        down="$down $name"
    done
    uptime
    limit=$((seconds + carrier_wait))
    while [ -n "$down" ] && [ "$seconds" -lt "$limit" ]; do
        sleep 0.1
        uptime
        still=
        for name in $down; do
            value "$name" carrier 1 || still="$still $name"
        done
        down=$still
    done
}

describe() {
    echo "target $target"
    [ -z "$root" ] || echo "root $root"
    [ -z "$drive" ] || echo "drive $drive"
    [ -z "$nocloud" ] || echo "nocloud $nocloud"
    [ -z "$only" ] || echo "only $only"
    [ -z "$keep_names" ] || echo keep-names
    { read -r setting < "$root/etc/stackwright/firstboot.conf"; } 2> /dev/null && echo "$setting"
    uses_resolved && echo resolved
    described=" "
    for name in $(interfaces); do
        described="$described$name "
        # For udev's rule: its event may come after this.
        value "$name" ifindex
        : > "$run/seen-$value"
        value "$name" address
        address=$value
        value "$name" carrier
        echo "interface $name $address 0 $value"
    done
    for directory in network/interfaces.d systemd/network sysconfig/network-scripts sysconfig/network conf.d; do
        for path in "$root/etc/$directory"/*; do
            [ -e "$path" ] && echo "exists ${path#"$root"}"
        done
    done
}

uses_resolved() {
    for link in multi-user.target.wants sysinit.target.wants; do
        [ -h "$root/etc/systemd/system/$link/systemd-resolved.service" ] && return 0
    done
    return 1
}

# The last resort, where mujs itself does not run.
fall_back() {
    say "mujs does not work: $problem" >&2
    for name in $(interfaces); do
        case $target in
        ifupdown)
            file=/etc/network/interfaces.d/$name.cfg
            lines="|auto $name
|iface $name inet dhcp"
            ;;
        networkd)
            file=/etc/systemd/network/$name.network
            lines="|[Match]
|Name=$name
|
|[Network]
|DHCP=yes"
            ;;
        redhat)
            file=/etc/sysconfig/network-scripts/ifcfg-$name
            lines="|DEVICE=$name
|BOOTPROTO=dhcp
|ONBOOT=yes"
            ;;
        suse)
            file=/etc/sysconfig/network/ifcfg-$name
            lines="|BOOTPROTO=dhcp
|STARTMODE=auto"
            ;;
        gentoo)
            file=/etc/conf.d/net.$name
            lines="|config_$name=\"dhcp\""
            ;;
        esac
        [ -e "$root$file" ] || printf 'file 644 replace %s\n%s\n' "$file" "$lines"
    done
    echo end
}

obey() {
    apply << ORDERS
$orders
ORDERS
}

# Reads what the renderer says. A line of content is behind a bar, so no content can be taken for an order.
apply() {
    file=
    while IFS= read -r line; do
        case $line in
        '|'*)
            content=$content${line#|}$newline
            continue
            ;;
        esac
        finish_file
        case $line in
        'warning '*) say "${line#warning }" ;;
        'name '*) set_name "${line#name }" ;;
        'rename '*) renames="$renames ${line#rename }" ;;
        'file '*)
            rest=${line#file }
            mode=${rest%% *}
            rest=${rest#* }
            how=${rest%% *}
            file=${rest#* }
            content=
            ;;
        esac
    done
}

# A file that is there changes in one step, and only where it is not so already.
finish_file() {
    [ -n "$file" ] || return 0
    path=$root$file
    file=
    # A link into another system's directory (resolv.conf → /run) is replaced by a file.
    [ ! -h "$path" ] || [ -e "$path" ] || rm -f "$path"
    directory=${path%/*}
    if [ ! -d "$directory" ]; then
        mkdir -p "$directory"
        case $directory in */.ssh) chmod 0700 "$directory" ;; esac
    fi
    whole=
    new=$path
    if [ -e "$path" ]; then
        read_whole "$path"
        [ "$how" = replace ] || content=$whole$content
        [ "$content" != "$whole" ] || return 0
        new=$path.stackwright
    fi
    case $mode in 600) umask 077 ;; esac
    if printf '%s' "$content" > "$new" && { [ "$new" = "$path" ] || mv -f "$new" "$path"; }; then
        [ ! -x /usr/sbin/restorecon ] || [ -n "$root" ] || /usr/sbin/restorecon "$path"
        say "wrote ${path#"$root"}"
        wrote=yes
    else
        rm -f "$new"
        say "could not write ${path#"$root"}"
    fi
    umask 022
}

read_whole() {
    line_of=
    while IFS= read -r line_of; do whole=$whole$line_of$newline; done < "$1"
    whole=$whole$line_of
}

set_name() {
    if [ -n "$root" ]; then
        say "host name $1"
    else
        echo "$1" > /proc/sys/kernel/hostname
    fi
}

# udev reads the .link files that have been written, and names interfaces that are down.
rename_interfaces() {
    [ -n "$renames" ] || return 0
    # Of pairs of names without blanks.
    # shellcheck disable=SC2086
    set -- $renames
    renames=
    failed=0
    udevadm control --reload
    while [ $# -gt 0 ]; do
        value "$1" flags
        [ -z "$value" ] || echo "$((value & ~1))" > "$net/$1/flags"
        # Not --settle, which waits for the end of an event under the old name.
        udevadm trigger --action=add "$net/$1"
        uptime
        limit=$((seconds + 10))
        until [ -e "$net/$2" ] || udevadm settle --timeout=1 2> /dev/null || [ "$seconds" -ge "$limit" ]; do
            uptime
        done
        if [ -e "$net/$2" ]; then
            say "$1 is $2 now"
            bring_up "$2"
            described="$described$2 "
            [ "$only" != "$1" ] || only=$2
        else
            say "$1 keeps its name until the next boot"
            bring_up "$1"
            failed=1
        fi
        shift 2
    done
    return "$failed"
}

# Interfaces that appeared before udev's rule began to start the units of such.
start_late_interfaces() {
    [ -z "$root" ] || return 0
    for name in $(interfaces); do
        case $described in
        *" $name "*) ;;
        *) systemctl --no-block start "stackwright-firstboot@$name.service" ;;
        esac
    done
}

start_interface() {
    [ -z "$root" ] || return 0
    case $target in
    # networkctl needs D-Bus.
    networkd) [ -z "$wrote" ] || networkctl reload 2> /dev/null \
        || systemctl --no-block try-restart systemd-networkd.service ;;
    ifupdown) ifup "$only" ;;
    redhat | suse) ifup "$only" 2> /dev/null || nmcli connection reload ;;
    esac
}

write_resolv() {
    state=$root/run/systemd/netif/state
    [ -r "$state" ] || return 0
    # Servers that the drive gave are there already and stay.
    if [ -r "$root/etc/resolv.conf" ]; then
        while read -r line; do
            case $line in
            '# From DHCP by stackwright-firstboot') break ;;
            nameserver*) return 0 ;;
            esac
        done < "$root/etc/resolv.conf"
    fi
    servers=
    domains=
    while read -r line; do
        case $line in
        DNS=*) servers=${line#DNS=} ;;
        DOMAINS=*) domains=${line#DOMAINS=} ;;
        esac
    done < "$state"
    [ -n "$servers" ] || return 0
    {
        echo '# From DHCP by stackwright-firstboot'
        for server in $servers; do echo "nameserver ${server%%#*}"; done
        [ -z "$domains" ] || echo "search $domains"
    } > "$root/etc/resolv.conf.stackwright"
    mv -f "$root/etc/resolv.conf.stackwright" "$root/etc/resolv.conf"
}

main "$@"
