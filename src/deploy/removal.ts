import { hostSequence } from './declare.js';
import type { DeployEvent } from './events.js';
import { APPLIED } from './host-script.js';
import type { DeployContext, Sequence } from './plugin.js';

/** Stops the services that hooks have made with `run_process`, those that their own `unstack` has not stopped. */
export function stopProcesses(controller: string): Sequence[] {
  return [hostSequence('unstack.processes', 'stop the services of hooks', [controller], runScript(stopScript, 900))];
}

/** Removes the packages that deployments have installed, and their directories. */
export function cleanSequences(hosts: string[]): Sequence[] {
  return [
    hostSequence('clean.packages', 'remove the packages that were installed', hosts, removePackages),
    hostSequence(
      'clean.directories',
      'remove the directories of deployments',
      hosts,
      runScript(directoriesScript, 300),
    ),
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
 * A package goes where a deployment has installed it and apt says that nothing needs it any more: what somebody has
 * installed since keeps what it depends on.
 */
const packagesScript = `set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
made=$(mktemp) now=$(mktemp)
trap 'rm -f "$made" "$now"' EXIT
${notePackages} > "$now"
for directory in /var/tmp/stackwright/*/; do
  [ -f "$directory/packages-before" ] || continue
  after=$directory/packages-after
  [ -f "$after" ] || after=$now
  comm -13 "$directory/packages-before" "$after" >> "$made"
done
sort -u "$made" | comm -12 - "$now" > "$made.new"
mv "$made.new" "$made"
[ -s "$made" ] || exit 0
xargs apt-mark auto < "$made" > /dev/null
needless=$(apt-get --simulate autoremove | sed -n 's/^Remv \\([^ ]*\\).*/\\1/p' | sort | comm -12 - "$made")
[ -n "$needless" ] || exit 0
apt-get --option DPkg::Lock::Timeout=600 purge --yes $needless
echo "stackwright removed:" $needless
`;

const directoriesScript = `set -eu
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
