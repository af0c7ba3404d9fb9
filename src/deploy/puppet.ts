import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { digestOfDirectory } from '../base/files.js';
import { packageRoot } from '../base/package-root.js';
import { waitForSsh } from '../base/ssh.js';
import type { DeployEvent } from './events.js';
import { hieraConfiguration, hieradataOf, hostValueNames, lookedUp } from './hieradata.js';
import type { Configuration } from './parameter.js';
import type { DeployContext, HostFacts, ManifestOrder, Sequence } from './plugin.js';
import { judgePuppet } from './puppet-log.js';

/** What every host needs, besides puppet modules: the Debian package of `puppet apply`. */
export const PUPPET_PACKAGE = 'puppet-agent';

/** `HOST_NAME.pp`; a colon of an IPv6 address becomes `_`. */
export function manifestName(order: Pick<ManifestOrder, 'host' | 'name'>): string {
  return `${order.host}_${order.name}.pp`.replaceAll(':', '_');
}

/**
 * Writes what goes to every host, all but the values, below `directory/hosts/HOST`: a copy, so that a resumed run
 * applies what it began with.
 * @throws StackwrightError `PluginBroken` for a manifest that looks up what no plugin declares
 */
export async function writeManifests(
  directory: string,
  orders: ManifestOrder[],
  configuration: Configuration,
): Promise<void> {
  const known = new Set<string>([...configuration.entries().map(([name]) => name), ...hostValueNames]);
  for (const order of orders) {
    const text = await readFile(order.file, 'utf8');
    const unknown = lookedUp(text).find((name) => !known.has(name));
    if (unknown) {
      throw new StackwrightError(
        'PluginBroken',
        `the manifest ${order.name} looks up ${unknown}, which is no parameter`,
        {
          file: order.file,
          value: unknown,
          hint: 'declare the parameter in the plugin, or correct the name in the manifest',
        },
      );
    }
    const host = hostDirectory(directory, order.host);
    await mkdir(join(host, 'manifests'), { recursive: true, mode: 0o700 });
    await writeFile(join(host, 'manifests', manifestName(order)), text, { mode: 0o600 });
  }
  for (const host of new Set(orders.map((order) => order.host))) {
    const target = hostDirectory(directory, host);
    await writeFile(join(target, 'hiera.yaml'), hieraConfiguration(VALUES), { mode: 0o600 });
    await writeFile(join(target, 'apply'), applyScript, { mode: 0o700 });
    const ours = join(packageRoot(), 'puppet');
    if (existsSync(ours)) await cp(ours, join(target, 'modules', 'stackwright'), { recursive: true });
  }
}

/** The sequences that install puppet and send what it needs. */
export function puppetPrerequisites(orders: ManifestOrder[], directory: string, hosts: string[]): Sequence[] {
  const concerned = hosts.filter((host) => orders.some((order) => order.host === host));
  if (concerned.length === 0) return [];
  return [
    {
      title: 'puppet and its modules',
      steps: concerned.map((host) => {
        const modules = orders.filter((order) => order.host === host).flatMap((order) => order.modules);
        const packages = [PUPPET_PACKAGE, ...new Set(modules)];
        return {
          id: `puppet.install@${host}`,
          title: 'install puppet and its modules',
          host,
          work: (context) => installPackages(context, host, packages),
        };
      }),
    },
    {
      title: 'manifests',
      steps: concerned.map((host) => ({
        id: `puppet.send@${host}`,
        title: 'send the manifests',
        host,
        work: (context) => send(context, host, directory),
      })),
    },
  ];
}

/** The packages that the manifests of a host install. */
export function packagesOf(orders: ManifestOrder[], facts: HostFacts): string[] {
  const named = orders.flatMap(({ packages = [] }) => (Array.isArray(packages) ? packages : packages(facts)));
  return [...new Set(named)].sort();
}

/**
 * The sequence that installs what the manifests would install one by one, each with an apt of its own. Services do not
 * start: nothing of them is configured.
 */
export function packageSequences(orders: ManifestOrder[], directory: string): Sequence[] {
  const concerned = [...new Set(orders.filter(({ packages }) => packages).map(({ host }) => host))];
  if (concerned.length === 0) return [];
  return [
    {
      title: 'packages of the services',
      steps: concerned.map((host) => ({
        id: `packages.install@${host}`,
        title: 'install the packages of the services',
        host,
        work: (context) => {
          const own = orders.filter((order) => order.host === host);
          return installServices(context, host, directory, packagesOf(own, context.facts(host)));
        },
      })),
    },
  ];
}

async function installServices(
  context: DeployContext,
  host: string,
  directory: string,
  packages: string[],
): Promise<undefined> {
  const work: HostWork = { host, file: 'packages', directory, part: 'packages', input: packages.join(' ') };
  const { status, stdout, details } = await workOn(context, work);
  if (status === 0) return;
  const errors = stdout.split('\n').filter((line) => /^(E:|dpkg: error)/.test(line));
  throw new StackwrightError('PackagesNotInstalled', `${host} cannot install the packages of its services`, {
    value: packages.join(' '),
    hint: [...errors.slice(0, 10), details.hint].join('\n'),
  });
}

/**
 * What of a manifest is applied: the whole; all but its services, which stay as they are; its services alone, which
 * are started, and restarted where they run, as something may have changed their configuration; its services, stopped.
 */
export type ManifestPart = 'whole' | 'hold' | 'start' | 'stop';

const partTitles: Record<ManifestPart, (name: string) => string> = {
  whole: (name) => `apply the manifest ${name}`,
  hold: (name) => `apply the manifest ${name}, starting nothing`,
  start: (name) => `start the services of the manifest ${name}`,
  stop: (name) => `stop the services of the manifest ${name}`,
};

/** The sequences that apply manifests marker by marker; `part` says what of each. */
export function manifestSequences(
  orders: ManifestOrder[],
  { directory, hosts }: { directory: string; hosts: string[] },
  part: (order: ManifestOrder) => ManifestPart,
): Sequence[] {
  const markers = [...new Set(orders.map((order) => order.marker))];
  return markers.map((marker) => ({
    title: `manifests ${marker}`,
    steps: orders
      .filter((order) => order.marker === marker)
      .map((order) => {
        const what = part(order);
        return {
          id: `manifest.${order.name}${what === 'whole' ? '' : `.${what}`}@${order.host}`,
          title: partTitles[what](order.name),
          host: order.host,
          work: (context: DeployContext) => apply(context, { order, directory, hosts, part: what }),
        };
      }),
  }));
}

/** Those that dpkg does not know as installed. */
export async function missingPackages(context: DeployContext, host: string, packages: string[]): Promise<string[]> {
  const { ssh, logFile } = context;
  const query = ['dpkg-query', '--show', '--showformat', '${db:Status-Status} ${Package}\\n', ...packages];
  const { stdout } = await ssh.run(context.reach(host), query, { timeout: 60, okStatuses: [0, 1], logFile });
  const installed = stdout.split('\n').flatMap((line) => /^installed (\S+)$/.exec(line)?.[1] ?? []);
  return packages.filter((name) => !installed.includes(name));
}

/** Installs what is missing; apt is not even called where all is there. */
async function installPackages(context: DeployContext, host: string, packages: string[]): Promise<undefined> {
  const { ssh, logFile } = context;
  const missing = await missingPackages(context, host, packages);
  if (missing.length === 0) return;
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '--option', 'DPkg::Lock::Timeout=600'];
  await ssh.run(context.reach(host), [...apt, 'update'], { timeout: 900, logFile });
  const install = ['install', '--yes', '--no-install-recommends', ...missing];
  try {
    await ssh.run(context.reach(host), [...apt, ...install], { timeout: 3600, logFile });
  } catch (error) {
    if (!(error instanceof StackwrightError) || error.code !== 'CommandFailed') throw error;
    throw new StackwrightError('PackagesNotInstalled', `${host} cannot install ${missing.join(' ')}`, {
      value: missing.join(' '),
      hint: `the host needs Debian's package sources of its release\n${error.details.hint ?? ''}`,
      cause: error,
    });
  }
  report(context.reporter, {
    code: 'deploy.packages.installed',
    level: 'info',
    message: `${host}: installed ${missing.join(' ')}`,
    data: { host, packages: missing },
  });
}

/** Sends the host's directory, once for the same content. */
async function send(context: DeployContext, host: string, directory: string): Promise<undefined> {
  const { ssh, workDirectory, logFile } = context;
  const source = hostDirectory(directory, host);
  const digest = await digestOfDirectory(source);
  const stamp = `${workDirectory}/sent`;
  const before = await ssh.run(context.reach(host), ['cat', stamp], { timeout: 60, okStatuses: [0, 1], logFile });
  if (before.stdout.trim() === digest) return;
  await ssh.sendDirectory(context.reach(host), source, workDirectory, { logFile });
  await ssh.run(context.reach(host), ['tee', stamp], { input: `${digest}\n`, timeout: 60, logFile });
}

/** Seconds for a whole manifest: many commands, each of which may take up to its own limit. */
export function manifestLimit(execTimeout: number): number {
  return Math.max(3600, execTimeout * 12);
}

/** What a manifest of a host looks up, as hiera's YAML. */
export function valuesOf(context: DeployContext, { host }: ManifestOrder, manifest: string, hosts: string[]): string {
  const { configuration, facts, execTimeout } = context;
  return hieradataOf(manifest, configuration, {
    HOST_NAME: host,
    HOST_ADDRESS: facts(host).address,
    HOST_ADDRESSES: Object.fromEntries(hosts.map((other) => [other, facts(other).address])),
    EXEC_TIMEOUT: execTimeout,
  });
}

interface HostWork {
  host: string;
  /** The name of its log there. */
  file: string;
  directory: string;
  part: ManifestPart | 'packages';
  /** What it reads at its standard input. */
  input: string;
}

/** Has the host's script work; what a killed process of ours has left working there is waited for and taken over. */
async function workOn(context: DeployContext, { host, file, directory, part, input }: HostWork) {
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

interface Application {
  order: ManifestOrder;
  directory: string;
  hosts: string[];
  part: ManifestPart;
}

/** Applies a manifest. The values are in memory on the host (`VALUES`), for as long as puppet works. */
async function apply(context: DeployContext, { order, directory, hosts, part }: Application): Promise<undefined> {
  const { host } = order;
  const file = manifestName(order);
  const manifest = await readFile(join(hostDirectory(directory, host), 'manifests', file), 'utf8');
  const input = valuesOf(context, order, manifest, hosts);
  const { stdout, status, details } = await workOn(context, { host, file, directory, part, input });
  const verdict = judgePuppet(stdout, status);
  if (!verdict.ok) {
    throw new StackwrightError('ManifestFailed', `the manifest ${order.name} failed: ${verdict.errors[0]}`, {
      ...details,
      hint: [...verdict.errors.slice(1, 10), details.hint].join('\n'),
    });
  }
  const adopted = stdout.includes(ADOPTED);
  report(context.reporter, {
    code: 'deploy.manifest.applied',
    level: 'debug',
    message: `${order.host}: ${order.name} ${verdict.changed ? 'changed the host' : 'changed nothing'}`,
    data: { host: order.host, manifest: order.name, changed: verdict.changed, adopted },
  });
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
const ADOPTED = 'stackwright: the interrupted application has ended well and counts';

export const lockFile = '/var/tmp/stackwright/puppet.lock';

/** On the host, in memory: hiera's values, and what puppet notes of them. Whoever holds the lock owns it. */
const VALUES = '/run/stackwright/apply';

/**
 * Runs on the host. Puppet has a session of its own and writes to a file, so it neither ends nor stops when the
 * connection breaks; what we see is `tail`. The lock is held by puppet's shell and not by puppet, whose children
 * (services!) would inherit it. One with the same content that ended well while nobody watched counts as ours.
 */
const applyScript = `#!/bin/sh
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

/** Where a run has what goes to a host. */
export function hostDirectory(directory: string, host: string): string {
  return join(directory, 'hosts', host.replaceAll(':', '_'));
}

function report(reporter: Reporter, event: DeployEvent): void {
  reporter.report(event);
}
