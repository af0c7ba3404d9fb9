import { manifestsOn, secret, serviceHost } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { answerSequence } from '../../src/deploy/service-answer.js';

const MARIADB_PORT = 3306;

const mariadb: ParameterGroup = {
  name: 'MARIADB',
  description: 'Database',
  preCondition: (known) => known.is('CONFIG_KEYSTONE_INSTALL') || known.is('CONFIG_MARIADB_INSTALL'),
  parameters: [
    serviceHost({
      // One of somebody else is not logged in to.
      namesHosts: (known) => known.is('CONFIG_MARIADB_INSTALL'),
      name: 'CONFIG_MARIADB_HOST',
      cmdOption: 'mariadb-host',
      prompt: 'Enter the host for the database',
      usage: 'Server of the database. It is the controller unless given.',
      deprecates: ['CONFIG_MYSQL_HOST'],
    }),
    {
      name: 'CONFIG_MARIADB_USER',
      cmdOption: 'mariadb-user',
      prompt: 'Enter the administrator of the database',
      usage: 'Name of the administrator of the database.',
      default: 'root',
      options: ['root'],
      useDefault: true,
      deprecates: ['CONFIG_MYSQL_USER'],
    },
    secret('CONFIG_MARIADB_PW', 'mariadb-pw', 'the administrator of the database', {
      deprecates: ['CONFIG_MYSQL_PW'],
    }),
  ],
};

export const plugin: DeployPlugin = {
  name: 'mariadb',
  groups: [mariadb],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_MARIADB_INSTALL')) return {};
    const host = configuration.get('CONFIG_MARIADB_HOST');
    return {
      manifests: manifestsOn([host], {
        folder: '003-mariadb',
        name: 'mariadb',
        modules: ['puppet-module-puppetlabs-mysql'],
        packages: ['mariadb-server'],
      }),
      verify: [answerSequence('MariaDB answers', [{ service: 'mariadb', host, port: MARIADB_PORT }])],
    };
  },
};
