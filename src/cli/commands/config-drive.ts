import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface BuildFlags {
  output: string;
  format?: 'iso9660' | 'vfat';
  metadata?: string;
  network?: string;
  key?: string[];
  userData?: string;
  vendorData?: string;
  nocloud: boolean;
  hostName?: string;
  json: boolean;
}

const buildDriveCommand = buildCommand<BuildFlags, [], CliContext>({
  loader: async () => (await import('./config-drive.run.js')).buildDrive,
  parameters: {
    flags: {
      output: { kind: 'parsed', parse: String, brief: 'The image to write', placeholder: 'FILE' },
      format: {
        kind: 'enum',
        values: ['iso9660', 'vfat'],
        brief: 'File system; by default iso9660, or vfat for a name that ends in .img or .vfat',
        optional: true,
      },
      metadata: {
        kind: 'parsed',
        parse: String,
        brief: 'meta_data.json (name, public_keys, meta); with --nocloud meta-data',
        placeholder: 'FILE',
        optional: true,
      },
      network: {
        kind: 'parsed',
        parse: String,
        brief: 'network_data.json (links, networks, services); with --nocloud network-config, version 1 or 2',
        placeholder: 'FILE',
        optional: true,
      },
      key: {
        kind: 'parsed',
        parse: String,
        brief: 'SSH public key: NAME=FILE, or FILE',
        placeholder: 'KEY',
        optional: true,
        variadic: true,
      },
      userData: {
        kind: 'parsed',
        parse: String,
        brief: 'Copied as user_data, or user-data',
        placeholder: 'FILE',
        optional: true,
      },
      vendorData: {
        kind: 'parsed',
        parse: String,
        brief: 'vendor_data.json, or with --nocloud vendor-data, as it is',
        placeholder: 'FILE',
        optional: true,
      },
      nocloud: {
        kind: 'boolean',
        brief: "A NoCloud drive (label cidata, cloud-init's files) instead of OpenStack's",
        default: false,
        withNegated: false,
      },
      hostName: { kind: 'parsed', parse: String, brief: 'Host name', placeholder: 'NAME', optional: true },
      json: { kind: 'boolean', brief: 'Report as JSON lines', default: false, withNegated: false },
    },
    aliases: { o: 'output' },
  },
  docs: {
    brief: 'Make a config drive',
    customUsage: [
      {
        input: '--host-name web1 --key ~/.ssh/id_ed25519.pub -o drive.iso',
        brief: 'Name and key; the network by DHCP',
      },
      {
        input: '--metadata meta_data.json --network network_data.json -o drive.img --format vfat',
        brief: 'From OpenStack files',
      },
      {
        input: '--nocloud --metadata meta-data --network network-config --user-data user-data -o seed.iso',
        brief: "From cloud-init's files",
      },
    ],
  },
});

export const configDriveRoutes = buildRouteMap({
  routes: { build: buildDriveCommand },
  docs: { brief: 'Config drives: what a machine is told at its first boot' },
});
