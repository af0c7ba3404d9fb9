/** Exit statuses of the script: puppet's own with `--detailed-exitcodes`, apt's, and those of flock and timeout. */
export const PUPPET_STATUSES = [0, 1, 2, 4, 6];
export const APT_FAILED = 100;
export const LOCK_HELD = 75;
export const TIMED_OUT = 124;
export const KILLED = 137;

export const ADOPTED = 'stackwright: the interrupted application has ended well and counts';
export const SETTLED = 'stackwright: applied before, and the host is as it was left then';

/** Held while a manifest is applied. */
export const puppetLock = '/var/tmp/stackwright/puppet.lock';

/** Held while packages are installed for manifests to come. */
export const packagesLock = '/var/tmp/stackwright/packages.lock';

const policyFile = '/usr/sbin/policy-rc.d';
const ownPolicy = '# Of stackwright: puppet starts services once they are configured.';

/** Shell, without single quotes: packages start no services from now on. */
export const denyServiceStarts = `[ -e ${policyFile} ] || { printf "#!/bin/sh\\n${ownPolicy}\\nexit 101\\n" > ${policyFile}.new && chmod 0755 ${policyFile}.new && mv ${policyFile}.new ${policyFile}; }`;

/** Shell, without single quotes: they do, unless more are to be installed. */
export const allowServiceStarts = `! grep -qsF "${ownPolicy}" ${policyFile} || flock --nonblock ${packagesLock} rm -f ${policyFile}`;

/** On the host, in memory: hiera's values, and what puppet notes of them. Whoever holds the lock owns it. */
export const VALUES = '/run/stackwright/apply';

/** Where a puppet listens that stays loaded from one manifest to the next; without the file it ends. */
const LOADED_PUPPET = '/run/stackwright/puppet';

/**
 * What deployments have applied on the host, kept over all of them: the services of each manifest; the manifests
 * with the keys of their content and values; and how the host looked at the end of the last deployment.
 */
export const APPLIED = '/var/tmp/stackwright/applied';

/**
 * Runs on the host. Puppet has a session of its own and writes to a file, so it neither ends nor stops when the
 * connection breaks; what we see is `tail`. The lock is held by puppet's shell and not by puppet, whose children
 * (services!) would inherit it. One with the same content that ended well while nobody watched counts as ours.
 */
export const applyScript = `#!/bin/sh
# Applies a manifest of this directory, or notes how the host looks at the end of a deployment:
# apply FILE KEY LIMIT anew|adopt whole|hold|start|stop
# apply host KEY LIMIT anew|adopt settle
# What puppet is to know of values (whole, hold) comes by standard input.
set -u
umask 077
cd "$(dirname "$0")" || exit 1
file=$1 key=$2 limit=$3 mode=$4 part=$5
log=manifests/$file
work=$PWD
files=$work/modules/stackwright/files
applied=${APPLIED}
services=$applied/services/$file
mkdir -p "$applied/services" || exit 1

exec 9>>${puppetLock} || exit 1
flock --timeout "$limit" 9 || exit ${LOCK_HELD}

if [ "$mode" = adopt ] && [ -f "$log.status" ] && [ -f "$log.finished" ]; then
  read -r old_key old_status < "$log.status"
  if [ "$old_key" = "$key" ] && { [ "$old_status" = 0 ] || [ "$old_status" = 2 ]; }; then
    cat "$log.finished"
    echo "${ADOPTED}"
    exit "$old_status"
  fi
fi

# What manifests make of a host: its packages, what is in /etc but not written by services, the services that run. After a
# boot nothing is certain.
condition() {
  of_services='( -path /etc/openvswitch -o -path /etc/libvirt/qemu ) -prune'
  {
    cat /proc/sys/kernel/random/boot_id
    dpkg-query --show --showformat '\${db:Status-Abbrev} \${Package} \${Version}\\n'
    find /etc /root/keystonerc_* -xdev $of_services -o -printf '%p %y %m %U %G %l\\n' | sort
    find /etc /root/keystonerc_* -xdev $of_services -o -type f -print0 | sort --zero-terminated |
      xargs --null sha256sum
    sed -n 's/^start //p' "$applied"/services/*.pp | sort -u | xargs --delimiter='\\n' --no-run-if-empty systemctl is-active
  } 2> /dev/null | sha256sum
}

case $part in
  settle)
    rm -f ${LOADED_PUPPET}
    condition > "$applied/condition.new" && mv "$applied/condition.new" "$applied/condition"
    exit ;;
  whole)
    if grep -qsxF "$file $key" "$applied/manifests" && condition | cmp --quiet - "$applied/condition"; then
      echo "${SETTLED}"
      exit 0
    fi ;;
  stop)
    # A deployment that was left may still install packages.
    flock --timeout "$limit" ${packagesLock} true 9>&- || exit ${LOCK_HELD}
    # It was never applied.
    [ -f "$services" ] || exit 0 ;;
esac
rm -f "$applied/condition"
touch "$applied/manifests"
sed --in-place "/^$file /d" "$applied/manifests"

# What is there was left by an application that was killed.
values=${VALUES}
rm -rf "$values"
mkdir -p -m 0700 "\${values%/*}" && mkdir "$values" && cat > "$values/deployment.yaml" || exit 1

case $part in
  whole | hold)
    if ! sh ./install await "$limit" "$file" 9>&-; then
      rm -rf "$values"
      ${allowServiceStarts}
      exit ${APT_FAILED}
    fi ;;
esac

# What the manifest does with units, told to systemctl.
units='
  of() { sed -n "s/^$1 //p" "$services"; }
  known() { while read -r unit; do systemctl cat "$unit" > /dev/null 2>&1 && printf "%s\\n" "$unit"; done; }
  # The name of a mount may have a backslash.
  tell() { xargs --delimiter="\\n" --no-run-if-empty systemctl "$@"; }
'
start="$units"'
  systemctl daemon-reload
  of stop | known | tell stop
  of disable | known | tell disable
  of enable | tell enable
  of start | tell restart && exit 2
  for unit in $(of start); do
    systemctl --quiet is-active "$unit" && continue
    echo "Error: Systemd start for $unit failed!"
    journalctl --quiet --no-pager --lines=20 --unit="$unit"
  done
  exit 1
'
stop="$units"'
  of start | known | tell stop && of enable | known | tell disable && exit 2
  echo "Error: systemctl does not stop the services"
  exit 1
'
# Keystone's module asks its client for this address and does not find it in the answer (Debian 12), so every password
# seems to be wrong and is set again. Here it looks first. The file is of the deployment before, and there may be TLS now.
clouds=/etc/openstack/puppet/admin-clouds.yaml
grep -qs '^CONFIG_ENDPOINTS_SSL: "y"' "$values/deployment.yaml" && scheme=https || scheme=http
[ ! -r "$clouds" ] || export OS_AUTH_URL="$(sed -nE "s/^ *auth_url: *https?:/$scheme:/p" "$clouds" | head -n 1)"

rm -f "$log.status" "$log.finished"
: > "$log.running"
export file key limit log work files values part applied services start stop LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
setsid sh -c '
  ${denyServiceStarts}
  case $part in
    start)
      set -- sh -c "$start" ;;
    stop)
      set -- sh -c "$stop" ;;
    *)
      [ "$part" = whole ] && select= || select="--skip_tags service"
      # What no plugin has named puppet installs, perhaps beside our own apt. This is read by a user of apt, too.
      export APT_CONFIG=/run/stackwright-apt.conf
      (umask 022 && echo "DPkg::Lock::Timeout 600;" > "$APT_CONFIG")
      set -- ruby --disable-gems "$files/loaded.rb" ${LOADED_PUPPET} apply --detailed-exitcodes --color=false \\
        --confdir "$work/puppet" --codedir "$work/code" --vardir "$values/var" \\
        --modulepath "$work/modules:/usr/share/puppet/modules" --hiera_config "$work/hiera.yaml" \\
        --catalog_cache_terminus json --prerun_command "ruby --disable-gems $files/services.rb" \\
        $select "manifests/$file" ;;
  esac
  timeout --kill-after=60 "$limit" "$@" >> "$log.running" 2>&1 9>&-
  status=$?
  [ "$part $status" != "whole 0" ] && [ "$part $status" != "whole 2" ] || echo "$file $key" >> "$applied/manifests"
  echo "$key $status" > "$log.status.new"
  rm -rf "$values" /run/stackwright-apt.conf
  ${allowServiceStarts}
  mv "$log.running" "$log.finished"
  mv "$log.status.new" "$log.status"
' < /dev/null > /dev/null 2>&1 &
puppet=$!
exec 9>&-
tail --pid="$puppet" --sleep-interval=0.2 --lines=+1 --follow=descriptor "$log.running" 2> /dev/null
wait "$puppet"
read -r old_key status < "$log.status" || exit 1
exit "$status"
`;
