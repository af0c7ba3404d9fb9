import { computeHosts, databasePackages, manifestsOn, secret, yesNo } from '../../src/deploy/declare.js';
import type { Configuration, ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { answerSequence, runningSequence } from '../../src/deploy/service-answer.js';
import { each, exportPath, matches, notEmpty } from '../../src/deploy/validators.js';

const CINDER_PORT = 8776;
const MODULES = ['puppet-module-cinder', 'puppet-module-puppetlabs-cron-core'];

const has = (backend: string) => (known: Configuration) => known.list('CONFIG_CINDER_BACKEND').includes(backend);
const makesGroup = (known: Configuration) => has('lvm')(known) && known.is('CONFIG_CINDER_VOLUMES_CREATE');

const cinder: ParameterGroup = {
  name: 'CINDER',
  description: 'OpenStack Block Storage',
  preCondition: (known) => known.is('CONFIG_CINDER_INSTALL'),
  parameters: [
    secret('CONFIG_CINDER_DB_PW', 'cinder-db-passwd', 'cinder for the database'),
    secret('CONFIG_CINDER_KS_PW', 'cinder-ks-passwd', 'cinder for keystone'),
    yesNo({
      name: 'CONFIG_CINDER_DB_PURGE_ENABLE',
      cmdOption: 'cinder-db-purge-enable',
      prompt: 'Should rows of removed volumes be removed from the database every night',
      usage: "Set to 'y' to remove rows of volumes that were removed a month ago from the database, every night.",
      default: 'y',
    }),
    {
      name: 'CONFIG_CINDER_BACKEND',
      cmdOption: 'cinder-backend',
      prompt: 'Enter list of what keeps volumes',
      usage:
        'Comma-separated list of what keeps volumes: lvm, logical volumes of the storage host over iSCSI, for which its kernel needs device-mapper; nfs, files on NFS exports.',
      default: 'lvm',
      options: ['lvm', 'nfs'],
      severalOptions: true,
      validators: [notEmpty],
    },
    yesNo({
      name: 'CONFIG_CINDER_VOLUMES_CREATE',
      cmdOption: 'cinder-volumes-create',
      prompt: 'Should the volume group be made in a file',
      usage:
        "Set to 'y' to make the volume group in a file of the storage host, for tests; one that exists is left as it is.",
      default: 'y',
      condition: has('lvm'),
    }),
    {
      name: 'CONFIG_CINDER_VOLUME_NAME',
      cmdOption: 'cinder-volume-name',
      prompt: 'Enter the volume group',
      usage: 'Volume group of the storage host in which volumes are made.',
      default: 'cinder-volumes',
      validators: [matches(/[A-Za-z0-9_+.][A-Za-z0-9_+.-]*/, 'the name of a volume group')],
      condition: has('lvm'),
    },
    {
      name: 'CONFIG_CINDER_VOLUMES_SIZE',
      cmdOption: 'cinder-volumes-size',
      prompt: 'Enter the size of the volume group that is made',
      usage:
        'Size of the volume group that is made in a file, such as 20G. Its blocks take room once they are written.',
      default: '20G',
      validators: [matches(/[1-9]\d*G/, 'a number of gigabytes, such as 20G')],
      condition: makesGroup,
    },
    {
      name: 'CONFIG_CINDER_NFS_MOUNTS',
      cmdOption: 'cinder-nfs-mounts',
      prompt: 'Enter list of NFS exports',
      usage:
        'Comma-separated list of NFS exports, HOST:/path, on which volumes are files. Left empty, the storage host exports a directory of its own.',
      default: '',
      validators: [each(exportPath)],
      condition: has('nfs'),
    },
  ],
};

function controllerPackages(known: Configuration): string[] {
  const purges = known.is('CONFIG_CINDER_DB_PURGE_ENABLE');
  return ['cinder-api', 'cinder-common', 'cinder-scheduler', ...(purges ? ['cron'] : []), ...databasePackages];
}

function volumePackages(known: Configuration): string[] {
  const exportsItself = has('nfs')(known) && known.list('CONFIG_CINDER_NFS_MOUNTS').length === 0;
  return [
    'cinder-common',
    'cinder-volume',
    ...databasePackages,
    ...(has('lvm')(known) ? ['tgt', 'thin-provisioning-tools'] : []),
    ...(makesGroup(known) ? ['lvm2'] : []),
    ...(has('nfs')(known) ? ['nfs-common'] : []),
    ...(exportsItself ? ['nfs-kernel-server'] : []),
  ];
}

export const plugin: DeployPlugin = {
  name: 'cinder',
  groups: [cinder],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_CINDER_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const storage = configuration.get('CONFIG_STORAGE_HOST');
    const computes = computeHosts(configuration);
    const tls = configuration.is('CONFIG_ENDPOINTS_SSL');
    const folder = '250-cinder';
    const own = { folder, modules: MODULES };
    return {
      manifests: [
        ...manifestsOn([host], {
          ...own,
          name: 'cinder-controller',
          startsLast: true,
          packages: controllerPackages(configuration),
        }),
        ...manifestsOn([storage], { ...own, name: 'cinder-volume', packages: volumePackages(configuration) }),
        ...manifestsOn(computes, {
          folder,
          name: 'cinder-compute',
          modules: ['puppet-module-puppetlabs-stdlib'],
          packages: configuration
            .list('CONFIG_CINDER_BACKEND')
            .map((one) => (one === 'nfs' ? 'nfs-common' : 'open-iscsi')),
        }),
      ],
      verify: [
        answerSequence('cinder answers', [{ service: 'cinder-api', host, port: CINDER_PORT, path: '/', tls }]),
        runningSequence('cinder-scheduler', [{ host, units: ['cinder-scheduler'] }]),
        runningSequence('cinder-volume', [{ host: storage, units: ['cinder-volume'] }]),
      ],
    };
  },
};
