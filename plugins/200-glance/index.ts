import { databasePackages, manifestsOn, secret } from '../../src/deploy/declare.js';
import type { ParameterGroup } from '../../src/deploy/parameter.js';
import type { DeployPlugin, PluginSequences } from '../../src/deploy/plugin.js';
import { answerSequence } from '../../src/deploy/service-answer.js';

const GLANCE_PORT = 9292;

const glance: ParameterGroup = {
  name: 'GLANCE',
  description: 'OpenStack Image',
  preCondition: (known) => known.is('CONFIG_GLANCE_INSTALL'),
  parameters: [
    secret('CONFIG_GLANCE_DB_PW', 'glance-db-passwd', 'glance for the database'),
    secret('CONFIG_GLANCE_KS_PW', 'glance-ks-passwd', 'glance for keystone'),
    {
      name: 'CONFIG_GLANCE_BACKEND',
      cmdOption: 'glance-backend',
      prompt: 'Enter where images are kept',
      usage: 'Where images are kept: in files of the controller.',
      default: 'file',
      options: ['file'],
      useDefault: true,
    },
  ],
};

export const plugin: DeployPlugin = {
  name: 'glance',
  groups: [glance],
  sequences(configuration): PluginSequences {
    if (!configuration.is('CONFIG_GLANCE_INSTALL')) return {};
    const host = configuration.get('CONFIG_CONTROLLER_HOST');
    return {
      manifests: manifestsOn([host], {
        folder: '200-glance',
        name: 'glance',
        modules: ['puppet-module-glance'],
        startsLast: true,
        packages: ['glance-api', 'python3-openstackclient', ...databasePackages],
      }),
      verify: [answerSequence('glance answers', [{ service: 'glance-api', host, port: GLANCE_PORT, path: '/' }])],
    };
  },
};
