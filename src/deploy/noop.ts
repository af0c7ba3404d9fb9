import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { StackwrightError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { openSsh } from '../base/ssh.js';
import { hieraConfiguration } from './hieradata.js';
import { KILLED, LOCK_HELD, PUPPET_STATUSES, puppetLock, TIMED_OUT } from './host-script.js';
import { hostDirectory, manifestLimit } from './host-work.js';
import { type NoopVerdict, readNoopLog } from './noop-log.js';
import { type DeployContext, discoveryStep, type ManifestOrder } from './plugin.js';
import { manifestName, missingPackages, PUPPET_PACKAGES, packagesOf, valuesOf } from './puppet.js';
import { type DeployOptions, deployContext, type PreparedRun, prepareRun } from './run.js';

/** What a deployment would change, host by host, manifest by manifest in the order of their application. */
export interface ChangePlan {
  /** The directory with the manifests that were asked. */
  directory: string;
  hosts: HostChanges[];
}

export interface HostChanges {
  host: string;
  /** Debian packages that a deployment installs before its manifests. */
  packages: string[];
  manifests: ManifestChanges[];
}

export interface ManifestChanges extends NoopVerdict {
  manifest: string;
  /** `unknown`: nothing is known to change, and something cannot be told before an earlier step. */
  state: 'same' | 'changes' | 'unknown';
}

/** How many hosts are asked at once. */
const SIDE_BY_SIDE = 20;

/**
 * Asks puppet on each host what it would change, and changes nothing: `puppet apply --noop` for every manifest whose
 * modules are there. Nothing is installed for it, and no key is sent.
 * @throws StackwrightError those of `planRun` and ssh; `HostBusy` where a deployment is at work on a host
 */
export async function planChanges(options: Omit<DeployOptions, 'db' | 'kind'>): Promise<ChangePlan> {
  const prepared = await prepareRun(options, 'only look');
  const { directory } = prepared;
  await mkdir(join(directory, 'logs'), { mode: 0o700 });
  await using ssh = openSsh(options.state);
  const limit = pLimit(SIDE_BY_SIDE);
  const results = new Map<string, Json>();
  const over = async <T>(hosts: string[], work: (context: DeployContext, host: string) => Promise<T>) =>
    await Promise.all(
      hosts.map((host) => {
        const logFile = join(directory, 'logs', `${host.replaceAll(':', '_')}.log`);
        const { reporter } = options;
        return limit(() =>
          work(deployContext(prepared, ssh, { results, logFile, interrupted: false, reporter }), host),
        );
      }),
    );
  // A manifest may name the address of every host.
  const steps = prepared.stages.flatMap((stage) => stage.steps);
  const discoveries = new Map(
    steps.flatMap((step) => (step.host && step.id === discoveryStep(step.host) ? [[step.host, step]] : [])),
  );
  await over([...discoveries.keys()], async (context, host) => {
    results.set(discoveryStep(host), (await discoveries.get(host)?.work(context)) ?? null);
  });
  return { directory, hosts: await over(prepared.hosts, (context, host) => changesOf(context, host, prepared)) };
}

async function changesOf(context: DeployContext, host: string, prepared: PreparedRun): Promise<HostChanges> {
  const { ssh, reach, logFile } = context;
  const orders = prepared.manifests.filter((order) => order.host === host);
  const needed = (order: ManifestOrder) => [...PUPPET_PACKAGES, ...order.modules];
  const wanted = [...new Set([...orders.flatMap(needed), ...packagesOf(orders, context.facts(host))])];
  const packages = wanted.length === 0 ? [] : await missingPackages(context, host, wanted);
  const lacks = (order: ManifestOrder) => needed(order).filter((name) => packages.includes(name));
  const home = `/run/stackwright/plan-${prepared.run}`;
  const manifests: ManifestChanges[] = [];
  try {
    if (orders.some((order) => lacks(order).length === 0)) await sendForNoop(context, host, home, prepared.directory);
    for (const order of orders) {
      const missing = lacks(order);
      const verdict = missing.length > 0 ? notYet(missing) : await noop(context, order, home, prepared.directory);
      const state = verdict.changes.length > 0 ? 'changes' : verdict.unknown.length > 0 ? 'unknown' : 'same';
      manifests.push({ manifest: order.name, state, ...verdict });
    }
  } finally {
    await ssh.run(reach(host), ['rm', '-rf', home], { timeout: 60, logFile });
  }
  return { host, packages, manifests };
}

function notYet(packages: string[]): NoopVerdict {
  const why = `a deployment first installs ${packages.join(' ')}; to be told now: apt-get install ${packages.join(' ')}`;
  return { changes: [], unknown: [{ resource: null, why }] };
}

/** In the host's memory: nothing of a plan is to stay. What a killed one has left goes after a day. */
const directoryScript = `set -eu
umask 077
mkdir -p /run/stackwright
find /run/stackwright -maxdepth 1 -name 'plan-*' -mmin +1440 -exec rm -rf {} +
mkdir "$1"
`;

async function sendForNoop(context: DeployContext, host: string, home: string, directory: string): Promise<void> {
  const { ssh, reach, logFile } = context;
  const source = hostDirectory(directory, host);
  await writeFile(join(source, 'hiera.yaml'), hieraConfiguration(`${home}/values`), { mode: 0o600 });
  await writeFile(join(source, 'noop'), noopScript, { mode: 0o700 });
  await ssh.run(reach(host), ['sh', '-c', directoryScript, 'sh', home], { timeout: 60, logFile });
  await ssh.sendDirectory(reach(host), source, home, { logFile });
}

async function noop(
  context: DeployContext,
  order: ManifestOrder,
  home: string,
  directory: string,
): Promise<NoopVerdict> {
  const { ssh, reach, execTimeout } = context;
  const file = manifestName(order);
  const limit = manifestLimit(execTimeout);
  // No log file: it would have secrets that are on the host now, and that no answer names.
  const { stdout, output, status } = await ssh.run(reach(order.host), ['sh', `${home}/noop`, file, String(limit)], {
    input: await valuesOf(context, order, directory),
    timeout: limit + 120,
    okStatuses: [...PUPPET_STATUSES, LOCK_HELD, TIMED_OUT, KILLED],
  });
  if (status === LOCK_HELD) {
    throw new StackwrightError('HostBusy', `a manifest is being applied on ${order.host}`, {
      value: order.host,
      hint: `see it there with: fuser -v ${puppetLock}`,
    });
  }
  if (status === TIMED_OUT || status === KILLED) {
    return { changes: [], unknown: [{ resource: null, why: `puppet did not end within ${limit} s` }] };
  }
  const verdict = readNoopLog(stdout, home);
  const isSilent = status !== 0 && status !== 2 && verdict.unknown.length === 0;
  if (isSilent)
    verdict.unknown.push({ resource: null, why: output.trim().slice(-500) || `puppet ended with ${status}` });
  return verdict;
}

/** Runs on the host. The lock is there once something was deployed; without it nothing is applied now. */
const noopScript = `#!/bin/sh
# Says what a manifest of this directory would change: noop FILE LIMIT
set -u
umask 077
cd "$(dirname "$0")" || exit 1
if [ -e ${puppetLock} ]; then
  exec 9>>${puppetLock}
  flock --nonblock 9 || exit ${LOCK_HELD}
fi
trap 'rm -rf values var log.jsonl' EXIT
mkdir values && cat > values/deployment.yaml || exit 1
LC_ALL=C.UTF-8 timeout --kill-after=60 "$2" puppet apply --noop --detailed-exitcodes --color=false \\
  --confdir "$PWD/puppet" --codedir "$PWD/code" --vardir "$PWD/var" \\
  --modulepath "$PWD/modules:/usr/share/puppet/modules" --hiera_config "$PWD/hiera.yaml" \\
  --logdest "$PWD/log.jsonl" "manifests/$1" >&2 < /dev/null 9>&-
status=$?
[ ! -e log.jsonl ] || head -c 16000000 log.jsonl
exit "$status"
`;
