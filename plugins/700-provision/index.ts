import { basename } from 'node:path';
import { manifestsOn, secret, yesNo } from '../../src/deploy/declare.js';
import type { ParameterGroup, Validator } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { network } from '../../src/deploy/processors.js';
import { cidr, fileExists, matches } from '../../src/deploy/validators.js';
import { sendImage } from './image.js';

const MODULES = ['puppet-module-keystone', 'puppet-module-glance', 'puppet-module-neutron', 'puppet-module-nova'];

const isUrl = (value: string) => /^https?:\/\//.test(value);
const image: Validator = (value, known) => (value === '' || isUrl(value) ? undefined : fileExists(value, known));

const installation: ParameterGroup = {
  name: 'PROVISION_INIT',
  description: 'Demonstration',
  preCondition: (known) => known.is('CONFIG_KEYSTONE_INSTALL'),
  postCondition: (known) => {
    const needed = ['CONFIG_GLANCE_INSTALL', 'CONFIG_NOVA_INSTALL', 'CONFIG_NEUTRON_INSTALL'];
    const lacking = known.is('CONFIG_PROVISION_DEMO') ? needed.find((name) => !known.is(name)) : undefined;
    return lacking && `CONFIG_PROVISION_DEMO=y needs ${lacking}=y`;
  },
  parameters: [
    yesNo({
      name: 'CONFIG_PROVISION_DEMO',
      cmdOption: 'provision-demo',
      prompt: 'Should there be something to try the cloud with',
      usage:
        "Set to 'y' for a project demo with a user, networks, a router, a flavour, and an image where one is given.",
      default: 'n',
    }),
  ],
};

const demo: ParameterGroup = {
  name: 'PROVISION_DEMO',
  description: 'What there is to try the cloud with',
  preCondition: (known) => known.is('CONFIG_KEYSTONE_INSTALL') && known.is('CONFIG_PROVISION_DEMO'),
  parameters: [
    secret('CONFIG_KEYSTONE_DEMO_PW', 'keystone-demo-passwd', 'the user demo', {
      // It stands in a shell's rc file.
      validators: [matches(/[^'\\]+/, 'without quotes and backslashes')],
    }),
    {
      name: 'CONFIG_PROVISION_DEMO_FLOATRANGE',
      cmdOption: 'provision-demo-floatrange',
      prompt: 'Enter the network of floating addresses',
      usage: 'Network outside, whose addresses servers may be given, ADDRESS/BITS.',
      default: '172.24.4.0/24',
      processors: [network],
      validators: [cidr],
    },
    {
      name: 'CONFIG_PROVISION_DEMO_ALLOCATION_POOLS',
      cmdOption: 'provision-demo-allocation-pools',
      prompt: 'Enter which of its addresses may be given',
      usage: 'Addresses of that network that may be given, ["start=FIRST,end=LAST", ...]; [] is all of them.',
      default: '[]',
      validators: [
        matches(
          /\[\]|\["start=[0-9a-fA-F.:]+,end=[0-9a-fA-F.:]+"(, ?"start=[0-9a-fA-F.:]+,end=[0-9a-fA-F.:]+")*\]/,
          'a list, ["start=FIRST,end=LAST", ...]',
        ),
      ],
    },
    {
      name: 'CONFIG_PROVISION_IMAGE_NAME',
      cmdOption: 'provision-image-name',
      prompt: 'Enter the name of the image',
      usage: 'Name of the image.',
      default: 'demo',
      validators: [matches(/[A-Za-z0-9_.-]+/, 'a name: letters, digits, dots, dashes')],
    },
    {
      name: 'CONFIG_PROVISION_IMAGE_URL',
      cmdOption: 'provision-image-url',
      prompt: 'Enter the image: a file of this machine or a URL',
      usage:
        'Image: a file of this machine, such as one that `stackwright image build` has made, or a URL from which the controller gets it. Left empty, there is none.',
      default: '',
      validators: [image],
    },
    {
      name: 'CONFIG_PROVISION_IMAGE_FORMAT',
      cmdOption: 'provision-image-format',
      prompt: 'Enter the format of the image',
      usage: 'Format of the image.',
      default: 'qcow2',
      options: ['qcow2', 'raw'],
    },
    {
      name: 'CONFIG_PROVISION_IMAGE_PROPERTIES',
      cmdOption: 'provision-image-properties',
      prompt: 'Enter properties of the image',
      usage: 'Properties of the image, NAME=VALUE;NAME=VALUE.',
      default: '',
      validators: [matches(/(\w+=[^;=]+(;\w+=[^;=]+)*)?/, 'a list of properties, NAME=VALUE;NAME=VALUE')],
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'provision',
  groups: [installation, demo],
  sequences(configuration, hosts): PluginSequences {
    if (!configuration.is('CONFIG_KEYSTONE_INSTALL') || !configuration.is('CONFIG_PROVISION_DEMO')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    if (!hosts.includes(host)) return {};
    const source = configuration.get('CONFIG_PROVISION_IMAGE_URL');
    const title = `send the image ${basename(source)}`;
    const step = { id: `provision.image@${host}`, title, host, work: sendImage(host, source) };
    const client = configuration.is('CONFIG_CLIENT_INSTALL');
    return {
      prepare: source === '' || isUrl(source) ? [] : [{ title, steps: [step] }],
      manifests: manifestsOn([host], {
        folder: '700-provision',
        name: 'provision',
        modules: MODULES,
        needsServices: true,
      }),
      messages: client ? [`on ${host}: . /root/keystonerc_demo && openstack server list`] : [],
    };
  },
};
