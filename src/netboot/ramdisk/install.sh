# The installation, station by station. Sourced by /init.

main() {
	read_kernel_line
	say "Stackwright ramdisk, kernel $(uname -r), up $(cut -d. -f1 /proc/uptime) s"
	check_unpacked
	load_drivers
	start_network
	/usr/lib/stackwright/facts.sh > /run/facts.json || fail "the facts could not be collected"
	ask_server
	run_configure
	lay_role
	make_bootable
	report_installed
	finish "$ONSUCCESS"
}

say() { echo "stackwright: $*"; }

# What the kernel line may say: see docs/reference/kernel-line.md.
read_kernel_line() {
	HTTP_PORT=80 HTTP_PATH=/ ONSUCCESS=reboot ONFAILURE=console SECTION= TOKEN= SERV= IP=all:dhcp DEBUG= VERBOSE= UPLOAD_LOG=1
	RSERV= RSERV_PORT=873 RPATH=/install
	TARGET_KERNEL_LINE=
	line=$(cat /proc/cmdline)
	case "$line" in
		*'|'*'|'*)
			TARGET_KERNEL_LINE=${line#*|}
			TARGET_KERNEL_LINE=${TARGET_KERNEL_LINE%%|*} ;;
	esac
	for word in $line; do
		case "$word" in
			SERV=* | HTTP_PORT=* | HTTP_PATH=* | ONSUCCESS=* | ONFAILURE=* | SECTION=* | TOKEN=* | IP=* | DEBUG=* | VERBOSE=* | UPLOAD_LOG=* | RSERV=* | RSERV_PORT=* | RPATH=*)
				name=${word%%=*}
				value=${word#*=}
				case "$value" in
					*[!A-Za-z0-9_.:,/=-]*) say "ignoring odd value of $name" ;;
					*) eval "$name=\$value" ;;
				esac ;;
		esac
	done
	[ "$DEBUG" != 1 ] || ONFAILURE=console
	[ "$VERBOSE" != 1 ] || set -x
	SERVER=http://$SERV:$HTTP_PORT
	umask 077
	# The token is never an argument, so that it stands in no process list.
	printf 'header = "X-Stackwright-Token: %s"\n' "$TOKEN" > /run/curl.conf
	umask 022
}

# A ramdisk too big for the memory is unpacked in part, and the kernel boots on with files missing.
check_unpacked() {
	if dmesg | grep -q 'Initramfs unpacking failed'; then
		fail "the ramdisk did not fit into memory: give the machine at least 256 MB"
	fi
}

load_drivers() {
	find /sys/devices -name modalias -exec cat {} + 2> /dev/null | sort -u | xargs -r modprobe -a -q 2> /dev/null
	# Drivers of devices that appear behind those that were just found (disks behind a controller).
	sleep 0.2
	find /sys/devices -name modalias -exec cat {} + 2> /dev/null | sort -u | xargs -r modprobe -a -q 2> /dev/null
	for module in ext4 vfat nls_cp437 nls_ascii sd_mod; do modprobe -q "$module" 2> /dev/null; done
	mdev -s
}

# IP=all:dhcp | IF:dhcp | IF:ADDRESS/LENGTH[:GATEWAY], several separated by commas.
start_network() {
	ip link set lo up
	for path in /sys/class/net/*; do
		interface=${path##*/}
		[ "$interface" = lo ] || ip link set "$interface" up
	done
	for word in $(echo "$IP" | tr ',' ' '); do
		interface=${word%%:*}
		how=${word#*:}
		case "$how" in
			dhcp)
				if [ "$interface" = all ]; then
					for path in /sys/class/net/*; do
						[ "${path##*/}" = lo ] || dhcp "${path##*/}"
					done
				else dhcp "$interface"; fi ;;
			*)
				ip address add "${how%%:*}" dev "$interface"
				case "$how" in *:*) ip route add default via "${how#*:}" ;; esac ;;
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

dhcp() {
	udhcpc -i "$1" -b -t 5 -T 2 -A 2 -R -p "/run/udhcpc.$1.pid" -s /usr/share/udhcpc/default.script > /dev/null 2>&1 &
}

# curl against our server, with the token, limited in time, tried again when the network fails.
server() {
	curl --silent --show-error --fail --config /run/curl.conf --connect-timeout 10 --retry 8 --retry-connrefused --retry-delay 2 "$@"
}

# Tells the server where we are; a lost message is no reason to stop.
progress() { server --max-time 20 --retry 1 --data "station=$1" "$SERVER/v1/node/progress" > /dev/null || true; }

ask_server() {
	server --max-time 300 --form "file=@/run/facts.json;filename=facts.hw" --form "section=$SECTION" \
		--output /run/configure "$SERVER${HTTP_PATH}upload.py" || fail "the server $SERVER did not take the facts"
	say "facts posted, up $(cut -d. -f1 /proc/uptime) s"
}

run_configure() {
	chmod 700 /run/configure
	case "$(head -n 1 /run/configure)" in
		*python*)
			server --max-time 300 "$SERVER/boot/python.tar.zst" --output /run/python.tar.zst || fail "the Python add-on could not be fetched"
			zstd -q -d -c /run/python.tar.zst | /usr/bin/tar -x -C / || fail "the Python add-on could not be unpacked"
			rm /run/python.tar.zst
			/usr/bin/python3 /run/configure ;;
		*) sh /run/configure ;;
	esac || fail "the configure script failed with status $?"
	[ -f /vars ] || fail "the configure script called no set_role"
	. /vars
	grep -q ' /chroot ' /proc/mounts || fail "the configure script mounted nothing at /chroot"
	say "role $ROLE $VERS on $DISK, up $(cut -d. -f1 /proc/uptime) s"
}

lay_role() {
	progress copy
	if [ -n "$RSERV" ]; then role_by_rsync; else role_by_http; fi
	say "role unpacked, up $(cut -d. -f1 /proc/uptime) s"
	/usr/bin/tar -C /post_rsync -c . | /usr/bin/tar -C /chroot -x --no-overwrite-dir || fail "the files of the configure script could not be laid over the role"
	write_edeploy_conf
	write_fstab
	seed="/chroot/var/lib/stackwright"
	mkdir -p "$seed/config-drive"
	server --max-time 60 "$SERVER/v1/node/config-drive.tar" --output /run/config-drive.tar || fail "the machine's record could not be fetched"
	/usr/bin/tar -x --warning=no-timestamp -C "$seed/config-drive" -f /run/config-drive.tar
	chmod -R go-rwx "$seed/config-drive"
}

role_by_http() {
	# The download goes to the target disk, so that memory need not hold it.
	archive=/chroot/.role.squashfs
	url=$SERVER/v1/node/role/$ROLE/$VERS
	expected=$(server --max-time 60 "$url/sha256") || fail "role $ROLE $VERS could not be fetched: is it published?"
	# At first without trying again, because what has passed is hashed on its way; a broken download is resumed and
	# hashed from the disk.
	hash=$(server --retry 0 --max-time 3600 "$url/role.squashfs" | /usr/bin/tee "$archive" | /usr/bin/sha256sum | cut -d ' ' -f 1)
	if [ "$hash" != "$expected" ]; then
		server --max-time 3600 --continue-at - --output "$archive" "$url/role.squashfs" ||
			fail "role $ROLE $VERS could not be fetched: is the disk large enough?"
		[ "$(/usr/bin/sha256sum "$archive" | cut -d ' ' -f 1)" = "$expected" ] || fail "role $ROLE $VERS arrived damaged"
	fi
	say "role fetched and checked, up $(cut -d. -f1 /proc/uptime) s"
	unsquashfs -quiet -no-progress -force -dest /chroot "$archive" || fail "role $ROLE $VERS could not be unpacked: is the disk full?"
	rm "$archive"
}

# As eDeploy: the tree as files, from a daemon with the module "install".
role_by_rsync() {
	rsync --archive --hard-links --xattrs --acls --numeric-ids "rsync://$RSERV:$RSERV_PORT$RPATH/$VERS/$ROLE/" /chroot/ ||
		fail "role $ROLE $VERS could not be fetched from the rsync daemon $RSERV"
}

write_edeploy_conf() {
	mkdir -p /chroot/var/lib/edeploy
	cat > /chroot/var/lib/edeploy/conf <<-END
		ROLE=$ROLE
		VERS=$VERS
		RSERV=${RSERV:-$SERV}
		RSERV_PORT=$RSERV_PORT
		RPATH=$RPATH
		PROFILE=$PROFILE
	END
}

# Every file system that the configure script mounted below /chroot, unless it brought a table of its own.
write_fstab() {
	[ ! -e /post_rsync/etc/fstab ] || return 0
	awk '$2 == "/chroot" || $2 ~ "^/chroot/" { print $1, $2, $3 }' /proc/mounts | sort -k 2 | while read -r device point type; do
		point=${point#/chroot}
		[ "$type" != ext2 ] && [ "$type" != ext3 ] && [ "$type" != ext4 ] && [ "$type" != xfs ] && [ "$type" != vfat ] && continue
		pass=2
		[ -n "$point" ] || pass=1
		echo "UUID=$(uuid_of "$device") ${point:-/} $type defaults 0 $pass"
	done > /chroot/etc/fstab
}

uuid_of() { blkid -o value -s UUID "$1"; }

make_bootable() {
	progress bootloader
	for directory in dev proc sys; do
		mkdir -p "/chroot/$directory"
		mount --bind "/$directory" "/chroot/$directory"
	done
	# The keys are made here, so that the inventory knows them before anyone connects.
	mkdir -p /chroot/etc/ssh
	for type in ed25519 ecdsa; do
		rm -f "/chroot/etc/ssh/ssh_host_${type}_key" "/chroot/etc/ssh/ssh_host_${type}_key.pub"
		chroot /chroot /usr/bin/ssh-keygen -q -N '' -t "$type" -f "/etc/ssh/ssh_host_${type}_key" || fail "no SSH host key could be made: does the role have openssh-server?"
	done
	kernel=$(cd /chroot/boot && ls vmlinuz-* 2> /dev/null | sort | tail -n 1)
	[ -n "$kernel" ] || fail "role $ROLE $VERS has no kernel in /boot"
	root_device=$(awk '$2 == "/chroot" { print $1 }' /proc/mounts | tail -n 1)
	boot_device=$(awk '$2 == "/chroot/boot" { print $1 }' /proc/mounts | tail -n 1)
	prefix=/boot
	[ -z "$boot_device" ] || prefix=
	chroot /chroot /usr/sbin/grub-install --target=i386-pc --no-floppy "$DISK" || fail "grub-install on $DISK failed"
	options="root=UUID=$(uuid_of "$root_device") ro quiet $TARGET_KERNEL_LINE ${GRUB_OPTIONS:-}"
	initrd=
	[ ! -e "/chroot/boot/initrd.img-${kernel#vmlinuz-}" ] || initrd="initrd $prefix/initrd.img-${kernel#vmlinuz-}"
	cat > /chroot/boot/grub/grub.cfg <<-END
		# Written at installation; update-grub writes it anew from /etc/default/grub.
		set timeout=0
		search --no-floppy --fs-uuid --set=root $(uuid_of "${boot_device:-$root_device}")
		menuentry 'Debian GNU/Linux' {
		  linux $prefix/$kernel $options
		  $initrd
		}
	END
	if [ -e /chroot/etc/default/grub ]; then
		sed -i "s|^GRUB_CMDLINE_LINUX=.*|GRUB_CMDLINE_LINUX=\"$TARGET_KERNEL_LINE ${GRUB_OPTIONS:-}\"|; s|^GRUB_TIMEOUT=.*|GRUB_TIMEOUT=0|" /chroot/etc/default/grub
	fi
	say "boot loader on $DISK, up $(cut -d. -f1 /proc/uptime) s"
}

report_installed() {
	for directory in dev proc sys; do umount "/chroot/$directory"; done
	cat /chroot/etc/ssh/ssh_host_*_key.pub > /run/host-keys
	umount_all || fail "the target could not be unmounted"
	upload_log
	server --max-time 60 --form "host_keys=@/run/host-keys;filename=host_keys" --form "disk=$DISK" "$SERVER/v1/node/installed" > /dev/null || fail "the server did not take the report"
	say "installed, up $(cut -d. -f1 /proc/uptime) s"
}

umount_all() {
	sync
	awk '$2 == "/chroot" || $2 ~ "^/chroot/" { print $2 }' /proc/mounts | sort -r | while read -r point; do
		umount "$point" || exit 1
	done
}

upload_log() {
	[ "$UPLOAD_LOG" = 1 ] || return 0
	gzip -c "$LOG" > /run/install.log.gz
	server --max-time 60 --retry 2 --form "file=@/run/install.log.gz;filename=install.log.gz" --form "section=$SECTION" "$SERVER${HTTP_PATH}upload.py" > /dev/null || say "the log could not be sent"
}

fail() {
	trap - EXIT
	say "FAILED: $*"
	dmesg | tail -n 20 >> "$LOG"
	upload_log
	server --max-time 60 --retry 3 --form "failure=${PROFILE:-}" --form "reason=$*" --form "section=$SECTION" "$SERVER${HTTP_PATH}upload.py" > /dev/null || say "the failure could not be reported"
	umount_all > /dev/null 2>&1
	finish "$ONFAILURE"
}

finish() {
	sync
	# The log is on its way to the console through a pipe.
	sleep 0.3
	case "$1" in
		halt) poweroff -f ;;
		reboot) reboot -f ;;
		kexec)
			say "kexec is not possible from here, rebooting"
			reboot -f ;;
		*)
			exec < /dev/console > /dev/console 2>&1
			while :; do setsid cttyhack sh; done ;;
	esac
	sleep 60
}
