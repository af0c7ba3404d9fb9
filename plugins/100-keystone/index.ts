import { databasePackages, manifestsOn, secret } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { factIsAuto } from '../../src/deploy/processors.js';
import { answerSequence } from '../../src/deploy/service-answer.js';
import { matches, notEmpty } from '../../src/deploy/validators.js';

const KEYSTONE_PORT = 5000;

const keystone: ParameterGroup = {
  name: 'KEYSTONE',
  description: 'OpenStack Identity',
  preCondition: (known) => known.is('CONFIG_KEYSTONE_INSTALL'),
  parameters: [
    {
      name: 'CONFIG_SERVICE_WORKERS',
      cmdOption: 'service-workers',
      prompt: 'Enter the number of processes of each API',
      usage:
        "Processes of each API, or 'auto' for as many as the host has processors. The defaults of the services are far too many for a small host.",
      default: '2',
      processors: [factIsAuto],
      validators: [matches(/[1-9]\d{0,2}|auto/, 'a number from 1 to 999, or auto')],
    },
    secret('CONFIG_KEYSTONE_DB_PW', 'keystone-db-passwd', 'keystone for the database'),
    {
      name: 'CONFIG_KEYSTONE_REGION',
      cmdOption: 'keystone-region',
      prompt: 'Enter the name of the region',
      usage: 'Name of the region in which all endpoints are.',
      default: 'RegionOne',
      validators: [notEmpty],
    },
    {
      name: 'CONFIG_KEYSTONE_ADMIN_EMAIL',
      cmdOption: 'keystone-admin-email',
      prompt: 'Enter the mail address of the administrator',
      usage: 'Mail address of the administrator.',
      default: 'root@localhost',
      validators: [notEmpty],
    },
    {
      name: 'CONFIG_KEYSTONE_ADMIN_USERNAME',
      cmdOption: 'keystone-admin-username',
      prompt: 'Enter the name of the administrator',
      usage: 'Name of the administrator.',
      default: 'admin',
      validators: [matches(/[A-Za-z0-9_.-]+/, 'a user name: letters, digits, dots, dashes')],
    },
    secret('CONFIG_KEYSTONE_ADMIN_PW', 'keystone-admin-passwd', 'the administrator', {
      // It stands in a shell's rc file.
      validators: [notEmpty, matches(/[^'\\]+/, 'without quotes and backslashes')],
    }),
    {
      name: 'CONFIG_KEYSTONE_API_VERSION',
      cmdOption: 'keystone-api-version',
      prompt: 'Enter the version of the interface',
      usage: 'Version of the interface of keystone.',
      default: 'v3',
      options: ['v3'],
      useDefault: true,
    },
    {
      name: 'CONFIG_KEYSTONE_TOKEN_FORMAT',
      cmdOption: 'keystone-token-format',
      prompt: 'Enter the format of tokens',
      usage: 'Format of tokens.',
      default: 'FERNET',
      options: ['FERNET'],
      useDefault: true,
    },
    {
      name: 'CONFIG_KEYSTONE_IDENTITY_BACKEND',
      cmdOption: 'keystone-identity-backend',
      prompt: 'Enter where users are kept',
      usage: 'Where users are kept: in the database.',
      default: 'sql',
      options: ['sql'],
      useDefault: true,
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'keystone',
  groups: [keystone],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_KEYSTONE_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    const client = configuration.is('CONFIG_CLIENT_INSTALL');
    const tls = configuration.is('CONFIG_ENDPOINTS_SSL');
    return {
      manifests: [
        ...manifestsOn([host], {
          folder: '100-keystone',
          name: 'keystone',
          modules: ['puppet-module-keystone'],
          packages: ['keystone', 'python3-keystoneclient', 'python3-openstackclient', ...databasePackages],
        }),
        ...(client
          ? manifestsOn([host], {
              folder: '100-keystone',
              name: 'client',
              modules: [],
              packages: ['python3-openstackclient'],
            })
          : []),
      ],
      verify: [
        answerSequence('keystone answers', [{ service: 'keystone', host, port: KEYSTONE_PORT, path: '/v3', tls }]),
      ],
      messages: client ? [`on ${host}: . /root/keystonerc_admin && openstack token issue`] : [],
    };
  },
};
