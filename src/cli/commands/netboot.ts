import { buildCommand, buildRouteMap } from '@stricli/core';
import type { CliContext } from '../context.js';

export interface NetbootBuildFlags {
  kernelPackage: string;
  rebuild: boolean;
  json: boolean;
}

const build = buildCommand<NetbootBuildFlags, [], CliContext>({
  loader: async () => (await import('./netboot.run.js')).netbootBuild,
  parameters: {
    flags: {
      kernelPackage: {
        kind: 'parsed',
        parse: String,
        brief: 'Debian’s kernel package',
        default: 'linux-image-cloud-amd64',
      },
      rebuild: { kind: 'boolean', brief: 'Build although nothing has changed', default: false, withNegated: false },
      json: { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false },
    },
  },
  docs: {
    brief: 'Build the ramdisk that machines boot from',
    customUsage: [
      { input: '', brief: 'For virtual machines' },
      { input: '--kernel-package linux-image-amd64', brief: 'For real machines: drivers of most hardware' },
    ],
  },
});

const option = {
  kind: 'parsed',
  parse: String,
  brief: 'NAME=VALUE for the kernel line of the ramdisk, e.g. IP=eth0:10.0.0.7/24; can be given again',
  optional: true,
  variadic: true,
} as const;
const json = { kind: 'boolean', brief: 'Print JSON', default: false, withNegated: false } as const;

export interface NetbootMediaFlags {
  output: string;
  server: string;
  section?: string;
  option?: string[];
  kernelLine: string;
  json: boolean;
}

const media = buildCommand<NetbootMediaFlags, [], CliContext>({
  loader: async () => (await import('./netboot.run.js')).netbootMedia,
  parameters: {
    flags: {
      output: { kind: 'parsed', parse: String, brief: 'The file to write' },
      server: { kind: 'parsed', parse: String, brief: 'ADDRESS:PORT of stackwright serve' },
      section: { kind: 'parsed', parse: String, brief: 'Section of edeploy.conf', optional: true },
      option,
      kernelLine: {
        kind: 'parsed',
        parse: String,
        brief: 'Kernel line of installed systems',
        default: 'console=tty0 console=ttyS0,115200',
      },
      json,
    },
    aliases: { o: 'output' },
  },
  docs: {
    brief: 'Write a CD or USB stick for machines without PXE, for BIOS and UEFI',
    customUsage: [
      { input: '-o boot.iso --server 10.0.0.1:8080', brief: 'With addresses by DHCP' },
      {
        input: '-o boot.iso --server 10.0.0.1:8080 --option IP=eth0:10.0.0.7/24:10.0.0.254',
        brief: 'With a static address',
      },
    ],
  },
});

export interface NetbootDnsmasqFlags {
  interface: string[];
  address: string;
  port: number;
  network: string[];
  section?: string;
  output?: string;
  json: boolean;
}

const dnsmasq = buildCommand<NetbootDnsmasqFlags, [], CliContext>({
  loader: async () => (await import('./netboot.run.js')).netbootDnsmasq,
  parameters: {
    flags: {
      interface: { kind: 'parsed', parse: String, brief: 'Interface to serve; can be given again', variadic: true },
      address: { kind: 'parsed', parse: String, brief: 'Address where machines reach stackwright serve' },
      port: { kind: 'parsed', parse: parsePort, brief: 'Its port', default: '8080' },
      network: {
        kind: 'parsed',
        parse: String,
        brief:
          'ADDRESS/LENGTH=FIRST-LAST[@GATEWAY], or ADDRESS/LENGTH=proxy beside another DHCP server; can be given again',
        variadic: true,
      },
      section: { kind: 'parsed', parse: String, brief: 'Section of edeploy.conf for these machines', optional: true },
      output: { kind: 'parsed', parse: String, brief: 'Write this file instead of standard output', optional: true },
      json,
    },
    aliases: { o: 'output' },
  },
  docs: {
    brief: 'Print a configuration of dnsmasq for provisioning networks',
    customUsage: [
      {
        input: '--interface eth1 --address 10.0.0.1 --network 10.0.0.0/24=10.0.0.100-10.0.0.199',
        brief: 'Give addresses and boot',
      },
      { input: '--interface eth1 --address 10.0.0.1 --network 10.0.0.0/24=proxy', brief: 'Beside a DHCP server' },
    ],
  },
});

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536) return Number(text);
  throw new Error(`${text} is no port: write 1 to 65535`);
}

export const netbootRoutes = buildRouteMap({
  routes: { build, dnsmasq, media },
  docs: { brief: 'What machines boot: the ramdisk, DHCP and TFTP, boot media' },
});
