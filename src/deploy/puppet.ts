import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackwrightError } from '../base/errors.js';
import type { Reporter } from '../base/events.js';
import { digestOfDirectory } from '../base/files.js';
import { packageRoot } from '../base/package-root.js';
import { hostSequence } from './declare.js';
import type { DeployEvent } from './events.js';
import { hieraConfiguration, hieradataOf, hostValueNames, lookedUp } from './hieradata.js';
import { ADOPTED, APPLIED, APT_FAILED, applyScript, SETTLED, VALUES } from './host-script.js';
import { hostDirectory, type ManifestPart, manifestLimit, persistently, workOn } from './host-work.js';
import { installScript } from './install-script.js';
import { type Configuration, splitList } from './parameter.js';
import type { DeployContext, HostFacts, ManifestOrder, Sequence } from './plugin.js';
import { judgePuppet } from './puppet-log.js';

/**
 * What every host needs, besides puppet modules: `puppet apply`, and the program that facter asks for the version of
 * augeas; without it, facter reads all lenses, which takes a third of puppet's start.
 */
export const PUPPET_PACKAGES = ['puppet-agent', 'augeas-tools'];

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
    await writeFile(join(target, 'install'), installScript, { mode: 0o700 });
    const ours = join(packageRoot(), 'puppet');
    if (existsSync(ours)) await cp(ours, join(target, 'modules', 'stackwright'), { recursive: true });
  }
}

/** The hosts that manifests look up, each as the whole of a value: a list, such as that of compute hosts, is not meant. */
export async function hostsLookedUp(orders: ManifestOrder[], configuration: Configuration): Promise<string[]> {
  const texts = await Promise.all([...new Set(orders.map(({ file }) => file))].map((file) => readFile(file, 'utf8')));
  const names = new Set(texts.flatMap(lookedUp));
  return configuration.entries().flatMap(([name, value]) => (names.has(name) ? [value] : []));
}

/** Installs puppet and the modules of the manifests. */
export function puppetSequence(orders: ManifestOrder[]): Sequence {
  return hostSequence('puppet.install', 'install puppet and its modules', hostsOf(orders), (context, host) => {
    const modules = orders.filter((order) => order.host === host).flatMap((order) => order.modules);
    return installPackages(context, host, [...PUPPET_PACKAGES, ...new Set(modules)]);
  });
}

/**
 * Sends to every host what works there.
 * @param reapply forget what was applied before, so that puppet looks at everything
 */
export function sendSequence(orders: ManifestOrder[], directory: string, reapply: boolean): Sequence {
  return hostSequence('puppet.send', 'send the manifests', hostsOf(orders), (context, host) =>
    send(context, host, { directory, reapply }),
  );
}

/**
 * Notes how hosts look at the end of a deployment: while that and the manifests with their values stay the same, the next
 * one has nothing to apply.
 */
export function settleSequence(orders: ManifestOrder[], directory: string): Sequence {
  return hostSequence('host.settle', 'note how the host looks', hostsOf(orders), async (context, host) => {
    await workOn(context, { host, file: 'host', directory, part: 'settle', input: '' });
    return undefined;
  });
}

function hostsOf(orders: ManifestOrder[]): string[] {
  return [...new Set(orders.map(({ host }) => host))];
}

/** The packages that the manifests of a host install. */
export function packagesOf(orders: ManifestOrder[], facts: HostFacts): string[] {
  const named = orders.flatMap(({ packages = [] }) => (Array.isArray(packages) ? packages : packages(facts)));
  return [...new Set(named)].sort();
}

/**
 * The sequence that begins to install what the manifests would install one by one, each with an apt of its own. It goes on
 * while manifests are applied, each of which waits for its own packages.
 */
export function packageSequence(orders: ManifestOrder[]): Sequence {
  const concerned = hostsOf(orders.filter(({ packages }) => packages));
  return hostSequence('packages.install', 'begin to install packages', concerned, async (context, host) => {
    const { ssh, reach, workDirectory, execTimeout, interrupted, logFile } = context;
    const own = orders.filter((order) => order.host === host && order.packages);
    const lines = own.map((order) => `${manifestName(order)} ${packagesOf([order], context.facts(host)).join(' ')}\n`);
    const command = ['sh', `${workDirectory}/install`, 'begin', String(manifestLimit(execTimeout))];
    await persistently(context, host, interrupted, () =>
      ssh.run(reach(host), command, { timeout: 120, input: lines.join(''), logFile }),
    );
    return undefined;
  });
}

const partTitles: Record<ManifestPart, (name: string) => string> = {
  whole: (name) => `apply the manifest ${name}`,
  hold: (name) => `apply the manifest ${name}, starting nothing`,
  start: (name) => `start the services of the manifest ${name}`,
  stop: (name) => `stop the services of the manifest ${name}`,
};

/** The sequences that apply manifests marker by marker; `part` says what of each. */
export function manifestSequences(
  orders: ManifestOrder[],
  { directory }: { directory: string },
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
          work: (context: DeployContext) => apply(context, { order, directory, part: what }),
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
async function send(
  context: DeployContext,
  host: string,
  { directory, reapply }: { directory: string; reapply: boolean },
): Promise<undefined> {
  const { ssh, workDirectory, logFile } = context;
  if (reapply) await ssh.run(context.reach(host), ['rm', '-f', `${APPLIED}/condition`], { timeout: 60, logFile });
  const source = hostDirectory(directory, host);
  const digest = await digestOfDirectory(source);
  const stamp = `${workDirectory}/sent`;
  const before = await ssh.run(context.reach(host), ['cat', stamp], { timeout: 60, okStatuses: [0, 1], logFile });
  if (before.stdout.trim() === digest) return;
  await ssh.sendDirectory(context.reach(host), source, workDirectory, { logFile });
  await ssh.run(context.reach(host), ['tee', stamp], { input: `${digest}\n`, timeout: 60, logFile });
}

/** What a manifest of a run looks up, as hiera's YAML. */
export async function valuesOf(
  {
    configuration,
    facts,
    addresses,
    execTimeout,
  }: Pick<DeployContext, 'configuration' | 'facts' | 'addresses' | 'execTimeout'>,
  order: Pick<ManifestOrder, 'host' | 'name'>,
  directory: string,
): Promise<string> {
  const { host } = order;
  const manifest = await readFile(join(hostDirectory(directory, host), 'manifests', manifestName(order)), 'utf8');
  const wanted = new Set(lookedUp(manifest));
  const values = configuration.entries().flatMap(([name, value]) => (wanted.has(name) ? splitList(value) : []));
  // No others: a host more in the deployment is to change nothing where it is not named.
  const named = new Set([host, ...values]);
  return hieradataOf(manifest, configuration, {
    HOST_NAME: host,
    HOST_ADDRESS: facts(host).address,
    HOST_ADDRESSES: Object.fromEntries(Object.entries(addresses()).filter(([name]) => named.has(name))),
    EXEC_TIMEOUT: execTimeout,
  });
}

interface Application {
  order: ManifestOrder;
  directory: string;
  part: ManifestPart;
}

/** Applies a manifest. The values are in memory on the host (`VALUES`), for as long as puppet works. */
async function apply(context: DeployContext, { order, directory, part }: Application): Promise<undefined> {
  const { host } = order;
  const file = manifestName(order);
  const needsValues = part === 'whole' || part === 'hold';
  const input = needsValues ? await valuesOf(context, order, directory) : '';
  const { stdout, status, details } = await workOn(context, { host, file, directory, part, input });
  if (status === APT_FAILED) {
    // A source whose key is not known is only a warning of apt's.
    const errors = new Set(stdout.split('\n').filter((line) => /^(E:|W: GPG error:|dpkg: error)/.test(line)));
    throw new StackwrightError('PackagesNotInstalled', `${host} cannot install the packages of ${order.name}`, {
      ...details,
      hint: [...[...errors].slice(0, 10), details.hint].join('\n'),
    });
  }
  const verdict = judgePuppet(stdout, status);
  if (!verdict.ok) {
    throw new StackwrightError('ManifestFailed', `the manifest ${order.name} failed: ${verdict.errors[0]}`, {
      ...details,
      hint: [...verdict.errors.slice(1, 10), details.hint].join('\n'),
    });
  }
  const adopted = stdout.includes(ADOPTED);
  const settled = stdout.includes(SETTLED);
  const outcome = settled ? 'is as it was applied before' : verdict.changed ? 'changed the host' : 'changed nothing';
  report(context.reporter, {
    code: 'deploy.manifest.applied',
    level: 'debug',
    message: `${order.host}: ${order.name} ${outcome}`,
    data: { host: order.host, manifest: order.name, changed: verdict.changed, adopted, settled },
  });
}

function report(reporter: Reporter, event: DeployEvent): void {
  reporter.report(event);
}
