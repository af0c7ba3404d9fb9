import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import { digestOfDirectory } from '../base/files.js';
import { waitForSsh } from '../base/ssh.js';
import type { DeployContext } from './plugin.js';

/**
 * What of a manifest is applied: the whole; all but its services, which stay as they are; its services alone, which
 * are started, and restarted where they run, as something may have changed their configuration; its services, stopped.
 */
export type ManifestPart = 'whole' | 'hold' | 'start' | 'stop';

/** Seconds for a whole manifest: many commands, each of which may take up to its own limit. */
export function manifestLimit(execTimeout: number): number {
  return Math.max(3600, execTimeout * 12);
}

/** Where a run has what goes to a host. */
export function hostDirectory(directory: string, host: string): string {
  return join(directory, 'hosts', host.replaceAll(':', '_'));
}

export interface HostWork {
  host: string;
  /** The name of its log there. */
  file: string;
  directory: string;
  part: ManifestPart | 'packages';
  /** What it reads at its standard input. */
  input: string;
}

/** Has the host's script work; what a killed process of ours has left working there is waited for and taken over. */
export async function workOn(context: DeployContext, { host, file, directory, part, input }: HostWork) {
  const { ssh, workDirectory, logFile, interrupted, execTimeout } = context;
  const limit = manifestLimit(execTimeout);
  const content = createHash('sha256')
    .update(await digestOfDirectory(hostDirectory(directory, host)))
    .update(input);
  const key = `${content.digest('hex').slice(0, 32)}-${part}`;
  const { stdout, status } = await persistently(context, host, interrupted, (mode) =>
    ssh.run(context.reach(host), ['sh', `${workDirectory}/apply`, file, key, String(limit), mode, part], {
      // It may first wait for another application on the host, then takes its own time.
      timeout: 2 * limit + 120,
      okStatuses: [...PUPPET_STATUSES, APT_FAILED, LOCK_HELD, TIMED_OUT, KILLED],
      input,
      logFile,
    }),
  );
  const details = { value: file, hint: `the log is ${logFile}` };
  if (status === LOCK_HELD) {
    throw new StackwrightError('HostBusy', `another application of a manifest has not ended on ${host}`, {
      ...details,
      hint: `see it there with: fuser -v ${lockFile}`,
    });
  }
  if (status === TIMED_OUT || status === KILLED) {
    throw new StackwrightError('ManifestTimedOut', `${file} did not end on ${host} within ${limit} s`, details);
  }
  return { stdout, status, details };
}

/** A connection that breaks does not stop puppet on the host: we go back to it, as after a crash of ours. */
export async function persistently<T>(
  { ssh, reach }: DeployContext,
  host: string,
  interrupted: boolean,
  work: (mode: 'anew' | 'adopt') => Promise<T>,
): Promise<T> {
  let mode: 'anew' | 'adopt' = interrupted ? 'adopt' : 'anew';
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(mode);
    } catch (error) {
      const broken = error instanceof StackwrightError && error.code === 'SshUnreachable';
      if (!broken || attempt === 5) throw error;
      await waitForSsh(ssh, reach(host), RECONNECT_SECONDS);
      mode = 'adopt';
    }
  }
}

/** Long enough for a reboot. */
const RECONNECT_SECONDS = 300;

export const PUPPET_STATUSES = [0, 1, 2, 4, 6];
const APT_FAILED = 100;
export const LOCK_HELD = 75;
export const TIMED_OUT = 124;
export const KILLED = 137;
export const ADOPTED = 'stackwright: the interrupted application has ended well and counts';

export const lockFile = '/var/tmp/stackwright/puppet.lock';

/** On the host, in memory: hiera's values, and what puppet notes of them. Whoever holds the lock owns it. */
export const VALUES = '/run/stackwright/apply';

/**
 * Runs on the host. Puppet has a session of its own and writes to a file, so it neither ends nor stops when the
 * connection breaks; what we see is `tail`. The lock is held by puppet's shell and not by puppet, whose children
 * (services!) would inherit it. One with the same content that ended well while nobody watched counts as ours.
 */
export const applyScript = `#!/bin/sh
# Applies a manifest of this directory, or installs packages:
# apply FILE KEY LIMIT anew|adopt whole|hold|start|stop
# apply packages KEY LIMIT anew|adopt packages
# The values of the manifest, or the names of the packages, come by standard input.
set -u
umask 077
cd "$(dirname "$0")" || exit 1
file=$1 key=$2 limit=$3 mode=$4 part=$5
log=manifests/$file
work=$PWD

exec 9>>${lockFile} || exit 1
flock --timeout "$limit" 9 || exit ${LOCK_HELD}

if [ "$mode" = adopt ] && [ -f "$log.status" ] && [ -f "$log.finished" ]; then
  read -r old_key old_status < "$log.status"
  if [ "$old_key" = "$key" ] && { [ "$old_status" = 0 ] || [ "$old_status" = 2 ]; }; then
    cat "$log.finished"
    echo "${ADOPTED}"
    exit "$old_status"
  fi
fi

# What is there was left by an application that was killed.
values=${VALUES}
rm -rf "$values"
mkdir -p -m 0700 "\${values%/*}" && mkdir "$values" && cat > "$values/deployment.yaml" || exit 1

# An installation that was killed is ended first. Where all is there apt is not even called. The dashboard compresses its
# style sheets when it is installed, by a library that fails now and then: another try does it.
install='
  umask 022
  packages=$(cat "$values/deployment.yaml")
  known=$(dpkg-query --show --showformat "\${db:Status-Abbrev}\\n" $packages 2> /dev/null | grep -c "^ii")
  [ "$known" -lt "$(echo "$packages" | wc -w)" ] || exit 0
  apt="apt-get --option DPkg::Lock::Timeout=600 --option DPkg::Options::=--force-confold"
  for try in 1 2 3; do
    dpkg --configure -a && $apt update && $apt install --yes --no-install-recommends $packages && status=0 && break
    status=${APT_FAILED}
  done
  # It has read rules for users that packages made only later; without a reload polkit and libvirt get no name from it.
  ! systemctl --quiet is-active dbus || systemctl reload dbus
  exit "$status"
'
manifest=manifests/$file select=
clouds=/etc/openstack/puppet/admin-clouds.yaml
case $part in
  hold)
    select='--skip_tags service' ;;
  start)
    select='--tags service'
    { cat "$manifest"; printf "\\nnotify { 'stackwright-start': tag => 'service' } ~> Service <| |>\\n"; } > "$work/start.pp"
    manifest=start.pp ;;
  stop)
    select='--tags service'
    { cat "$manifest"; printf '\\nService <| |> { ensure => stopped, enable => false }\\nExec <| |> { noop => true }\\n'; } > "$work/stop.pp"
    manifest=stop.pp ;;
esac
case $part in
  start | stop)
    # Puppet asks services for what they have, also where only their units count. One that is stopped would be asked
    # for minutes, and then the stop has failed: clients that know of nothing answer instead.
    mkdir -p "$work/no-clients"
    for client in openstack mysql rabbitmqctl; do
      # Puppet does not go on without the version of RabbitMQ.
      printf '#!/bin/sh\\n[ "$2" != status ] || echo "RabbitMQ version: 3.10.8"\\n' > "$work/no-clients/$client"
      chmod 0755 "$work/no-clients/$client"
    done
    export PATH="$work/no-clients:$PATH" ;;
  *)
    # Keystone's module asks its client for this address and does not find it in the answer (Debian 12), so every
    # password seems to be wrong and is set again. Here it looks first.
    [ ! -r "$clouds" ] || export OS_AUTH_URL="$(sed -n 's/^ *auth_url: *//p' "$clouds" | head -n 1)" ;;
esac

rm -f "$log.status" "$log.finished"
: > "$log.running"
export file key limit log work values part install manifest select LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
setsid sh -c '
  policy=/usr/sbin/policy-rc.d mine="# Of stackwright: puppet starts services once they are configured."
  [ -e "$policy" ] || { printf "#!/bin/sh\\n%s\\nexit 101\\n" "$mine" > "$policy" && chmod 0755 "$policy"; }
  case $part in
    packages)
      set -- sh -c "$install" ;;
    *)
      set -- puppet apply --detailed-exitcodes --color=false \\
        --confdir "$work/puppet" --codedir "$work/code" --vardir "$values/var" \\
        --modulepath "$work/modules:/usr/share/puppet/modules" --hiera_config "$work/hiera.yaml" \\
        $select "$manifest" ;;
  esac
  timeout --kill-after=60 "$limit" "$@" >> "$log.running" 2>&1 9>&-
  echo "$key $?" > "$log.status.new"
  rm -rf "$values"
  ! grep -qsF "$mine" "$policy" || rm -f "$policy"
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
