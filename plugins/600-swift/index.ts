import { manifestsOn, secret } from '../../src/deploy/declare.js';
import type { Configuration, ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { PASSWORD_PLACEHOLDER, randomKey } from '../../src/deploy/processors.js';
import { answerSequence } from '../../src/deploy/service-answer.js';
import { each, matches } from '../../src/deploy/validators.js';

const SWIFT_PORT = 8080;
const MODULES = ['puppet-module-swift'];
const PACKAGES = [
  'python3-swiftclient',
  'rsync',
  'swift',
  'swift-account',
  'swift-container',
  'swift-object',
  'swift-proxy',
];
/** Where the file system of the made device is xfs. */
const makesXfs = (known: Configuration) =>
  known.list('CONFIG_SWIFT_STORAGES').length === 0 && known.get('CONFIG_SWIFT_STORAGE_FSTYPE') === 'xfs';
const count = matches(/[1-9]\d{0,2}/, 'a number from 1 to 999');

const swift: ParameterGroup = {
  name: 'OSSWIFT',
  description: 'OpenStack Object Storage',
  preCondition: (known) => known.is('CONFIG_SWIFT_INSTALL'),
  postCondition: (known) =>
    known.is('CONFIG_MEMCACHED_INSTALL') ? undefined : 'CONFIG_SWIFT_INSTALL=y needs CONFIG_MEMCACHED_INSTALL=y',
  parameters: [
    secret('CONFIG_SWIFT_KS_PW', 'os-swift-ks-passwd', 'swift for keystone'),
    {
      name: 'CONFIG_SWIFT_STORAGES',
      cmdOption: 'os-swift-storages',
      prompt: 'Enter list of block devices of the storage host',
      usage:
        'Comma-separated list of block devices of the storage host, /dev/NAME, each with a file system on it. Left empty, one is made in a file, for tests.',
      default: '',
      validators: [each(matches(/\/dev\/[A-Za-z0-9_-]+/, 'a device, /dev/NAME'))],
    },
    {
      name: 'CONFIG_SWIFT_STORAGE_ZONES',
      cmdOption: 'os-swift-storage-zones',
      prompt: 'Enter the number of zones',
      usage: 'Number of zones; copies of an object are in different ones. There must be a device for each.',
      default: '1',
      validators: [count],
    },
    {
      name: 'CONFIG_SWIFT_STORAGE_REPLICAS',
      cmdOption: 'os-swift-storage-replicas',
      prompt: 'Enter the number of copies of an object',
      usage: 'Number of copies of an object.',
      default: '1',
      validators: [count],
    },
    {
      name: 'CONFIG_SWIFT_STORAGE_FSTYPE',
      cmdOption: 'os-swift-storage-fstype',
      prompt: 'Enter the file system of the devices',
      usage: 'File system of the devices.',
      default: 'ext4',
      options: ['ext4', 'xfs'],
    },
    {
      name: 'CONFIG_SWIFT_HASH',
      cmdOption: 'os-swift-hash',
      prompt: 'Enter the secret by which places of objects are chosen',
      usage: 'Secret by which places of objects are chosen. It must never change.',
      default: PASSWORD_PLACEHOLDER,
      processors: [randomKey],
      validators: [matches(/[A-Za-z0-9]{8,}/, 'at least 8 letters and digits')],
      mask: true,
      useDefault: true,
    },
    {
      name: 'CONFIG_SWIFT_STORAGE_SIZE',
      cmdOption: 'os-swift-storage-size',
      prompt: 'Enter the size of the device that is made',
      usage: 'Size of the device that is made in a file, such as 2G.',
      default: '2G',
      validators: [matches(/[1-9]\d*G/, 'a number of gigabytes, such as 2G')],
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'swift',
  groups: [swift],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_SWIFT_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const storage = configuration.get('CONFIG_STORAGE_HOST');
    const folder = '600-swift';
    const tls = configuration.is('CONFIG_ENDPOINTS_SSL');
    const packages = [...PACKAGES, ...(makesXfs(configuration) ? ['xfsprogs'] : []), ...(tls ? ['haproxy'] : [])];
    return {
      manifests: [
        ...manifestsOn([host], { folder, name: 'swift-endpoint', modules: MODULES }),
        ...manifestsOn([storage], { folder, name: 'swift', modules: MODULES, packages }),
      ],
      verify: [
        answerSequence('swift answers', [
          { service: 'swift-proxy', host: storage, port: SWIFT_PORT, path: '/healthcheck', tls },
        ]),
      ],
    };
  },
};
