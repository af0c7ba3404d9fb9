import { hostSequence } from './declare.js';
import type { DeployEvent } from './events.js';
import { APPLIED } from './host-script.js';
import type { DeployContext, Sequence } from './plugin.js';

/** Stops the services that hooks have made with `run_process`, those that their own `unstack` has not stopped. */
export function stopProcesses(hosts: string[]): Sequence[] {
  return [hostSequence('unstack.processes', 'stop the services of hooks', hosts, runScript(stopScript, 900))];
}

/** Removes what the agents of neutron have made, the packages that deployments have installed, and their files. */
export function cleanSequences(hosts: string[]): Sequence[] {
  return [
    hostSequence('clean.networks', 'remove the networks that neutron has made', hosts, runScript(networksScript, 300)),
    hostSequence('clean.packages', 'remove the packages that were installed', hosts, removePackages),
    hostSequence('clean.files', 'remove the files of deployments', hosts, runScript(filesScript, 300)),
  ];
}

/** Notes the packages of a host, before a deployment and after it: `clean` removes what has come between. */
export const notePackages = `export LC_ALL=C; dpkg-query --show --showformat '\${db:Status-Status} \${Package}\\n' | sed -n 's/^installed //p' | sort`;

const stopScript = `set -eu
for unit in /etc/systemd/system/devstack@*.service; do
  [ -e "$unit" ] || continue
  systemctl disable --now "\${unit##*/}"
  rm -f "$unit"
  # A program that ends by the signal has failed in systemd's eyes, and would be listed for ever.
  systemctl reset-failed "\${unit##*/}" || true
done
systemctl daemon-reload
`;

/**
 * Neutron's agents leave their routers, with programs in them, and bridges when they stop. A bridge with another
 * interface in it, which may be the way to the host, is left.
 */
const networksScript = `set -eu
command -v ip > /dev/null || exit 0
for name in $(ip netns list | sed -nE 's/^((qdhcp|qrouter|snat|fip)-[^ ]*).*/\\1/p'); do
  ip netns pids "$name" | xargs --no-run-if-empty kill || true
  ip netns delete "$name"
done
namesOf() { ip -brief link show "$@" | sed 's/[ @].*//'; }
# One end of a pair goes by itself, a moment after the namespace that had the other.
delete() { ip link delete "$1" 2> /dev/null || [ ! -e "/sys/class/net/$1" ]; }
for bridge in $(namesOf type bridge | grep -E '^brq[0-9a-f-]{11}$'); do
  for port in $(namesOf master "$bridge" | grep -E '^(tap|vxlan-)'); do delete "$port"; done
  [ -n "$(namesOf master "$bridge")" ] || delete "$bridge"
done
`;

/**
 * A package goes where a deployment has installed it and apt says that nothing needs it any more: what somebody has
 * installed since keeps what it depends on.
 */
const packagesScript = `set -eu
# We are root by ssh: without this sudo, which was not there before, refuses to go where root has no password.
export LC_ALL=C DEBIAN_FRONTEND=noninteractive SUDO_FORCE_REMOVE=yes
made=$(mktemp) now=$(mktemp)
trap 'rm -f "$made" "$made.all" "$now"' EXIT
${notePackages} > "$now"
for directory in /var/tmp/stackwright/*/; do
  [ -f "$directory/packages-before" ] || continue
  after=$directory/packages-after
  [ -f "$after" ] || after=$now
  comm -13 "$directory/packages-before" "$after" >> "$made"
done
sort -u "$made" > "$made.all"
comm -12 "$made.all" "$now" > "$made"
needless=
if [ -s "$made" ]; then
  xargs apt-mark auto < "$made" > /dev/null
  needless=$(apt-get --simulate --fix-broken autoremove | sed -n 's/^Remv \\([^ ]*\\).*/\\1/p' | sort | comm -12 - "$made")
fi
# Those that an interrupted removal has removed and not purged. It has also left dependencies that are not met.
left=$(dpkg-query --show --showformat '\${db:Status-Status} \${Package}\\n' | sed -n 's/^config-files //p' | sort | comm -12 - "$made.all")
[ -n "$needless$left" ] || exit 0
# Debian empties these directories with their packages; an export that is mounted there is somebody else's.
for place in $(sed -nE 's#^[^ ]+ (/var/lib/(cinder|nova)/[^ ]+) .*#\\1#p' /proc/mounts | sort -r); do umount "$place"; done
apt-get --option DPkg::Lock::Timeout=600 --fix-broken purge --yes $needless $left
echo "stackwright removed:" $needless $left
`;

/** What manifests have written outside packages. The volumes and objects among it are in files for tests. */
const filesScript = `set -eu
units=$(grep -ls '^# Of stackwright' /etc/systemd/system/*.service /etc/systemd/system/*.mount || true)
rm -f $units /usr/local/sbin/stackwright-volume-group /etc/exports.d/stackwright.exports
[ -z "$units" ] || systemctl daemon-reload
rm -f /etc/*/ssl/private/stackwright.pem /etc/*/ssl/public/stackwright.crt /etc/nova/stackwright-console.*
rm -f /etc/apt/sources.list.d/stackwright.list /etc/apt/keyrings/stackwright.asc
rm -f /etc/apache2/stackwright.* /etc/apache2/sites-*/00-stackwright.conf
if [ -e /usr/local/share/ca-certificates/stackwright.crt ]; then
  rm -f /usr/local/share/ca-certificates/stackwright.crt
  ! command -v update-ca-certificates > /dev/null || update-ca-certificates --fresh
fi
rm -rf /var/cache/apt/stackwright /etc/ssl/stackwright /etc/openstack/puppet /root/keystonerc_admin /root/keystonerc_demo
# The state directory may be here, too.
rm -f /var/lib/stackwright/*.volumes /var/lib/stackwright/*.objects
cd /var/tmp/stackwright
for directory in */; do
  [ -f "$directory/packages-before" ] && rm -rf "$directory" || true
done
rm -rf ${APPLIED}
`;

async function removePackages(context: DeployContext, host: string): Promise<undefined> {
  const { stdout } = await context.ssh.run(context.reach(host), ['sh', '-c', packagesScript], {
    timeout: 3600,
    logFile: context.logFile,
  });
  const packages = /^stackwright removed: (.*)$/m.exec(stdout)?.[1]?.split(' ') ?? [];
  const event: DeployEvent = {
    code: 'deploy.packages.removed',
    level: 'info',
    message: `${host}: removed ${packages.length} packages`,
    data: { host, packages },
  };
  context.reporter.report(event);
}

function runScript(script: string, timeout: number) {
  return async ({ ssh, reach, logFile }: DeployContext, host: string): Promise<undefined> => {
    await ssh.run(reach(host), ['sh', '-c', script], { timeout, logFile });
  };
}
