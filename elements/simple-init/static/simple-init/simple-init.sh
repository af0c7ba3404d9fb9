#!/bin/sh
# Names the machine, configures its network and lets its keys in, from a config drive or a NoCloud drive; DHCP where there
# is none.
#
#   simple-init.sh                   the whole, early at every boot; a later boot changes nothing
#   simple-init.sh --interface IF    the network of one interface that appeared later
#   simple-init.sh --resolv          systemd-networkd's DNS servers into resolv.conf
#
# What is to be written is decided by stackwright-firstboot.js (run by mujs); here it is only found and written.
# Tests set SIMPLE_INIT_ROOT to a directory that stands for /, and SIMPLE_INIT_SCRIPT to the renderer.
set -u
umask 022

root=${SIMPLE_INIT_ROOT:-}
script=${SIMPLE_INIT_SCRIPT:-/usr/local/lib/stackwright/stackwright-firstboot.js}
run=$root/run/stackwright
net=$root/sys/class/net
carrier_wait=${SIMPLE_INIT_CARRIER_WAIT:-9}
only=

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
    mkdir -p "$run"
    # Two interfaces that appear at once must not both write.
    if command -v flock > /dev/null; then
        exec 9> "$run/lock"
        flock 9
    fi
    work=$(mktemp -d "$run/work.XXXXXX") || exit 1
    trap 'rm -rf "$work"' EXIT
    find_drive
    target=$(find_target)
    [ -n "$only" ] || wait_for_carriers
    describe > "$work/state"
    if ! decide; then
        say "the drive could not be used, DHCP on all interfaces: $(head -n 1 "$work/problem")"
        drive=
        nocloud=
        describe > "$work/state"
        decide || fall_back > "$work/output"
    fi
    apply < "$work/output"
    [ -z "$only" ] || start_interface
    : > "$run/firstboot.done"
}

# Half an output is none. A drive that keeps the renderer busy must not use up the time of the unit.
decide() {
    if timeout 20 mujs "$script" "$work/state" > "$work/output" 2> "$work/problem"; then
        [ "$(tail -n 1 "$work/output")" = end ]
    else
        [ $? -ne 124 ] || echo "it took longer than 20 seconds to read" > "$work/problem"
        false
    fi
}

# Where the drive's files are: one that is mounted already, what the installation left, a device with the label.
find_drive() {
    drive=
    nocloud=
    mounted=$root/mnt/config
    seed=$root/var/lib/stackwright/config-drive/openstack/latest
    if ! choose_drive; then
        mount_drive
        choose_drive || say "no config drive: DHCP on all interfaces"
    fi
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

# A config drive, else a NoCloud drive.
mount_drive() {
    blkid -o full > "$work/devices"
    for label in '[Cc][Oo][Nn][Ff][Ii][Gg]-2' '[Cc][Ii][Dd][Aa][Tt][Aa]'; do
        device=$(sed -n 's/^\([^:]*\):.* LABEL="'"$label"'".*/\1/p' "$work/devices" | head -n 1)
        [ -n "$device" ] || continue
        mkdir -p "$mounted"
        if ! mount -o ro,nosuid,nodev,noexec "$device" "$mounted" 2> "$work/problem"; then
            say "the drive $device cannot be mounted: $(head -n 1 "$work/problem")"
        elif choose_drive; then
            return
        else
            say "the drive $device has neither openstack/latest nor meta-data"
            umount "$mounted"
        fi
    done
}

# The target is what is there to read the files, so that they are not written for nobody.
find_target() {
    id=$(sed -n 's/^ID="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$root/etc/os-release" 2> /dev/null | head -n 1)
    case $id in
    gentoo) echo gentoo ;;
    *suse* | sles*) echo suse ;;
    rhel | redhat | centos | fedora | rocky | almalinux) echo redhat ;;
    *)
        if [ -x "$root/sbin/ifup" ] || [ -x "$root/usr/sbin/ifup" ]; then
            echo ifupdown
        else
            echo networkd
        fi
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

# Interfaces that are no hardware are told apart by the renderer; here only what costs time is left out.
interfaces() {
    for path in "$net"/*; do
        name=${path##*/}
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
    grep -qx network-manager "$root/etc/stackwright/firstboot.conf" 2> /dev/null && echo network-manager
    uses_resolved && echo resolved
    for name in $(interfaces); do
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
    say "mujs does not work: $(head -n 1 "$work/problem")" >&2
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

# Reads what the renderer says. A line of content is behind a bar, so no content can be taken for an order.
apply() {
    file=
    while IFS= read -r line; do
        case $line in
        '|'*)
            [ -z "$file" ] || printf '%s\n' "${line#|}" >> "$work/content"
            continue
            ;;
        esac
        finish_file
        case $line in
        'warning '*) say "${line#warning }" ;;
        'name '*) set_name "${line#name }" ;;
        'file '*)
            rest=${line#file }
            mode=${rest%% *}
            rest=${rest#* }
            how=${rest%% *}
            file=${rest#* }
            : > "$work/content"
            ;;
        esac
    done
}

# A file changes in one step, and only where it is not so already.
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
    if [ "$how" = append ] && [ -e "$path" ]; then
        cat "$path" "$work/content" > "$work/whole"
    else
        cat "$work/content" > "$work/whole"
    fi
    if [ -f "$path" ] && cmp -s "$work/whole" "$path"; then
        return 0
    fi
    if cp "$work/whole" "$path.stackwright" && chmod "$mode" "$path.stackwright" \
        && mv -f "$path.stackwright" "$path"; then
        [ ! -x /usr/sbin/restorecon ] || [ -n "$root" ] || /usr/sbin/restorecon "$path"
        say "wrote ${path#"$root"}"
    else
        rm -f "$path.stackwright"
        say "could not write ${path#"$root"}"
    fi
}

set_name() {
    if [ -n "$root" ]; then
        say "host name $1"
    elif [ "$(cat /proc/sys/kernel/hostname)" != "$1" ]; then
        echo "$1" > /proc/sys/kernel/hostname
    fi
}

start_interface() {
    [ -z "$root" ] || return 0
    case $target in
    networkd) networkctl reload 2> /dev/null ;;
    ifupdown) ifup "$only" ;;
    redhat | suse) ifup "$only" 2> /dev/null || nmcli connection reload ;;
    esac
}

write_resolv() {
    state=$root/run/systemd/netif/state
    [ -r "$state" ] || return 0
    # Servers that the drive gave are there already and stay.
    if [ -s "$root/etc/resolv.conf" ] && ! grep -q '^# From DHCP by stackwright-firstboot' "$root/etc/resolv.conf"; then
        grep -q '^nameserver' "$root/etc/resolv.conf" && return 0
    fi
    servers=$(sed -n 's/^DNS=//p' "$state")
    domains=$(sed -n 's/^DOMAINS=//p' "$state")
    [ -n "$servers" ] || return 0
    {
        echo '# From DHCP by stackwright-firstboot'
        for server in $servers; do echo "nameserver ${server%%#*}"; done
        [ -z "$domains" ] || echo "search $domains"
    } > "$root/etc/resolv.conf.stackwright"
    mv -f "$root/etc/resolv.conf.stackwright" "$root/etc/resolv.conf"
}

main "$@"
