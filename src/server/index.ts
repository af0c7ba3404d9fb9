import { writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { StackwrightError } from '../base/errors.js';
import { type Reporter, teeReporter } from '../base/events.js';
import { listenInNamespace, serveConnections } from '../base/listen.js';
import type { StateDirectory } from '../base/state.js';
import { openDatabase, storeEvent } from '../engine/index.js';
import { type EdeploySection, loadSite } from '../inventory/index.js';
import { parseRamdiskOptions } from '../netboot/index.js';
import { createServer, type ServerSettings } from './app.js';
import { reportServer } from './events.js';
import { watchMachines } from './watch.js';

export interface ServeOptions {
  state: StateDirectory;
  reporter: Reporter;
  sites: [EdeploySection, ...EdeploySection[]];
  /** `HOST:PORT` where machines reach the server. */
  listen: string;
  /** The network namespace in which to listen, instead of our own. */
  namespace?: string;
  /** Written when the server answers. */
  readyFile?: string;
  targetKernelLine: string;
  /** Words for the ramdisk's kernel line, `NAME=VALUE`. */
  ramdiskOptions: readonly string[];
  /** Seconds without a word after which an installation has failed. */
  silence: number;
  /** Ends the server. */
  signal: AbortSignal;
}

/**
 * Serves machines and operators until `signal` is aborted. A site with a mistake is refused before
 * the first machine is answered.
 * @throws StackwrightError `ListenInvalid`, `KernelOptionInvalid`, `ListenFailed`, and those of `loadSite`
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { state, namespace, signal } = options;
  const { host, port } = parseListen(options.listen);
  const ramdiskOptions = parseRamdiskOptions(options.ramdiskOptions);
  for (const { configDir } of options.sites) await loadSite(configDir);
  const db = await openDatabase(state);
  // The event log must never stop the server: what cannot be stored is still printed.
  const storing: Reporter = {
    report: (event) => {
      // The inventory stores its own events together with the change they tell of.
      if (!event.code.startsWith('inventory.')) {
        const machineId = typeof event.data.machine === 'string' ? event.data.machine : undefined;
        storeEvent(db, event, { machineId }).catch((error: unknown) => {
          process.stderr.write(`an event could not be stored: ${error}\n`);
        });
      }
    },
  };
  const reporter = teeReporter(options.reporter, storing);
  const settings: ServerSettings = {
    state,
    db,
    reporter,
    sites: options.sites,
    host,
    port,
    targetKernelLine: options.targetKernelLine,
    ramdiskOptions,
    proxyCommand: namespace ? `ip netns exec ${namespace} nc %h %p` : undefined,
  };
  const app = await createServer(settings);
  let listener: Server | undefined;
  try {
    if (namespace) {
      await app.ready();
      listener = await listenInNamespace(`/run/netns/${namespace}`, host, port);
      serveConnections(listener, app.server);
    } else await app.listen({ host, port });
    const message = `listening on ${host}:${port}${namespace ? ` in namespace ${namespace}` : ''}`;
    reportServer(reporter, { code: 'server.listening', level: 'info', message, data: { address: `${host}:${port}` } });
    if (options.readyFile) await writeFile(options.readyFile, '');
    await watchMachines(settings, options.silence, signal);
  } finally {
    // Fastify does not know this one, and would answer 503 on it for as long as we live.
    listener?.close();
    await app.close();
    await db.destroy();
  }
}

function parseListen(listen: string): { host: string; port: number } {
  const match = /^(?<host>[0-9.]+|localhost):(?<port>\d{1,5})$/.exec(listen);
  const port = Number(match?.groups?.port);
  if (match?.groups?.host && port > 0 && port < 65536) return { host: match.groups.host, port };
  throw new StackwrightError('ListenInvalid', `"${listen}" is no address to listen on`, {
    value: listen,
    hint: 'an IPv4 address and a port, e.g. 10.0.0.1:8080',
    exitStatus: 2,
  });
}
