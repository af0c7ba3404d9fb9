# The installation, station by station. Sourced by /init.

main() {
	read_kernel_line
	say "Stackwright ramdisk, kernel $(uname -r), up $(cut -d. -f1 /proc/uptime) s"
	check_unpacked
	load_drivers
	raise_links
	hear_neighbours
	start_network
	[ -n "$HAS_TOKEN" ] || ask_token
	LLDP=$LLDP /usr/lib/stackwright/facts.sh > /run/facts.json || fail "the facts could not be collected"
	kill $LISTENERS 2> /dev/null
	ask_server
	progress configure
	watch_progress &
	WATCH=$!
	run_configure
	lay_role
	make_bootable
	report_installed
	finish "$ONSUCCESS"
}

say() { echo "stackwright: $*"; }

# What the kernel line may say: see docs/reference/kernel-line.md.
read_kernel_line() {
	HTTP_PORT=80 HTTP_PATH=/ ONSUCCESS=reboot ONFAILURE=console SECTION= TOKEN= SERV= IP=all:dhcp DEBUG= VERBOSE= UPLOAD_LOG=1 LLDP=3
	RSERV= RSERV_PORT=873 RPATH=/install HSERV= HSERV_PORT=80 HPATH=/install
	TARGET_KERNEL_LINE=
	line=$(cat /proc/cmdline)
	case "$line" in
		*'|'*'|'*)
			TARGET_KERNEL_LINE=${line#*|}
			TARGET_KERNEL_LINE=${TARGET_KERNEL_LINE%%|*} ;;
	esac
	for word in $line; do
		case "$word" in
			SERV=* | HTTP_PORT=* | HTTP_PATH=* | ONSUCCESS=* | ONFAILURE=* | SECTION=* | TOKEN=* | IP=* | DEBUG=* | VERBOSE=* | UPLOAD_LOG=* | LLDP=* | RSERV=* | RSERV_PORT=* | RPATH=* | \
				HSERV=* | HSERV_PORT=* | HPATH=*)
				name=${word%%=*}
				value=${word#*=}
				case "$value" in
					*[!A-Za-z0-9_.:,/=-]*) say "ignoring odd value of $name" ;;
					*) eval "$name=\$value" ;;
				esac ;;
		esac
	done
	[ "$DEBUG" != 1 ] || ONFAILURE=console
	case "$ONSUCCESS" in reboot | kexec | halt | console) ;; *) say "ONSUCCESS=$ONSUCCESS means nothing, taking reboot"; ONSUCCESS=reboot ;; esac
	case "$LLDP" in '' | *[!0-9]* | 0?*) say "LLDP=$LLDP is no number of seconds, taking 3"; LLDP=3 ;; esac
	# eDeploy's own kernel lines have no slashes around paths.
	HTTP_PATH=$(slashed "$HTTP_PATH")/ HPATH=$(slashed "$HPATH") RPATH=$(slashed "$RPATH")
	SERVER=http://$SERV:$HTTP_PORT
	HAS_TOKEN=${TOKEN:+yes}
	keep_token
	trace
	mkdir -p /run/lock /run/lvm
}

slashed() {
	path=${1#/}
	path=${path%/}
	echo "${path:+/$path}"
}

# Begins where nothing names the token any more.
trace() {
	[ "$VERBOSE" != 1 ] || set -x
}

# The token is never an argument, so that it stands in no process list.
keep_token() {
	umask 077
	printf 'header = "X-Stackwright-Token: %s"\n' "$TOKEN" > /run/curl.conf
	umask 022
}

# A boot medium knows no token: we ask as iPXE does, and take it from the answer. What else the answer says is for iPXE.
ask_token() {
	interface=$(ip -4 -o address show scope global | awk '{ print $2; exit }')
	mac=$(tr ':' '-' < "/sys/class/net/$interface/address")
	uuid=$(cat /sys/class/dmi/id/product_uuid 2> /dev/null)
	server --max-time 60 --get --data-urlencode "mac=$mac" --data-urlencode "uuid=$uuid" ${SECTION:+--data-urlencode "section=$SECTION"} \
		--output /run/boot.ipxe "$SERVER/boot.ipxe" || fail "the server $SERVER does not answer"
	{ set +x; } 2> /dev/null
	TOKEN=$(sed -n 's/^kernel .* TOKEN=\([A-Za-z0-9_-]*\) .*/\1/p' /run/boot.ipxe)
	if [ -z "$TOKEN" ]; then
		sed -n 's/^echo //p' /run/boot.ipxe
		say "this machine is not to be installed: take the boot medium out"
		finish "$ONFAILURE"
	fi
	keep_token
	trace
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
	for module in ext4 vfat nls_cp437 nls_ascii sd_mod ipmi_devintf; do modprobe -q "$module" 2> /dev/null; done
	mdev -s
}

# curl against our server, with the token, limited in time, tried again when the network fails or the server starts anew.
server() {
	curl --silent --show-error --fail --config /run/curl.conf --connect-timeout 10 --retry 60 --retry-connrefused --retry-delay 2 "$@"
}

# Tells the server where we are; a lost message is no reason to stop.
progress() {
	echo "$1" > /run/station
	send_progress "$1"
}

send_progress() {
	server --max-time 20 --retry 0 --data "station=$1${2:+&percent=$2}" "$SERVER/v1/node/progress" > /dev/null 2>&1 || true
}

# Beside the installation: says that the machine is alive, and how much of the role is on its disks. A server that hears
# nothing for long takes the machine for failed.
watch_progress() {
	beats=0 last=
	while sleep 2; do
		station=$(cat /run/station)
		percent=
		[ ! -s /run/copy ] || percent=$(copied_percent)
		beats=$((beats + 1))
		[ "$beats" -ge 15 ] || [ "${percent:-0}" -ge $((${last:-0} + 10)) ] || continue
		beats=0
		if [ -n "$percent" ] && [ "$percent" != "$last" ]; then
			last=$percent
			say "copied $percent %"
		fi
		send_progress "$station" "$percent"
	done
}

# /run/copy has how many KB were in use before the copy, and how many it adds.
copied_percent() {
	read -r before added < /run/copy
	percent=$((($(used_kilobytes) - before) * 100 / added))
	[ "$percent" -le 99 ] || percent=99
	[ "$percent" -ge 0 ] || percent=0
	echo "$percent"
}

used_kilobytes() {
	awk '$2 == "/chroot" || $2 ~ "^/chroot/" { print $2 }' /proc/mounts | xargs df -k -P | awk '/^\// { sum += $3 } END { printf "%.0f", sum }'
}

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
	esac || fail_configure $?
	[ -f /vars ] || fail "the configure script called no set_role"
	. /vars
	DISK=$(device_path "$DISK")
	grep -q ' /chroot ' /proc/mounts || fail "the configure script mounted nothing at /chroot"
	say "role $ROLE $VERS on $DISK, up $(cut -d. -f1 /proc/uptime) s"
}

# eDeploy takes names of disks too.
device_path() {
	case "$1" in
		/*) echo "$1" ;;
		*) echo "/dev/$1" ;;
	esac
}

# A layout says in a file why it does not fit.
fail_configure() {
	[ ! -s /run/configure.reason ] || fail "$(head -n 1 /run/configure.reason)"
	fail "the configure script failed with status $1"
}

lay_role() {
	progress copy
	# A role that our server does not have has no percent.
	added=$(server --max-time 60 --retry 2 "$SERVER/v1/node/role/$ROLE/$VERS/kilobytes" 2> /dev/null) && echo "$(used_kilobytes) $added" > /run/copy
	if [ -n "$RSERV" ]; then role_by_rsync; elif [ -n "$HSERV" ]; then role_by_archive; else role_by_http; fi
	rm -f /run/copy
	say "role unpacked, up $(cut -d. -f1 /proc/uptime) s"
	/usr/bin/tar -C /post_rsync -c . | /usr/bin/tar -C /chroot -x --no-overwrite-dir || fail "the files of the configure script could not be laid over the role"
	lay_edeploy_files
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
	tries=0
	while [ "$hash" != "$expected" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 10 ] || fail "role $ROLE $VERS arrived damaged, or is the disk full?"
		say "the connection broke, going on with the download"
		server --max-time 3600 --continue-at - --output "$archive" "$url/role.squashfs"
		case $? in
			# The server was away or the connection broke again.
			0 | 7 | 18 | 28 | 52 | 56) ;;
			# There is nothing left to fetch, and what is there is wrong.
			22) rm -f "$archive" ;;
			*) fail "role $ROLE $VERS could not be fetched: is the disk large enough?" ;;
		esac
		[ ! -e "$archive" ] || hash=$(/usr/bin/sha256sum "$archive" | cut -d ' ' -f 1)
	done
	say "role fetched and checked, up $(cut -d. -f1 /proc/uptime) s"
	unsquashfs -quiet -no-progress -force -dest /chroot "$archive" || fail "role $ROLE $VERS could not be unpacked: is the disk full?"
	rm "$archive"
}

# As eDeploy: one archive for each role on any HTTP server, packed by zstd or gzip.
role_by_archive() {
	archive=/chroot/.role.edeploy
	url=http://$HSERV:$HSERV_PORT$HPATH/$VERS/$ROLE-$VERS.edeploy
	# No token: this is not our server.
	curl --silent --show-error --fail --connect-timeout 10 --retry 10 --retry-all-errors --retry-delay 2 --continue-at - --output "$archive" "$url" ||
		fail "role $ROLE $VERS could not be fetched from $url"
	case "$(dd if="$archive" bs=4 count=1 2> /dev/null | od -A n -t x1 | tr -d ' \n')" in
		28b52ffd) unpack="zstd -q -d -c" ;;
		1f8b*) unpack="gzip -d -c" ;;
		*) fail "$url is packed neither by zstd nor by gzip" ;;
	esac
	$unpack "$archive" | /usr/bin/tar -x -C /chroot --numeric-owner --xattrs --xattrs-include='*' --acls ||
		fail "role $ROLE $VERS could not be unpacked: is the disk full?"
	rm "$archive"
}

# As eDeploy: the tree as files, from a daemon with the module "install".
role_by_rsync() {
	rsync --archive --hard-links --xattrs --acls --numeric-ids "rsync://$RSERV:$RSERV_PORT$RPATH/$VERS/$ROLE/" /chroot/ ||
		fail "role $ROLE $VERS could not be fetched from the rsync daemon $RSERV"
}

# What older configure scripts write before they know of config().
lay_edeploy_files() {
	mkdir -p /chroot/etc/network
	[ ! -f /interfaces ] || cat /interfaces > /chroot/etc/network/interfaces
	[ ! -f /modules ] || cat /modules >> /chroot/etc/modules
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
	if [ -d /sys/firmware/efi ]; then install_grub_for_uefi; else install_grub_for_bios; fi
	case "$root_device" in
		# LVM starts a volume that is asked for by its name.
		/dev/mapper/*) root=$root_device ;;
		*) root=UUID=$(uuid_of "$root_device") ;;
	esac
	options="root=$root ro quiet $TARGET_KERNEL_LINE ${GRUB_OPTIONS:-}"
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
	if [ "$ONSUCCESS" = kexec ]; then
		kernel_image=/chroot/boot/$kernel
		kexec --load "$kernel_image" ${initrd:+--initrd="/chroot/boot/initrd.img-${kernel#vmlinuz-}"} --command-line="$options" ||
			say "the kernel cannot be loaded by kexec"
	fi
	say "boot loader on ${BOOT_DISKS:-$DISK}, up $(cut -d. -f1 /proc/uptime) s"
}

install_grub_for_bios() {
	for disk in ${BOOT_DISKS:-$DISK}; do
		chroot /chroot /usr/sbin/grub-install --target=i386-pc --no-floppy "$disk" || fail "grub-install on $disk failed"
	done
}

# Under the name that every firmware starts by itself: so the disk starts in another machine too, and no entry has to be
# written into the firmware.
install_grub_for_uefi() {
	grep -q ' /chroot/boot/efi vfat ' /proc/mounts || fail "this machine starts by UEFI: the configure script has to mount a vfat partition at /chroot/boot/efi"
	[ -e /chroot/usr/lib/grub/x86_64-efi ] || fail "this machine starts by UEFI: role $ROLE $VERS needs the package grub-efi-amd64-bin"
	chroot /chroot /usr/sbin/grub-install --target=x86_64-efi --efi-directory=/boot/efi --removable --no-nvram ||
		fail "grub-install for UEFI failed"
	for partition in ${EXTRA_ESPS:-}; do
		mkdir -p /run/esp
		mount -t vfat "$partition" /run/esp && cp -r /chroot/boot/efi/EFI /run/esp/ && umount /run/esp ||
			fail "the boot loader could not be copied to $partition"
	done
}

report_installed() {
	kill "$WATCH" 2> /dev/null
	for directory in dev proc sys; do umount "/chroot/$directory"; done
	cat /chroot/etc/ssh/ssh_host_*_key.pub > /run/host-keys
	umount_all || fail "the target could not be unmounted"
	stop_storage
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

# Arrays that are not stopped are checked at the next start.
stop_storage() {
	[ ! -e /dev/mapper/control ] || DM_DISABLE_UDEV=1 vgchange --quiet --activate n > /dev/null 2>&1
	[ ! -e /proc/mdstat ] || mdadm --stop --scan --quiet
	return 0
}

upload_log() {
	[ "$UPLOAD_LOG" = 1 ] || return 0
	gzip -c "$LOG" > /run/install.log.gz
	server --max-time 60 --retry 2 --form "file=@/run/install.log.gz;filename=install.log.gz" --form "section=$SECTION" "$SERVER${HTTP_PATH}upload.py" > /dev/null || say "the log could not be sent"
}

fail() {
	[ -z "${WATCH:-}" ] || kill "$WATCH" 2> /dev/null
	say "FAILED: $*"
	dmesg | tail -n 20 >> "$LOG"
	upload_log
	server --max-time 60 --retry 5 --form "failure=${PROFILE:-}" --form "reason=$*" --form "section=$SECTION" "$SERVER${HTTP_PATH}upload.py" > /dev/null || say "the failure could not be reported"
	umount_all > /dev/null 2>&1
	finish "$ONFAILURE"
}

finish() {
	sync
	# The log is on its way to the console through a pipe.
	sleep 0.3
	case "$1" in
		halt)
			say "powering off"
			sleep 0.3
			poweroff -f ;;
		reboot)
			say "rebooting"
			sleep 0.3
			reboot -f ;;
		kexec)
			if [ "$(cat /sys/kernel/kexec_loaded)" = 1 ]; then kexec --exec; fi
			say "kexec is not possible, rebooting"
			sleep 0.3
			reboot -f ;;
		*)
			exec < /dev/console > /dev/console 2>&1
			echo "A shell, because the kernel line says so. The log is $LOG; \"reboot -f\" starts again."
			while :; do setsid cttyhack sh; done ;;
	esac
	sleep 60
}
