import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.js';
import { parseSeconds } from '../seconds.js';

export interface ServeFlags {
  site?: string;
  edeployConf?: string;
  listen: string;
  namespace?: string;
  readyFile?: string;
  kernelLine: string;
  option?: string[];
  silence: number;
  json: boolean;
}

export const serveCommand = buildCommand<ServeFlags, [], CliContext>({
  loader: async () => (await import('./serve.run.js')).serveRun,
  parameters: {
    flags: {
      site: {
        kind: 'parsed',
        parse: String,
        brief: 'Configuration directory (state, *.specs, *.cmdb, *.configure)',
        optional: true,
      },
      edeployConf: {
        kind: 'parsed',
        parse: String,
        brief: 'Instead of --site: an edeploy.conf, each section a configuration directory',
        optional: true,
      },
      listen: { kind: 'parsed', parse: String, brief: 'Address and port', default: '127.0.0.1:8080' },
      namespace: { kind: 'parsed', parse: String, brief: 'Listen in this network namespace', optional: true },
      readyFile: { kind: 'parsed', parse: String, brief: 'Write this file when the server answers', optional: true },
      kernelLine: {
        kind: 'parsed',
        parse: String,
        brief: 'Kernel line of installed systems',
        default: 'console=tty0 console=ttyS0,115200',
      },
      option: {
        kind: 'parsed',
        parse: String,
        brief: 'NAME=VALUE for the kernel line of ramdisks, e.g. ONSUCCESS=kexec; can be given again',
        optional: true,
        variadic: true,
      },
      silence: {
        kind: 'parsed',
        parse: parseSeconds,
        brief: 'Seconds without a word after which an installation has failed',
        default: '300',
      },
      json: { kind: 'boolean', brief: 'Report as JSON lines', default: false, withNegated: false },
    },
  },
  docs: {
    brief: 'Serve machines that boot from the network, and the API',
    customUsage: [
      { input: '--site /etc/stackwright/site --listen 10.0.0.1:8080', brief: 'Serve a provisioning network' },
      {
        input: '--site ./site --listen 10.0.0.1:80 --option ONSUCCESS=kexec',
        brief: 'Installed machines start without firmware',
      },
      { input: '--edeploy-conf /etc/edeploy.conf --listen 10.0.0.1:80', brief: "Serve eDeploy's configuration" },
    ],
  },
});
