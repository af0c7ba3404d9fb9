import { databasePackages, manifestsOn, secret } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, HostFacts, PluginSequences } from '../../src/deploy/plugin.js';
import { factIsAuto } from '../../src/deploy/processors.js';
import { answerSequence, runningSequence } from '../../src/deploy/service-answer.js';
import { float } from '../../src/deploy/validators.js';

const NOVA_PORT = 8774;
const MODULES = ['puppet-module-nova'];
const CONTROLLER_PACKAGES = [
  ...['nova-common', 'python3-nova', ...databasePackages],
  ...['nova-api', 'nova-conductor', 'nova-consoleproxy', 'nova-scheduler'],
];
const COMPUTE_PACKAGES = ['nova-common', 'python3-nova', 'nova-compute', 'libvirt-daemon-system', 'genisoimage'];

const nova: ParameterGroup = {
  name: 'NOVA',
  description: 'OpenStack Compute',
  preCondition: (known) => known.is('CONFIG_NOVA_INSTALL'),
  parameters: [
    secret('CONFIG_NOVA_DB_PW', 'nova-db-passwd', 'nova for the database'),
    secret('CONFIG_NOVA_KS_PW', 'nova-ks-passwd', 'nova for keystone'),
    {
      name: 'CONFIG_NOVA_SCHED_CPU_ALLOC_RATIO',
      cmdOption: 'novasched-cpu-allocation-ratio',
      prompt: 'Enter how many virtual processors there may be for a real one',
      usage: 'Virtual processors for each real one; 1.0 promises no more than there are.',
      default: '16.0',
      validators: [float],
    },
    {
      name: 'CONFIG_NOVA_SCHED_RAM_ALLOC_RATIO',
      cmdOption: 'novasched-ram-allocation-ratio',
      prompt: 'Enter how much memory may be promised for what there is',
      usage: 'Memory that may be promised for what there is; 1.0 promises no more.',
      default: '1.5',
      validators: [float],
    },
    {
      name: 'CONFIG_NOVA_LIBVIRT_VIRT_TYPE',
      cmdOption: 'nova-libvirt-virt-type',
      prompt: 'Enter the hypervisor',
      usage:
        "Hypervisor of the compute hosts: kvm where a host has /dev/kvm and else qemu ('auto'), or always one of them.",
      default: 'auto',
      options: ['auto', 'qemu', 'kvm'],
      processors: [factIsAuto],
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'nova',
  groups: [nova],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_NOVA_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const tls = configuration.is('CONFIG_ENDPOINTS_SSL');
    const computes = configuration.list('CONFIG_COMPUTE_HOSTS');
    const own = { folder: '300-nova', modules: MODULES, startsLast: true };
    const computePackages = ({ hasKvm }: HostFacts) => {
      const wanted = configuration.get('CONFIG_NOVA_LIBVIRT_VIRT_TYPE');
      const hypervisor = wanted === 'auto' ? (hasKvm ? 'kvm' : 'qemu') : wanted;
      return [...COMPUTE_PACKAGES, `nova-compute-${hypervisor}`];
    };
    return {
      manifests: [
        ...manifestsOn([host], { ...own, name: 'nova-controller', packages: CONTROLLER_PACKAGES }),
        ...manifestsOn(computes, { ...own, name: 'nova-compute', packages: computePackages }),
      ],
      verify: [
        answerSequence('nova answers', [{ service: 'nova-api', host, port: NOVA_PORT, path: '/', tls }]),
        runningSequence('nova', [{ host, units: ['nova-conductor', 'nova-scheduler'] }]),
        runningSequence(
          'nova-compute',
          computes.map((one) => ({ host: one, units: ['nova-compute'] })),
        ),
      ],
    };
  },
};
