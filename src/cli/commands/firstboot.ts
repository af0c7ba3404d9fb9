import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface RenderFlags {
  root: string;
  distro: string;
  interface?: string;
  networkManager: boolean;
  skipDns: boolean;
  ssh: boolean;
  corrected: boolean;
  json: boolean;
}

const renderCommand = buildCommand<RenderFlags, [], CliContext>({
  loader: async () => (await import('./firstboot.run.js')).renderFirstboot,
  parameters: {
    flags: {
      root: { kind: 'parsed', parse: String, brief: 'Directory with mnt/config and sys/class/net', default: '/' },
      distro: {
        kind: 'parsed',
        parse: String,
        brief: 'debian, ubuntu, networkd, redhat, centos, fedora, rocky, suse, sles, opensuse, gentoo',
      },
      interface: { kind: 'parsed', parse: String, brief: 'Only this interface', optional: true },
      networkManager: {
        kind: 'boolean',
        brief: 'NetworkManager controls the interfaces (Red Hat)',
        default: false,
        withNegated: false,
      },
      skipDns: { kind: 'boolean', brief: 'Leave DNS alone', default: false, withNegated: false },
      ssh: {
        kind: 'boolean',
        brief: "Print root's authorized_keys instead of the network",
        default: false,
        withNegated: false,
      },
      corrected: {
        kind: 'boolean',
        brief: 'Print what the image writes: as glean, without what does not work',
        default: false,
        withNegated: false,
      },
      json: { kind: 'boolean', brief: 'Print the files and warnings as JSON', default: false, withNegated: false },
    },
    aliases: { i: 'interface' },
  },
  docs: {
    brief: 'Print what a first boot would write',
    fullDescription: [
      'Prints what a first boot would write for a config drive and the interfaces of a machine, and writes nothing:',
      "for each file, in the order of the paths, a line '### Write PATH' and its content, as glean --noop does.",
    ].join('\n'),
    customUsage: [
      { input: '--distro networkd', brief: 'This machine, from the drive at /mnt/config' },
      { input: '--root DIR --distro debian --interface eth0', brief: 'One interface of a copy of a machine' },
      { input: '--root DIR --distro debian --ssh', brief: 'The keys' },
    ],
  },
});

export const firstbootRoutes = buildRouteMap({
  routes: { render: renderCommand },
  docs: { brief: 'What a machine does at its first boot' },
});
